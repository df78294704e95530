/** Lion as an update rule. */
import type { Kernels } from '#engine/kernels/kernels.ts';

import { bufferAt, type UpdateRule } from './update-rule.ts';

/**
 * Lion: steps along the sign of a blend of momentum and gradient, with decoupled weight decay.
 *
 * Learning rate: exactly the change of each weight per step; 3 to 10 times smaller than AdamW's, with a weight decay as
 * many times larger (arXiv:2302.06675, Sec. 5).
 * Not for: small batches, where the sign is mostly noise (Sec. 4.6 there).
 * @see Chen et al. 2023, arXiv:2302.06675, Alg. 2.
 */
export interface LionConfig {
  readonly kind: 'lion';
  /** Blend for the update, in [0, 1); 0.9 in the paper, 0.95 for language models. */
  readonly beta1: number;
  /** Decay of the momentum, in [0, 1); 0.99 in the paper, 0.98 for language models. */
  readonly beta2: number;
  /** Each step multiplies weights by 1 - lr weightDecay. */
  readonly weightDecay: number;
}

/** The paper's constants, arXiv:2302.06675, Alg. 2. */
export const LION_DEFAULTS = { kind: 'lion', beta1: 0.9, beta2: 0.99, weightDecay: 0 } as const satisfies LionConfig;

/** The Lion rule: one buffer, the momentum. */
export function lionRule(config: LionConfig, kernels: Kernels): UpdateRule {
  const { beta1, beta2, weightDecay } = config;
  return ({ offset, gradientOffset, length }, buffers, _step, lr) => {
    const decayFactor = 1 - lr * weightDecay;
    kernels.lionStep(offset, gradientOffset, bufferAt(buffers, 0), length, decayFactor, lr, 1 - beta1, 1 - beta2);
  };
}
