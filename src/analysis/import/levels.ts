/**
 * Levels for an axis that nobody gave levels: laid over the axis alone, never over an outcome, so that they cannot favour
 * an answer; and over runs read at fixed shares of their steps, so that they do not depend on how often was logged.
 *
 *  - The end is what three quarters of every arm's runs reach.
 *  - The fall is what is left of the axis after a tenth of the steps, in the arm that is slowest then: what comes before
 *    is the drop from an untrained model, whose size says more of the first log line than of training.
 *  - Levels stand at 10, 30, 50, 70 and 90% of the last three quarters of the fall, or of what every arm still covers.
 */
import { AssayError } from '#base/errors.ts';
import type { Frame, FrameRun } from '#analysis/frame.ts';
import type { Axis } from '#study/study.ts';

const LEVELS = 5;
/** Readings a run is reduced to: at 0, 5, ..., 100% of its steps. */
const READINGS = 20;
/** The reading from which the fall is measured: at a tenth of the steps. */
const FALL_FROM = 2;
const FALL_FRACTION = 0.75;
const REACH_FRACTION = 0.75;

/** What the typical run of an arm covers; smaller is further in training. */
interface Span {
  /** Its first reading, above which nothing can be crossed. */
  readonly first: number;
  readonly afterTenth: number;
  /** What three quarters of its runs reach. */
  readonly end: number;
}

/**
 * Five levels, in the order in which training passes them. Runs that broke are passed over where others are left.
 * @throws AssayError where the arms have no common range.
 */
export function levelsOver(frame: Frame, axis: string, direction: Axis['direction']): number[] {
  const sign = direction === 'falls' ? 1 : -1;
  const finished = frame.runs.filter(({ status }) => status === 'finished');
  const byArm = Map.groupBy(finished.length > 0 ? finished : frame.runs, (run) => run.arm);
  const spans = [...byArm].map(([arm, runs]) => ({ arm, span: spanOf(runs, axis, sign) }));
  const bare = spans.flatMap(({ arm, span }) => (span === undefined ? [arm] : []));
  if (bare.length > 0) {
    const text = `Expected "${axis}" to be measured in every arm, found it in no run of ${bare.join(', ')}. Match on another axis, or leave the arm out.`;
    throw new AssayError('data', text);
  }
  const known = spans.flatMap(({ span }) => span ?? []);
  const end = Math.max(...known.map((span) => span.end));
  const fall = Math.max(...known.map((span) => span.afterTenth)) - end;
  const start = Math.min(end + FALL_FRACTION * fall, ...known.map((span) => span.first));
  if (!(start > end)) {
    const ranges = spans.map(({ arm, span }) => `${arm} ${sign * (span?.first ?? 0)} to ${sign * (span?.end ?? 0)}`);
    throw new AssayError(
      'data',
      `Expected every arm to cover a common range of "${axis}", found none (${ranges.join(', ')}). Give its levels, or drop the arm that stays apart.`,
    );
  }
  return Array.from({ length: LEVELS }, (_, i) => sign * (start - ((i + 0.5) / LEVELS) * (start - end)));
}

function spanOf(runs: readonly FrameRun[], axis: string, sign: 1 | -1): Span | undefined {
  const paths = runs.flatMap((run) => {
    const path = readingsOf(run, axis).map((value) => sign * value);
    return path.length === 0 ? [] : [path];
  });
  if (paths.length === 0) return undefined;
  return {
    first: quantile(
      paths.map((path) => path[0] ?? 0),
      0.5,
    ),
    afterTenth: quantile(
      paths.map((path) => path[FALL_FROM] ?? 0),
      0.5,
    ),
    end: quantile(
      paths.map((path) => Math.min(...path)),
      REACH_FRACTION,
    ),
  };
}

/**
 * A run's axis at fixed shares of its steps, shape [READINGS + 1], interpolated between probes; before the first probe its
 * value. Empty where it was never measured. Where probes are dense, a reading is their mean over its share of the steps.
 */
function readingsOf({ points }: FrameRun, axis: string): number[] {
  const known = points.flatMap(({ step, axes }) => {
    const value = axes[axis];
    return value === undefined ? [] : [{ step, value }];
  });
  const last = known.at(-1);
  if (last === undefined) return [];
  return Array.from({ length: READINGS + 1 }, (_, i) => interpolated(known, (i / READINGS) * last.step));
}

function interpolated(known: readonly { readonly step: number; readonly value: number }[], at: number): number {
  const after = known.findIndex(({ step }) => step >= at);
  const [low, high] = [known[after - 1], known[after]];
  if (high === undefined) return known.at(-1)?.value ?? 0;
  if (low === undefined) return high.value;
  return low.value + ((at - low.step) / (high.step - low.step)) * (high.value - low.value);
}

/** The value that a share of all values is at most; between two of them their mean, at a half. */
function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = fraction * sorted.length;
  const [low, high] = [sorted[Math.ceil(at) - 1], sorted[Math.floor(at)]];
  return low === undefined ? (high ?? 0) : fraction === 0.5 && high !== undefined ? (low + high) / 2 : low;
}
