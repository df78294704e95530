/**
 * Orthogonalization by Newton-Schulz: G = U S V^T becomes about U V^T, with singular values near 1 instead of S.
 * Source: K. Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/, five quintic steps from X = G / |G|:
 *   X <- P X,  P = a I + b A + c A^2,  A = X X^T.
 * Every P is a polynomial of the first A, so they commute, and A itself becomes P A P. Hence only the small A and the
 * product Q of the polynomials are iterated, and X is multiplied once at the end: the same result in exact arithmetic
 * for a third of the work (at 96 x 384, 14.5 products of 96 x 96 x 96 instead of 45, since of symmetric ones the kernels
 * compute half).
 * Precision: float32. Directions with small singular values take up errors of the Gram matrix: relative to float64 the
 * result is off by up to 5e-4 for singular values spread over 8 decades, and by 1e-6 when they are alike. That is what
 * the gradient's own float32 rounding does, and far below the bfloat16 of muon.py and torch.optim.Muon (0.02 to 0.6).
 */
import { AssayError } from '#base/errors.ts';
import type { Arena } from '#engine/kernels/arena.ts';

/**
 * Writes the orthogonalization of a row-major matrix to `out`, which does not overlap it; `matrix` is overwritten. Both
 * are views of the arena.
 */
export type Orthogonalize = (
  matrix: Float32Array<ArrayBuffer>,
  rows: number,
  columns: number,
  out: Float32Array<ArrayBuffer>,
) => void;

/** A matrix's rows and columns. */
export type MatrixShape = readonly [rows: number, columns: number];

/** The quintic, chosen for its slope at 0: five steps bring singular values into about [0.7, 1.2]. Jordan et al. 2024. */
const [A, B, C] = [3.4445, -4.775, 2.0315];
const STEPS = 5;
/** Added to the Frobenius norm, so that a zero matrix stays zero; muon.py. */
const NORM_EPS = 1e-7;
/** Square matrices the iteration needs beside its input: A, A^2, P, Q and one to write to. */
const SQUARES = 5;
const BYTES_PER_FLOAT = 4;

/** The length of the scratch region that `createNewtonSchulz` takes from an arena for these shapes. */
export function newtonSchulzLength(shapes: readonly MatrixShape[]): number {
  return SQUARES * largestSide(shapes) ** 2 + 8 * Math.max(0, ...shapes.flat()) + 32;
}

/**
 * Newton-Schulz on the arena's SIMD kernels.
 * @param shapes Every shape that will be asked for; they size the scratch.
 * @throws AssayError (from the function returned) on views outside the arena and shapes beyond the announced ones.
 */
export function createNewtonSchulz(arena: Arena, shapes: readonly MatrixShape[]): Orthogonalize {
  const capacity = newtonSchulzLength(shapes);
  const { offset } = arena.float32('Newton-Schulz scratch', capacity);
  return (matrix, rows, columns, out) => {
    const isFromHere = matrix.buffer === arena.buffer && out.buffer === arena.buffer;
    if (!isFromHere || newtonSchulzLength([[rows, columns]]) > capacity || matrix.length !== rows * columns) {
      throw new AssayError(
        'shape',
        `Newton-Schulz: expected arena views of one of the announced shapes [${shapes.join('], [')}], found ` +
          `[${rows}, ${columns}] with ${matrix.length} values${isFromHere ? '' : ' outside the arena'}.`,
      );
    }
    orthogonalize(arena, offset, matrix.byteOffset, rows, columns, out.byteOffset);
  };
}

function largestSide(shapes: readonly MatrixShape[]): number {
  return Math.max(0, ...shapes.map((shape) => Math.min(...shape)));
}

function orthogonalize({ kernels }: Arena, start: number, x: number, rows: number, columns: number, out: number): void {
  const isTall = rows > columns;
  const [side, inner] = isTall ? [columns, rows] : [rows, columns];
  const squareLength = side * side;
  const squareAt = (index: number): number => start + index * squareLength * BYTES_PER_FLOAT;
  const [gram, gramSquared, polynomial] = [squareAt(0), squareAt(1), squareAt(2)];
  let [product, spare] = [squareAt(3), squareAt(4)];
  const scratch = squareAt(SQUARES);
  const rowBytes = columns * BYTES_PER_FLOAT;
  const sideBytes = side * BYTES_PER_FLOAT;
  const multiply = (left: number, right: number, to: number): void =>
    kernels.matmul(side, side, side, left, sideBytes, 4, right, sideBytes, 4, to, scratch, true);

  kernels.scale(x, rows * columns, 1 / (Math.sqrt(kernels.sumOfSquares(x, rows * columns)) + NORM_EPS));
  // A = X X^T of the wide orientation; a tall X is read transposed.
  if (isTall) kernels.matmul(side, side, inner, x, 4, rowBytes, x, rowBytes, 4, gram, scratch, true);
  else kernels.matmul(side, side, inner, x, rowBytes, 4, x, 4, rowBytes, gram, scratch, true);
  for (let step = 0; step < STEPS; step++) {
    const p = step === 0 ? product : polynomial;
    multiply(gram, gram, gramSquared);
    kernels.polynomial(side, gram, gramSquared, p, A, B, C);
    if (step > 0) {
      multiply(p, product, spare); // Q <- P Q
      [product, spare] = [spare, product];
    }
    if (step === STEPS - 1) break;
    multiply(p, gram, spare); // A <- (P A) P
    multiply(spare, p, gram);
  }
  if (isTall) kernels.matmul(rows, columns, side, x, rowBytes, 4, product, sideBytes, 4, out, scratch, false);
  else kernels.matmul(rows, columns, side, product, sideBytes, 4, x, rowBytes, 4, out, scratch, false);
}
