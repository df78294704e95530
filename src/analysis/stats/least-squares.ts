/**
 * Least squares by modified Gram-Schmidt: columns are orthogonalized in their order, so each explains what the ones
 * before it left (sequential, "type I" sums of squares). A column that the earlier ones already span explains nothing.
 */

// A column with less than this share of its length left after orthogonalization is spanned by earlier ones.
const SPANNED = 1e-8;

/** A fit: coefficients, residuals and what each column explained. */
export interface Fit {
  /** 0 for columns spanned by earlier ones. */
  readonly coefficients: Float64Array;
  readonly residuals: Float64Array;
  /** Sum of squares each column explains beyond those before it. */
  readonly explained: Float64Array;
  /** Columns that are not spanned by earlier ones. */
  readonly kept: readonly number[];
  /** Upper triangular R of the kept columns, row major [K, K]. */
  readonly r: Float64Array;
}

/** Fits y on columns of equal length, given in order. */
export function leastSquares(columns: readonly Float64Array[], y: Float64Array): Fit {
  const basis: Float64Array[] = [];
  const kept: number[] = [];
  const projections: number[][] = [];
  const onto: number[] = [];
  const explained = new Float64Array(columns.length);
  const residuals = y.slice();
  for (const [index, column] of columns.entries()) {
    const rest = column.slice();
    // Twice is enough (Kahan): the second pass removes what rounding left of the first.
    const projection = basis.map((q) => orthogonalize(rest, q));
    basis.forEach((q, i) => (projection[i] = (projection[i] ?? 0) + orthogonalize(rest, q)));
    const length = Math.sqrt(dot(rest, rest));
    if (length <= SPANNED * Math.sqrt(dot(column, column))) continue;
    for (let i = 0; i < rest.length; i++) rest[i] = (rest[i] ?? 0) / length;
    const along = orthogonalize(residuals, rest);
    explained[index] = along * along;
    basis.push(rest);
    kept.push(index);
    projections.push([...projection, length]);
    onto.push(along);
  }
  const k = kept.length;
  const r = new Float64Array(k * k);
  projections.forEach((column, j) => column.forEach((value, i) => (r[i * k + j] = value)));
  const solved = solveUpper(r, Float64Array.from(onto), k);
  const coefficients = new Float64Array(columns.length);
  kept.forEach((index, j) => (coefficients[index] = solved[j] ?? 0));
  return { coefficients, residuals, explained, kept, r };
}

/** Removes q's direction from `vector` in place and returns the length along it. */
function orthogonalize(vector: Float64Array, q: Float64Array): number {
  const along = dot(vector, q);
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] ?? 0) - along * (q[i] ?? 0);
  return along;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/** Solves R x = b for upper triangular R, row major [K, K]. */
export function solveUpper(r: Float64Array, b: Float64Array, k: number): Float64Array {
  const x = new Float64Array(k);
  for (let i = k - 1; i >= 0; i--) {
    let rest = b[i] ?? 0;
    for (let j = i + 1; j < k; j++) rest -= (r[i * k + j] ?? 0) * (x[j] ?? 0);
    x[i] = rest / (r[i * k + i] ?? 1);
  }
  return x;
}

/** Solves R^T x = b for upper triangular R, row major [K, K]. */
export function solveLower(r: Float64Array, b: Float64Array, k: number): Float64Array {
  const x = new Float64Array(k);
  for (let i = 0; i < k; i++) {
    let rest = b[i] ?? 0;
    for (let j = 0; j < i; j++) rest -= (r[j * k + i] ?? 0) * (x[j] ?? 0);
    x[i] = rest / (r[i * k + i] ?? 1);
  }
  return x;
}
