/**
 * The two sides of a matrix: what Shampoo and SOAP keep of its gradients G, the means of G G^T [dOut, dOut] and of
 * G^T G [dIn, dIn], and products with matrices of these two sizes, on the arena's kernels.
 */
import { AssayError } from '#base/errors.ts';
import type { Arena } from '#engine/kernels/arena.ts';
import { matrixShape } from '#learning/nn/layers.ts';
import type { DenseMatrix } from '#learning/spectra/matrix.ts';

import type { MatrixShape } from './newton-schulz.ts';
import type { Trained } from './parameter.ts';

/** Longer sides would take minutes a decomposition. */
const LONGEST_SIDE = 1024;
const BYTES_PER_FLOAT = 4;

/** Work on both sides of a matrix; numbers are byte offsets of regions that do not overlap. */
export interface Sides {
  /** left = keep left + weight G G^T; right = keep right + weight G^T G. */
  gather(gradient: number, shape: MatrixShape, left: number, right: number, keep: number, weight: number): void;
  /** out = left^T X right. */
  into(left: number, x: number, right: number, shape: MatrixShape, out: number): void;
  /** out = left X right^T. */
  back(left: number, x: number, right: number, shape: MatrixShape, out: number): void;
}

/** The lengths of a left and a right square buffer. @throws AssayError on a side too long to decompose. */
export function sideLengths(parameter: Trained): readonly [left: number, right: number] {
  const [dOut, dIn] = matrixShape(parameter);
  if (Math.max(dOut, dIn) <= LONGEST_SIDE) return [dOut ** 2, dIn ** 2];
  throw new AssayError(
    'config',
    `Parameter "${parameter.name}": Shampoo and SOAP decompose matrices of its sides, expected at most ${LONGEST_SIDE}, ` +
      `found [${dOut}, ${dIn}]. Use Muon, or give it another role than "matrix".`,
  );
}

/** Lengths of the scratch regions that the rules take: an update, a product, and the kernels' own. */
export function sidesScratchLengths(parameters: readonly Trained[]): readonly number[] {
  const shapes = parameters.filter(({ role }) => role === 'matrix').map(matrixShape);
  const longest = Math.max(0, ...shapes.map(([dOut, dIn]) => dOut * dIn));
  const side = Math.max(0, ...shapes.flat());
  return [longest, longest, Math.max(longest, side ** 2), 8 * side + 32];
}

/** Two regions for updates, and the sides' products over their own scratch. */
export function createSides(
  parameters: readonly Trained[],
  arena: Arena,
): { readonly sides: Sides; readonly spare: readonly [number, number] } {
  const [update = 0, other = 0, product = 0, kernel = 0] = sidesScratchLengths(parameters).map(
    (length, i) => arena.float32(`preconditioner scratch ${i}`, length).offset,
  );
  const { matmul, scaledAdd } = arena.kernels;
  const gather: Sides['gather'] = (g, [dOut, dIn], left, right, keep, weight) => {
    const row = dIn * BYTES_PER_FLOAT;
    matmul(dOut, dOut, dIn, g, row, 4, g, 4, row, product, kernel, true);
    scaledAdd(left, product, dOut ** 2, keep, weight);
    matmul(dIn, dIn, dOut, g, 4, row, g, row, 4, product, kernel, true);
    scaledAdd(right, product, dIn ** 2, keep, weight);
  };
  const into: Sides['into'] = (left, x, right, [dOut, dIn], out) => {
    matmul(dOut, dIn, dOut, left, 4, dOut * 4, x, dIn * 4, 4, product, kernel, false);
    matmul(dOut, dIn, dIn, product, dIn * 4, 4, right, dIn * 4, 4, out, kernel, false);
  };
  const back: Sides['back'] = (left, x, right, [dOut, dIn], out) => {
    matmul(dOut, dIn, dOut, left, dOut * 4, 4, x, dIn * 4, 4, product, kernel, false);
    matmul(dOut, dIn, dIn, product, dIn * 4, 4, right, 4, dIn * 4, out, kernel, false);
  };
  return { sides: { gather, into, back }, spare: [update, other] };
}

/** A square matrix at an offset, as a view of the arena. */
export function squareAt({ buffer }: Arena, offset: number, side: number): DenseMatrix & { values: Float32Array } {
  return { rows: side, columns: side, values: new Float32Array(buffer, offset, side ** 2) };
}
