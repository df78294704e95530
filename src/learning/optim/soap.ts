/** SOAP for matrices, with AdamW for everything else, as one update rule. */
import type { Arena } from '#engine/kernels/arena.ts';
import { sizeOf } from '#engine/tensor.ts';
import { matrixShape } from '#learning/nn/layers.ts';
import { orthonormalColumns, symmetricEigen, type DenseMatrix } from '#learning/spectra/matrix.ts';

import { adamwRule, type AdamWConfig, type AdamWShare } from './adamw.ts';
import type { MatrixShape } from './newton-schulz.ts';
import type { Trained } from './parameter.ts';
import { createSides, sideLengths, squareAt } from './sides.ts';
import { bufferAt, type UpdateRule } from './update-rule.ts';

/**
 * SOAP: Adam in the eigenbases of Shampoo's two sides; the bases follow by one QR step in every `every` steps.
 * Parameters of role `matrix` take SOAP, all others AdamW inside the same optimizer. A matrix' first gradient only sets its
 * bases and moves nothing, as in the authors' code, so that no update is in the basis of its own gradient.
 *
 * Learning rate: AdamW's unit; AdamW's rates can be reused, 3e-3 in the authors' code.
 * Not for: sides above some hundreds (products with both bases at every step; above 1024 refused), embeddings and heads of many
 * rows (hence the roles), or a handful of steps (the first is skipped, and the bases are those of one batch).
 * @see Vyas et al. 2024, arXiv:2409.11321, Alg. 3, and soap.py in github.com/nikhilvyas/SOAP.
 */
export interface SoapConfig extends Omit<AdamWConfig, 'kind'> {
  readonly kind: 'soap';
  /** Decay of the means of G G^T and G^T G, in [0, 1); 0.95 in soap.py, its beta2. */
  readonly shampooBeta: number;
  /** The bases are turned at updates every, 2 every, ...; 10 in the paper. */
  readonly every: number;
  readonly adamw: AdamWShare;
}

/** soap.py's constants. */
export const SOAP_DEFAULTS = {
  kind: 'soap',
  beta1: 0.95,
  beta2: 0.95,
  eps: 1e-8,
  weightDecay: 0,
  shampooBeta: 0.95,
  every: 10,
  adamw: { beta1: 0.95, beta2: 0.95, eps: 1e-8, weightDecay: 0, lrScale: 1 },
} as const satisfies SoapConfig;

/** A matrix's buffers: the means of gradients and of squares in the eigenbases, L, R and the bases. */
export function soapBuffers(parameter: Trained): readonly number[] {
  const length = sizeOf(parameter.shape);
  const sides = sideLengths(parameter);
  return [length, length, ...sides, ...sides];
}

/** The SOAP rule: six buffers for a matrix, AdamW's two for the rest. */
export function soapRule(config: SoapConfig, parameters: readonly Trained[], arena: Arena): UpdateRule {
  const { beta1, beta2, eps, weightDecay, shampooBeta, every } = config;
  const { kernels } = arena;
  const { sides, spare } = createSides(parameters, arena);
  const [inBasis, update] = spare;
  const adamw = adamwRule(config.adamw, kernels);
  return (parameter, buffers, step, lr) => {
    if (parameter.role !== 'matrix') {
      adamw(parameter, buffers, step, lr * config.adamw.lrScale);
      return;
    }
    const shape = matrixShape(parameter);
    const { offset, gradientOffset: gradient, length } = parameter;
    const [mean = 0, square = 0, left = 0, right = 0, leftBasis = 0, rightBasis = 0] = [0, 1, 2, 3, 4, 5].map((i) =>
      bufferAt(buffers, i),
    );
    const bases = { left, right, leftBasis, rightBasis };
    const updates = step - 1;
    if (updates > 0) {
      kernels.scaledAdd(mean, gradient, length, beta1, 1 - beta1);
      sides.into(leftBasis, gradient, rightBasis, shape, inBasis);
      addSquares(viewAt(arena, square, length), viewAt(arena, inBasis, length), beta2);
      sides.into(leftBasis, mean, rightBasis, shape, inBasis);
      divideByRoots(viewAt(arena, inBasis, length), viewAt(arena, square, length), eps);
      sides.back(leftBasis, inBasis, rightBasis, shape, update);
      const stepSize = (lr * Math.sqrt(1 - beta2 ** updates)) / (1 - beta1 ** updates);
      // soap.py decays after the step: (1 - lr weightDecay) (p - stepSize N).
      const keep = 1 - lr * weightDecay;
      kernels.scaledAdd(offset, update, length, keep, -stepSize * keep);
    }
    sides.gather(gradient, shape, left, right, shampooBeta, 1 - shampooBeta);
    if (updates === 0) setBases(arena, bases, shape);
    else if (updates % every === 0) turnBases(arena, bases, viewAt(arena, square, length), shape);
  };
}

interface Bases {
  readonly left: number;
  readonly right: number;
  readonly leftBasis: number;
  readonly rightBasis: number;
}

/** The eigenvectors of both sides. */
function setBases(arena: Arena, { left, right, leftBasis, rightBasis }: Bases, [dOut, dIn]: MatrixShape): void {
  const set = (from: number, to: number, side: number): void =>
    squareAt(arena, to, side).values.set(symmetricEigen(squareAt(arena, from, side)).vectors.values);
  set(left, leftBasis, dOut);
  set(right, rightBasis, dIn);
}

/** One step of power iteration and QR, columns in falling order of their estimated eigenvalues; the squares follow them. */
function turnBases(arena: Arena, bases: Bases, squares: Float32Array, [dOut, dIn]: MatrixShape): void {
  const rows = turn(squareAt(arena, bases.left, dOut), squareAt(arena, bases.leftBasis, dOut));
  const columns = turn(squareAt(arena, bases.right, dIn), squareAt(arena, bases.rightBasis, dIn));
  const before = squares.slice();
  for (let i = 0; i < squares.length; i++) {
    squares[i] = before[(rows[Math.floor(i / dIn)] ?? 0) * dIn + (columns[i % dIn] ?? 0)] ?? 0;
  }
}

/** Q becomes the orthonormal part of P Q, its columns sorted by q . P q. @returns the old place of each new column. */
function turn({ values: p, rows: side }: DenseMatrix, basis: DenseMatrix): readonly number[] {
  const q = basis.values;
  const product = new Float64Array(side * side);
  const estimates = new Float64Array(side);
  for (let i = 0; i < side; i++) {
    for (let k = 0; k < side; k++) {
      const factor = p[i * side + k] ?? 0;
      for (let j = 0; j < side; j++)
        product[i * side + j] = (product[i * side + j] ?? 0) + factor * (q[k * side + j] ?? 0);
    }
    for (let j = 0; j < side; j++)
      estimates[j] = (estimates[j] ?? 0) + (q[i * side + j] ?? 0) * (product[i * side + j] ?? 0);
  }
  const order = [...estimates.keys()].sort((a, b) => (estimates[b] ?? 0) - (estimates[a] ?? 0) || a - b);
  const sorted = product.map((_, i) => product[Math.floor(i / side) * side + (order[i % side] ?? 0)] ?? 0);
  q.set(orthonormalColumns({ rows: side, columns: side, values: sorted }).values);
  return order;
}

/** v = beta2 v + (1 - beta2) g^2. */
function addSquares(squares: Float32Array, gradient: Float32Array, beta2: number): void {
  for (const [i, g] of gradient.entries()) squares[i] = beta2 * (squares[i] ?? 0) + (1 - beta2) * g * g;
}

/** m / (sqrt(v) + eps). */
function divideByRoots(mean: Float32Array, squares: Float32Array, eps: number): void {
  for (const [i, m] of mean.entries()) mean[i] = m / (Math.sqrt(squares[i] ?? 0) + eps);
}

function viewAt({ buffer }: Arena, offset: number, length: number): Float32Array {
  return new Float32Array(buffer, offset, length);
}
