/**
 * Policy gradients as losses of the one learner: each gradient is minus the estimated gradient of the expected return. What is
 * fed is computed from a rollout by `returns.ts`; N = T B steps.
 */
import { exp, mul, negate, square, sub } from '#engine/ops/elementwise.ts';
import { pick } from '#engine/ops/indexing.ts';
import { reshape, sum } from '#engine/ops/layout.ts';
import { logSoftmax, weightedSum } from '#engine/ops/network.ts';
import { input } from '#engine/ops/sources.ts';
import type { Tensor } from '#engine/tensor.ts';
import type { Feeds } from '#learning/feeds.ts';
import type { Loss } from '#learning/loss.ts';

import type { Heads } from './policies.ts';
import { discountedReturns, generalizedAdvantages } from './returns.ts';
import type { Rollout } from './rollouts.ts';

/** How much the terms beside the policy's count. */
export interface LossWeights {
  /** Of the critic's squared error. Default 0.5. */
  readonly value?: number;
  /** Of the policy's entropy, which is raised. Default 0.01. */
  readonly entropy?: number;
}

/**
 * REINFORCE: -sum_n advantage_n log p(action_n), less the weighted entropy. Inputs `actions` int32, `advantages` and `weights`, shape [N] each.
 * @see Williams 1992, doi:10.1007/BF00992696
 */
export function reinforceLoss({ logits }: Pick<Heads, 'logits'>, { entropy = 0.01 }: LossWeights = {}): Loss {
  const [n = 0] = logits.shape;
  const logP = logSoftmax(logits);
  const chosen = pick(logP, input('actions', [n], 'int32'));
  const policy = negate(weightedSum(reshape(chosen, [n]), input('advantages', [n])));
  const spread = weightedSum(sum(mul(exp(logP), logP), [-1]), input('weights', [n]));
  return { policy, negativeEntropy: { term: spread, weight: entropy } };
}

/**
 * Advantage actor-critic: REINFORCE's terms, and the critic's squared error sum_n weight_n (V_n - return_n)^2. Inputs as
 * `reinforceLoss`, and `returns` [N]. @throws Error on a policy without a critic.
 * @see Mnih et al. 2016, arXiv:1602.01783 (there value 0.5, entropy 0.01)
 */
export function actorCriticLoss({ logits, values }: Heads, weights: LossWeights = {}): Loss {
  if (values === undefined) throw new Error('actorCriticLoss: expected a policy with a critic');
  const missed = square(sub(values, input('returns', values.shape)));
  const value: Tensor = weightedSum(missed, input('weights', values.shape));
  return { ...reinforceLoss({ logits }, weights), value: { term: value, weight: weights.value ?? 0.5 } };
}

/** What every loss over a rollout is fed; where the policy has no memory, neither `memory` nor `kept`. */
function rolloutFeeds({ observations, actions, memory, kept }: Rollout): Record<string, Float32Array | Int32Array> {
  const seen = { observations, actions, weights: new Float32Array(actions.length).fill(1 / actions.length) };
  return memory.length === 0 ? seen : { ...seen, memory, kept };
}

/**
 * What `reinforceLoss` is fed: returns less their mean over the rollout, a mean over all steps.
 * Lives that are not over count with what they have had, so let rollouts be as long as lives.
 */
export function reinforceFeeds(rollout: Rollout, { discount }: { readonly discount: number }): Feeds {
  const returns = discountedReturns(rollout, discount);
  const mean = returns.reduce((total, one) => total + one, 0) / returns.length;
  const advantages = returns.map((one) => (one - mean) / returns.length);
  return { ...rolloutFeeds(rollout), advantages };
}

/** What `actorCriticLoss` is fed: generalized advantages, and the returns they make with the critic's values; means over all steps. */
export function actorCriticFeeds(rollout: Rollout, how: { readonly discount: number; readonly lambda: number }): Feeds {
  const found = generalizedAdvantages(rollout, how);
  const returns = found.map((one, at) => one + (rollout.values[at] ?? 0));
  const advantages = found.map((one) => one / found.length);
  return { ...rolloutFeeds(rollout), advantages, returns };
}
