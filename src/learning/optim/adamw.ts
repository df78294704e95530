/** AdamW as an update rule. */
import type { Kernels } from '#engine/kernels/kernels.ts';

import { bufferAt, type UpdateRule } from './update-rule.ts';

/**
 * Adam with decoupled weight decay; bits aside, torch.optim.AdamW.
 *
 * Learning rate: roughly the size of the change of each weight per step, whatever the gradient's scale; 1e-4..3e-3 for
 * full training, about ten times the full-finetuning rate for LoRA.
 * Not for: matching a plain SGD result (its per-coordinate scaling is another geometry), or memory for fewer than two
 * extra floats a weight (Lion, SGD).
 * @see Loshchilov & Hutter 2017, arXiv:1711.05101, Alg. 2; Kingma & Ba 2014, arXiv:1412.6980, Alg. 1 (the constants).
 */
export interface AdamWConfig {
  readonly kind: 'adamw';
  /** Decay of the mean of gradients, in [0, 1); 0.9 in arXiv:1412.6980. */
  readonly beta1: number;
  /** Decay of the mean of squares, in [0, 1); 0.999 in arXiv:1412.6980, 0.95 is usual for language models. */
  readonly beta2: number;
  /** Added to the root of the corrected mean of squares, outside the root; 1e-8 in arXiv:1412.6980. */
  readonly eps: number;
  /** Each step multiplies weights by 1 - lr weightDecay; applies to every parameter, as in torch. */
  readonly weightDecay: number;
}

/** AdamW for the parameters an optimizer of matrices leaves over; its learning rate is that optimizer's times `lrScale`. */
export type AdamWShare = Omit<AdamWConfig, 'kind'> & { readonly lrScale: number };

/** torch.optim.AdamW's defaults. */
export const ADAMW_DEFAULTS = {
  kind: 'adamw',
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  weightDecay: 0.01,
} as const satisfies AdamWConfig;

/** The AdamW rule: two buffers, the means of gradients and of their squares. */
export function adamwRule(config: Omit<AdamWConfig, 'kind'>, kernels: Kernels): UpdateRule {
  const { beta1, beta2, eps, weightDecay } = config;
  return (parameter, buffers, step, lr) => {
    // mHat = m / (1 - beta1^t), vHat = v / (1 - beta2^t); p -= lr mHat / (sqrt(vHat) + eps)
    kernels.adamwStep(
      parameter.offset,
      parameter.gradientOffset,
      bufferAt(buffers, 0),
      bufferAt(buffers, 1),
      parameter.length,
      1 - lr * weightDecay,
      1 - beta1,
      beta2,
      1 - beta2,
      lr / (1 - beta1 ** step),
      1 / Math.sqrt(1 - beta2 ** step),
      eps,
    );
  };
}
