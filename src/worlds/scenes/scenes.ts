/** Scenes: objects side by side, drawn from a seed, and what is the same scene with attributes or places exchanged. */
import { AssayError } from '#base/errors.ts';
import type { Rng } from '#base/rng.ts';

import { heldPairs, isOfPart, type ScenePart } from './held-out.ts';
import type { Background, Light, SceneWorld } from './scene-world.ts';

/** Indices of colour and shape, and the upper left corner of the box of 3 x 3 cells in pixels. */
export interface SceneObject {
  readonly colour: number;
  readonly shape: number;
  /** A multiple of the world's cell. */
  readonly size: number;
  readonly x: number;
  readonly y: number;
}

/** Objects are listed from left to right. */
export interface Scene {
  readonly objects: readonly SceneObject[];
  readonly light: Light;
  readonly background: Background;
}

/** What two objects can exchange: everything else, the place among it, stays with the object. */
export const ATTRIBUTES = ['colour', 'shape', 'size'] as const;
export type Attribute = (typeof ATTRIBUTES)[number];

/** Draws so many colours and shapes before it says that none fit. */
const MAX_TRIES = 100_000;

/**
 * A function that draws scenes of a part: a fit choice of colours and shapes, all equally likely, then places, sizes, light and background.
 * @throws AssayError where the world has no scene of the part.
 */
export function sceneDrawer(world: SceneWorld, part: ScenePart = 'any'): (rng: Rng) => Scene {
  if (part === 'held' && world.held.kind === 'none') {
    throw new AssayError(
      'config',
      'Scenes "held.kind": expected latin or blocks, for scenes of held-out pairs, found none. Say which are held out: --set held.kind=blocks',
    );
  }
  const isHeld = heldPairs(world);
  const fits = (colours: readonly number[], shapes: readonly number[]): boolean =>
    isOfPart(isHeld, world, part, colours, shapes);
  return (rng) => {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const colours = distinct(rng, world.colours, world.objects);
      const shapes = distinct(rng, world.shapes, world.objects);
      if (fits(colours, shapes)) return sceneOf(world, colours, shapes, rng);
    }
    throw new AssayError(
      'config',
      `Scenes: expected scenes of ${part === 'held' ? 'held-out' : part} pairs, found none in ${MAX_TRIES} draws. ` +
        'Take more colours and shapes, fewer objects, or hold out other pairs.',
    );
  };
}

/** A scene of these colours and shapes, from left to right; places, sizes, light and background are drawn. */
export function sceneOf(world: SceneWorld, colours: readonly number[], shapes: readonly number[], rng: Rng): Scene {
  const { sizes, width, height, cell, objects, lights, backgrounds } = world;
  const pick = <T>(from: readonly [T, ...T[]] | readonly T[], fallback: T): T =>
    from[rng.below(from.length)] ?? fallback;
  const shared = pick(sizes.multiples, 1);
  const column = Math.floor(width / objects);
  return {
    objects: colours.map((colour, i): SceneObject => {
      const size = sizes.own ? pick(sizes.multiples, 1) : shared;
      const box = 3 * cell * size;
      const x = i * column + rng.below(column - box + 1);
      return { colour, shape: shapes[i] ?? 0, size, x, y: rng.below(height - box + 1) };
    }),
    light: pick(lights, 'none'),
    background: pick(backgrounds, 'black'),
  };
}

/**
 * The scene with an attribute handed on from each object to the one before it (two objects exchange it). Shape exchanged instead of
 * colour is the swap seen in a mirror: colours stay where they are.
 */
export function exchanged(scene: Scene, attribute: Attribute = 'colour'): Scene {
  const { objects } = scene;
  const next = (i: number): SceneObject | undefined => objects[(i + 1) % objects.length];
  return {
    ...scene,
    objects: objects.map((one, i) => ({ ...one, [attribute]: next(i)?.[attribute] ?? one[attribute] })),
  };
}

/** The scene seen in a mirror: objects change places, shapes are not turned. */
export function mirrored(world: SceneWorld, scene: Scene): Scene {
  const moved = scene.objects.map((one) => ({ ...one, x: world.width - one.x - 3 * world.cell * one.size }));
  return { ...scene, objects: moved.toReversed() };
}

/**
 * Whether exchanging an attribute leaves every mean over patches as it is, so that mean-pooled patch embeddings are equal: shapes of
 * whole cells of whole patches, and no colour that gains or loses area.
 */
export function isExactNull(world: SceneWorld, attribute: Attribute = 'colour'): boolean {
  const { family, cell, patch, sizes } = world;
  const areEqual = !sizes.own || sizes.multiples.every((size) => size === sizes.multiples[0]);
  return family === 'cells' && cell % patch === 0 && (attribute === 'shape' || areEqual);
}

/** Numbers below a bound, no two alike, in random order. */
function distinct(rng: Rng, bound: number, count: number): readonly number[] {
  const drawn: number[] = [];
  while (drawn.length < count) {
    const one = rng.below(bound);
    if (!drawn.includes(one)) drawn.push(one);
  }
  return drawn;
}
