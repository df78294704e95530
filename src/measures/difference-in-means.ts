/**
 * The direction in which two sets of activations differ. To see what depends on it, change a site along it: `ablateDirection` and
 * `addVector` of `learning/nn/sites.ts`.
 */
import { AssayError } from '#base/errors.ts';

/** Activations at one site, row-major [N, D]. */
export interface Activations {
  readonly values: Float32Array;
  /** D. */
  readonly width: number;
}

/**
 * mean(to) - mean(from), in float64 and in order, shape [D].
 * @throws AssayError (data) where widths differ, or a set is empty, of a broken row, or not finite.
 * @see Marks & Tegmark 2023, arXiv:2310.06824 (mass-mean probing); Arditi et al. 2024, arXiv:2406.11717.
 */
export function differenceInMeans(from: Activations, to: Activations): Float64Array {
  if (from.width !== to.width) {
    throw new AssayError('data', `differenceInMeans: widths ${from.width} and ${to.width}. Expected the same site.`);
  }
  const [start, end] = [meanRow(from), meanRow(to)];
  return end.map((value, i) => value - (start[i] ?? 0));
}

function meanRow({ values, width }: Activations): Float64Array {
  const rows = values.length / width;
  if (!Number.isSafeInteger(rows) || rows < 1 || !values.every((value) => Number.isFinite(value))) {
    throw new AssayError(
      'data',
      `differenceInMeans: ${values.length} values of width ${width}. Expected one whole row or more, all finite.`,
    );
  }
  const sums = new Float64Array(width);
  for (const [i, value] of values.entries()) sums[i % width] = (sums[i % width] ?? 0) + value;
  return sums.map((sum) => sum / rows);
}
