/**
 * Which pairs of colour and shape are held out, and which scenes are made of seen or of held-out pairs alone. Every colour and every
 * shape occurs among the seen pairs, so a model may know all words and all things and lack the pair.
 */
import { rngOf } from '#base/rng.ts';

import type { SceneWorld } from './scene-world.ts';

/**
 * Which scenes to draw. `seen`: neither they nor their swaps hold a held-out pair, so training on captions, swapped captions or
 * swapped scenes never meets one. `held`: every pair is held out; where whole blocks are, every pair of the swap is as well.
 */
export const SCENE_PARTS = ['seen', 'held', 'any'] as const;
export type ScenePart = (typeof SCENE_PARTS)[number];

/** Whether a pair of colour and shape is held out, by their indices. */
export type IsHeld = (colour: number, shape: number) => boolean;

/**
 * The held-out pairs of a world, drawn from `world.held.seed` alone.
 * Latin: colour i, shape j of a random order of each, where j = i modulo the shapes. Blocks: colours and shapes are paired in a
 * random order; block (i, j) of pairs is held where i + j is 0 modulo the larger number of pairs.
 */
export function heldPairs(world: SceneWorld): IsHeld {
  const { held, colours, shapes } = world;
  if (held.kind === 'none') return () => false;
  const rng = rngOf(held.seed, 'scenes, held out');
  const [colourPlaces, shapePlaces] = [rng.permutation(colours), rng.permutation(shapes)];
  const place = (places: Uint32Array, of: number): number => places[of] ?? -1;
  if (held.kind === 'latin')
    return (colour, shape) => place(colourPlaces, colour) % shapes === place(shapePlaces, shape);
  const [colourPairs, shapePairs] = [Math.floor(colours / 2), Math.floor(shapes / 2)];
  const modulus = Math.max(colourPairs, shapePairs);
  return (colour, shape) => {
    const [i, j] = [Math.floor(place(colourPlaces, colour) / 2), Math.floor(place(shapePlaces, shape) / 2)];
    // The last of an odd number has no partner and is always seen.
    return i < colourPairs && j < shapePairs && (i + j) % modulus === 0;
  };
}

/** Whether objects with these colours and shapes, in their order, make a scene of the part. */
export function isOfPart(
  isHeld: IsHeld,
  { held }: SceneWorld,
  part: ScenePart,
  colours: readonly number[],
  shapes: readonly number[],
): boolean {
  if (part === 'any') return true;
  const own = colours.map((colour, i) => isHeld(colour, shapes[i] ?? -1));
  const swap = colours.map((_, i) => isHeld(colours[(i + 1) % colours.length] ?? -1, shapes[i] ?? -1));
  if (part === 'seen') return ![...own, ...swap].includes(true);
  return ![...own, ...(held.kind === 'blocks' ? swap : [])].includes(false);
}
