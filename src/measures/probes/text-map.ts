/**
 * A linear map on text embeddings that brings captions nearer to their images, fitted on some pairs to be asked about others: where
 * binding is in both embeddings and only their alignment lacks it, such a map repairs the cosine.
 * W = 1 + D minimises sum_i log(1 + exp(-(x_i . W (t_i - u_i)) / temperature)) + (penalty / 2) |D|^2 over unit images x, their captions t
 * and foils u. It is logistic regression on outer products, solved exactly in as many unknowns as there are pairs. What D writes
 * has no part along the mean image, which nearly all images share.
 * @see Koishigarina et al. 2025, arXiv:2502.03566 (there with gradient descent, on millions of pairs)
 */
import { AssayError } from '#base/errors.ts';
import { type DenseMatrix, transposedProduct } from '#learning/spectra/matrix.ts';

import { fitLogistic } from './logistic.ts';
import { rowProducts } from './row-products.ts';

/** Embeddings that belong together, row by row, shape [N, D] each. */
export interface CaptionedRows {
  readonly images: DenseMatrix;
  readonly captions: DenseMatrix;
  readonly foils: DenseMatrix;
}

/** What weighs fit against change. */
export interface TextMapSetup {
  /** Divides cosines into scores: 1 / 100 in CLIP. */
  readonly temperature: number;
  /** Of |D|^2 / 2, as a multiple of the mean squared length of what is learned from. */
  readonly penalty: number;
}

/** Maps rows of unit text embeddings, shape [M, D]. */
export type TextMap = (texts: DenseMatrix) => DenseMatrix;

/** Fits the map; embeddings of any length are made unit first. @throws AssayError (data) on rows that are not in triples. */
export function fitTextMap(
  { images, captions, foils }: CaptionedRows,
  { temperature, penalty }: TextMapSetup,
): TextMap {
  const [n, width] = [images.rows, images.columns];
  if ([captions, foils].some((one) => one.rows !== n || one.columns !== width)) {
    throw new AssayError(
      'data',
      `Text map: expected a caption and a foil of ${width} numbers for each of ${n} images.`,
    );
  }
  const [x, t, u] = [unitRows(images), unitRows(captions), unitRows(foils)];
  const change = { ...t, values: t.values.map((value, i) => value - (u.values[i] ?? 0)) };
  const offsets = Array.from({ length: n }, (_, row) => rowDot(x, row, change, row) / temperature);
  const seen = withoutMean(x);
  const [imageKernel, textKernel] = [rowProducts(seen, seen), rowProducts(change, change)];
  const values = imageKernel.values.map((value, i) => (value * (textKernel.values[i] ?? 0)) / temperature ** 2);
  const size = Array.from({ length: n }, (_, i) => values[i * n + i] ?? 0).reduce((sum, value) => sum + value, 0) / n;
  // Captions that are as their foils, or images that are all alike: nothing to learn from.
  if (size === 0) return unitRows;
  const { multipliers } = fitLogistic({
    kernel: { rows: n, columns: n, values },
    labels: Array.from({ length: n }, () => true),
    penalty: penalty * size,
    offsets,
    hasIntercept: false,
  });
  // D = sum_i multipliers_i x_i (t_i - u_i)^T / temperature.
  const weighted = {
    ...seen,
    values: seen.values.map((v, i) => (v * (multipliers[Math.floor(i / width)] ?? 0)) / temperature),
  };
  return (texts) => {
    const unit = unitRows(texts);
    const along = rowProducts(change, unit);
    const moved = transposedProduct(along, weighted);
    return { ...unit, values: unit.values.map((value, i) => value + (moved.values[i] ?? 0)) };
  };
}

/** Rows of length 1; a row of zeros stays. */
function unitRows(matrix: DenseMatrix): DenseMatrix {
  const { rows, columns } = matrix;
  const values = Float64Array.from(matrix.values);
  for (let row = 0; row < rows; row++) {
    const own = values.subarray(row * columns, (row + 1) * columns);
    const length = Math.hypot(...own);
    if (length > 0) for (const [i, value] of own.entries()) own[i] = value / length;
  }
  return { rows, columns, values };
}

/** Rows without their part along the mean row. */
function withoutMean(matrix: DenseMatrix): DenseMatrix {
  const { rows, columns } = matrix;
  const mean = new Float64Array(columns);
  for (const [i, value] of matrix.values.entries()) mean[i % columns] = (mean[i % columns] ?? 0) + value / rows;
  const squared = mean.reduce((sum, value) => sum + value * value, 0);
  const values = Float64Array.from(matrix.values);
  if (squared === 0) return { rows, columns, values };
  for (let row = 0; row < rows; row++) {
    const own = values.subarray(row * columns, (row + 1) * columns);
    const part = own.reduce((sum, value, i) => sum + value * (mean[i] ?? 0), 0) / squared;
    for (const [i, value] of own.entries()) own[i] = value - part * (mean[i] ?? 0);
  }
  return { rows, columns, values };
}

function rowDot(a: DenseMatrix, i: number, b: DenseMatrix, j: number): number {
  let sum = 0;
  for (let d = 0; d < a.columns; d++) sum += (a.values[i * a.columns + d] ?? 0) * (b.values[j * b.columns + d] ?? 0);
  return sum;
}
