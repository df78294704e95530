/** Stochastic gradient descent, with or without momentum, as an update rule. */
import type { Kernels } from '#engine/kernels/kernels.ts';

import { bufferAt, type UpdateRule } from './update-rule.ts';

/**
 * SGD with heavy-ball or Nesterov momentum and coupled weight decay; torch.optim.SGD with dampening 0.
 *
 * Learning rate: weights per unit of gradient, so it scales inversely with the loss; with momentum the long-run step is
 * lr / (1 - momentum). 0.01..1 is usual for losses in nats per token.
 * Not for: transformers where speed matters (gradients of different layers differ by orders of magnitude). For
 * decoupled decay use AdamW or Muon: here decay enters the gradient and hence the momentum.
 * @see Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning"; torch's form, in
 *   which lr multiplies the buffer at the time of the step.
 */
export interface SgdConfig {
  readonly kind: 'sgd';
  /** In [0, 1); 0 is plain SGD and keeps no buffer; 0.9 is usual. */
  readonly momentum: number;
  /** Look-ahead: steps along g + momentum buffer. Needs momentum above 0. */
  readonly nesterov: boolean;
  /** Added to the gradient as weightDecay times the weight (an L2 penalty). */
  readonly weightDecay: number;
}

/** torch.optim.SGD's defaults, with the usual momentum. */
export const SGD_DEFAULTS = {
  kind: 'sgd',
  momentum: 0.9,
  nesterov: false,
  weightDecay: 0,
} as const satisfies SgdConfig;

/** The SGD rule: one buffer with momentum, none without. */
export function sgdRule(config: SgdConfig, kernels: Kernels): UpdateRule {
  const { momentum, nesterov, weightDecay } = config;
  return ({ offset, gradientOffset, length }, buffers, _step, lr) => {
    if (momentum === 0) kernels.scaledAdd(offset, gradientOffset, length, 1 - lr * weightDecay, -lr);
    else {
      const buffer = bufferAt(buffers, 0);
      kernels.sgdMomentumStep(offset, gradientOffset, buffer, length, lr, momentum, nesterov, weightDecay);
    }
  };
}
