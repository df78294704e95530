/**
 * Scenes to ask about binding: two colours and two shapes, in all four ways to put them together and side by side, in many layouts.
 * Invariant: the four scenes of a layout differ in nothing else, and every colour, shape and colour at a place is as frequent in
 * one binding as in the other, so only what joins colour to shape tells the bindings apart. They stand in this order: as drawn,
 * colours exchanged, and both seen in a mirror.
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
  checkPairs(world);
  const { objects } = sceneDrawer(world, part)(rng.split('pair'));
  const [colours, shapes] = [objects.map(({ colour }) => colour), objects.map(({ shape }) => shape)];
  return balanced(
    world,
    Array.from({ length: layouts }, (_, layout) => sceneOf(world, colours, shapes, rng.split(`layout ${layout}`))),
  );
}

/**
 * Draws one colour and one shape that every scene has, and beside them other colours and shapes, a pair a layout and no pair twice: whether the first
 * colour is on the first shape can then be asked in pairings that a probe has not seen.
 * @param layouts At most the pairs there are, (colours - 1) (shapes - 1).
 */
export function anchoredScenes(world: SceneWorld, layouts: number, rng: Rng): BindingScenes {
  checkPairs(world);
  const [colour, shape] = [rng.below(world.colours), rng.below(world.shapes)];
  const others = (count: number, own: number): readonly number[] =>
    Array.from({ length: count }, (_, i) => i).filter((one) => one !== own);
  const pairs = others(world.colours, colour).flatMap((c) => others(world.shapes, shape).map((s) => [c, s] as const));
  if (layouts > pairs.length) {
    throw new Error(`anchoredScenes: expected at most ${pairs.length} layouts, found ${layouts}.`);
  }
  const chosen = [...rng.permutation(pairs.length)].slice(0, layouts).flatMap((i) => [pairs[i] ?? [0, 0]]);
  return balanced(
    world,
    chosen.map(([c, s], layout) => sceneOf(world, [colour, c], [shape, s], rng.split(`layout ${layout}`))),
  );
}

function checkPairs({ objects }: SceneWorld): void {
  if (objects !== 2) throw new Error(`Binding scenes: expected a world of two objects, found ${objects}.`);
}

/** Each scene, which has the first colour on the first shape and to the left, with its three variants. */
function balanced(world: SceneWorld, drawn: readonly Scene[]): BindingScenes {
  const rows = drawn.flatMap((scene, layout) => {
    const swap = exchanged(scene);
    return [
      { scene, layout, isBound: true, isColourLeft: true, isShapeLeft: true },
      { scene: swap, layout, isBound: false, isColourLeft: false, isShapeLeft: true },
      { scene: mirrored(world, scene), layout, isBound: true, isColourLeft: false, isShapeLeft: false },
      { scene: mirrored(world, swap), layout, isBound: false, isColourLeft: true, isShapeLeft: false },
    ];
  });
  return {
    scenes: rows.map(({ scene }) => scene),
    layouts: rows.map(({ layout }) => layout),
    isBound: rows.map(({ isBound }) => isBound),
    isColourLeft: rows.map(({ isColourLeft }) => isColourLeft),
    isShapeLeft: rows.map(({ isShapeLeft }) => isShapeLeft),
  };
}
