/** What the benches that pair Assay with a peer share: a measurement as a process of its own, and ratios over rounds. */
import { spawnSync } from 'node:child_process';

/** Python with the peer's packages: PYTHON=..., else python3. */
export const PYTHON = process.env['PYTHON'] ?? 'python3';

/** Whether Python can import the peer's packages. */
export function hasPackages(names: string): boolean {
  return spawnSync(PYTHON, ['-c', `import ${names}`]).status === 0;
}

/** The last line a command prints, as JSON. @throws Error where it fails. */
export function measure(command: string, args: readonly string[]): unknown {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
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
