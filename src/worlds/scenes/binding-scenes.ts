/**
 * Scenes to ask about binding: two colours and two shapes, in all four ways to put them together and side by side, in many layouts.
 * Invariant: the four scenes of a layout differ in nothing else, and every colour, shape and colour at a place is as frequent in
 * one binding as in the other, so only what joins colour to shape tells the bindings apart.
 */
import type { Rng } from '#base/rng.ts';

import type { ScenePart } from './held-out.ts';
import type { SceneWorld } from './scene-world.ts';
import { exchanged, mirrored, type Scene, sceneDrawer, sceneOf } from './scenes.ts';

/** Scenes in the order layout by layout, four each; all lists have the length of `scenes`. */
export interface BindingScenes {
  readonly scenes: readonly Scene[];
  /** The layout a scene belongs to: what a cross-validation keeps together. */
  readonly layouts: readonly number[];
  /** Whether the first colour is on the first shape: the label of a place-free probe. */
  readonly isBound: readonly boolean[];
  /** Whether the first colour, and the first shape, are to the left: the labels of probes bound to a place. */
  readonly isColourLeft: readonly boolean[];
  readonly isShapeLeft: readonly boolean[];
}

/**
 * Draws two colours and two shapes of a part, then layouts of them.
 * @throws AssayError where the world has no scene of the part; Error where it has other than two objects.
 */
export function bindingScenes(world: SceneWorld, layouts: number, rng: Rng, part: ScenePart = 'any'): BindingScenes {
  if (world.objects !== 2) throw new Error(`bindingScenes: expected a world of two objects, found ${world.objects}.`);
  const { objects } = sceneDrawer(world, part)(rng.split('pair'));
  const [colours, shapes] = [objects.map(({ colour }) => colour), objects.map(({ shape }) => shape)];
  const rows = Array.from({ length: layouts }, (_, layout) => {
    const like = sceneOf(world, colours, shapes, rng.split(`layout ${layout}`));
    const swapped = exchanged(like);
    return [
      { scene: like, layout, isBound: true, isColourLeft: true, isShapeLeft: true },
      { scene: swapped, layout, isBound: false, isColourLeft: false, isShapeLeft: true },
      { scene: mirrored(world, like), layout, isBound: true, isColourLeft: false, isShapeLeft: false },
      { scene: mirrored(world, swapped), layout, isBound: false, isColourLeft: true, isShapeLeft: false },
    ];
  }).flat();
  return {
    scenes: rows.map(({ scene }) => scene),
    layouts: rows.map(({ layout }) => layout),
    isBound: rows.map(({ isBound }) => isBound),
    isColourLeft: rows.map(({ isColourLeft }) => isColourLeft),
    isShapeLeft: rows.map(({ isShapeLeft }) => isShapeLeft),
  };
}
