/** An agent that learns from its own lives: a policy, the one learner over its rollouts, and what acts under its weights. */
import { feedLayers, type ParameterSpec } from '#learning/nn/layers.ts';
import { createLearner, type Learner } from '#learning/learner.ts';
import type { OptimizerConfig } from '#learning/optim/optimizer-config.ts';
import { takeStep } from '#learning/divergence.ts';

import { actorCriticFeeds, actorCriticLoss, type LossWeights, reinforceFeeds, reinforceLoss } from './losses.ts';
import { type Policy, type RolloutShape, unrolledPolicy } from './policies.ts';
import { type Actor, createActor, type Rollout } from './rollouts.ts';

/** How an agent learns. */
export type PolicyGradient = LossWeights & {
  /** Of what comes a step later, in [0, 1]. */
  readonly discount: number;
} & (
    | { readonly kind: 'reinforce' }
    /** `lambda` 1: returns up to the rollout's end, as A2C has it. */
    | { readonly kind: 'actorCritic'; readonly lambda: number }
  );

export interface AgentConfig extends RolloutShape {
  readonly policy: Policy;
  readonly learning: PolicyGradient;
  readonly optimizer: OptimizerConfig;
  /** Which parameters are trained; the others stay as `learner.reset` is given them. Default: all. */
  readonly trains?: (parameter: ParameterSpec) => boolean;
}

export interface Agent extends AsyncDisposable {
  readonly learner: Learner;
  /** For the rows of the rollouts; `createActor` makes others. */
  readonly actor: Actor;
  /**
   * One step along the rollout's policy gradient; the reason where numbers broke.
   * @param maxGradientNorm Default 0.5, that of A2C in stable-baselines3.
   */
  update(rollout: Rollout, lr: number, maxGradientNorm?: number): Promise<string | undefined>;
}

/** Compiles an agent; its weights are zero until `learner.reset`. */
export async function createAgent(config: AgentConfig): Promise<Agent> {
  const { policy, steps, rows, learning, optimizer, trains = () => true } = config;
  const heads = unrolledPolicy(policy, feedLayers(policy.parameters), { steps, rows });
  const loss = learning.kind === 'reinforce' ? reinforceLoss(heads, learning) : actorCriticLoss(heads, learning);
  const parameters = policy.parameters.filter(trains);
  const fixed = policy.parameters.filter((one) => !trains(one));
  const learner = await createLearner({ parameters, fixed, loss, optimizer });
  return {
    learner,
    actor: await createActor(learner, policy, rows),
    update(rollout, lr, maxGradientNorm = 0.5) {
      const feeds =
        learning.kind === 'reinforce' ? reinforceFeeds(rollout, learning) : actorCriticFeeds(rollout, learning);
      return takeStep(learner, [feeds], lr, maxGradientNorm);
    },
    [Symbol.asyncDispose]: () => learner[Symbol.asyncDispose](),
  };
}
