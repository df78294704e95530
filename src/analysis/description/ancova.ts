/**
 * Secondary descriptions of a pair by linear models: analysis of covariance, and the share of variance that goes with
 * the axes, the factor beyond them, the block, and the rest. Neither enters a verdict.
 */
import type { Ancova, Decomposition, NotEstimable } from '#analysis/records/analysis-record.ts';
import type { Observation } from './observations.ts';
import { intervalOf } from '#analysis/stats/estimate.ts';
import { leastSquares, solveLower, solveUpper, type Fit } from '#analysis/stats/least-squares.ts';
import { studentTTwoSided } from '#analysis/stats/student-t.ts';

/** Why the number is not a verdict. */
const WARNING =
  'Linear in the axes; noise in a measured loss biases it toward the unadjusted difference. Checkpoints of a run are not independent: the interval clusters on blocks.';

/** Below this share of a column's length, what is left of it within blocks is rounding. */
const ROUNDING = 1e-8;

/**
 * Analysis of covariance: outcome ~ arm + axes + block, the arm's coefficient with standard errors clustered on
 * blocks (CR1, t with G - 1 degrees of freedom), as in statsmodels' `cov_type="cluster"`.
 */
export function ancovaOf(observations: readonly Observation[]): Ancova | NotEstimable {
  const blocks = [...new Set(observations.map((one) => one.block))];
  if (blocks.length < 2) return { kind: 'notEstimable', reason: 'fewer than two blocks' };
  // The arm comes last: what is left of it after all others is what the coefficient speaks of.
  const within = withinBlocks(observations);
  const columns = [...axisColumns(observations), armColumn(observations)].map(within);
  const fit = leastSquares(columns, within(outcomes(observations)));
  const arm = columns.length - 1;
  if (!fit.kept.includes(arm)) return { kind: 'notEstimable', reason: 'the arm does not vary beyond axes and blocks' };
  const standardError = clusteredError(observations, columns, fit, blocks);
  const mean = fit.coefficients[arm] ?? 0;
  const estimate = { mean, standardError, df: blocks.length - 1, count: blocks.length };
  const p = standardError === 0 ? (mean === 0 ? 1 : 0) : studentTTwoSided(mean / standardError, estimate.df);
  return { kind: 'estimated', estimate: mean, ci95: intervalOf(estimate, 0.95), p, warning: WARNING };
}

/** Standard error of the last column's coefficient: its row of (X'X)^-1 X' applied to residuals, summed in blocks. */
function clusteredError(
  observations: readonly Observation[],
  columns: readonly Float64Array[],
  fit: Fit,
  blocks: readonly number[],
): number {
  const k = fit.kept.length;
  const unit = new Float64Array(k);
  unit[k - 1] = 1;
  const row = solveUpper(fit.r, solveLower(fit.r, unit, k), k);
  const scores = new Map<number, number>();
  observations.forEach((one, i) => {
    const weight = fit.kept.reduce((sum, index, j) => sum + (row[j] ?? 0) * (columns[index]?.[i] ?? 0), 0);
    scores.set(one.block, (scores.get(one.block) ?? 0) + weight * (fit.residuals[i] ?? 0));
  });
  const [groups, n] = [blocks.length, observations.length];
  const squares = [...scores.values()].reduce((sum, score) => sum + score * score, 0);
  // The blocks' own coefficients, one each, were taken out beforehand.
  return Math.sqrt(squares * (groups / (groups - 1)) * ((n - 1) / (n - k - groups)));
}

/** Sequential shares of the outcome's variance: axes to second order, then the arm, then blocks, then the rest. */
export function decompositionOf(observations: readonly Observation[]): Decomposition | NotEstimable {
  const axes = axisColumns(observations);
  const squares = axes.flatMap((a, i) => axes.slice(i).map((b) => a.map((value, j) => value * (b[j] ?? 0))));
  const [columns, y] = [
    [intercept(observations), ...axes, ...squares, armColumn(observations)],
    outcomes(observations),
  ];
  const fit = leastSquares(columns, y);
  const beforeBlocks = sumOfSquares(fit.residuals);
  const within = withinBlocks(observations);
  const rest = Math.min(beforeBlocks, sumOfSquares(leastSquares(columns.map(within), within(y)).residuals));
  const total = sum(fit.explained.subarray(1)) + beforeBlocks;
  if (observations.length < 3 || total === 0) return { kind: 'notEstimable', reason: 'the outcome does not vary' };
  const ofAxes = axes.length + squares.length;
  return {
    kind: 'estimated',
    axesFraction: sum(fit.explained.subarray(1, 1 + ofAxes)) / total,
    factorFraction: (fit.explained[1 + ofAxes] ?? 0) / total,
    blockFraction: (beforeBlocks - rest) / total,
    restFraction: rest / total,
  };
}

/**
 * Takes every block's mean out of a column: what is left is what the column says beyond the blocks. Fitting such
 * columns is fitting a coefficient a block as well (Frisch-Waugh-Lovell), at a cost that does not grow with their number.
 */
function withinBlocks(observations: readonly Observation[]): (column: Float64Array) => Float64Array {
  const places = new Map<number, number>();
  const of = Int32Array.from(observations, ({ block }) => {
    const place = places.get(block) ?? places.size;
    places.set(block, place);
    return place;
  });
  return (column) => {
    const [sums, counts] = [new Float64Array(places.size), new Float64Array(places.size)];
    column.forEach((value, i) => {
      const place = of[i] ?? 0;
      sums[place] = (sums[place] ?? 0) + value;
      counts[place] = (counts[place] ?? 0) + 1;
    });
    const rest = column.map((value, i) => value - (sums[of[i] ?? 0] ?? 0) / (counts[of[i] ?? 0] ?? 1));
    // What rounding leaves of a column that is constant in every block is nothing.
    return sumOfSquares(rest) <= ROUNDING ** 2 * sumOfSquares(column) ? rest.fill(0) : rest;
  };
}

function sumOfSquares(values: Float64Array): number {
  return sum(values.map((value) => value * value));
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}

function intercept(observations: readonly Observation[]): Float64Array {
  return new Float64Array(observations.length).fill(1);
}

function outcomes(observations: readonly Observation[]): Float64Array {
  return Float64Array.from(observations, (one) => one.value);
}

function armColumn(observations: readonly Observation[]): Float64Array {
  return Float64Array.from(observations, (one) => (one.isArm ? 1 : 0));
}

function axisColumns(observations: readonly Observation[]): Float64Array[] {
  const axes = observations[0]?.axes.length ?? 0;
  return Array.from({ length: axes }, (_, a) => Float64Array.from(observations, (one) => one.axes[a] ?? 0));
}
