/**
 * Agents that live and learn, on one thread: an actor-critic on a GRU of 16 units in the foraging world, against the same agent in
 * PyTorch at its best (bench/peers/agents.py). Environment steps a second (acting alone) and updates a second (gradient and AdamW on a
 * rollout of 16 steps), over the number of lives; the two take turns, each measurement in a process of its own, in processor time.
 * Run: npm run bench -- agents [rounds]. PYTHON=... names a Python with torch and numpy.
 */
import { fileURLToPath } from 'node:url';

import { hasPackages, measure, median, PYTHON, summary, text, unlockedMkl } from './side-by-side.ts';

const ROUNDS = Number(process.argv[2] ?? 5);
const LIVES = [16, 64, 256, 1024];
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

interface Speed {
  readonly stepsPerSecond: number;
  readonly updatesPerSecond: number;
}

function isSpeed(value: unknown): value is Speed {
  return typeof value === 'object' && value !== null && 'stepsPerSecond' in value && 'updatesPerSecond' in value;
}

function speedOf(command: string, args: readonly string[], environment = {}): Speed {
  const found = measure(command, args, environment);
  if (!isSpeed(found)) throw new Error(`expected speeds of ${command} ${args.join(' ')}`);
  return found;
}

/** The better of torch as installed and with MKL's fast path, each the fastest of the ways that peers/agents.py tries. */
function peerAtItsBest(lives: number): Speed {
  const tried = [{}, ...(unlocked === undefined ? [] : [unlocked])].map((environment) =>
    speedOf(PYTHON, [here('peers/agents.py'), `${lives}`], environment),
  );
  return {
    stepsPerSecond: Math.max(...tried.map(({ stepsPerSecond }) => stepsPerSecond)),
    updatesPerSecond: Math.max(...tried.map(({ updatesPerSecond }) => updatesPerSecond)),
  };
}

const hasPeer = hasPackages('torch, numpy');
const unlocked = hasPeer ? unlockedMkl() : undefined;
if (!hasPeer) console.log(`${PYTHON} has no torch and numpy: Assay alone.`);
console.log('lives   env steps/s   / PyTorch            updates/s   / PyTorch');
for (const lives of LIVES) {
  const rounds = Array.from({ length: ROUNDS }, () => ({
    own: speedOf(process.execPath, ['--disable-warning=ExperimentalWarning', here('agents-run.ts'), `${lives}`]),
    peer: hasPeer ? peerAtItsBest(lives) : undefined,
  }));
  const columns = (['stepsPerSecond', 'updatesPerSecond'] as const).map((name) => {
    const ratios = rounds.flatMap(({ own, peer }) => (peer === undefined ? [] : [own[name] / peer[name]]));
    const middle = median(rounds.map(({ own }) => own[name]));
    return `${middle.toFixed(0).padStart(11)}   ${text(summary(ratios)).padEnd(18)}`;
  });
  console.log(`${String(lives).padStart(5)} ${columns.join(' ')}`);
}
