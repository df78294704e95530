/**
 * What a step is shown: scenes with their captions, some with their swaps beside them in the batch, some captions with a swapped one
 * that is wrong for every image. Invariant: a batch is a function of its generator, and none of it holds a held-out pair unless
 * the rules ask for any pair.
 */
import {
  captionLength,
  captionOf,
  captionWords,
  drawWording,
  exchanged,
  patchRows,
  type Rng,
  type Scene,
  sceneDrawer,
  sceneRenderer,
  type SceneWorld,
  wordIds,
} from 'assay/learn';

/** Further captions a batch may have: none, or every caption again with its colours exchanged. */
export const NEGATIVES = ['none', 'swapped'] as const;

export interface BatchRules {
  /** Images of a step. */
  readonly size: number;
  /** Whether scenes of held-out pairs are shown too: only where a ceiling is wanted. */
  readonly pairs: 'seen' | 'any';
  /** The share of scenes that stand in the batch with their swap: same layout, colours exchanged. */
  readonly swapsFraction: number;
  readonly negatives: (typeof NEGATIVES)[number];
}

/** Arrays of B images and of their B captions, then those of the wrong captions. */
export interface Shown {
  /** Shape [B N, P P 3]. */
  readonly patches: Float32Array;
  /** Shape [B T] or [2 B T]. */
  readonly tokens: Int32Array;
}

/** A scene and the caption that goes with it, as words. */
export interface Captioned {
  readonly scene: Scene;
  readonly caption: readonly string[];
}

/** Turns scenes and captions of a world into arrays; its vocabulary is that of complete and incomplete captions alike. */
export interface Encoder {
  readonly patches: (scenes: readonly Scene[]) => Float32Array;
  readonly tokens: (captions: readonly (readonly string[])[]) => Int32Array;
}

export function encoderOf(world: SceneWorld): Encoder {
  const [render, words, length] = [sceneRenderer(world), captionWords(world), captionLength(world)];
  return {
    patches: (scenes) => patchRows(world, scenes.map(render)),
    tokens: (captions) => wordIds(captions, words, length),
  };
}

/** The scenes of a step: first those with their swaps, a scene and its swap after each other, then the others. */
export function batchScenes({ size, swapsFraction }: BatchRules, draw: (rng: Rng) => Scene, rng: Rng): Scene[] {
  const pairs = Math.round((swapsFraction * size) / 2);
  const paired = Array.from({ length: pairs }, () => draw(rng)).flatMap((scene) => [scene, exchanged(scene)]);
  return [...paired, ...Array.from({ length: size - paired.length }, () => draw(rng))];
}

/** What a step is shown, from its generator alone. */
export function batchDrawer(world: SceneWorld, rules: BatchRules): (rng: Rng) => Shown {
  const draw = sceneDrawer(world, rules.pairs);
  const { patches, tokens } = encoderOf(world);
  return (rng) => {
    const scenes = batchScenes(rules, draw, rng.split('scenes'));
    const words = rng.split('words');
    const wordings = scenes.map(() => drawWording(world, words));
    const captionsOf = (change: (scene: Scene) => Scene): (readonly string[])[] =>
      scenes.map((scene, i) => captionOf(world, change(scene), wordings[i] ?? drawWording(world, words)));
    const right = captionsOf((scene) => scene);
    const wrong = rules.negatives === 'swapped' ? captionsOf((scene) => exchanged(scene)) : [];
    return { patches: patches(scenes), tokens: tokens([...right, ...wrong]) };
  };
}
