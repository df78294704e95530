/** Which learning rates of an arm enter the confirmatory runs: a pure function of its pilot trajectories (docs/method.md, "Matching", 4). */
import type { JsonObject } from '#base/json.ts';
import type { Recipe } from '#study/recipe.ts';
import { valueAt } from '#study/settings.ts';
import type { Axis, PilotRule } from '#study/study.ts';
import type { RunEnd, TrajectoryPoint } from '#study/trajectory.ts';

/** One pilot run, as the rule sees it. */
export interface PilotRun {
  readonly learningRate: number;
  readonly end: RunEnd;
  readonly points: readonly TrajectoryPoint[];
  /** The value of the pilot's axis past which the run was ended by rule; absent where no rule looks at that axis. */
  readonly stop?: number;
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
  /** Where every pilot got past the value at which runs end: the steps it needed, mean over pilot blocks. */
  readonly steps?: number;
}

/** A rate as it is ranked; smaller is better. */
interface Ranked {
  readonly rate: number;
  /** Mean best value, not better than the value at which runs end. */
  readonly loss: number;
  readonly steps: number;
}

/**
 * The value of an axis past which a run was ended by its recipe's rule, on the axis itself or on one that is a multiple of
 * it; undefined where no rule looks at the axis.
 */
export function stopOf(
  { stopRule }: Pick<Recipe, 'stopRule'>,
  axis: string,
  config: JsonObject,
  points: readonly TrajectoryPoint[],
): number | undefined {
  const value = stopRule === undefined ? undefined : valueAt(config, stopRule.path);
  if (stopRule === undefined || typeof value !== 'number') return undefined;
  if (stopRule.axis === axis) return value;
  const last = points.at(-1)?.axes;
  const [own, multiple] = [last?.[stopRule.axis], last?.[axis]];
  if (stopRule.multiples?.includes(axis) !== true || own === undefined || multiple === undefined) return undefined;
  return (value * multiple) / own;
}

/** The score of every rate that was piloted, ascending. */
export function pilotScores(axis: Axis, pilots: readonly PilotRun[]): PilotScore[] {
  const rates = [...new Set(pilots.map(({ learningRate }) => learningRate))].toSorted((a, b) => a - b);
  return rates.map((learningRate) => {
    const own = pilots.filter((pilot) => pilot.learningRate === learningRate);
    const best = meanBest(own, axis, (value) => value);
    if (best === undefined) return { learningRate };
    const steps = meanSteps(own, axis);
    return steps === undefined ? { learningRate, best } : { learningRate, best, steps };
  });
}

/**
 * Rates whose score is within `rule.margin` of the arm's best, at most `rule.maxRates` of them, best first; a rate that
 * diverged in any pilot block is out. Where runs end at a value of the axis itself, how far below it they come says
 * nothing: such runs are equally good, and those that need fewer steps to get there come first.
 */
export function admissibleRates(rule: PilotRule, axis: Axis, pilots: readonly PilotRun[]): Admissible {
  const sign = signOf(axis);
  const ranked = pilotScores(axis, pilots).flatMap(({ learningRate: rate, steps = Infinity }): Ranked[] => {
    const own = pilots.filter((pilot) => pilot.learningRate === rate);
    const best = meanBest(own, axis, (value, { stop }) =>
      stop === undefined ? value : sign * Math.max(sign * value, sign * stop),
    );
    return best === undefined ? [] : [{ rate, loss: sign * best, steps }];
  });
  ranked.sort((a, b) => betterOf(a, b) || a.rate - b.rate);
  const [first] = ranked;
  if (first === undefined) {
    return { kind: 'none', reason: `all ${pilots.length} pilot runs diverged or never recorded "${axis.name}"` };
  }
  const admitted = ranked.filter(({ loss }) => loss - first.loss <= rule.margin).slice(0, rule.maxRates);
  return { kind: 'admissible', rates: admitted.map(({ rate }) => rate).toSorted((a, b) => a - b) };
}

/** 1 where the axis falls, so that `sign * value` is smaller the further training is. */
function signOf({ direction }: Axis): 1 | -1 {
  return direction === 'falls' ? 1 : -1;
}

/** Rates whose runs all got to the value at which runs end are told apart by their steps, others by their loss. */
function betterOf(a: Ranked, b: Ranked): number {
  return Number.isFinite(a.steps) && Number.isFinite(b.steps) ? a.steps - b.steps : a.loss - b.loss;
}

/** Mean best value over pilots, each as `seen`. */
function meanBest(
  pilots: readonly PilotRun[],
  axis: Axis,
  seen: (best: number, pilot: PilotRun) => number,
): number | undefined {
  const better = axis.direction === 'falls' ? Math.min : Math.max;
  let sum = 0;
  for (const pilot of pilots) {
    const [first, ...rest] = pilot.points.flatMap(({ axes }) => axes[axis.name] ?? []);
    if (pilot.end.kind === 'diverged' || first === undefined) return undefined;
    sum += seen(
      rest.reduce((best, value) => better(best, value), first),
      pilot,
    );
  }
  return sum / pilots.length;
}

/** Mean steps until runs were past the value at which they end; undefined where one never was. */
function meanSteps(pilots: readonly PilotRun[], axis: Axis): number | undefined {
  const sign = signOf(axis);
  let sum = 0;
  for (const { points, stop } of pilots) {
    const past = points.find(({ axes }) => {
      const value = axes[axis.name];
      return value !== undefined && stop !== undefined && sign * value < sign * stop;
    });
    if (past === undefined) return undefined;
    sum += past.step;
  }
  return sum / pilots.length;
}
