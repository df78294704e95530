/** Numbers that sum up a spectrum: singular values, largest first, as `singularValues` gives them. */
import type { DenseMatrix } from './matrix.ts';

/** What a singular value's share of the whole is counted by: itself, or its square (its part of the Frobenius norm). */
export type ShareOf = 'values' | 'squares';

/**
 * |M|_F^2 / |M|_2^2: between 1 and the rank, and steady under small perturbations.
 * @returns undefined for a spectrum of zeros, which has none.
 * @see Rudelson & Vershynin 2007, arXiv:math/0503442.
 */
export function stableRank(sigma: Float64Array): number | undefined {
  const largest = sigma[0] ?? 0;
  return largest === 0 ? undefined : sigma.reduce((sum, value) => sum + (value / largest) ** 2, 0);
}

/**
 * The entropy of the singular values' shares, in nats: 0 for rank 1, log n for n equal ones (divide by it to compare sizes).
 * @param of By values in Roy & Vetterli 2007; by squares in Alter et al. 2000 and where Muon is studied (arXiv:2502.16982).
 * @returns undefined for a spectrum of zeros.
 */
export function singularValueEntropy(sigma: Float64Array, of: ShareOf = 'values'): number | undefined {
  const largest = sigma[0] ?? 0;
  if (largest === 0) return undefined;
  const weights = sigma.map((value) => (of === 'values' ? value / largest : (value / largest) ** 2));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.reduce((sum, weight) => (weight === 0 ? sum : sum - (weight / total) * Math.log(weight / total)), 0);
}

/**
 * e to the entropy: the number of equal singular values that would have it, between 1 and n.
 * @returns undefined for a spectrum of zeros.
 * @see Roy & Vetterli 2007, The effective rank: a measure of effective dimensionality.
 */
export function effectiveRank(sigma: Float64Array, of: ShareOf = 'values'): number | undefined {
  const entropy = singularValueEntropy(sigma, of);
  return entropy === undefined ? undefined : Math.exp(entropy);
}

/**
 * How many singular values stand out from rounding: those above sigma_1 * max(rows, columns) * epsilon, with the epsilon of
 * the element type the matrix is given in (NumPy's `matrix_rank`).
 */
export function numericalRank(sigma: Float64Array, matrix: DenseMatrix): number {
  const epsilon = matrix.values instanceof Float32Array ? 2 ** -23 : 2 ** -52;
  const tolerance = (sigma[0] ?? 0) * Math.max(matrix.rows, matrix.columns) * epsilon;
  return sigma.filter((value) => value > tolerance).length;
}
