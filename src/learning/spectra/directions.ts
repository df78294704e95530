/** How the singular vectors of two matrices, or two subspaces, lie to each other. Vectors are columns; signs do not count. */
import { AssayError } from '#base/errors.ts';

import { leadingColumns, residual, singularValues, svd, transposedProduct, type DenseMatrix } from './matrix.ts';
import { numericalRank } from './spectrum.ts';

/** Float32 vectors are orthonormal to about 1e-6; what is further off than this is something else. */
const ORTHONORMAL_TOLERANCE = 1e-4;

/**
 * For each column of A the largest |cos| of its angle to a column of B, in [0, 1].
 * @param a shape [n, p]. @param b shape [n, q]. @returns length p.
 * @throws AssayError (data) where lengths differ or a column is 0.
 */
export function maxCosines(a: DenseMatrix, b: DenseMatrix): Float64Array {
  const products = transposedProduct(a, b);
  const [lengthsA, lengthsB] = [columnLengths(a), columnLengths(b)];
  return Float64Array.from(lengthsA, (lengthA, i) =>
    lengthsB.reduce((largest, lengthB, j) => {
      const product = products.values[i * b.columns + j] ?? Number.NaN;
      return Math.max(largest, Math.min(1, Math.abs(product) / (lengthA * lengthB)));
    }, 0),
  );
}

/**
 * The principal angles between the spaces spanned by two sets of orthonormal columns, in radians, smallest first.
 * Small ones are taken from their sines, so that they are right to rounding.
 * @param a shape [n, p]. @param b shape [n, q]. @returns length min(p, q), each in [0, pi/2].
 * @throws AssayError (data) where lengths differ or columns are not orthonormal.
 * @see Knyazev & Argentati 2002, doi:10.1137/S1064827500377332.
 */
export function principalAngles(a: DenseMatrix, b: DenseMatrix): Float64Array {
  if (a.columns < b.columns) return principalAngles(b, a);
  checkOrthonormal('A', a);
  checkOrthonormal('B', b);
  const products = transposedProduct(a, b);
  const cosines = singularValues(products);
  const sines = singularValues(residual(b, a, products)).toReversed();
  return cosines.map((cosine, i) =>
    cosine ** 2 < 0.5 ? Math.acos(cosine) : Math.asin(Math.min(1, sines[i] ?? Number.NaN)),
  );
}

/** What counts as an intruder. */
export interface IntruderRule {
  /** k: how many singular vectors of the tuned matrix are looked at, those of the largest singular values. */
  readonly examined: number;
  /** epsilon, in (0, 1]: an intruder's |cos| to every singular vector of the base is below it. */
  readonly threshold: number;
}

/** The singular vectors that a finetuned matrix has and its base has not. */
export interface Intruders {
  /** Which of the examined vectors are intruders, by rank from 0. */
  readonly ranks: readonly number[];
  /** For each examined vector, the largest |cos| to a singular vector of the base. */
  readonly maxCosines: Float64Array;
}

/**
 * Intruder dimensions: singular vectors among the first k of the tuned matrix that resemble none of the base's. Compared are
 * left vectors (as in PEFT's `reduce_intruder_dimension`, which takes k = 10 and epsilon = 0.5); the base's are all
 * that its numerical rank gives, since those of singular values 0 are arbitrary.
 * @param base, tuned shape [dOut, dIn], the weights before and after (with the adapter merged).
 * @throws AssayError (data) where shapes differ, a rule is out of range, or k exceeds the tuned matrix' numerical rank.
 * @see Shuttleworth et al. 2024, arXiv:2410.21228, section 3.
 */
export function intruderDimensions(base: DenseMatrix, tuned: DenseMatrix, rule: IntruderRule): Intruders {
  if (base.rows !== tuned.rows || base.columns !== tuned.columns) {
    throw new AssayError(
      'data',
      `intruderDimensions: the base is ${base.rows} x ${base.columns}, the tuned matrix ${tuned.rows} x ${tuned.columns}. Expected equal shapes.`,
    );
  }
  const { examined, threshold } = rule;
  if (!(threshold > 0 && threshold <= 1)) {
    throw new AssayError('data', `intruderDimensions: threshold ${threshold}. Expected a cosine in (0, 1].`);
  }
  const known = determinedLeftVectors(base);
  const found = determinedLeftVectors(tuned);
  if (!Number.isInteger(examined) || examined < 1 || examined > found.columns) {
    throw new AssayError(
      'data',
      `intruderDimensions: ${examined} vectors to examine. Expected 1 to ${found.columns}, the numerical rank of the tuned matrix.`,
    );
  }
  if (known.columns === 0) {
    throw new AssayError('data', 'intruderDimensions: the base is all zeros. Expected one that has singular vectors.');
  }
  const cosines = maxCosines(leadingColumns(found, examined), known);
  return { ranks: [...cosines.keys()].filter((i) => (cosines[i] ?? 1) < threshold), maxCosines: cosines };
}

/** The left singular vectors that a matrix determines, shape [rows, numerical rank]. */
function determinedLeftVectors(matrix: DenseMatrix): DenseMatrix {
  const { singularValues: sigma, left } = svd(matrix);
  return leadingColumns(left, numericalRank(sigma, matrix));
}

function columnLengths({ rows, columns, values }: DenseMatrix): Float64Array {
  const squares = new Float64Array(columns);
  for (let i = 0; i < rows * columns; i++) squares[i % columns] = (squares[i % columns] ?? 0) + (values[i] ?? 0) ** 2;
  const zero = squares.indexOf(0);
  if (zero >= 0) throw new AssayError('data', `Column ${zero} is 0. Expected vectors that have a direction.`);
  return squares.map(Math.sqrt);
}

function checkOrthonormal(name: string, matrix: DenseMatrix): void {
  const { values, columns } = transposedProduct(matrix, matrix);
  const off = values.findIndex((value, i) => Math.abs(value - Number(i % (columns + 1) === 0)) > ORTHONORMAL_TOLERANCE);
  if (off < 0) return;
  const [i, j] = [Math.floor(off / columns), off % columns];
  throw new AssayError(
    'data',
    `principalAngles: columns ${i} and ${j} of ${name} have the product ${values[off]}. Expected orthonormal columns.`,
  );
}
