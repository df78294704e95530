/**
 * What all networks of a block are shown alike: the lives of the block's actor-critic, and the same with the energy of other lives.
 * In the first, belief and energy go together, since good seasons feed; in the second they do not, so that what an axis holds of each
 * can be told apart. Belief depends on cues, food and efforts alone, which are left as they were.
 */
import { type Actor, livedOn, newLives, type Rng } from 'assay/learn';

import { type Forager, FORAGING } from './forager.ts';
import { MEMORY } from './networks.ts';

/** T steps of B lives; arrays are [T, B], step by step. */
export interface Stream {
  readonly rows: number;
  readonly steps: number;
  /** Shape [T, B, O]. */
  readonly observations: Float32Array;
  /** 0 where a life begins. */
  readonly kept: Float32Array;
  /** 1 in the good season. */
  readonly good: Float64Array;
  /** The exact belief. */
  readonly belief: Float64Array;
  readonly energy: Float64Array;
}

/** Lives of an actor. */
export async function streamOf(actor: Actor, steps: number, rng: Rng): Promise<Stream> {
  const { rows } = actor;
  const lived: Forager[] = [];
  const { rollout } = await livedOn(FORAGING, actor, newLives(FORAGING, actor, rng), steps, rng, {
    edit: (_acting, _step, states) => void lived.push(...states),
  });
  return {
    rows,
    steps,
    observations: rollout.observations,
    kept: rollout.kept,
    good: Float64Array.from(lived, ({ good }) => Number(good)),
    belief: Float64Array.from(lived, ({ belief }) => belief),
    energy: Float64Array.from(lived, ({ energy }) => energy),
  };
}

/** The stream in which each life is shown the energy of another, half the rows away. */
export function crossed(stream: Stream): Stream {
  const { rows, observations, energy } = stream;
  const width = FORAGING.observations;
  const other = (n: number): number => n - (n % rows) + (((n % rows) + (rows >> 1)) % rows);
  return {
    ...stream,
    observations: observations.map((one, at) =>
      at % width === 1 ? (observations[other(Math.floor(at / width)) * width + 1] ?? Number.NaN) : one,
    ),
    energy: energy.map((_, n) => energy[other(n)] ?? Number.NaN),
  };
}

/** The memory of an actor that is shown a stream and does nothing, shape [T, B, H]. */
export async function statesAlong(actor: Actor, { rows, steps, observations, kept }: Stream): Promise<Float32Array> {
  const states = new Float32Array(steps * rows * MEMORY);
  const memory = new Float32Array(rows * MEMORY);
  const width = rows * FORAGING.observations;
  for (let t = 0; t < steps; t++) {
    for (let row = 0; row < rows; row++) {
      if (kept[t * rows + row] === 0) memory.fill(0, row * MEMORY, (row + 1) * MEMORY);
    }
    const seen = observations.subarray(t * width, (t + 1) * width);
    memory.set((await actor.act(seen, memory)).memory);
    states.set(memory, t * rows * MEMORY);
  }
  return states;
}
