/** How the cost of training grows with runs, workers, width and length, beside the peer's; what bench/growth.ts prints. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { matmul } from '#engine/ops/linear-algebra.ts';
import { input } from '#engine/ops/sources.ts';
import { compile } from '#engine/session.ts';

import { type Costs, hasPackages, measure, measurePeers, PYTHON, type Way, waysOf } from './side-by-side.ts';
import { processorSeconds } from './step-costs.ts';

const SIDE = 1024;
const PRODUCTS = 8;
/** Steps of a run, and after how many it is measured. */
const STEPS = 40;
const PROBE_EVERY = 20;
const RUNS_FOR_WORKERS = 16;
const LAYERS = 2;
const VOCABULARY = 1024;

/** The peer on MKL's fast path, compiled too where asked; none where Python lacks torch. */
export function peersFor(isCompiled: boolean): readonly Way[] {
  if (!hasPackages('torch, safetensors')) {
    console.log(`${PYTHON} lacks torch or safetensors: Assay alone.`);
    return [];
  }
  return isCompiled ? waysOf().slice(-2) : waysOf({ eager: [] }).slice(-1);
}

/** Prints a step's cost over width or length. */
export async function growthOfSteps(
  axis: 'width' | 'length',
  values: readonly number[],
  seconds: string,
  ways: readonly Way[],
): Promise<void> {
  const peak = await productPeak();
  console.log(`${axis}: one thread, processor time of a step; peak of products ${(peak / 1e9).toFixed(0)} GFLOP/s`);
  console.log(`${axis.padEnd(7)} Assay ms  of peak  peer ms  of peak  peer / Assay  MiB  / peer`);
  for (const value of values) {
    const shape = axis === 'width' ? ofWidth(value) : ofLength(value);
    const given = ['--gpt', Object.values(shape).join(','), '--seconds', seconds];
    const mine = measure(process.execPath, [`${import.meta.dirname}/lm-step.ts`, ...given]) as Costs;
    const peers = [...measurePeers<Costs>(ways, `${import.meta.dirname}/peers/speed.py`, given).values()];
    const least = (of: keyof Costs): number => Math.min(...peers.map((peer) => peer[of]));
    const [own, theirs] = [mine.processorSecondsPerStep, least('processorSecondsPerStep')];
    const share = (taken: number): string => `${((100 * productsOf(shape)) / taken / peak).toFixed(0)}%`.padStart(7);
    console.log(
      `${String(value).padEnd(7)} ${(1000 * own).toFixed(1).padStart(8)} ${share(own)}  ${(1000 * theirs).toFixed(1).padStart(7)} ${share(theirs)}` +
        `  ${(theirs / own).toFixed(2).padStart(12)}  ${mine.peakAnonymousMiB}  ${(mine.peakAnonymousMiB / least('peakAnonymousMiB')).toFixed(2)}`,
    );
  }
}

interface GptShape {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly length: number;
  readonly rows: number;
  readonly vocabulary: number;
}

function ofWidth(width: number): GptShape {
  return { width, layers: LAYERS, heads: width / 32, length: 64, rows: 8, vocabulary: VOCABULARY };
}

function ofLength(length: number): GptShape {
  return { width: 128, layers: LAYERS, heads: 4, length, rows: 4096 / length, vocabulary: VOCABULARY };
}

/** Floating-point operations of a step's products: three times the forward pass's (its own, and the gradients of both factors). */
function productsOf({ width, layers, length, rows, vocabulary }: GptShape): number {
  const weights = 12 * layers * width ** 2 + vocabulary * width;
  // Scores and their sums over the past: half of length x length, twice.
  const attention = layers * length * width;
  return 3 * 2 * rows * length * (weights + attention);
}

/** Floating-point operations a second of processor time of one large product, the best of some. */
async function productPeak(): Promise<number> {
  const [a, b] = [input('a', [SIDE, SIDE]), input('b', [SIDE, SIDE])];
  await using program = await compile({ product: matmul(a, b) });
  program.float32('a').fill(0.5);
  program.float32('b').fill(0.5);
  await program.run();
  let least = Infinity;
  for (let i = 0; i < PRODUCTS; i++) {
    const used = processorSeconds();
    await program.run();
    least = Math.min(least, processorSeconds() - used);
  }
  return (2 * SIDE ** 3) / least;
}

/** Prints what runs after one another cost in one process. */
export function growthOfRuns(counts: readonly number[], ways: readonly Way[]): void {
  console.log(`runs: LoRA of rank 4 on the persona base, ${STEPS} steps each, in one process; processor seconds`);
  console.log('runs  Assay   a run   peer    a run   peer / Assay');
  inFolder((folder) => {
    for (const count of counts) {
      const mine = measure(process.execPath, ownRuns(0, count)) as Spent;
      const peers = measurePeers<Spent>(ways, ...peerRuns(folder, 0, count));
      const theirs = Math.min(...Array.from(peers.values(), ({ processorSeconds: spent }) => spent));
      const columns = [mine.processorSeconds, theirs].flatMap((spent) => [
        spent.toFixed(1),
        (spent / count).toFixed(2),
      ]);
      console.log(
        `${String(count).padEnd(5)} ${columns.map((text) => text.padEnd(7)).join(' ')} ${(theirs / mine.processorSeconds).toFixed(2)}`,
      );
    }
  });
}

interface Spent {
  readonly processorSeconds: number;
}

/** Prints how long some runs take over so many processes at once. */
export async function growthOfWorkers(counts: readonly number[], ways: readonly Way[]): Promise<void> {
  console.log(`workers: ${RUNS_FOR_WORKERS} of these runs over so many processes at once, seconds on the wall`);
  console.log('workers  Assay  peer   peer / Assay');
  await inFolder(async (folder) => {
    for (const workers of counts) {
      const share = RUNS_FOR_WORKERS / workers;
      const each = Array.from({ length: workers }, (_, index) => index * share);
      const mine = await together(each.map((first) => [process.execPath, ...ownRuns(first, share)]));
      const peers = [];
      for (const { args, environment } of ways) {
        const commands = each.map((first) => {
          const [script, given] = peerRuns(folder, first, share);
          return [PYTHON, script, ...given, ...args];
        });
        peers.push(await together(commands, environment));
      }
      const theirs = Math.min(...peers);
      console.log(
        `${String(workers).padEnd(8)} ${mine.toFixed(1).padEnd(6)} ${theirs.toFixed(1).padEnd(6)} ${(theirs / mine).toFixed(2)}`,
      );
    }
  });
}

function ownRuns(first: number, count: number): readonly string[] {
  const given = ['--block', String(first), '--count', String(count), '--steps', String(STEPS)];
  return [`${import.meta.dirname}/growth-runs.ts`, ...given, '--probe-every', String(PROBE_EVERY)];
}

/** The same runs for the peer: the losses at every probe, outcomes at the last. */
function peerRuns(folder: string, first: number, count: number): readonly [script: string, args: readonly string[]] {
  const path = join(folder, `runs-${first}-${count}.json`);
  const axesAt = Array.from({ length: STEPS / PROBE_EVERY + 1 }, (_, i) => i * PROBE_EVERY);
  const run = { arm: 'lora-4', lr: 1e-3, steps: STEPS, axesAt, outcomesAt: [STEPS] };
  writeFileSync(
    path,
    JSON.stringify({ runs: Array.from({ length: count }, (_, i) => ({ ...run, block: first + i })) }),
  );
  const base = new URL('../assets/persona-base/model.safetensors', import.meta.url).pathname;
  return [`${import.meta.dirname}/peers/persona.py`, ['--study', path, '--base', base, '--threads', '1']];
}

/** Seconds until all have ended well. */
async function together(commands: readonly (readonly string[])[], environment = {}): Promise<number> {
  const started = performance.now();
  await Promise.all(
    commands.map(async ([command = '', ...args]) => {
      const child = spawn(command, args, { stdio: 'ignore', env: { ...process.env, ...environment } });
      const status = await new Promise((resolve) => child.on('close', resolve));
      if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(status)}`);
    }),
  );
  return (performance.now() - started) / 1000;
}

function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'assay-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return use(folder);
}
