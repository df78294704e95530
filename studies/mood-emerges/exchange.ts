/**
 * Is a coordinate of the memory used? Lives are led in which each action is chosen with that coordinate of another life, all along
 * the same other one, so that a slow coordinate is somebody else's and not noise; what is lost is life. What is remembered is left
 * alone, so the coordinate that is borrowed is really the other's.
 */
import { type Actor, livedOn, newLives, type Reader, type Rng } from 'assay/learn';

import { FORAGING } from './forager.ts';
import { MEMORY } from './networks.ts';

/** What is exchanged, of the difference d between the partner's memory and one's own, both shape [H]. */
export type Exchange =
  /** Nothing: with oneself, through all the same steps. */
  | { readonly kind: 'self' }
  | { readonly kind: 'whole' }
  /** Its part along a direction of length 1. */
  | { readonly kind: 'along'; readonly direction: Float64Array }
  /** A step as long as its part along one direction, along another: equally far, but nobody's memory. */
  | { readonly kind: 'asFar'; readonly direction: Float64Array; readonly along: Float64Array };

/** Steps a life lasts on average, over many lives led with an exchange. @param heads Reads `probabilities` off `state` [B, H]. */
export async function lifeUnder(
  exchange: Exchange | undefined,
  { actor, heads }: { readonly actor: Actor; readonly heads: Reader },
  steps: number,
  rng: Rng,
): Promise<number> {
  const { rows } = actor;
  const { rollout } = await livedOn(FORAGING, actor, newLives(FORAGING, actor, rng), steps, rng, {
    async edit({ memory, probabilities }) {
      if (exchange === undefined) return;
      const read = await heads.read({ state: exchanged(memory, rows, exchange) });
      probabilities.set(read['probabilities'] ?? []);
    },
  });
  // Lives that are not over count with their steps: the inverse of how often a being dies.
  return (rows * steps) / rollout.episodes.length;
}

/** Each row with a part of another's, half the rows away. @param memory shape [B, H]. */
export function exchanged(memory: Float32Array, rows: number, exchange: Exchange): Float32Array {
  const after = new Float32Array(memory.length);
  for (let row = 0; row < rows; row++) {
    const partner = exchange.kind === 'self' ? row : (row + (rows >> 1)) % rows;
    const difference = Float64Array.from(
      { length: MEMORY },
      (_, i) => (memory[partner * MEMORY + i] ?? 0) - (memory[row * MEMORY + i] ?? 0),
    );
    const change = changeOf(exchange, difference);
    for (let i = 0; i < MEMORY; i++) after[row * MEMORY + i] = (memory[row * MEMORY + i] ?? 0) + (change[i] ?? 0);
  }
  return after;
}

function changeOf(exchange: Exchange, difference: Float64Array): Float64Array {
  switch (exchange.kind) {
    case 'self':
    case 'whole':
      return difference;
    case 'along':
    case 'asFar': {
      const length = exchange.direction.reduce((sum, one, i) => sum + one * (difference[i] ?? 0), 0);
      const onto = exchange.kind === 'along' ? exchange.direction : exchange.along;
      return onto.map((one) => length * one);
    }
    default:
      return exchange satisfies never;
  }
}

/** A direction of length 1, uniform over all. */
export function randomDirection(rng: Rng): Float64Array {
  const drawn = Float64Array.from({ length: MEMORY }, () => rng.normal());
  const length = Math.hypot(...drawn);
  return drawn.map((one) => one / length);
}
