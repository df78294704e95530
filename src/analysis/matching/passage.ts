/**
 * First passage: where a run first crosses each preset level of an axis. The crossing lies between two neighbouring
 * probes no further apart than the axis' `maxGap`; whatever is read there is interpolated linearly in the axis.
 * Nothing is ever extrapolated.
 */
import type { FrameRun } from '#analysis/frame.ts';
import type { Axis } from '#study/study.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';

/** A first crossing: between points[before] and points[after], `fraction` of the way in the axis. */
export interface Crossing {
  readonly kind: 'crossed';
  readonly before: number;
  readonly after: number;
  readonly fraction: number;
}

/** A level's passage, or why there is none. */
export type Passage =
  | Crossing
  | { readonly kind: 'missed'; readonly reason: 'starts beyond' | 'not reached' | 'gap too wide' };

/** A run with its passages worked out once: one list a matched axis, in the order of the axis' levels. */
export interface Curve {
  readonly run: FrameRun;
  readonly passages: readonly (readonly Passage[])[];
  /** Index of the last point that counts: the run's best on every `untilBest` axis. */
  readonly lastCounted: number;
}

/** Works out a run's passages through the levels of all axes. */
export function curveOf(run: FrameRun, axes: readonly Axis[]): Curve {
  const ends = axes.map((axis) => (axis.untilBest === true ? bestPoint(run.points, axis) : run.points.length - 1));
  return {
    run,
    passages: axes.map((axis, a) => passagesOf(run.points, axis, ends[a] ?? 0)),
    lastCounted: Math.min(...ends),
  };
}

/** First passages through the levels of one axis, looking at points up to index `last`. */
export function passagesOf(points: readonly TrajectoryPoint[], axis: Axis, last = points.length - 1): Passage[] {
  const sign = axis.direction === 'falls' ? 1 : -1;
  return axis.levels.map((level) => {
    let before = -1;
    for (let after = 0; after <= last; after++) {
      const value = points[after]?.axes[axis.name];
      if (value === undefined) continue;
      if (sign * value <= sign * level) return crossing(points, axis, level, before, after);
      before = after;
    }
    return { kind: 'missed', reason: 'not reached' };
  });
}

function crossing(
  points: readonly TrajectoryPoint[],
  axis: Axis,
  level: number,
  before: number,
  after: number,
): Passage {
  const from = points[before]?.axes[axis.name];
  const to = points[after]?.axes[axis.name];
  if (from === undefined || to === undefined) return { kind: 'missed', reason: 'starts beyond' };
  if (Math.abs(to - from) > axis.maxGap) return { kind: 'missed', reason: 'gap too wide' };
  return { kind: 'crossed', before, after, fraction: (from - level) / (from - to) };
}

/** Index of the run's best value on an axis; the first of equals. */
function bestPoint(points: readonly TrajectoryPoint[], axis: Axis): number {
  const sign = axis.direction === 'falls' ? 1 : -1;
  let best = -1;
  let bestValue = Infinity;
  points.forEach((point, i) => {
    const value = point.axes[axis.name];
    if (value === undefined || sign * value >= bestValue) return;
    best = i;
    bestValue = sign * value;
  });
  return best;
}

/** What `read` gives at a crossing of the run, interpolated between the two points; undefined where either lacks it. */
export function valueAt(
  curve: Curve,
  at: Crossing,
  read: (point: TrajectoryPoint) => number | undefined,
): number | undefined {
  const [before, after] = [curve.run.points[at.before], curve.run.points[at.after]];
  if (before === undefined || after === undefined) return undefined;
  const [from, to] = [read(before), read(after)];
  if (from === undefined || to === undefined) return undefined;
  return from + at.fraction * (to - from);
}
