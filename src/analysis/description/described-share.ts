/** How much of an outcome one axis describes: where that is nearly all, "explained by it" says little. */
import { GAP } from '#analysis/matching/gap-matching.ts';
import { matchingName } from '#analysis/matching/match.ts';
import type { Matched } from '#analysis/matching/matched-table.ts';
import type { Pair } from '#analysis/matching/pair.ts';
import { leastSquares } from '#analysis/stats/least-squares.ts';
import type { Axis } from '#study/study.ts';
import { observationsOf, type Observation } from './observations.ts';

/** The powers of a cubic. */
const POWERS = [1, 2, 3];
/** Fewer points than so many say nothing. */
const FEWEST_POINTS = 8;

/**
 * R² of the outcome inside blocks on a cubic in one axis (`train`, `heldOut` or the gap between them), over all measured
 * points of a pair: what blocks differ by does not count, as in the contrasts. Undefined where there are too few points,
 * or the outcome does not vary.
 */
export function describedShare(
  pair: Pair,
  matched: Matched,
  axes: readonly Axis[],
  outcome: string,
  by: string,
): number | undefined {
  const observations = observationsOf(pair, matched, axes, outcome);
  const place = (name: string): number => axes.findIndex((axis) => matchingName(axis) === name);
  const valueOf = ({ axes: values }: Observation): number =>
    by === GAP
      ? (values[place('heldOut')] ?? Number.NaN) - (values[place('train')] ?? Number.NaN)
      : (values[place(by)] ?? Number.NaN);
  const points = observations.map((one) => ({ x: valueOf(one), y: one.value, block: one.block }));
  if (points.length < FEWEST_POINTS || points.some(({ x }) => Number.isNaN(x))) return undefined;
  const blocks = [...new Set(points.map(({ block }) => block))];
  const columns = [
    ...blocks.map((own) => Float64Array.from(points, ({ block }) => (block === own ? 1 : 0))),
    ...POWERS.map((power) => Float64Array.from(points, ({ x }) => x ** power)),
  ];
  const fit = leastSquares(
    columns,
    Float64Array.from(points, ({ y }) => y),
  );
  const rest = fit.residuals.reduce((sum, value) => sum + value * value, 0);
  const total = fit.explained.subarray(blocks.length).reduce((sum, value) => sum + value, rest);
  return total === 0 ? undefined : 1 - rest / total;
}
