/**
 * Global-norm gradient clipping with the arithmetic of torch.nn.utils.clip_grad_norm_.
 * Difference: a gradient that is not finite is reported and left as it is, where torch spreads NaN to every gradient.
 * @see Pascanu et al. 2013, arXiv:1211.5063, Alg. 1.
 */
import type { Parameter } from './parameter.ts';

/** torch's guard against a division by zero. */
const NORM_EPS = 1e-6;

/** The gradients' norm before clipping, or where it is not finite. */
export type ClipResult =
  | { readonly kind: 'finite'; readonly norm: number; readonly isClipped: boolean }
  | { readonly kind: 'notFinite'; readonly parameter: string; readonly index: number };

/**
 * Scales all gradients by min(1, maxNorm / (norm + 1e-6)), norm being the Euclidean norm of all of them together, summed
 * in float64 in the order of the parameters. With `maxNorm` Infinity it only measures.
 */
export function clipGradients(parameters: readonly Parameter[], maxNorm: number): ClipResult {
  let sum = 0;
  for (const { handle, arena } of parameters) {
    const { name, gradientOffset, length } = handle;
    const squares = arena.kernels.sumOfSquares(gradientOffset, length);
    if (!Number.isFinite(squares)) {
      return { kind: 'notFinite', parameter: name, index: arena.kernels.firstNonFinite(gradientOffset, length) };
    }
    sum += squares;
  }
  const norm = Math.sqrt(sum);
  const factor = maxNorm / (norm + NORM_EPS);
  if (factor < 1) {
    for (const { handle, arena } of parameters) arena.kernels.scale(handle.gradientOffset, handle.length, factor);
  }
  return { kind: 'finite', norm, isClipped: factor < 1 };
}
