/**
 * Where the processor time of the quick study goes: npm run bench -- study-parts [--arms a,b]
 * One block of every arm's pilots and one of its runs at its two lowest rates, made in this process and stored nowhere; counted are
 * pilots and runs as the study has them. Programs are told apart by what they give; the rest is shared out by samples of the stack.
 */
import { Session } from 'node:inspector/promises';
import { parseArgs } from 'node:util';

import { InferenceSession } from 'onnxruntime-node';

import type { RunContext } from '#study/recipe.ts';
import { confirmatoryRuns, FIRST_PILOT_BLOCK, planStudy, type RunSpec } from '#study/plan.ts';

import study from '../studies/misalignment/study.ts';

import { quietContext } from './persona-run.ts';

const SAMPLE_US = 500;
/** Files whose time is told by a name, first match from the innermost call outwards. */
const REST: readonly (readonly [part: string, file: RegExp])[] = [
  ['optimizer, norms of gradients', /learning\/optim\//],
  ['snapshots', /learning\/checkpoint\.ts/],
  ['batches of questions', /studies\/|base\/rng\.ts|models\/trees\.ts/],
  ['learner and feeds', /learning\//],
];

const { values } = parseArgs({ options: { arms: { type: 'string' } } });
const arms = values.arms?.split(',');
const plan = planStudy(study, { profile: 'quick' });
const chosen = plan.study.arms.filter(({ name }) => arms?.includes(name) ?? true);
const seconds = new Map<string, number>();
let phase: RunSpec['phase'] = 'pilot';
timePrograms();
const profiler = new Session();
profiler.connect();
await profiler.post('Profiler.enable');
await profiler.post('Profiler.setSamplingInterval', { interval: SAMPLE_US });
await profiler.post('Profiler.start');
const shared = sharedInMemory();
const piloted = plan.pilots.filter(
  ({ block, arm }) => block === FIRST_PILOT_BLOCK && chosen.some(({ name }) => name === arm),
);
const answering = chosen.flatMap(({ name, learningRates }) =>
  confirmatoryRuns({ ...plan, blocks: 1 }, name, learningRates.slice(0, plan.study.pilot?.maxRates)),
);
const taken = { pilot: await made(piloted), confirmatory: await made(answering) };
const { profile } = await profiler.post('Profiler.stop');
report();

/** Makes runs one after another. @returns Seconds of the processor. */
async function made(specs: readonly RunSpec[]): Promise<number> {
  const started = processor();
  for (const { config, seed, phase: own } of specs) {
    phase = own;
    const end = await study.recipe.run(quietContext(config, seed, shared));
    if (end.kind !== 'finished') throw new Error(end.reason);
  }
  return processor() - started;
}

/** Counts what each program takes, by what it gives. */
function timePrograms(): void {
  const create = InferenceSession.create.bind(InferenceSession) as (...given: unknown[]) => Promise<InferenceSession>;
  const timed = async (...given: unknown[]): Promise<InferenceSession> => {
    const session = await counted('compiling', async () => create(...given));
    const run = session.run.bind(session);
    const part = partOf(session.outputNames);
    session.run = async (feeds: unknown, fetches: unknown) =>
      counted(part, async () => Reflect.apply(run, session, [feeds, fetches]));
    return session;
  };
  Object.assign(InferenceSession, { create: timed });
}

function partOf(outputs: readonly string[]): string {
  if (outputs.some((name) => name.startsWith('gradient of'))) return 'forward and backward';
  return outputs.includes('losses 1') ? 'outcomes' : 'axes';
}

async function counted<T>(part: string, work: () => Promise<T>): Promise<T> {
  const [started, name] = [processor(), `${phase} ${part}`];
  try {
    return await work();
  } finally {
    seconds.set(name, (seconds.get(name) ?? 0) + processor() - started);
  }
}

/** Seconds of this thread. */
function processor(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1e6;
}

function sharedInMemory(): RunContext['shared'] {
  const kept = new Map<string, Promise<Uint8Array>>();
  return async (name, key, compute) => {
    const id = JSON.stringify([name, key]);
    const bytes = kept.get(id) ?? compute();
    kept.set(id, bytes);
    return bytes;
  };
}

/** Shares of the samples outside of the runtime, by `REST`. */
function restShares(): ReadonlyMap<string, number> {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  );
  const partOfSample = (id: number): string | undefined => {
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const url = nodes.get(at)?.callFrame.url ?? '';
      if (url.includes('onnxruntime')) return undefined;
      const found = REST.find(([, file]) => file.test(url));
      if (found !== undefined) return found[0];
    }
    return 'all else';
  };
  const counts = new Map<string, number>();
  for (const id of profile.samples ?? []) {
    const part = nodes.get(id)?.callFrame.functionName === '(idle)' ? undefined : partOfSample(id);
    if (part !== undefined) counts.set(part, (counts.get(part) ?? 0) + 1);
  }
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return new Map(Array.from(counts, ([part, count]) => [part, count / all]));
}

/** Seconds of a whole study: pilots by their blocks, runs by the study's. */
function report(): void {
  const times = { pilot: plan.study.pilot?.blocks ?? 0, confirmatory: plan.blocks };
  const whole = new Map<string, number>();
  const add = (part: string, amount: number): void => void whole.set(part, (whole.get(part) ?? 0) + amount);
  let rest = 0;
  for (const kind of ['pilot', 'confirmatory'] as const) {
    rest += times[kind] * taken[kind];
    for (const [name, amount] of seconds) {
      if (!name.startsWith(kind)) continue;
      const part = name.slice(kind.length + 1);
      const total = (part === 'compiling' ? 1 : times[kind]) * amount;
      add(part === 'compiling' ? part : `${kind}: ${part}`, total);
      rest -= times[kind] * amount;
    }
  }
  for (const [part, share] of restShares()) add(part, share * rest);
  const all = [...whole.values()].reduce((sum, amount) => sum + amount, 0);
  for (const [part, amount] of [...whole].toSorted(([, a], [, b]) => b - a)) {
    console.log(
      `${part.padEnd(36)} ${amount.toFixed(1).padStart(6)} s ${((100 * amount) / all).toFixed(1).padStart(5)}%`,
    );
  }
  const byPart = Object.fromEntries(Array.from(whole, ([part, amount]) => [part, Number(amount.toFixed(2))]));
  console.log(JSON.stringify({ bench: 'study-parts', seconds: Number(all.toFixed(1)), byPart }));
}
