/**
 * Many lives lived at once, step by step, under one policy. Invariant: what is done and what happens is a function of the policy,
 * the lives as they stood and the stream: row b draws its actions and its luck from streams of its own, so that it lives the same
 * beside any number of others. Lives are plain data, so a run that is resumed goes on to the same bits.
 */
import type { Rng } from '#base/rng.ts';
import { softmax } from '#engine/ops/network.ts';
import { input } from '#engine/ops/sources.ts';
import type { Tensor } from '#engine/tensor.ts';
import type { Reader } from '#learning/feeds.ts';
import type { Learner } from '#learning/learner.ts';
import { feedLayers, type Layers } from '#learning/nn/layers.ts';

import { drawnAction, likeliestAction } from './draw.ts';
import type { End, Environment } from './environment.ts';
import { policyStep, type Policy, type RolloutShape } from './policies.ts';
import type { Rewarded } from './returns.ts';

/** A policy under the weights of the moment, for B lives. */
export interface Actor {
  readonly policy: Policy;
  readonly rows: number;
  /** @param observations shape [B, O]. @param memory shape [B, H]. @returns what holds until the next call. */
  act(observations: Float32Array, memory: Float32Array): Promise<Acting>;
}

/** What a policy says of B situations. */
export interface Acting {
  /** Shape [B, A]. */
  readonly probabilities: Float32Array;
  /** Shape [B]; empty without a critic. */
  readonly values: Float32Array;
  /** The memory after what was seen, shape [B, H]; empty without one. */
  readonly memory: Float32Array;
}

/** The actor of a learner's weights. */
export async function createActor(learner: Pick<Learner, 'reader'>, policy: Policy, rows: number): Promise<Actor> {
  const reader = await learner.reader(actingOutputs(policy, feedLayers(policy.parameters), rows));
  return actorOf(reader, policy, rows);
}

/** What an actor's program gives. Inputs `observations` [N, O] and, with memory, `memory` [N, H]. */
export function actingOutputs(policy: Policy, layers: Layers, rows: number): Readonly<Record<string, Tensor>> {
  const memory = policy.memory === 0 ? undefined : input('memory', [rows, policy.memory]);
  const step = policyStep(policy, layers, input('observations', [rows, policy.observations]), memory);
  return {
    probabilities: softmax(step.logits),
    ...(step.values && { values: step.values }),
    ...(memory && { next: step.state }),
  };
}

/** @param reader Of `actingOutputs`. */
export function actorOf(reader: Reader, policy: Policy, rows: number): Actor {
  const none = new Float32Array();
  return {
    policy,
    rows,
    async act(observations, memory) {
      const feeds = policy.memory === 0 ? { observations } : { observations, memory };
      const { probabilities = none, values = none, next = none } = await reader.read(feeds);
      return { probabilities, values, memory: next };
    },
  };
}

/** B lives between two steps: plain data, see `packLives`. */
export interface Lives<State> {
  readonly states: readonly State[];
  /** What is remembered, shape [B, H]; 0 where a life begins. */
  readonly memory: Float32Array;
  /** Steps lived and rewards had since each life began, shape [B]. */
  readonly ages: Float64Array;
  readonly totals: Float64Array;
}

/** Which luck a row has; rows of one number have the same. */
export type LuckOf = (row: number) => number;

/** Lives that begin. @param luckOf Default: each row its own. */
export function newLives<State>(
  world: Environment<State>,
  { rows, policy }: Pick<Actor, 'rows' | 'policy'>,
  luck: Rng,
  luckOf: LuckOf = (row) => row,
): Lives<State> {
  return {
    states: Array.from({ length: rows }, (_, row) => world.start(luck.split(`start ${luckOf(row)}`))),
    memory: new Float32Array(rows * policy.memory),
    ages: new Float64Array(rows),
    totals: new Float64Array(rows),
  };
}

/** A life that ended: at which step of the rollout, after how many steps of its own, with which sum of rewards. */
export interface EndedLife {
  readonly row: number;
  readonly step: number;
  readonly length: number;
  readonly total: number;
}

/** T steps of B lives; arrays are [T, B] or [T, B, ...], step by step. */
export interface Rollout extends RolloutShape, Rewarded {
  /** Shape [T, B, O]. */
  readonly observations: Float32Array;
  readonly actions: Int32Array;
  /** The critic's, shape [T, B]; 0 without one. */
  readonly values: Float32Array;
  /** What was remembered before the first step, shape [B, H]. */
  readonly memory: Float32Array;
  /** What was remembered after each observation, shape [T, B, H]. */
  readonly memories: Float32Array;
  /** 0 where a life begins within the rollout, else 1, shape [T, B]. */
  readonly kept: Float32Array;
  /** In the order in which they ended. */
  readonly episodes: readonly EndedLife[];
}

/** How lives are led. */
export interface Leading<State = unknown> {
  /** Default `drawn`: from P(action). */
  readonly choice?: 'drawn' | 'likeliest';
  /** Default: each row has luck of its own. */
  readonly luckOf?: LuckOf;
  /**
   * Sees each step before it is taken, and may change what will be remembered of it and how likely each action is, in place.
   * @param states Of the rows, which are not to be changed.
   */
  readonly edit?: (acting: Acting, step: number, states: readonly State[]) => Promise<void> | void;
}

/** Lives T steps. @param luck A stream of this rollout alone, such as `rng.split('step 7')`. */
export async function livedOn<State>(
  world: Environment<State>,
  actor: Actor,
  lives: Lives<State>,
  steps: number,
  luck: Rng,
  { choice = 'drawn', luckOf = (row) => row, edit }: Leading<State> = {},
): Promise<{ readonly rollout: Rollout; readonly lives: Lives<State> }> {
  const { rows, policy } = actor;
  const now = standing(world, lives, policy.observations);
  const rollout = emptyRollout({ steps, rows }, policy, lives.memory);
  const isDrawn = choice === 'drawn';
  const own = Array.from({ length: rows }, (_, row) => ({
    choices: luck.split(`choices ${luckOf(row)}`),
    world: luck.split(`world ${luckOf(row)}`),
  }));
  for (let t = 0; t < steps; t++) {
    rollout.observations.set(now.seen, t * now.seen.length);
    const acting = await actor.act(now.seen, now.memory);
    if (edit !== undefined) await edit(acting, t, now.states);
    rollout.values.set(acting.values, t * rows);
    rollout.memories.set(acting.memory, t * rows * policy.memory);
    now.memory.set(acting.memory);
    const [ended, cut]: [number[], number[]] = [[], []];
    for (let row = 0; row < rows; row++) {
      const stream = own[row];
      if (stream === undefined) continue;
      const uniform = stream.choices.uniform();
      const action = isDrawn
        ? drawnAction(acting.probabilities, row, policy.actions, uniform)
        : likeliestAction(acting.probabilities, row, policy.actions);
      const end = moved(world, now, rollout, t * rows + row, action, stream.world);
      if (end !== 'none') ended.push(row);
      if (end === 'cut') cut.push(row);
    }
    if (cut.length > 0 && acting.values.length > 0) await lookBeyond(actor, now, rollout, t, cut);
    for (const row of ended) begin(world, now, rollout, t * rows + row, own[row]?.world ?? luck);
  }
  if (steps > 0) rollout.last.set((await actor.act(now.seen, now.memory)).values);
  const { states, memory, ages, totals } = now;
  return { rollout, lives: { states, memory, ages, totals } };
}

/** Lives as they stand in the midst of a rollout; written in place. */
interface Standing<State> {
  readonly states: State[];
  readonly memory: Float32Array;
  readonly ages: Float64Array;
  readonly totals: Float64Array;
  /** What is seen, shape [B, O], and its rows. */
  readonly seen: Float32Array;
  readonly rowsSeen: readonly Float32Array[];
}

type Writable = Rollout & { readonly episodes: EndedLife[] };

function standing<State>(world: Environment<State>, lives: Lives<State>, width: number): Standing<State> {
  const seen = new Float32Array(lives.states.length * width);
  const rowsSeen = lives.states.map((_, row) => seen.subarray(row * width, (row + 1) * width));
  rowsSeen.forEach((into, row) => world.observe(stateOf(lives, row), into));
  const { states, memory, ages, totals } = lives;
  return { states: [...states], memory: memory.slice(), ages: ages.slice(), totals: totals.slice(), seen, rowsSeen };
}

function stateOf<State>({ states }: Pick<Lives<State>, 'states'>, row: number): State {
  const state = states[row];
  if (state === undefined) throw new Error(`expected a state of row ${row}, found none of ${states.length}`);
  return state;
}

/** Puts a row into a state. */
function place<State>(world: Environment<State>, now: Standing<State>, row: number, state: State): void {
  now.states[row] = state;
  const into = now.rowsSeen[row];
  if (into !== undefined) world.observe(state, into);
}

function emptyRollout({ steps, rows }: RolloutShape, policy: Policy, memory: Float32Array): Writable {
  const size = steps * rows;
  return {
    steps,
    rows,
    observations: new Float32Array(size * policy.observations),
    actions: new Int32Array(size),
    rewards: new Float32Array(size),
    ended: new Uint8Array(size),
    beyond: new Float32Array(size),
    last: new Float32Array(rows),
    values: new Float32Array(size),
    memory,
    memories: new Float32Array(size * policy.memory),
    kept: new Float32Array(size).fill(1),
    episodes: [],
  };
}

/** Takes an action at place `at` of the rollout. */
function moved<State>(
  world: Environment<State>,
  now: Standing<State>,
  rollout: Writable,
  at: number,
  action: number,
  fate: Rng,
): End {
  const row = at % rollout.rows;
  const { state, reward, end } = world.step(stateOf(now, row), action, fate);
  rollout.actions[at] = action;
  rollout.rewards[at] = reward;
  rollout.ended[at] = end === 'none' ? 0 : 1;
  now.ages[row] = (now.ages[row] ?? 0) + 1;
  now.totals[row] = (now.totals[row] ?? 0) + reward;
  place(world, now, row, state);
  return end;
}

/** What the critic expects after lives that were cut off at step t, from what would have been seen next. */
async function lookBeyond<State>(
  actor: Actor,
  now: Standing<State>,
  { beyond, rows }: Rollout,
  t: number,
  cut: readonly number[],
): Promise<void> {
  const { values } = await actor.act(now.seen, now.memory);
  for (const row of cut) beyond[t * rows + row] = values[row] ?? 0;
}

/** A new life where one ended at place `at` of the rollout. */
function begin<State>(world: Environment<State>, now: Standing<State>, rollout: Writable, at: number, fate: Rng): void {
  const { rows, kept, episodes } = rollout;
  const row = at % rows;
  const width = now.memory.length / rows;
  const [length, total] = [now.ages[row] ?? 0, now.totals[row] ?? 0];
  episodes.push({ row, step: Math.floor(at / rows), length, total });
  now.ages[row] = 0;
  now.totals[row] = 0;
  now.memory.fill(0, row * width, (row + 1) * width);
  if (at + rows < kept.length) kept[at + rows] = 0;
  place(world, now, row, world.start(fate));
}
