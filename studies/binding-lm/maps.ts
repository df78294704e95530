/** Maps from what a key is where it stands to what it writes at its value, fitted on fewer keys than there are dimensions. */
import { type DenseMatrix, solvePositive, svd, transposedProduct } from 'assay/learn';
import type { FitMap } from 'assay/studies/binding-task/dictionaries.ts';

/** Ridge, by products of rows: W = x' (x x' + penalty)^-1 y, the same map as (x' x + penalty)^-1 x' y. */
export const rowRidge: FitMap = (x, y, penalty) => {
  const products = timesTransposed(x, x);
  const values = products.values.map((v, i) => (i % (x.rows + 1) === 0 ? v + penalty : v));
  const weights = solvePositive({ ...products, values }, y);
  return (row) => rowTimes(timesTransposed({ rows: 1, columns: x.columns, values: row }, x).values, weights);
};

/** The orthogonal map that is nearest (Procrustes), from the span of x to that of y. */
export const orthogonalMap: FitMap = (x, y) => {
  const [ofX, ofY] = [svd(x), svd(y)];
  const { left, right } = svd(transposedProduct(scaledLeft(ofX), scaledLeft(ofY)));
  const turn = timesTransposed(left, right);
  return (row) => {
    const inX = rowTimes(row, ofX.right);
    return timesTransposed({ rows: 1, columns: turn.columns, values: rowTimes(inX, turn) }, ofY.right).values;
  };
};

/** Rows in the coordinates of their own span, shape [N, N]. */
function scaledLeft({ left, singularValues }: ReturnType<typeof svd>): DenseMatrix {
  const { columns } = left;
  return { ...left, values: Float64Array.from(left.values, (value, i) => value * (singularValues[i % columns] ?? 0)) };
}

/** a b'. */
function timesTransposed(a: DenseMatrix, b: DenseMatrix): DenseMatrix & { readonly values: Float64Array } {
  const values = new Float64Array(a.rows * b.rows);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.rows; j++) {
      let sum = 0;
      for (let k = 0; k < a.columns; k++)
        sum += (a.values[i * a.columns + k] ?? 0) * (b.values[j * b.columns + k] ?? 0);
      values[i * b.rows + j] = sum;
    }
  }
  return { rows: a.rows, columns: b.rows, values };
}

function rowTimes(row: ArrayLike<number>, { rows, columns, values }: DenseMatrix): Float64Array {
  const out = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    const weight = row[i] ?? 0;
    for (let j = 0; j < columns; j++) out[j] = (out[j] ?? 0) + weight * (values[i * columns + j] ?? 0);
  }
  return out;
}
