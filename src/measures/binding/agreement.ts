/**
 * How well the products of features agree with the products of their partners, as evidence in nats. Products of all features with
 * each other are replaced by their normal scores, so that nothing hangs on how they are distributed. That product g of two features
 * and product h of two others belong together is weighed by the likelihood of two normals of correlation `AGREEMENT` against two that are
 * independent. An orthogonal map leaves products as they are (correlation 1); noise of the features and a map that stretches lower it.
 */
/** The correlation that is looked for; a map of condition 2 or features at cosine .98 to the true ones have about .93. */
const AGREEMENT = 0.85;
export const LOG_RATIO = -0.5 * Math.log(1 - AGREEMENT ** 2);
export const SQUARES = AGREEMENT ** 2 / (2 * (1 - AGREEMENT ** 2));
export const PRODUCT = AGREEMENT / (1 - AGREEMENT ** 2);

/** Normal scores of the products of all pairs of features, symmetric, 0 on the diagonal: shape [count, count]. */
export interface ProductScores {
  readonly count: number;
  readonly values: Float64Array;
}

/** log p(g, h | they belong together) - log p(g, h | independent), in nats. */
export function evidence(g: number, h: number): number {
  return LOG_RATIO - SQUARES * (g * g + h * h) + PRODUCT * g * h;
}

/** Ranks of the products of features with each other, as quantiles of a normal. @param products shape [count, count]. */
export function productScores(products: Float64Array, count: number): ProductScores {
  const cells = lowerCells(count);
  cells.sort((a, b) => (products[a] ?? 0) - (products[b] ?? 0));
  const values = new Float64Array(count * count);
  for (const [rank, cell] of cells.entries()) {
    const score = normalQuantile((rank + 0.5) / cells.length);
    values[cell] = score;
    values[(cell % count) * count + Math.floor(cell / count)] = score;
  }
  return { count, values };
}

/** The cells i * count + j with j < i. */
export function lowerCells(count: number): number[] {
  const cells: number[] = [];
  for (let i = 0; i < count; i++) for (let j = 0; j < i; j++) cells.push(i * count + j);
  return cells;
}

/**
 * Quantile of the standard normal, to about 1e-9 relative.
 * @see Acklam 2003, "An algorithm for computing the inverse normal cumulative distribution function".
 */
export function normalQuantile(p: number): number {
  if (p > 0.5) return -normalQuantile(1 - p);
  if (p < TAIL) {
    const q = Math.sqrt(-2 * Math.log(p));
    return horner(TAIL_TOP, q) / (horner(TAIL_BOTTOM, q) * q + 1);
  }
  const q = p - 0.5;
  return (horner(MIDDLE_TOP, q * q) * q) / (horner(MIDDLE_BOTTOM, q * q) * q * q + 1);
}

const TAIL = 0.02425;
const MIDDLE_TOP = [
  -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
];
const MIDDLE_BOTTOM = [
  -54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572,
];
const TAIL_TOP = [
  -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
  2.938163982698783,
];
const TAIL_BOTTOM = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416];

function horner(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);
}
