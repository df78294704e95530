/**
 * What the benches that pair Assay with a peer share: a measurement as a process of its own, the peer at its best, and ratios over
 * rounds. A ratio is peer over ours within a round, so that drift of the machine cancels.
 *
 * The peer at its best: PyTorch's MKL takes its fast float32 path only on processors it knows as Intel's (with AVX-512 on AMD it runs
 * at half speed), so the stock wheel would flatter us. The path is unlocked by preloading a library of one function; besides, the peer
 * is compiled by torch.compile, and the fastest way of a round is what we are judged by.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Python with the peer's packages: PYTHON=..., else python3. */
export const PYTHON = process.env['PYTHON'] ?? 'python3';

const UNLOCK = 'int mkl_serv_intel_cpu_true(void) { return 1; }\n';

/** Whether Python can import the peer's packages. */
export function hasPackages(names: string): boolean {
  return spawnSync(PYTHON, ['-c', `import ${names}`]).status === 0;
}

type Environment = Readonly<Record<string, string>>;

/** The last line a command prints, as JSON. @throws Error where it fails. */
export function measure(command: string, args: readonly string[], environment: Environment = {}): unknown {
  const env = { ...process.env, ...environment };
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

/** What one process measured of its steps. */
export interface Costs {
  readonly secondsPerStep: number;
  /** Of all its threads. */
  readonly processorSecondsPerStep: number;
  readonly peakAnonymousMiB: number;
}

/** A way to run the peer. */
export interface Way {
  readonly name: string;
  readonly args: readonly string[];
  readonly environment: Environment;
}

/** How a stock wheel is run by whoever installs it. */
const INSTALLED = 'as installed';

/**
 * The peer as it is installed, in its first variant, and where there is a compiler every variant on MKL's fast path.
 * @param variants Name -> what the peer's script is asked for.
 */
export function waysOf(
  variants: Readonly<Record<string, readonly string[]>> = { eager: [], compiled: ['--compile'] },
): readonly Way[] {
  const [plain = []] = Object.values(variants);
  const installed = { name: INSTALLED, args: plain, environment: {} };
  const environment = unlockedMkl();
  if (environment === undefined) return [installed];
  return [installed, ...Object.entries(variants).map(([name, args]) => ({ name, args, environment }))];
}

/** `waysOf` where Python has the peer's packages; none, which is said, where it lacks them. */
export function peerWays(packages: string, variants?: Parameters<typeof waysOf>[0]): readonly Way[] {
  if (hasPackages(packages)) return waysOf(variants);
  console.log(`${PYTHON} lacks ${packages}: measuring Assay alone.`);
  return [];
}

/** The environment that unlocks MKL; undefined without a C compiler. */
export function unlockedMkl(): Environment | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'assay-mkl-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const [source, library] = [join(folder, 'unlock.c'), join(folder, 'unlock.so')];
  writeFileSync(source, UNLOCK);
  if (spawnSync('cc', ['-shared', '-fPIC', '-o', library, source]).status === 0) return { LD_PRELOAD: library };
  console.log(
    'No C compiler (cc): the column "peer at its best" is missing, ratios are against the peer as installed.',
  );
  return undefined;
}

/** One round: ours, and the peer in each way that works. */
export interface Round<Measured> {
  readonly mine: Measured;
  readonly peers: ReadonlyMap<string, Measured>;
}

/** A script in bench/ and what it is asked for. */
export type Script = readonly [file: string, ...args: readonly string[]];

/** Measures ours and then the peer in each way, so many times over; every measurement is a process of its own. */
export function measureRounds<Measured>(
  count: number,
  [file, ...args]: Script,
  ways: readonly Way[],
  [peerFile, ...peerArgs]: Script,
): readonly Round<Measured>[] {
  return Array.from({ length: count }, () => ({
    mine: measure(process.execPath, [join(import.meta.dirname, file), ...args]) as Measured,
    peers: measurePeers<Measured>(ways, join(import.meta.dirname, peerFile), peerArgs),
  }));
}

/** Measures the peer's script in each way; a way that fails is left out and named. */
export function measurePeers<Measured>(
  ways: readonly Way[],
  script: string,
  args: readonly string[],
): ReadonlyMap<string, Measured> {
  const found = new Map<string, Measured>();
  for (const { name, args: own, environment } of ways) {
    try {
      found.set(name, measure(PYTHON, [script, ...args, ...own], environment) as Measured);
    } catch (error) {
      if (name === INSTALLED) throw error;
      console.log(`${script}, ${name}: left out, ${lastLine(error)}`);
    }
  }
  return found;
}

function lastLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().split('\n').at(-1) ?? '';
}

/** Ratios of peer to ours in time, of ours to the peer in memory; null without a peer. */
export interface Comparison {
  /** Against the fastest way of each round: what a speed claim is judged by. */
  readonly best: Summary | null;
  readonly installed: Summary | null;
  /** Of processor time, against the way that takes least: steadier on a machine that others use too. */
  readonly processor: Summary | null;
  /** Against the way that needs least. */
  readonly memory: Summary | null;
  /** Which way was the fastest, round by round. */
  readonly ways: readonly string[];
}

/** Compares rounds. */
export function compare(rounds: readonly Round<Costs>[]): Comparison {
  const against = (of: (one: Costs) => number, ways?: readonly string[]): readonly number[] =>
    rounds.flatMap(({ mine, peers }) => {
      const costs = Array.from(peers).flatMap(([name, one]) => (ways?.includes(name) === false ? [] : [of(one)]));
      return costs.length === 0 ? [] : [Math.min(...costs) / of(mine)];
    });
  return {
    best: summary(against(({ secondsPerStep }) => secondsPerStep)),
    installed: summary(against(({ secondsPerStep }) => secondsPerStep, [INSTALLED])),
    processor: summary(against(({ processorSecondsPerStep }) => processorSecondsPerStep)),
    memory: summary(against(({ peakAnonymousMiB }) => peakAnonymousMiB).map((ratio) => 1 / ratio)),
    ways: rounds.map(({ peers }) => fastest(peers)),
  };
}

function fastest(peers: ReadonlyMap<string, Costs>): string {
  return [...peers].toSorted(([, a], [, b]) => a.secondsPerStep - b.secondsPerStep)[0]?.[0] ?? '';
}

/** Such as `the peer at its best (compiled) takes 1.2 [1.1, 1.3] times as long (as installed 1.4 [1.3, 1.5]) ...`. */
export function sentence(peer: string, { best, installed, processor, memory, ways }: Comparison, aim: string): string {
  if (best === null) return 'no peer';
  const names = [...new Set(ways)].join(', ');
  return (
    `${peer} at its best (${names}) takes ${text(best)} times as long (aim ${aim}; as installed ${text(installed)}; ` +
    `of processor time ${text(processor)}), Assay needs ${text(memory)} of its anonymous memory (aim 0.6)`
  );
}

/** Median and full range. */
export interface Summary {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** A summary of the rounds' ratios; null where there was no peer. */
export function summary(ratios: readonly number[]): Summary | null {
  if (ratios.length === 0) return null;
  const short = (x: number): number => Number(x.toFixed(2));
  return { median: short(median(ratios)), low: short(Math.min(...ratios)), high: short(Math.max(...ratios)) };
}

/** NaN of nothing. */
export function median(list: readonly number[]): number {
  const sorted = list.toSorted((a, b) => a - b);
  const at = (place: number): number => sorted[place] ?? Number.NaN;
  return (at(Math.floor((sorted.length - 1) / 2)) + at(Math.ceil((sorted.length - 1) / 2))) / 2;
}

/** Such as `1.28 [1.19, 1.33]`. */
export function text(ratio: Summary | null): string {
  return ratio === null ? '?' : `${ratio.median} [${ratio.low}, ${ratio.high}]`;
}
