/**
 * Towers with drawn weights: of a small size where no model was given, or of the size of one that was. They have learned nothing, so no
 * cosine of theirs knows which caption is right.
 */
import { rngOf } from '#base/rng.ts';
import { smallTowers, type TowersConfig } from '#learning/models/towers/config.ts';
import { cutPatches } from '#learning/models/towers/inputs.ts';
import { towerParameters } from '#learning/models/towers/parameters.ts';
import { drawnWeights } from '#learning/nn/layers.ts';
import type { Memory } from '#learning/weights.ts';
import { captionLength, captionWords, wordIds } from '#worlds/scenes/captions.ts';
import type { SceneWorld } from '#worlds/scenes/scene-world.ts';

import type { ReadyTowers } from './tower-subject.ts';

const SIZE = { height: 56, width: 56, patch: 8, dModel: 32, nLayers: 2, nHeads: 4 } as const;

/** A small pair whose weights follow from a seed; its vocabulary is that of the world's captions, and one end that is pooled. */
export function smallDrawnTowers(
  world: SceneWorld,
  seed: number,
): { readonly towers: ReadyTowers; readonly length: number } {
  const words = captionWords(world);
  const length = captionLength(world) + 1;
  const config = smallTowers({
    ...SIZE,
    vocabulary: words.length + 2,
    textLength: length,
    imagePooling: 'class',
    textPooling: 'last',
  });
  const patches = config.image.patches;
  const end = words.length + 1;
  const towers: ReadyTowers = {
    config,
    weights: drawnTowerWeights(config, seed),
    side: SIZE.height,
    patches: patches.rows * patches.columns,
    image({ values, width, height }) {
      const floats = new Float32Array(values.length);
      // Channels first.
      for (let i = 0; i < values.length; i++) {
        floats[(i % 3) * width * height + Math.floor(i / 3)] = (values[i] ?? 0) / 127.5 - 1;
      }
      return { patches: cutPatches(patches, { values: floats, channels: 3, height, width }) };
    },
    text(caption) {
      // The end stands last; padding, where a caption is shorter, before it.
      const ids = wordIds([caption], words, length - 1);
      const isThere = [...ids].map((id) => id > 0);
      return {
        tokens: Int32Array.of(...ids, end),
        attended: Float32Array.of(...isThere.map(Number), 1),
        isCaption: [...isThere, true],
        pooledAt: length - 1,
      };
    },
  };
  return { towers, length };
}

/** Weights of towers as they are before any training. */
export function drawnTowerWeights(config: TowersConfig, seed: number): Memory {
  return drawnWeights(towerParameters(config), rngOf(seed, 'towers, drawn'));
}
