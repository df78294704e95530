/**
 * REINFORCE on single decisions: an episode is one situation and one action, drawn from the policy of the moment.
 * Invariant: the actions of a step are a function of the step's stream and the policy, so a resumed run draws the same.
 * @see Williams 1992, doi:10.1007/BF00992696; the baseline is that of Kool et al. 2019 (the mean of the other episodes).
 */
import type { Rng } from '#base/rng.ts';
import { negate } from '#engine/ops/elementwise.ts';
import { klDivergence, logSoftmax, weightedSum } from '#engine/ops/network.ts';
import { input } from '#engine/ops/sources.ts';
import type { Tensor } from '#engine/tensor.ts';
import type { Loss } from '#learning/loss.ts';

import { drawnAction } from './draw.ts';

/** A policy whose situations are few enough to be read whole: P(action | prompt), shape [prompts, actions], row-major. */
export interface PolicyTable {
  readonly actions: number;
  readonly probabilities: Float32Array;
}

/** One step's episodes, shape [B] each. */
export interface Decisions {
  readonly prompts: Int32Array;
  readonly actions: Int32Array;
}

/** Draws an action for each prompt by one uniform number. */
export function drawnDecisions({ actions, probabilities }: PolicyTable, prompts: Int32Array, rng: Rng): Decisions {
  const drawn = prompts.map((prompt) => drawnAction(probabilities, prompt, actions, rng.uniform()));
  return { prompts, actions: drawn };
}

/** What the loss is fed, so that its gradient is minus the estimated gradient of E[reward] - kl E[KL(policy || base)]. */
export interface DecisionFeeds {
  /** On log p(action | prompt), shape [prompts, actions]. */
  readonly advantages: Float32Array;
  /** On KL(policy || base) at each prompt, shape [prompts]. */
  readonly visits: Float32Array;
}

/** @param reward Of an episode. @param kl Weight of the penalty. @param shape Prompts and actions of the policy. */
export function decisionFeeds(
  { prompts, actions }: Decisions,
  reward: (prompt: number, action: number) => number,
  kl: number,
  shape: { readonly prompts: number; readonly actions: number },
): DecisionFeeds {
  const count = prompts.length;
  const rewards = Array.from(prompts, (prompt, i) => reward(prompt, actions[i] ?? 0));
  const total = rewards.reduce((sum, one) => sum + one, 0);
  const advantages = new Float32Array(shape.prompts * shape.actions);
  const visits = new Float32Array(shape.prompts);
  for (const [i, one] of rewards.entries()) {
    const [prompt = 0, action = 0] = [prompts[i], actions[i]];
    const at = prompt * shape.actions + action;
    advantages[at] = (advantages[at] ?? 0) + (one - (total - one) / (count - 1)) / count;
    visits[prompt] = (visits[prompt] ?? 0) + kl / count;
  }
  return { advantages, visits };
}

/** The loss over a policy's logits, shape [prompts, actions]; inputs `advantages`, `visits`, and the base's logits `base`. */
export function decisionLoss(logits: Tensor): Loss {
  const [prompts = 0] = logits.shape;
  return {
    reward: negate(weightedSum(logSoftmax(logits), input('advantages', logits.shape))),
    penalty: weightedSum(klDivergence(logits, input('base', logits.shape)), input('visits', [prompts])),
  };
}
