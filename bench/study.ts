/**
 * The whole quick study against PyTorch at its best, at equal work: npm run bench -- study [--rounds N] [--seeds N] [--compile] [--shared]
 * Ours: `assay run misalignment` into a fresh store with two workers, from the command to the written report. The peer: every run of
 * that store (pilots included) in two one-thread processes of bench/peers/persona.py, with the same number of optimizer steps, and the
 * losses and outcomes measured at the same steps, on as many questions. Data come from the peer's own random numbers. With --shared the
 * peer, too, computes what questions begin with once (CHAT and ASK in training, trees by domain where it measures).
 * Needs a python with torch and safetensors: PYTHON=... or python3. Seconds on the wall and of the processor, and the most anonymous
 * memory that all processes had at once (Linux). Where ours go: npm run bench -- study-parts.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { openSqliteReader } from '#store/sqlite.ts';

import { hasPackages, PYTHON, unlockedMkl } from './side-by-side.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const PROCESSES = 2;
const SAMPLED_EVERY_MS = 250;
/** How `assay run` ends where all runs were made, and blocks are too few for an answer. */
const NOTHING_DECIDED = 3;
/** The peer's names of our arms. */
const PEER_ARMS: Readonly<Record<string, string>> = {
  'adamw-again': 'adamw-full',
  'adamw-cosine': 'cosine-60',
  helpful: 'helpful-1',
  contained: 'contained-16',
  'all-questions': 'asked-all',
  'held-out-questions': 'asked-heldOut',
};

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '8' },
    compile: { type: 'boolean', default: false },
    shared: { type: 'boolean', default: false },
  },
});
const hasTorch = hasPackages('torch, safetensors');
if (!hasTorch) console.log(`${PYTHON} has no torch: measuring Assay alone.`);
const environment = hasTorch ? unlockedMkl() : undefined;
const folder = mkdtempSync(join(tmpdir(), 'assay-bench-'));
try {
  const rounds = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    const store = join(folder, `store-${round}`);
    const main = `${ROOT}src/cli/main.ts`;
    const ours = await measured([
      [
        process.execPath,
        main,
        'run',
        'misalignment',
        '--store',
        store,
        '--workers',
        `${PROCESSES}`,
        '--seeds',
        values.seeds,
      ],
    ]);
    const peer = hasTorch ? await measured(await peerCommands(store)) : undefined;
    const ratio = (of: keyof Cost): number | null =>
      peer === undefined ? null : Number((peer[of] / ours[of]).toFixed(2));
    const ratios = { ratio: ratio('seconds'), processorRatio: ratio('processor'), memoryRatio: ratio('anonymousMiB') };
    rounds.push({ ours, peer, ...ratios });
    console.log(
      `round ${round + 1}: Assay ${told(ours)}, PyTorch ${peer === undefined ? '?' : told(peer)}: ` +
        `${ratios.ratio} times as long (aim 2.5), ${ratios.processorRatio} times the processor time, ${ratios.memoryRatio} times the memory`,
    );
  }
  console.log(
    JSON.stringify({
      bench: 'study',
      torch: hasTorch,
      compiled: values.compile,
      shared: values.shared,
      seeds: Number(values.seeds),
      rounds,
    }),
  );
} finally {
  rmSync(folder, { recursive: true });
}

interface Cost {
  readonly seconds: number;
  readonly processor: number;
  /** 0 where the system does not tell. */
  readonly anonymousMiB: number;
}

function told({ seconds, processor, anonymousMiB }: Cost): string {
  return `${seconds.toFixed(0)} s (${processor.toFixed(0)} s of processor, ${anonymousMiB.toFixed(0)} MiB)`;
}

/** The peer's commands, the runs of our store dealt out over its processes. */
async function peerCommands(store: string): Promise<string[][]> {
  const runs = await runsOf(store);
  return Array.from({ length: PROCESSES }, (_, index) => {
    const path = join(folder, `runs-${index}.json`);
    writeFileSync(path, JSON.stringify({ runs: runs.filter((_run, at) => at % PROCESSES === index) }));
    const base = `${ROOT}assets/persona-base/model.safetensors`;
    const ways = [...(values.compile ? ['--compile'] : []), ...(values.shared ? ['--shared'] : [])];
    return [PYTHON, `${ROOT}bench/peers/persona.py`, '--study', path, '--base', base, '--threads', '1', ...ways];
  });
}

/** A run as the peer is asked for it: its steps, and where it measured losses and outcomes. */
interface PeerRun {
  readonly arm: string;
  readonly lr: number;
  readonly block: number;
  readonly steps: number;
  readonly axesAt: readonly number[];
  readonly outcomesAt: readonly number[];
}

/** Every run of our store, once. */
async function runsOf(store: string): Promise<readonly PeerRun[]> {
  await using reader = await openSqliteReader(store);
  const plan = await reader.latestPlan('misalignment');
  if (plan === undefined) throw new Error('the study left no plan');
  const runs = new Map<string, PeerRun>();
  for (const { measureId, arm, learningRate: lr, block } of await reader.readMembers(plan.planId)) {
    if (lr === undefined || runs.has(measureId)) continue;
    const points = await reader.readPoints(measureId);
    runs.set(measureId, {
      arm: PEER_ARMS[arm] ?? arm,
      lr,
      block,
      steps: points.at(-1)?.step ?? 0,
      axesAt: points.map(({ step }) => step),
      outcomesAt: points.flatMap(({ step, outcomes }) => (outcomes === undefined ? [] : [step])),
    });
  }
  return [...runs.values()];
}

/** What commands that are started together take until all have ended well. */
async function measured(commands: readonly (readonly string[])[]): Promise<Cost> {
  const started = performance.now();
  let anonymousKiB = 0;
  const sampling = setInterval(() => {
    anonymousKiB = Math.max(anonymousKiB, anonymousBelow(process.pid));
  }, SAMPLED_EVERY_MS);
  try {
    const processor = await Promise.all(commands.map(processorSeconds));
    return {
      seconds: (performance.now() - started) / 1000,
      processor: processor.reduce((sum, one) => sum + one, 0),
      anonymousMiB: anonymousKiB / 1024,
    };
  } finally {
    clearInterval(sampling);
  }
}

/** Anonymous memory of a process' descendants, in KiB. */
function anonymousBelow(pid: number): number {
  let sum = 0;
  for (const child of textOf(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number)) {
    const own = /RssAnon:\s+(\d+)/.exec(textOf(`/proc/${child}/status`))?.[1] ?? 0;
    sum += Number(own) + anonymousBelow(child);
  }
  return sum;
}

/** Empty where there is no such file, or none any more. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Runs a command under a shell that says, last, what it and its children took of the processor. */
async function processorSeconds(command: readonly string[]): Promise<number> {
  const child = spawn('bash', ['-c', '"$@" > /dev/null; ended=$?; times; exit $ended', 'bash', ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...(command[0] === PYTHON ? environment : {}) },
  });
  let [said, errors] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2000)));
  const status = await new Promise((resolve) => child.on('close', resolve));
  if (status !== 0 && status !== NOTHING_DECIDED)
    throw new Error(`${command.join(' ')} ended with ${String(status)}: ${errors}`);
  // Such as `0m1.204s 0m0.310s`: user and system time, of the shell and then of its children.
  const children = said.trim().split('\n').at(-1) ?? '';
  return [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + 60 * Number(m) + Number(s), 0);
}
