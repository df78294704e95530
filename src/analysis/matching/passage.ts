/**
 * Passage: where a run crosses each preset level of an axis. The crossing lies between two neighbouring probes no further
 * apart than the axis' `maxGap`; whatever is read there is interpolated linearly in the axis. Nothing is ever
 * extrapolated. A monotone run crosses once. Where an axis is noisy the first of several crossings would be chosen by the
 * noise, the more so the denser the probes; the crossing taken is that of the isotonic least-squares fit (ADR 0085).
 */
import type { FrameRun } from '#analysis/frame.ts';
import type { Axis } from '#study/study.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';

/** A crossing: between points[before] and points[after], `fraction` of the way in the axis. */
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

/** Passages through the levels of one axis, looking at points up to index `last`. */
export function passagesOf(points: readonly TrajectoryPoint[], axis: Axis, last = points.length - 1): Passage[] {
  const sign = axis.direction === 'falls' ? 1 : -1;
  return axis.levels.map((level) => {
    // The isotonic fit falls through the level after the probe where the summed excess over it is largest (Barlow et al.
    // 1972, 1.2): whatever follows is below it on average, whatever precedes is above.
    let [before, after, newest] = [-1, -1, -1];
    let [excess, largest] = [0, 0];
    for (let i = 0; i <= last; i++) {
      const value = points[i]?.axes[axis.name];
      if (value === undefined) continue;
      if (before === newest && after < 0) after = i;
      excess += sign * (value - level);
      newest = i;
      if (excess > largest) [largest, before, after] = [excess, i, -1];
    }
    return after < 0 ? { kind: 'missed', reason: 'not reached' } : crossing(points, axis, level, before, after);
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
