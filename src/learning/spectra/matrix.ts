/** Matrices outside the graph, for what is computed about weights rather than in training; in float64 by `ml-matrix`. */
import {
  CholeskyDecomposition,
  EigenvalueDecomposition,
  Matrix,
  QrDecomposition,
  SingularValueDecomposition,
} from 'ml-matrix';

import { AssayError } from '#base/errors.ts';

/** A matrix in row-major order, `values[row * columns + column]`. */
export interface DenseMatrix {
  readonly rows: number;
  readonly columns: number;
  /** Finite, rows * columns of them. */
  readonly values: Float32Array | Float64Array;
}

/** A thin singular value decomposition: M = left diag(singularValues) right^T, with p = min(rows, columns). */
export interface Svd {
  /** Largest first, length p. */
  readonly singularValues: Float64Array;
  /** Orthonormal columns, shape [rows, p]. */
  readonly left: DenseMatrix;
  /** Orthonormal columns, shape [columns, p]. */
  readonly right: DenseMatrix;
}

/**
 * Singular values and vectors. The same matrix gives the same bits. The sign of a pair of vectors is arbitrary, and so are
 * vectors of singular values that are equal or 0 to rounding. Time grows with rows * columns * min(rows, columns): 512 x 512
 * takes seconds, ten times as long as LAPACK, and thousands squared many minutes; so choose the matrices that matter.
 * @throws AssayError (data) on a matrix that is empty, of another size than said, or not finite.
 * @see Golub & Van Loan, Matrix Computations, 8.6 (the algorithm of LINPACK and JAMA).
 */
export function svd(matrix: DenseMatrix): Svd {
  const decomposed = new SingularValueDecomposition(checked('svd', matrix), { autoTranspose: true });
  return {
    singularValues: Float64Array.from(decomposed.diagonal),
    left: dense(decomposed.leftSingularVectors),
    right: dense(decomposed.rightSingularVectors),
  };
}

/** The singular values alone, largest first, length min(rows, columns): quicker than `svd`. @throws as `svd`. */
export function singularValues(matrix: DenseMatrix): Float64Array {
  const { diagonal } = new SingularValueDecomposition(checked('singularValues', matrix), {
    autoTranspose: true,
    computeLeftSingularVectors: false,
    computeRightSingularVectors: false,
  });
  return Float64Array.from(diagonal);
}

/** Eigenvalues, largest first, and their vectors as orthonormal columns of shape [n, n]. */
export interface Eigen {
  readonly eigenvalues: Float64Array;
  readonly vectors: DenseMatrix;
}

/**
 * The eigenvalues and vectors of a symmetric matrix, shape [n, n]. The same matrix gives the same bits; the signs of vectors,
 * and vectors of equal eigenvalues, are arbitrary. @throws AssayError (data) as `svd`, and on a matrix that is not square.
 * @see Golub & Van Loan, Matrix Computations, 8.3 (tridiagonal QL, as in EISPACK and JAMA).
 */
export function symmetricEigen(matrix: DenseMatrix): Eigen {
  if (matrix.rows !== matrix.columns) {
    throw new AssayError('data', `symmetricEigen: ${matrix.rows} x ${matrix.columns}. Expected a square matrix.`);
  }
  const found = new EigenvalueDecomposition(checked('symmetricEigen', matrix), { assumeSymmetric: true });
  const vectors = found.eigenvectorMatrix;
  const order = found.realEigenvalues.map((_, i) => i).toReversed(); // They come smallest first.
  return {
    eigenvalues: Float64Array.from(found.realEigenvalues).toReversed(),
    vectors: dense(new Matrix(vectors.to2DArray().map((row) => order.map((i) => row[i] ?? Number.NaN)))),
  };
}

/**
 * X of A X = B, A symmetric and positive definite, by Cholesky. @param a shape [n, n]. @param b shape [n, k]. @returns shape [n, k].
 * @throws AssayError (data) where A is not positive definite, or as `svd`.
 */
export function solvePositive(a: DenseMatrix, b: DenseMatrix): DenseMatrix {
  const factor = new CholeskyDecomposition(checked('solvePositive', a));
  if (!factor.isPositiveDefinite()) {
    throw new AssayError(
      'data',
      'solvePositive: the matrix is not positive definite. Expected one; add to its diagonal.',
    );
  }
  return dense(factor.solve(checked('solvePositive', b)));
}

/** The Q of a QR decomposition by Householder reflections: orthonormal columns that span those given, in their order; up to sign. */
export function orthonormalColumns(matrix: DenseMatrix): DenseMatrix {
  return dense(new QrDecomposition(checked('orthonormalColumns', matrix)).orthogonalMatrix);
}

/**
 * The best approximation by a matrix of rank r, in the Frobenius and the spectral norm, in float32.
 * @param rank 0 (a matrix of zeros) to min(rows, columns).
 * @throws AssayError (data) on another rank, or as `svd`.
 * @see Eckart & Young 1936.
 */
export function truncate(matrix: DenseMatrix, rank: number): DenseMatrix & { readonly values: Float32Array } {
  const { rows, columns } = matrix;
  const full = Math.min(rows, columns);
  if (!Number.isInteger(rank) || rank < 0 || rank > full) {
    throw new AssayError('data', `truncate: rank ${rank} of a matrix of ${rows} x ${columns}. Expected 0 to ${full}.`);
  }
  const { singularValues: sigma, left, right } = svd(matrix);
  const scaled = leadingColumns(left, rank);
  for (const i of scaled.values.keys()) scaled.values[i] = (scaled.values[i] ?? 0) * (sigma[i % rank] ?? 0);
  const product = rank === 0 ? undefined : toMl(scaled).mmul(toMl(leadingColumns(right, rank)).transpose());
  const values = product === undefined ? new Float32Array(rows * columns) : Float32Array.from(product.to1DArray());
  return { rows, columns, values };
}

/** The first columns of a matrix, copied. */
export function leadingColumns(matrix: DenseMatrix, count: number): DenseMatrix {
  const { rows, columns, values } = matrix;
  if (!Number.isInteger(count) || count < 0 || count > columns) {
    throw new AssayError('data', `leadingColumns: ${count} of ${columns} columns. Expected 0 to ${columns}.`);
  }
  const copied = Float64Array.from(
    { length: rows * count },
    (_, i) => values[Math.floor(i / count) * columns + (i % count)] ?? Number.NaN,
  );
  return { rows, columns: count, values: copied };
}

/** A^T B, shape [A.columns, B.columns]. @throws AssayError (data) where the numbers of rows differ. */
export function transposedProduct(a: DenseMatrix, b: DenseMatrix): DenseMatrix {
  if (a.rows !== b.rows) {
    throw new AssayError('data', `A has ${a.rows} rows, B has ${b.rows}. Expected vectors of one length.`);
  }
  return dense(checked('A', a).transpose().mmul(checked('B', b)));
}

/** A - B C. */
export function residual(a: DenseMatrix, b: DenseMatrix, c: DenseMatrix): DenseMatrix {
  return dense(toMl(a).sub(toMl(b).mmul(toMl(c))));
}

function checked(operation: string, matrix: DenseMatrix): Matrix {
  const { rows, columns, values } = matrix;
  if (![rows, columns].every((length) => Number.isInteger(length) && length > 0) || values.length !== rows * columns) {
    throw new AssayError(
      'data',
      `${operation}: ${values.length} values for a matrix of ${rows} x ${columns}. Expected rows and columns of at least 1, and their product of values.`,
    );
  }
  const broken = values.findIndex((value) => !Number.isFinite(value));
  if (broken >= 0) {
    const [row, column] = [Math.floor(broken / columns), broken % columns];
    throw new AssayError(
      'data',
      `${operation}: the value at row ${row}, column ${column} is ${values[broken]}. Expected finite values.`,
    );
  }
  return toMl(matrix);
}

function toMl({ rows, columns, values }: DenseMatrix): Matrix {
  return Matrix.from1DArray(rows, columns, values);
}

function dense(matrix: Matrix): DenseMatrix {
  return { rows: matrix.rows, columns: matrix.columns, values: Float64Array.from(matrix.to1DArray()) };
}
