/** Shampoo for matrices, with AdamW for everything else, as one update rule. */
import type { Arena } from '#engine/kernels/arena.ts';
import { sizeOf } from '#engine/tensor.ts';
import { matrixShape } from '#learning/nn/layers.ts';
import { symmetricEigen } from '#learning/spectra/matrix.ts';

import { adamwRule, type AdamWShare } from './adamw.ts';
import type { Trained } from './parameter.ts';
import { createSides, sideLengths, squareAt } from './sides.ts';
import { bufferAt, type UpdateRule } from './update-rule.ts';

/**
 * Shampoo: the gradient times an inverse root of each side's second moments, L^-e M R^-e with L ~ G G^T, R ~ G^T G.
 * Parameters of role `matrix` take Shampoo, all others AdamW inside the same optimizer.
 * With `beta2` 1, `beta1` 0 and exponent 1/4 it is Alg. 1 of the paper; with `beta2` below 1 the means and their bias
 * correction of Distributed Shampoo, without blocks and without grafting.
 *
 * Learning rate: with means and exponent 1/4 the spectral norm of an update while gradients keep still (as Muon's
 * `spectral`), less where they vary; with the plain sum it shrinks with the root of the number of steps, as Adagrad's.
 * Not for: sides above some hundreds (each root is an eigendecomposition, in float64: raise `every`; above 1024 refused),
 * embeddings and heads of many rows (hence the roles), or AdamW's rates (nothing is grafted).
 * @see Gupta, Koren & Singer 2018, arXiv:1802.09568, Alg. 1; Shi et al. 2023, arXiv:2309.06497, Alg. 2 (means, bias correction).
 */
export interface ShampooConfig {
  readonly kind: 'shampoo';
  /** Decay of the mean of gradients, in [0, 1), bias-corrected; 0 is the gradient itself; 0.9 in arXiv:2309.06497. */
  readonly beta1: number;
  /** Decay of the means of G G^T and G^T G, in (0, 1), bias-corrected; 1 is their sum, as in arXiv:1802.09568. */
  readonly beta2: number;
  /** Times the identity, added before the root is taken. */
  readonly eps: number;
  /** e, in (0, 1]: 1/4 in the paper; 1/2 is closer to the inverse Hessian (arXiv:2406.17748). */
  readonly exponent: number;
  /** Roots are taken anew at steps 1, 1 + every, ... */
  readonly every: number;
  /** Each step multiplies matrices by 1 - lr weightDecay. */
  readonly weightDecay: number;
  readonly adamw: AdamWShare;
}

/** Means as in Distributed Shampoo, roots at every step. */
export const SHAMPOO_DEFAULTS = {
  kind: 'shampoo',
  beta1: 0.9,
  beta2: 0.99,
  eps: 1e-12,
  exponent: 0.25,
  every: 1,
  weightDecay: 0,
  adamw: { beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0, lrScale: 0.1 },
} as const satisfies ShampooConfig;

/** A matrix's buffers: the mean of gradients, L, R and their inverse roots. */
export function shampooBuffers(parameter: Trained): readonly number[] {
  const sides = sideLengths(parameter);
  return [sizeOf(parameter.shape), ...sides, ...sides];
}

/** The Shampoo rule: five buffers for a matrix, AdamW's two for the rest. */
export function shampooRule(config: ShampooConfig, parameters: readonly Trained[], arena: Arena): UpdateRule {
  const { beta1, beta2, weightDecay, every } = config;
  const { sides, spare } = createSides(parameters, arena);
  const adamw = adamwRule(config.adamw, arena.kernels);
  return (parameter, buffers, step, lr) => {
    if (parameter.role !== 'matrix') {
      adamw(parameter, buffers, step, lr * config.adamw.lrScale);
      return;
    }
    const shape = matrixShape(parameter);
    const { offset, gradientOffset, length } = parameter;
    const [mean = 0, left = 0, right = 0, leftRoot = 0, rightRoot = 0] = [0, 1, 2, 3, 4].map((i) =>
      bufferAt(buffers, i),
    );
    sides.gather(gradientOffset, shape, left, right, beta2, beta2 === 1 ? 1 : 1 - beta2);
    if ((step - 1) % every === 0) {
      const correction = beta2 === 1 ? 1 : 1 / (1 - beta2 ** step);
      writeInverseRoot(arena, left, leftRoot, shape[0], correction, config);
      writeInverseRoot(arena, right, rightRoot, shape[1], correction, config);
    }
    arena.kernels.scaledAdd(mean, gradientOffset, length, beta1, 1 - beta1);
    sides.into(leftRoot, mean, rightRoot, shape, spare[0]);
    arena.kernels.scaledAdd(offset, spare[0], length, 1 - lr * weightDecay, -lr / (1 - beta1 ** step));
  };
}

/** Writes (correction A + eps I)^-exponent of the symmetric A at `from`; eigenvalues that rounding made negative count as 0. */
function writeInverseRoot(
  arena: Arena,
  from: number,
  to: number,
  side: number,
  correction: number,
  { eps, exponent }: ShampooConfig,
): void {
  const { eigenvalues, vectors } = symmetricEigen(squareAt(arena, from, side));
  const powers = eigenvalues.map((value) => (Math.max(0, value) * correction + eps) ** -exponent);
  const out = squareAt(arena, to, side).values;
  const { values } = vectors;
  for (let i = 0; i < side; i++) {
    for (let j = i; j < side; j++) {
      let sum = 0;
      for (let k = 0; k < side; k++) {
        sum += (values[i * side + k] ?? 0) * (powers[k] ?? 0) * (values[j * side + k] ?? 0);
      }
      out[i * side + j] = sum;
      out[j * side + i] = sum;
    }
  }
}
