/**
 * Evolution strategies: a population around the weights is rewarded as it lives, and the weights follow the better ones. No gradient
 * passes through policy or world. The learner is the one learner, over a loss whose gradient is the estimate.
 * @see Salimans et al. 2017, arXiv:1703.03864 (mirrored pairs, centred ranks).
 */
import type { Rng } from '#base/rng.ts';
import { AssayError } from '#base/errors.ts';
import { compile } from '#engine/session.ts';
import { weightedSum } from '#engine/ops/network.ts';
import { input } from '#engine/ops/sources.ts';
import { sizeOf } from '#engine/tensor.ts';
import { takeStep } from '#learning/divergence.ts';
import { readerOf } from '#learning/feeds.ts';
import { createLearner, type Learner } from '#learning/learner.ts';
import type { OptimizerConfig } from '#learning/optim/optimizer-config.ts';

import { type Policy, populationLayers } from './policies.ts';
import { type Actor, actingOutputs, actorOf, createActor } from './rollouts.ts';

export interface EvolutionConfig {
  readonly policy: Policy;
  /** Members, an even number: each has a mirror image. */
  readonly population: number;
  /** Lives that each member leads at once. */
  readonly livesEach: number;
  /** The standard deviation of members around the weights. */
  readonly sigma: number;
  readonly optimizer: OptimizerConfig;
}

/** Members around the weights of the moment. */
export interface Generation {
  /** Acts for population x livesEach rows, member by member. */
  readonly actor: Actor;
  /** @param fitness One a member, more is better; only its order counts. @returns the reason where numbers broke. */
  update(fitness: ArrayLike<number>, lr: number, maxGradientNorm?: number): Promise<string | undefined>;
}

export interface Evolution extends AsyncDisposable {
  readonly learner: Learner;
  /** Draws members, in the place of those before. @param rng A stream of this generation alone. */
  generation(rng: Rng): Generation;
  /** Acts for `rows` lives under the weights themselves. */
  actor(rows: number): Promise<Actor>;
}

/** Compiles the learner; its weights are zero until `learner.reset`. @throws AssayError on an odd population. */
export async function createEvolution(config: EvolutionConfig): Promise<Evolution> {
  const { policy, population, livesEach, sigma, optimizer } = config;
  if (population < 2 || population % 2 !== 0) {
    throw new AssayError('config', `population: expected an even number of at least 2, found ${population}.`);
  }
  const { parameters } = policy;
  const loss = Object.fromEntries(
    parameters.map(({ name, shape }) => [name, weightedSum(input(name, shape), input(alongName(name), shape))]),
  );
  const learner = await createLearner({ parameters, loss, optimizer });
  const rows = population * livesEach;
  const program = await compile(actingOutputs(policy, populationLayers(parameters, population), rows));
  const members = new Map(parameters.map(({ name, shape }) => [name, new Float32Array(population * sizeOf(shape))]));
  for (const [name, values] of members) program.bind(name, values);
  const none = new Float32Array();
  const actor = actorOf(readerOf(program, members), policy, rows);
  return {
    learner,
    actor: (count) => createActor(learner, policy, count),
    generation(rng) {
      const noise = new Map(
        parameters.map(({ name, shape }) => [name, mirrored(sizeOf(shape), population, rng.split(name))]),
      );
      for (const [name, values] of members) {
        place(values, learner.memory.get(name) ?? none, noise.get(name) ?? none, sigma);
      }
      return {
        actor,
        update(fitness, lr, maxGradientNorm) {
          const weights = centredRanks(fitness).map((rank) => -rank / (population * sigma));
          const feeds = [...noise].map(([name, values]) => [alongName(name), weighted(values, weights)]);
          return takeStep(learner, [Object.fromEntries(feeds)], lr, maxGradientNorm);
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await program[Symbol.asyncDispose]();
      await learner[Symbol.asyncDispose]();
    },
  };
}

function alongName(parameter: string): string {
  return `along ${parameter}`;
}

/** Normal draws, shape [P, size]: member 2i + 1 is minus member 2i. */
function mirrored(size: number, population: number, rng: Rng): Float32Array {
  const values = new Float32Array(population * size);
  for (let pair = 0; pair < population; pair += 2) {
    for (let i = 0; i < size; i++) {
      const one = rng.normal();
      values[pair * size + i] = one;
      values[(pair + 1) * size + i] = -one;
    }
  }
  return values;
}

/** Writes members around the weights. */
function place(members: Float32Array, centre: Float32Array, noise: Float32Array, sigma: number): void {
  for (let at = 0; at < members.length; at++) {
    members[at] = (centre[at % centre.length] ?? 0) + sigma * (noise[at] ?? 0);
  }
}

/** The sum over members of weight x noise, shape [size]. */
function weighted(noise: Float32Array, weights: readonly number[]): Float32Array {
  const size = noise.length / weights.length;
  const sums = new Float64Array(size);
  weights.forEach((weight, member) => {
    for (let i = 0; i < size; i++) sums[i] = (sums[i] ?? 0) + weight * (noise[member * size + i] ?? 0);
  });
  return Float32Array.from(sums);
}

/** Ranks from -1/2 (the lowest) to 1/2; equals share theirs, so that a population without differences moves nothing. */
export function centredRanks(values: ArrayLike<number>): number[] {
  const all = Array.from(values);
  return all.map((value) => {
    const below = all.filter((other) => other < value).length;
    const equal = all.filter((other) => other === value).length;
    return (below + (equal - 1) / 2) / (all.length - 1) - 0.5;
  });
}
