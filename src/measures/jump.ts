/** Whether a quantity changes at once or gradually along a trajectory: where it does, and how sharply. */
import { AssayError } from '#base/errors.ts';

/** A value at a place, such as a step or a loss. */
export interface Placed {
  readonly at: number;
  readonly value: number;
}

/** The passage from the first value to the last. Places between points are interpolated. */
export interface Jump {
  /** Where half of the change is passed, for the last time before 90% of it is. */
  readonly position: number;
  /** Where 10% of the change is passed for the last time before 90% of it is, and where 90% is passed first. */
  readonly from: number;
  readonly to: number;
  /** The last value minus the first. */
  readonly size: number;
  /** How many times faster the middle 80% is than a straight line over all points: 1 for a line, large for a jump. */
  readonly sharpness: number;
}

/**
 * Position and sharpness of a jump. A curve that overshoots its end is read up to its first passage of 90%.
 * @param points In order of their place, at least two of them.
 * @returns undefined where the first and the last value are equal: then nothing has jumped.
 * @throws AssayError (data) on fewer points, on places that do not ascend, and on numbers that are not finite.
 */
export function jump(points: readonly Placed[]): Jump | undefined {
  checkPlaced(points);
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || first.value === last.value) return undefined;
  const size = last.value - first.value;
  const share = points.map(({ at, value }) => ({ at, value: (value - first.value) / size }));
  const end = share.findIndex(({ value }) => value >= 0.9);
  const before = share.slice(0, end + 1);
  const to = passage(before, 0.9);
  const from = passage(before, 0.1);
  const sharpness = (0.8 * (last.at - first.at)) / (to - from);
  return { position: passage(before, 0.5), from, to, size, sharpness };
}

/** Where the last upward passage of a level lies; the points end above it and begin below. */
function passage(points: readonly Placed[], level: number): number {
  const below = points.findLastIndex(({ value }) => value < level);
  const [a, b] = [points[below], points[below + 1]];
  if (a === undefined || b === undefined) throw new RangeError(`no passage of ${level}`);
  return a.at + ((level - a.value) / (b.value - a.value)) * (b.at - a.at);
}

function checkPlaced(points: readonly Placed[]): void {
  const broken = points.findIndex(
    ({ at, value }, i) => !Number.isFinite(at) || !Number.isFinite(value) || at <= (points[i - 1]?.at ?? -Infinity),
  );
  if (points.length >= 2 && broken < 0) return;
  const { at, value } = points[broken] ?? {};
  const found = broken < 0 ? `${points.length} points` : `value ${value} at ${at} (point ${broken})`;
  throw new AssayError('data', `jump: ${found}. Expected two points or more, finite, in order of their place.`);
}
