/** Which learning rates of an arm enter the confirmatory runs: a pure function of its pilot trajectories (METHOD.md, Matching 5). */
import type { Axis, PilotRule } from '#study/study.ts';
import type { RunEnd, TrajectoryPoint } from '#study/trajectory.ts';

/** One pilot run, as the rule sees it. */
export interface PilotRun {
  readonly learningRate: number;
  readonly end: RunEnd;
  readonly points: readonly TrajectoryPoint[];
}

/** The rates an arm goes on with, ascending, or why it has none. */
export type Admissible =
  | { readonly kind: 'admissible'; readonly rates: readonly number[] }
  | { readonly kind: 'none'; readonly reason: string };

/**
 * Rates whose mean best pilot value (over pilot blocks, in the axis' unit) is within `rule.margin` of the arm's best,
 * at most `rule.maxRates` of them, best first; a rate that diverged in any pilot block is out.
 */
export function admissibleRates(rule: PilotRule, axis: Axis, pilots: readonly PilotRun[]): Admissible {
  const rates = [...new Set(pilots.map((pilot) => pilot.learningRate))];
  const scored = rates.flatMap((rate) => {
    const loss = meanBestLoss(
      pilots.filter((pilot) => pilot.learningRate === rate),
      axis,
    );
    return loss === undefined ? [] : [{ rate, loss }];
  });
  scored.sort((a, b) => a.loss - b.loss || a.rate - b.rate);
  const best = scored[0];
  if (best === undefined) {
    return { kind: 'none', reason: `all ${pilots.length} pilot runs diverged or never recorded "${axis.name}"` };
  }
  const admitted = scored.filter(({ loss }) => loss - best.loss <= rule.margin).slice(0, rule.maxRates);
  return { kind: 'admissible', rates: admitted.map(({ rate }) => rate).toSorted((a, b) => a - b) };
}

/** Smaller is better whatever the axis' direction; undefined where a pilot diverged or has no value. */
function meanBestLoss(pilots: readonly PilotRun[], axis: Axis): number | undefined {
  const sign = axis.direction === 'falls' ? 1 : -1;
  let sum = 0;
  for (const { end, points } of pilots) {
    const values = points.flatMap(({ axes }) => axes[axis.name] ?? []);
    if (end.kind === 'diverged' || values.length === 0) return undefined;
    sum += values.reduce((least, value) => Math.min(least, sign * value), Infinity);
  }
  return sum / pilots.length;
}
