/**
 * How a study's cost grows with its runs, and what sharing saves: `node bench/sweep.ts [--runs 1,4,16,64] [--steps 40]`. Finetuning
 * runs of the persona world (LoRA of rank 1, one block each, from one base of 20 steps), in seconds of the processor: with everything
 * shared (one process, its program compiled once, the base made once a store), with a base a run, and with a process a run (start,
 * compilation and labs again). What lies before the first adapted layer is not shared by the product: the bench gives the most
 * that could save, the share of a step that a model of the adapted layer alone does not need.
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';

import type { Json } from '#base/json.ts';
import type { RunContext } from '#study/recipe.ts';

import { runPersona } from './persona-run.ts';
import { processorSeconds } from './step-costs.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1,4,16,64' },
    steps: { type: 'string', default: '40' },
    // What a process of its own is asked for: the first block, how many runs, and how many layers.
    alone: { type: 'boolean', default: false },
    block: { type: 'string', default: '0' },
    count: { type: 'string', default: '1' },
    layers: { type: 'string', default: '3' },
    bases: { type: 'string', default: 'one' },
  },
});
const STEPS = Number(values.steps);
const BASE_STEPS = 20;
/** Processes that are measured for many. */
const FEW = 4;
/** Further runs in one process, whose mean cost is read. */
const MANY = 32;

if (values.alone) await alone();
else report();

/** Makes the runs that the arguments ask for and prints the processor's seconds: those of a base apart. */
async function alone(): Promise<void> {
  const kept = new Map<string, Uint8Array>();
  let baseSeconds = 0;
  const shared: RunContext['shared'] = async (name, _key, compute) => {
    const known = kept.get(name);
    if (known !== undefined && values.bases === 'one') return known;
    const before = processorSeconds();
    const bytes = await compute();
    baseSeconds += processorSeconds() - before;
    kept.set(name, bytes);
    return bytes;
  };
  for (let run = 0; run < Number(values.count); run++) await make(Number(values.block) + run, shared);
  console.log(JSON.stringify({ seconds: processorSeconds(), baseSeconds }));
}

async function make(block: number, shared: RunContext['shared']): Promise<void> {
  const last = Number(values.layers) - 1;
  const set: Record<string, Json> = {
    method: {
      kind: 'lora',
      rank: 1,
      alpha: 1,
      scaling: 'alphaOverRank',
      modules: ['c_proj'],
      layers: [last],
    },
    learningRate: 1e-3,
    steps: STEPS,
    stopBelow: 0,
    'base.nLayers': Number(values.layers),
    'base.steps': BASE_STEPS,
  };
  await runPersona(set, block, shared);
}

interface Measured {
  readonly seconds: number;
  readonly baseSeconds: number;
}

function measured(count: number, more: Readonly<Record<string, string>> = {}): Measured {
  const given = Object.entries({ count: String(count), steps: String(STEPS), ...more });
  const args = [import.meta.filename, '--alone', ...given.flatMap(([name, value]) => [`--${name}`, value])];
  const line: Measured = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
  return line;
}

/** Each run in a process of its own, the base made once; of many processes, which are alike, the first few stand for all. */
function inProcesses(count: number): number {
  const made = Array.from({ length: Math.min(count, FEW) }, (_, block) => measured(1, { block: String(block) }));
  const own = made.reduce((sum, one) => sum + one.seconds - one.baseSeconds, 0) / made.length;
  return (made[0]?.baseSeconds ?? 0) + count * own;
}

function report(): void {
  console.log(`runs of ${STEPS} steps; processor seconds, and their ratio to everything shared`);
  console.log('runs  shared  a run   a base a run   a process a run');
  for (const count of values.runs.split(',').map(Number)) {
    const shared = measured(count).seconds;
    const bases = measured(count, { bases: 'each' }).seconds;
    const processes = inProcesses(count);
    const ratio = (other: number): string => `${other.toFixed(1)} (${(other / shared).toFixed(2)}x)`;
    console.log(
      `${String(count).padEnd(4)}  ${shared.toFixed(1).padEnd(6)}  ${(shared / count).toFixed(2).padEnd(5)}  ${ratio(bases).padEnd(13)}  ${ratio(processes)}`,
    );
  }
  const [deep, shallow] = ['3', '1'].map((layers) => {
    // What a process costs before its runs, and its base, cancel.
    const [few, many] = [measured(1, { layers }), measured(1 + MANY, { layers })];
    return (many.seconds - few.seconds) / MANY;
  });
  const most = 1 - (shallow ?? 0) / (deep ?? 1);
  console.log(
    `before the first adapted layer (of 3, the last adapted): not shared; at most ${(100 * most).toFixed(0)}% of a run`,
  );
}
