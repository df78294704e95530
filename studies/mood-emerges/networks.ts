/**
 * The ways to a recurrent network of 16 units, and the heads by which it acts. Trunks are alike and start alike; what differs is what
 * made them: an actor-critic's rewards, evolution, foreseeing what an actor-critic meets, or nothing. A trunk that was not made by
 * acting stays as it is and gets heads, trained by the same actor-critic: so every network has something to lose.
 */
import {
  ADAMW_DEFAULTS,
  type Actor,
  type Agent,
  createAgent,
  createEvolution,
  createLearner,
  feedLayers,
  input,
  type Learner,
  livedOn,
  type Lives,
  mul,
  newLives,
  oneHot,
  type ParameterSpec,
  type Reader,
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
  type Tensor,
  unrolledPolicy,
  weightedSum,
} from 'assay/learn';

import { type Forager, FORAGING } from './forager.ts';

/** H. */
export const MEMORY = 16;
const { observations, actions } = FORAGING;
export const POLICY = recurrentPolicy({ observations, actions, memory: MEMORY });
/** Weights by name. */
export type Weights = ReadonlyMap<string, Float32Array>;

/** How a network is trained; updates of an actor-critic, or as many of what foresees. */
export interface Training {
  readonly rows: number;
  readonly steps: number;
  readonly updates: number;
  /** Falls along a line to a tenth. */
  readonly learningRate: number;
  readonly entropy: number;
  readonly discount: number;
}

const OPTIMIZER = { ...ADAMW_DEFAULTS, weightDecay: 0 };
const LAMBDA = 0.95;
const MAX_NORM = 0.5;

/** Whether a parameter belongs to what remembers, not to the heads. */
export function isTrunk({ name }: Pick<ParameterSpec, 'name'>): boolean {
  return name.startsWith('policy.gru.');
}

/** The trunk of one set of weights. */
export function trunkOf(weights: Weights): Weights {
  return new Map([...weights].filter(([name]) => isTrunk({ name })).map(([name, values]) => [name, values.slice()]));
}

function rateAt({ learningRate, updates }: Training, update: number): number {
  return learningRate * (1 - (0.9 * update) / updates);
}

/** An actor-critic, all of it or its heads alone. */
export async function createForager(training: Training, trains: 'all' | 'heads'): Promise<Agent> {
  const { rows, steps, entropy, discount } = training;
  return createAgent({
    policy: POLICY,
    rows,
    steps,
    learning: { kind: 'actorCritic', discount, lambda: LAMBDA, entropy },
    optimizer: OPTIMIZER,
    trains: (parameter) => trains === 'all' || !isTrunk(parameter),
  });
}

/** Trains a forager by what its own lives bring. @returns its weights. */
export async function rewarded(agent: Agent, training: Training, start: Weights, rng: Rng): Promise<Weights> {
  agent.learner.reset(start, rng.split('start'));
  let lives = newLives(FORAGING, agent.actor, rng);
  for (let update = 0; update < training.updates; update++) {
    const lived = await livedOn(FORAGING, agent.actor, lives, training.steps, rng.split(`update ${update}`));
    lives = lived.lives;
    throwIf(await agent.update(lived.rollout, rateAt(training, update), MAX_NORM));
  }
  return copied(agent.learner);
}

/** What is foreseen of the next step: everything that will be seen, or all but the energy. */
export const FORESIGHTS = ['all', 'signs'] as const;
export type Foresight = (typeof FORESIGHTS)[number];
/** Cue, food and energy, for each action that might be taken. */
const FORESEEN = 3;
const PREDICTOR = recurrentPolicy({ observations, actions: FORESEEN * actions, memory: MEMORY, critic: false });

/** What trains a trunk that foresees, and reads `states` [T B, H] along a rollout. */
export interface Predictor extends AsyncDisposable {
  readonly learner: Learner;
  readonly reader: Reader;
}

/** A trunk that foresees: chances of cue and food in nats, energy by squared error, given the action that is taken. */
export async function createPredictor({ rows, steps }: Training, foresight: Foresight): Promise<Predictor> {
  const { logits, states } = unrolledPolicy(PREDICTOR, feedLayers(PREDICTOR.parameters), { steps, rows });
  const n = steps * rows;
  const taken = reshape(oneHot(input('actions', [n], 'int32'), actions), [n, actions, 1]);
  const foreseen = sum(mul(reshape(logits, [n, actions, FORESEEN]), taken), [1]);
  const [next, weights] = [input('next', [n, FORESEEN]), input('weights', [n])];
  const column = (x: Tensor, i: number): Tensor => reshape(slice(x, 1, i, i + 1), [n]);
  const missed = [0, 1].map((i) => sigmoidCrossEntropy(column(foreseen, i), column(next, i)));
  const [cue, food] = missed.map((one) => weightedSum(one, weights));
  const energy = weightedSum(square(sub(column(foreseen, 2), column(next, 2))), weights);
  if (cue === undefined || food === undefined) throw new Error('expected two signs');
  const loss = { cue, food, energy: { term: energy, weight: foresight === 'all' ? 1 : 0 } };
  const learner = await createLearner({ parameters: PREDICTOR.parameters, loss, optimizer: OPTIMIZER });
  return {
    learner,
    reader: await learner.reader({ states }),
    [Symbol.asyncDispose]: () => learner[Symbol.asyncDispose](),
  };
}

/** Trains a trunk to foresee what an agent meets. @returns the trunk's weights. */
export async function foresaw(
  { learner, reader }: Predictor,
  actor: Actor,
  training: Training,
  start: Weights,
  rng: Rng,
): Promise<Weights> {
  learner.reset(trunkOf(start), rng.split('start'));
  let lives = newLives(FORAGING, actor, rng);
  let memory: Float32Array = new Float32Array(training.rows * MEMORY);
  for (let update = 0; update < training.updates; update++) {
    const { rollout, lives: next } = await livedOn(
      FORAGING,
      actor,
      lives,
      training.steps,
      rng.split(`update ${update}`),
    );
    const met = { observations: rollout.observations, kept: rollout.kept, memory };
    const { states = new Float32Array() } = await reader.read(met);
    throwIf(await takeStep(learner, [{ ...met, ...foreseeable(rollout, next) }], rateAt(training, update), MAX_NORM));
    memory = carried(states, rollout);
    lives = next;
  }
  return trunkOf(learner.memory);
}

/** The memory after the last step, empty where a life ended there. */
function carried(states: Float32Array, { rows, ended }: Rollout): Float32Array {
  const last = states.slice(states.length - rows * MEMORY);
  for (let row = 0; row < rows; row++) {
    if (ended[ended.length - rows + row] !== 0) last.fill(0, row * MEMORY, (row + 1) * MEMORY);
  }
  return last;
}

/** What comes next after each step; what a dead being would see is not asked for. */
export function foreseeable(rollout: Rollout, lives: Lives<Forager>) {
  const { actions: done, ended, rows } = rollout;
  const after = new Float32Array(rows * observations);
  lives.states.forEach((state, row) =>
    FORAGING.observe(state, after.subarray(row * observations, (row + 1) * observations)),
  );
  const seen = new Float32Array(rollout.observations.length + after.length);
  seen.set(rollout.observations);
  seen.set(after, rollout.observations.length);
  const next = new Float32Array(done.length * FORESEEN);
  for (let n = 0; n < done.length; n++) {
    const [cue = 0, energy = 0, found = 0] = seen.subarray((n + rows) * observations);
    next.set([(cue + 1) / 2, found, energy], n * FORESEEN);
  }
  const weights = Float32Array.from(ended, (one) => (one === 0 ? 1 / done.length : 0));
  return { actions: done, next, weights };
}

/** How a policy is evolved. */
export interface Evolving {
  readonly generations: number;
  readonly population: number;
  readonly livesEach: number;
  readonly steps: number;
  readonly sigma: number;
  readonly learningRate: number;
}

/** Evolves a policy by how long its members live, all under the same luck. @returns its weights; the critic's stay as they were. */
export async function evolved(how: Evolving, start: Weights, rng: Rng): Promise<Weights> {
  const { population, livesEach, steps, generations, sigma } = how;
  const policy = recurrentPolicy({ observations, actions, memory: MEMORY, critic: false });
  await using evolution = await createEvolution({ policy, population, livesEach, sigma, optimizer: OPTIMIZER });
  evolution.learner.reset(start, rng.split('start'));
  const luckOf = (row: number): number => row % livesEach;
  for (let generation = 0; generation < generations; generation++) {
    const members = evolution.generation(rng.split(`members ${generation}`));
    const luck = rng.split(`lives ${generation}`);
    const lives = newLives(FORAGING, members.actor, luck, luckOf);
    const { rollout } = await livedOn(FORAGING, members.actor, lives, steps, luck, { luckOf });
    const fitness = new Float64Array(population);
    rollout.rewards.forEach((reward, n) => {
      const member = Math.floor((n % rollout.rows) / livesEach);
      fitness[member] = (fitness[member] ?? 0) + reward;
    });
    throwIf(await members.update(fitness, how.learningRate * (1 - (0.9 * generation) / generations)));
  }
  return new Map([...start, ...copied(evolution.learner)]);
}

function copied({ memory }: Pick<Learner, 'memory'>): Weights {
  return new Map([...memory].map(([name, values]) => [name, values.slice()]));
}

function throwIf(broken: string | undefined): void {
  if (broken !== undefined) throw new Error(`training broke: ${broken}`);
}
