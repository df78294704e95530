/** Sign descent, with or without momentum, as an update rule. */
import type { Kernels } from '#engine/kernels/kernels.ts';

import { bufferAt, type UpdateRule } from './update-rule.ts';

/**
 * Steps along the sign of the gradient, or of its running mean (Signum), with decoupled weight decay: Adam without its
 * memory of squares (beta1 = momentum, beta2 = eps = 0 where gradients are not 0), and Lion where its two betas are equal.
 *
 * Learning rate: exactly the change of each weight per step, as Lion's.
 * Not for: small batches, where the sign is mostly noise; a loss near its minimum at a constant rate, since steps do not shrink.
 * @see Bernstein et al. 2018, arXiv:1802.04434, Alg. 1 (momentum 0) and Signum (Alg. 2).
 */
export interface SignConfig {
  readonly kind: 'sign';
  /** Decay of the mean of gradients, in [0, 1); 0 keeps no buffer; 0.9 in the paper's Signum. */
  readonly momentum: number;
  /** Each step multiplies weights by 1 - lr weightDecay. */
  readonly weightDecay: number;
}

/** Plain sign descent. */
export const SIGN_DEFAULTS = { kind: 'sign', momentum: 0, weightDecay: 0 } as const satisfies SignConfig;

/** The sign rule: one buffer with momentum, none without. */
export function signRule({ momentum, weightDecay }: SignConfig, kernels: Kernels): UpdateRule {
  return ({ offset, gradientOffset, length }, buffers, _step, lr) => {
    const decayFactor = 1 - lr * weightDecay;
    // Lion's kernel steps along sign(m + a (g - m)) and moves m by b (g - m); with m = g, a = b = 0 that is sign(g), and g stays.
    if (momentum === 0) kernels.lionStep(offset, gradientOffset, gradientOffset, length, decayFactor, lr, 0, 0);
    else {
      const mean = bufferAt(buffers, 0);
      kernels.lionStep(offset, gradientOffset, mean, length, decayFactor, lr, 1 - momentum, 1 - momentum);
    }
  };
}
