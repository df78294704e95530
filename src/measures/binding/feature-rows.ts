/** Dictionaries as matrices with a feature a row, in float64. */
import { AssayError } from '#base/errors.ts';
import type { DenseMatrix } from '#learning/spectra/matrix.ts';

/** Lengths of the rows. */
export function rowLengths({ rows, columns, values }: DenseMatrix): Float64Array {
  const squares = new Float64Array(rows);
  for (let i = 0; i < rows * columns; i++) {
    const row = Math.floor(i / columns);
    squares[row] = (squares[row] ?? 0) + (values[i] ?? 0) ** 2;
  }
  return squares.map(Math.sqrt);
}

/** Features scaled to length 1. @throws AssayError (data) on one that is 0 or not finite, and where there are not rows x columns numbers. */
export function unitFeatures(dictionary: DenseMatrix): DenseMatrix {
  const { rows, columns, values } = dictionary;
  if (columns < 1 || values.length !== rows * columns) {
    throw new AssayError(
      'data',
      `Features: expected ${rows} x ${columns} numbers, with a column at least, found ${values.length}.`,
    );
  }
  const lengths = rowLengths(dictionary);
  const lost = lengths.findIndex((length) => !(length > 0 && Number.isFinite(length)));
  if (lost >= 0) {
    throw new AssayError(
      'data',
      `Feature ${lost} has length ${lengths[lost]}. Expected features that have a direction; leave dead ones out.`,
    );
  }
  const unit = Float64Array.from(values, (value, i) => value / (lengths[Math.floor(i / columns)] ?? 1));
  return { rows, columns, values: unit };
}

/** Products of the rows of one matrix with those of another, shape [a.rows, b.rows]. */
export function rowProducts(a: DenseMatrix, b: DenseMatrix): Float64Array {
  const width = a.columns;
  const products = new Float64Array(a.rows * b.rows);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.rows; j++) {
      let sum = 0;
      for (let k = 0; k < width; k++) sum += (a.values[i * width + k] ?? 0) * (b.values[j * width + k] ?? 0);
      products[i * b.rows + j] = sum;
    }
  }
  return products;
}

/** Some rows of a matrix, copied, in the order given. */
export function rowsOf({ columns, values }: DenseMatrix, chosen: readonly number[]): DenseMatrix {
  const picked = new Float64Array(chosen.length * columns);
  for (const [i, row] of chosen.entries()) picked.set(values.subarray(row * columns, (row + 1) * columns), i * columns);
  return { rows: chosen.length, columns, values: picked };
}
