/**
 * The four ways to a recurrent network of 16 units, and the heads by which it acts. Trunks are alike; what differs is what made them:
 * an actor-critic's rewards, evolution, the prediction of what an actor-critic saw, or nothing.
 */
import {
  ADAMW_DEFAULTS,
  type Actor,
  type Agent,
  clamp,
  createAgent,
  createEvolution,
  createLearner,
  drawnWeights,
  feedLayers,
  input,
  type Learner,
  livedOn,
  type Lives,
  mul,
  newLives,
  oneHot,
  type ParameterSpec,
  recurrentPolicy,
  reshape,
  type Rng,
  type Rollout,
  sigmoidCrossEntropy,
  slice,
  square,
  sub,
  sum,
  takeStep,
  unrolledPolicy,
  weightedSum,
} from 'assay/learn';

import { type Forager, FORAGING } from './forager.ts';

export const MEMORY = 16;
const { observations, actions } = FORAGING;
export const POLICY = recurrentPolicy({ observations, actions, memory: MEMORY });
export const isTrunk = ({ name }: Pick<ParameterSpec, 'name'>): boolean => name.startsWith('policy.gru.');
/** Cue, food and energy of the next step, for each action that might be taken. */
const FORESEEN = 3;
const PREDICTOR = recurrentPolicy({ observations, actions: FORESEEN * actions, memory: MEMORY, critic: false });
void clamp;

export interface Training {
  readonly rows: number;
  readonly steps: number;
  readonly updates: number;
  readonly learningRate: number;
  readonly entropy: number;
  readonly discount: number;
}

const OPTIMIZER = { ...ADAMW_DEFAULTS, weightDecay: 0 };
const lambda = 0.95;
export type Start = ReadonlyMap<string, Float32Array>;

/** The learning rate falls to a tenth along a line. */
function rateAt({ learningRate, updates }: Training, update: number): number {
  return learningRate * (1 - (0.9 * update) / updates);
}

/** An actor-critic from a start; with `trains` heads alone. */
export async function createForager(training: Training, trains = (_: ParameterSpec): boolean => true): Promise<Agent> {
  const { rows, steps, entropy, discount } = training;
  const learning = { kind: 'actorCritic', discount, lambda, entropy } as const;
  return createAgent({ policy: POLICY, rows, steps, learning, optimizer: OPTIMIZER, trains });
}

export async function rewarded(agent: Agent, training: Training, start: Start, rng: Rng): Promise<void> {
  agent.learner.reset(start, rng.split('start'));
  let lives = newLives(FORAGING, agent.actor, rng);
  for (let update = 0; update < training.updates; update++) {
    const lived = await livedOn(FORAGING, agent.actor, lives, training.steps, rng.split(`update ${update}`));
    lives = lived.lives;
    const broken = await agent.update(lived.rollout, rateAt(training, update));
    if (broken !== undefined) throw new Error(broken);
  }
}

/** Learner of a trunk that predicts. */
export async function createPredictor({ rows, steps }: Training): Promise<Learner> {
  const { logits } = unrolledPolicy(PREDICTOR, feedLayers(PREDICTOR.parameters), { steps, rows });
  const n = steps * rows;
  const chosen = reshape(oneHot(input('actions', [n], 'int32'), actions), [n, actions, 1]);
  const foreseen = sum(mul(reshape(logits, [n, actions, FORESEEN]), chosen), [1]);
  const next = input('next', [n, FORESEEN]);
  const weights = reshape(input('weights', [n]), [n, 1]);
  const signs = sigmoidCrossEntropy(slice(foreseen, 1, 0, 2), slice(next, 1, 0, 2));
  const energy = square(sub(slice(foreseen, 1, 2, 3), slice(next, 1, 2, 3)));
  return createLearner({
    parameters: PREDICTOR.parameters,
    loss: { signs: weightedSum(sum(signs, [1]), reshape(weights, [n])), energy: weightedSum(reshape(energy, [n]), reshape(weights, [n])) },
    optimizer: OPTIMIZER,
  });
}

/** Trains a predictor on what an agent meets. */
export async function predicted(learner: Learner, actor: Actor, training: Training, start: Start, rng: Rng): Promise<void> {
  // The same trunk to start with, other heads.
  learner.reset(new Map([...start].filter(([name]) => isTrunk({ name }))), rng.split('start'));
  let lives: Lives<Forager> = newLives(FORAGING, actor, rng);
  let memory = new Float32Array(training.rows * MEMORY);
  void memory;
  for (let update = 0; update < training.updates; update++) {
    const lived = await livedOn(FORAGING, actor, lives, training.steps, rng.split(`update ${update}`));
    const feeds = foreseeing(lived.rollout, lived.lives);
    lives = lived.lives;
    const broken = await takeStep(learner, [feeds], rateAt(training, update), 0.5);
    if (broken !== undefined) throw new Error(broken);
  }
}

function foreseeing({ observations: seen, actions: done, ended, kept, rows }: Rollout, lives: Lives<Forager>) {
  const n = done.length;
  const next = new Float32Array(n * FORESEEN);
  const weights = new Float32Array(n);
  const last = new Float32Array(rows * observations);
  lives.states.forEach((state, row) => FORAGING.observe(state, last.subarray(row * observations, (row + 1) * observations)));
  for (let at = 0; at < n; at++) {
    const later = (at + rows) * observations;
    const source = at + rows < n ? seen.subarray(later, later + observations) : last.subarray((at + rows - n) * observations, (at + rows - n + 1) * observations);
    const [cue = 0, energy = 0, found = 0] = source;
    next.set([(cue + 1) / 2, found, energy], at * FORESEEN);
    // What a dead being would see is not to be foreseen.
    weights[at] = ended[at] === 0 ? 1 / n : 0;
  }
  return { observations: seen, actions: done, kept, next, weights, memory: new Float32Array(rows * MEMORY) };
}

export { createEvolution, drawnWeights };
