/**
 * Means and ratios over episodes with intervals: episodes of one task are one unit, since they share what makes it hard.
 * Invariant: an interval is never shorter than what unseen episodes leave open. Where all n units agree, a share of
 * 1 - alpha^(1/n) of all could be otherwise and still not have been met (the exact limit for a share; see `unseenShare`).
 */
import { unseenShare } from '#analysis/stats/mean-bound.ts';
import { studentTQuantile } from '#analysis/stats/student-t.ts';

/** An estimate over units with its interval, or why there is none. */
export type EpisodeEstimate =
  | {
      readonly kind: 'estimate';
      readonly value: number;
      readonly ci95: readonly [number, number];
      /** At 90%: what is inside a margin by this one is equivalent to nothing at 5% (two one-sided tests). */
      readonly ci90: readonly [number, number];
      readonly episodes: number;
      /** Independent units: tasks where they were given, else episodes. */
      readonly units: number;
    }
  | {
      readonly kind: 'notEstimable';
      readonly reason: string;
      /** What was seen, where one unit says nothing of others. */
      readonly value?: number;
    };

/** The estimate without the reason why there may be none. */
export type Estimated = Extract<EpisodeEstimate, { kind: 'estimate' }>;

/** One episode's number and the unit it belongs to. */
export interface UnitValue {
  readonly unit: string;
  readonly value: number;
}

/** The unit of an episode: its task, where it has one. */
export function unitOf({ id, task }: { readonly id: string; readonly task?: string }): string {
  return task === undefined ? `episode ${id}` : `task ${task}`;
}

/** What one unit, or one pair of units, adds to a ratio. */
export interface RatioTerm {
  readonly units: readonly string[];
  readonly numerator: number;
  readonly denominator: number;
}

/** The smallest and the largest value an episode could have. */
export type Range = readonly [number, number];

/**
 * The mean over episodes; its standard error is that of clusters (with one episode a unit: s / sqrt n), with units - 1 degrees of freedom.
 * @param range What one episode's value may be.
 */
export function episodeMean(values: readonly UnitValue[], range: Range = [0, 1]): EpisodeEstimate {
  const sums = new Map<string, { sum: number; count: number }>();
  let total = 0;
  for (const { unit, value } of values) {
    const own = sums.get(unit) ?? { sum: 0, count: 0 };
    sums.set(unit, { sum: own.sum + value, count: own.count + 1 });
    total += value;
  }
  const units = sums.size;
  if (units === 0) return { kind: 'notEstimable', reason: 'no episode' };
  const mean = total / values.length;
  if (units === 1) return { kind: 'notEstimable', reason: 'one task or episode has no interval', value: mean };
  let squares = 0;
  for (const { sum, count } of sums.values()) squares += (sum - count * mean) ** 2;
  const standardError = Math.sqrt((units / (units - 1)) * squares) / values.length;
  const estimate = estimated({ value: mean, standardError, units, episodes: values.length }, range);
  return { ...estimate, ci95: within(estimate.ci95, range), ci90: within(estimate.ci90, range) };
}

/** A mean cannot lie outside of what values may be. */
function within([low, high]: Range, [least, most]: Range): Range {
  return [Math.max(low, least), Math.min(high, most)];
}

/**
 * A ratio of sums over pairs of units, with the interval of the jackknife that leaves out one unit with all of its pairs.
 * @param range What the ratio is where everything, or nothing, follows.
 */
export function pairRatio(terms: readonly RatioTerm[], range: Range = [0, 1]): EpisodeEstimate {
  const total = { numerator: 0, denominator: 0 };
  const without = new Map<string, { numerator: number; denominator: number }>();
  for (const { units, numerator, denominator } of terms) {
    total.numerator += numerator;
    total.denominator += denominator;
    for (const unit of new Set(units)) {
      const own = without.get(unit) ?? { numerator: 0, denominator: 0 };
      without.set(unit, { numerator: own.numerator + numerator, denominator: own.denominator + denominator });
    }
  }
  const units = without.size;
  if (units < 2) return { kind: 'notEstimable', reason: 'no two episodes decided differently' };
  const left = [...without.values()].map(
    (own) => (total.numerator - own.numerator) / (total.denominator - own.denominator),
  );
  const value = total.numerator / total.denominator;
  if (!Number.isFinite(value) || total.denominator <= 0 || !left.every(Number.isFinite)) {
    return { kind: 'notEstimable', reason: 'the decisions do not differ enough between episodes' };
  }
  const mean = left.reduce((sum, one) => sum + one, 0) / units;
  const squares = left.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  const standardError = Math.sqrt(((units - 1) / units) * squares);
  return estimated({ value, standardError, units, episodes: units }, range);
}

interface Parts {
  readonly value: number;
  readonly standardError: number;
  readonly units: number;
  readonly episodes: number;
}

function estimated(parts: Parts, range: Range): Estimated {
  const { value, units, episodes } = parts;
  return {
    kind: 'estimate',
    value,
    ci95: around(parts, range, 0.025),
    ci90: around(parts, range, 0.05),
    episodes,
    units,
  };
}

/** Student's t interval, widened to what a share of unseen units at the range's ends could do. */
function around({ value, standardError, units }: Parts, [least, most]: Range, tail: number): readonly [number, number] {
  const half = standardError === 0 ? 0 : studentTQuantile(1 - tail, units - 1) * standardError;
  const unseen = unseenShare(units, tail);
  const down = Math.max(half, unseen * Math.max(0, value - least));
  const up = Math.max(half, unseen * Math.max(0, most - value));
  return [value - down, value + up];
}
