/**
 * The scenes of one block, with their captions: anchored scenes, on which cosines and probes are read, and scenes of held-out pairs, on
 * which a map that was fitted on others is asked.
 */
import type { RgbImage } from '#learning/files/images/decode-image.ts';
import { AssayError } from '#base/errors.ts';
import { type Rng, rngOf } from '#base/rng.ts';
import { anchoredScenes, type BindingScenes, bindingScenes } from '#worlds/scenes/binding-scenes.ts';
import { captionOf, captionText, drawWording, type Wording } from '#worlds/scenes/captions.ts';
import { heldPairs, isOfPart } from '#worlds/scenes/held-out.ts';
import { sceneRenderer } from '#worlds/scenes/render.ts';
import type { SceneWorld } from '#worlds/scenes/scene-world.ts';
import { exchanged, type Scene, sceneDrawer } from '#worlds/scenes/scenes.ts';

import type { Shown } from './subject.ts';

/** How many scenes a block has. */
export interface SceneCounts {
  /** Colours with a shape that scenes have in common, and the pairings of each; four scenes a pairing. */
  readonly anchors: number;
  readonly pairings: number;
  /** Held-out pairs of colours and shapes, and layouts of each; four scenes a layout. */
  readonly heldPairs: number;
  readonly layouts: number;
  /** Scenes, with their swaps, that the map on texts is fitted on besides, none of them of held-out pairs. */
  readonly fitted: number;
}

/** A scene and one wording of it: rows of the set's captions. */
export interface Asked {
  readonly scene: number;
  /** The scene with colours exchanged, which is among the set's scenes. */
  readonly swap: number;
  readonly right: number;
  readonly swapped: number;
  /** Shapes exchanged instead: in captions of places, the swap seen in a mirror. */
  readonly mirrored: number;
}

/** A caption as a row of a probe on texts. */
export interface ProbedCaption {
  readonly caption: number;
  readonly pairing: number;
  readonly isBound: boolean;
  readonly isColourFirst: boolean;
  readonly isShapeFirst: boolean;
}

/** Scenes that share an anchor: one probe's rows. */
export interface AnchorSet {
  readonly binding: BindingScenes;
  /** The set's row of its first scene. */
  readonly from: number;
  readonly captions: readonly ProbedCaption[];
}

export interface SceneSet {
  readonly shown: readonly Shown[];
  /** Each caption once. */
  readonly captions: readonly (readonly string[])[];
  readonly anchors: readonly AnchorSet[];
  readonly asked: readonly Asked[];
  /** Of held-out pairs. */
  readonly held: readonly Asked[];
  /** What the map is fitted on: drawn for it, and those of `asked` that with their swaps have no held-out pair. */
  readonly fitted: readonly Asked[];
}

/** Draws a block's set. @throws AssayError where the world has no held-out scenes. */
export function sceneSet(world: SceneWorld, counts: SceneCounts, seed: number): SceneSet {
  const rng = rngOf(seed, 'binding');
  const drawn = Array.from({ length: counts.anchors }, (_, i) =>
    anchoredScenes(world, counts.pairings, rng.split(`anchor ${i}`)),
  );
  const heldOut = Array.from({ length: counts.heldPairs }, (_, i) =>
    bindingScenes(world, counts.layouts, rng.split(`held out ${i}`), 'held'),
  );
  const lines = captionLines();
  const wordings = wordingsOf(world, rng.split('wordings'));
  const shown: Shown[] = [];
  const render = sceneRenderer(world);
  const place = (scenes: readonly Scene[]): { readonly from: number; readonly asked: readonly Asked[] } => {
    const from = shown.length;
    shown.push(...scenes.map((scene) => ({ picture: pictureOf(world, render(scene)), scene })));
    const asked = scenes.flatMap((scene, i) =>
      wordings.map((wording): Asked => {
        const row = (of: Scene): number => lines.rowOf(captionOf(world, of, wording));
        return {
          scene: from + i,
          // As drawn and exchanged stand side by side.
          swap: from + (i ^ 1),
          right: row(scene),
          swapped: row(exchanged(scene)),
          mirrored: row(exchanged(scene, 'shape')),
        };
      }),
    );
    return { from, asked };
  };
  const placed = drawn.map((binding) => ({ binding, ...place(binding.scenes) }));
  const asked = placed.flatMap((one) => one.asked);
  const held = heldOut.flatMap(({ scenes }) => place(scenes).asked);
  const anchors = placed.map(({ binding, from }) => ({
    binding,
    from,
    captions: probedCaptions(world, binding, wordings, lines.rowOf),
  }));
  const [drawSeen, own] = [sceneDrawer(world, 'seen'), rng.split('fitted')];
  const others = Array.from({ length: counts.fitted }, () => drawSeen(own)).flatMap((scene) => [
    scene,
    exchanged(scene),
  ]);
  const fitted = [...place(others).asked, ...asked.filter(isSeen(world, shown))];
  return { shown, captions: lines.all, anchors, asked, held, fitted };
}

/** All wordings that a grammar has for two objects, so that none of them is an accident: both orders, or the one. */
function wordingsOf(world: SceneWorld, rng: Rng): readonly Wording[] {
  const drawn = drawWording(world, rng);
  const isOrdered = world.captions.grammar === 'ordered' || world.captions.grammar === 'leftOf';
  return (
    isOrdered
      ? [[0, 1]]
      : [
          [0, 1],
          [1, 0],
        ]
  ).map((order) => ({ ...drawn, order }));
}

function captionLines() {
  const all: (readonly string[])[] = [];
  const rows = new Map<string, number>();
  return {
    all,
    rowOf(words: readonly string[]): number {
      const text = captionText(words);
      const known = rows.get(text);
      if (known !== undefined) return known;
      rows.set(text, all.length);
      return all.push(words) - 1;
    },
  };
}

/** Each caption of a pairing once, with what is named first in it. */
function probedCaptions(
  world: SceneWorld,
  { scenes, layouts, isBound }: BindingScenes,
  wordings: readonly Wording[],
  rowOf: (words: readonly string[]) => number,
): readonly ProbedCaption[] {
  const anchor = scenes[0]?.objects[0];
  const rows = new Map<number, ProbedCaption>();
  for (const [i, scene] of scenes.entries()) {
    for (const wording of wordings) {
      const caption = rowOf(captionOf(world, scene, wording));
      const first = scene.objects[wording.order[0] ?? 0];
      rows.set(caption, {
        caption,
        pairing: layouts[i] ?? 0,
        isBound: isBound[i] ?? false,
        isColourFirst: first?.colour === anchor?.colour,
        isShapeFirst: first?.shape === anchor?.shape,
      });
    }
  }
  return [...rows.values()];
}

/**
 * Refuses a set whose captions cannot be probed: words that are left out make captions of several scenes one text.
 * @param folds Of the probes: so many pairings must be told apart at least.
 */
export function checkProbed({ anchors }: SceneSet, folds: number): void {
  for (const { captions } of anchors) {
    const pairings = new Set(captions.map(({ pairing }) => pairing)).size;
    const isOneSided = (['isBound', 'isColourFirst', 'isShapeFirst'] as const).some(
      (name) => new Set(captions.map((one) => one[name])).size < 2,
    );
    if (pairings >= folds && !isOneSided) continue;
    throw new AssayError(
      'run',
      `The block's captions: expected those of at least ${folds} pairings ("measure.probe.folds") that differ from their swaps, found ${captions.length} different captions of ${pairings} pairings. Too many words are left out: lower "world.captions.colourlessFraction" or "world.captions.shapelessFraction".`,
    );
  }
}

function isSeen(world: SceneWorld, shown: readonly Shown[]): (asked: Asked) => boolean {
  const isHeld = heldPairs(world);
  return ({ scene }) => {
    const objects = shown[scene]?.scene?.objects ?? [];
    const [colours, shapes] = [objects.map(({ colour }) => colour), objects.map(({ shape }) => shape)];
    return isOfPart(isHeld, world, 'seen', colours, shapes);
  };
}

function pictureOf({ width, height }: SceneWorld, values: Uint8Array): RgbImage {
  return { values, width, height };
}
