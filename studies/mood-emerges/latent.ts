/**
 * What is read off the states of a network, shape [n, H]: its first principal axis, and least squares in float64. Everything that is
 * fitted is fitted on some lives and judged on others.
 */
import { type DenseMatrix, solvePositive, symmetricEigen } from 'assay/learn';

/** Row-major states or other columns of numbers. */
export interface Rows {
  readonly width: number;
  readonly values: Float32Array | Float64Array;
}

export interface Axis {
  readonly mean: Float64Array;
  /** Of length 1, shape [H]. */
  readonly direction: Float64Array;
  /** Of the states' variance that lies along it. */
  readonly share: number;
}

/** The direction along which states vary most. Its sign is arbitrary. */
export function principalAxis(states: Rows): Axis {
  const { width } = states;
  const mean = meanOf(states);
  const covariance = productOf({ width, values: states.values.map((one, at) => one - (mean[at % width] ?? 0)) });
  const { eigenvalues, vectors } = symmetricEigen(covariance);
  const direction = Float64Array.from({ length: width }, (_, i) => vectors.values[i * width] ?? Number.NaN);
  const total = eigenvalues.reduce((sum, one) => sum + one, 0);
  return { mean, direction, share: (eigenvalues[0] ?? Number.NaN) / total };
}

/** How far along the axis each state lies. */
export function coordinates({ width, values }: Rows, { mean, direction }: Axis): Float64Array {
  const along = new Float64Array(values.length / width);
  for (let at = 0; at < values.length; at++) {
    const n = Math.floor(at / width);
    along[n] = (along[n] ?? 0) + ((values[at] ?? 0) - (mean[at % width] ?? 0)) * (direction[at % width] ?? 0);
  }
  return along;
}

/** The last weight is the constant's. */
export type Line = Float64Array;

/** Weighted least squares with a constant; a ridge of a millionth of the columns' mean square keeps it solvable. */
export function fitted(x: Rows, y: ArrayLike<number>, weights?: ArrayLike<number>): Line {
  const { width, values } = withConstant(x);
  const root = (at: number): number => Math.sqrt(weights?.[Math.floor(at / width)] ?? 1);
  // Roots on both sides, so that the product is symmetric to the bit.
  const weighted = values.map((one, at) => one * root(at));
  const gram = productOf({ width, values: weighted });
  const ridge = 1e-6 * (gram.values.reduce((sum, one, at) => sum + (at % (width + 1) === 0 ? one : 0), 0) / width);
  for (let i = 0; i < width; i++) gram.values[i * (width + 1)] = (gram.values[i * (width + 1)] ?? 0) + ridge;
  const target = new Float64Array(width);
  weighted.forEach((one, at) => {
    target[at % width] = (target[at % width] ?? 0) + one * root(at) * (y[Math.floor(at / width)] ?? 0);
  });
  return Float64Array.from(solvePositive(gram, { rows: width, columns: 1, values: target }).values);
}

/** What a line says of each row. */
export function said(line: Line, x: Rows): Float64Array {
  const { width, values } = withConstant(x);
  const out = new Float64Array(values.length / width);
  values.forEach((one, at) => {
    const n = Math.floor(at / width);
    out[n] = (out[n] ?? 0) + one * (line[at % width] ?? 0);
  });
  return out;
}

/** The share of y's variance that x describes by a line fitted to them, in [0, 1]. */
export function described(x: Rows, y: Float64Array): number {
  return explained(said(fitted(x, y), x), y);
}

/** 1 - (mean squared error) / variance: below 0 where the guess is worse than the mean. */
export function explained(guess: Float64Array, y: Float64Array): number {
  const mean = y.reduce((sum, one) => sum + one, 0) / y.length;
  const [missed, all] = [guess, y.map(() => mean)].map((one) =>
    y.reduce((sum, value, n) => sum + (value - (one[n] ?? 0)) ** 2, 0),
  );
  return 1 - (missed ?? Number.NaN) / (all ?? Number.NaN);
}

/** Columns side by side. */
export function columnsOf(...columns: readonly ArrayLike<number>[]): Rows {
  const width = columns.length;
  const n = columns[0]?.length ?? 0;
  return {
    width,
    values: Float64Array.from(
      { length: n * width },
      (_, at) => columns[at % width]?.[Math.floor(at / width)] ?? Number.NaN,
    ),
  };
}

function withConstant({ width, values }: Rows): { readonly width: number; readonly values: Float64Array } {
  const n = values.length / width;
  const out = new Float64Array(n * (width + 1)).fill(1);
  for (let row = 0; row < n; row++) out.set(values.subarray(row * width, (row + 1) * width), row * (width + 1));
  return { width: width + 1, values: out };
}

function meanOf({ width, values }: Rows): Float64Array {
  const mean = new Float64Array(width);
  values.forEach((one, at) => {
    mean[at % width] = (mean[at % width] ?? 0) + (one * width) / values.length;
  });
  return mean;
}

/** X^T X, shape [width, width]. */
function productOf({ width, values }: Rows): DenseMatrix & { readonly values: Float64Array } {
  const product = new Float64Array(width * width);
  for (let start = 0; start < values.length; start += width) {
    for (let i = 0; i < width; i++) {
      const one = values[start + i] ?? 0;
      for (let j = 0; j < width; j++)
        product[i * width + j] = (product[i * width + j] ?? 0) + one * (values[start + j] ?? 0);
    }
  }
  return { rows: width, columns: width, values: product };
}
