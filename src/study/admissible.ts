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

/** What the pilots found for one rate. */
export interface PilotScore {
  readonly learningRate: number;
  /** Best value of the axis, mean over pilot blocks, in the axis' unit; absent where a pilot diverged or recorded none. */
  readonly best?: number;
}

/** The score of every rate that was piloted, ascending. */
export function pilotScores(axis: Axis, pilots: readonly PilotRun[]): PilotScore[] {
  const rates = [...new Set(pilots.map(({ learningRate }) => learningRate))].toSorted((a, b) => a - b);
  return rates.map((learningRate) => {
    const own = pilots.filter((pilot) => pilot.learningRate === learningRate);
    const best = meanBest(own, axis);
    return best === undefined ? { learningRate } : { learningRate, best };
  });
}

/**
 * Rates whose score is within `rule.margin` of the arm's best, at most `rule.maxRates` of them, best first; a rate that
 * diverged in any pilot block is out.
 */
export function admissibleRates(rule: PilotRule, axis: Axis, pilots: readonly PilotRun[]): Admissible {
  // Smaller is better from here on, whatever the axis' direction.
  const sign = axis.direction === 'falls' ? 1 : -1;
  const scored = pilotScores(axis, pilots).flatMap(({ learningRate, best }) =>
    best === undefined ? [] : [{ rate: learningRate, loss: sign * best }],
  );
  scored.sort((a, b) => a.loss - b.loss || a.rate - b.rate);
  const [first] = scored;
  if (first === undefined) {
    return { kind: 'none', reason: `all ${pilots.length} pilot runs diverged or never recorded "${axis.name}"` };
  }
  const admitted = scored.filter(({ loss }) => loss - first.loss <= rule.margin).slice(0, rule.maxRates);
  return { kind: 'admissible', rates: admitted.map(({ rate }) => rate).toSorted((a, b) => a - b) };
}

function meanBest(pilots: readonly PilotRun[], axis: Axis): number | undefined {
  const better = axis.direction === 'falls' ? Math.min : Math.max;
  let sum = 0;
  for (const { end, points } of pilots) {
    const [first, ...rest] = points.flatMap(({ axes }) => axes[axis.name] ?? []);
    if (end.kind === 'diverged' || first === undefined) return undefined;
    sum += rest.reduce((best, value) => better(best, value), first);
  }
  return sum / pilots.length;
}
