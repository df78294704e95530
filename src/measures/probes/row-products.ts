/** Inner products of rows, which is all that the probes read of wide representations. */
import type { DenseMatrix } from '#learning/spectra/matrix.ts';

/** A B^T, shape [A.rows, B.rows]; the order of each sum is that of the columns, so A A^T is symmetric to the bit. */
export function rowProducts(a: DenseMatrix, b: DenseMatrix): DenseMatrix {
  const width = a.columns;
  const values = new Float64Array(a.rows * b.rows);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.rows; j++) {
      let sum = 0;
      for (let d = 0; d < width; d++) sum += (a.values[i * width + d] ?? 0) * (b.values[j * width + d] ?? 0);
      values[i * b.rows + j] = sum;
    }
  }
  return { rows: a.rows, columns: b.rows, values };
}
