/**
 * Towers of which is known what they cannot know: a small pair with drawn weights, and any pair with its own weights shuffled or without attention.
 */
import { type Rng, rngOf } from '#base/rng.ts';
import type { RgbImage } from '#learning/files/images/decode-image.ts';
import type { Captions } from '#learning/files/towers/captions.ts';
import { smallTowers } from '#learning/models/towers/config.ts';
import type { Pixels } from '#learning/models/towers/inputs.ts';
import { IMAGE, TEXT } from '#learning/models/towers/modules.ts';
import { towerParameters } from '#learning/models/towers/parameters.ts';
import { drawnWeights } from '#learning/nn/layers.ts';
import { captionLength, captionWords, wordIds } from '#worlds/scenes/captions.ts';
import type { SceneWorld } from '#worlds/scenes/scene-world.ts';

import type { ReadyTowers } from './tower-subject.ts';

/** Sides of the pictures and patches of small towers. */
export const SMALL = { side: 56, patch: 8 } as const;

/** The same towers with the values of each tensor in another order: weights of the same sizes that say nothing. */
export function withShuffledWeights(towers: ReadyTowers, seed: number): ReadyTowers {
  const rng = rngOf(seed, 'towers, shuffled');
  const weights = Array.from(towers.weights, ([name, values]) => [name, shuffled(values, rng.split(name))] as const);
  return { ...towers, weights: new Map(weights) };
}

function shuffled(values: Float32Array, rng: Rng): Float32Array {
  const order = rng.permutation(values.length);
  return Float32Array.from(order, (from) => values[from] ?? 0);
}

/** The same towers with attention that writes nothing in every block: what a token holds it has from itself and its place. */
export function withoutAttention(towers: ReadyTowers): ReadyTowers {
  const { image, text } = towers.described.config;
  const blocks = [
    ...Array.from({ length: image.encoder.nLayers }, (_, layer) => IMAGE.block(layer)),
    ...Array.from({ length: text.encoder.nLayers }, (_, layer) => TEXT.block(layer)),
  ];
  const silent = new Set(blocks.flatMap(({ attentionOut: out }) => [`${out}.weight`, `${out}.bias`]));
  const weights = Array.from(towers.weights, ([name, values]) => {
    return [name, silent.has(name) ? new Float32Array(values.length) : values] as const;
  });
  return { ...towers, weights: new Map(weights) };
}

/** A small pair that reads the world's captions by words, and pools a class token and the end of the text. */
export function smallDrawnTowers(world: SceneWorld, seed: number): ReadyTowers {
  const words = captionWords(world);
  const length = captionLength(world) + 1;
  const config = smallTowers({
    height: SMALL.side,
    width: SMALL.side,
    patch: SMALL.patch,
    dModel: 32,
    nLayers: 3,
    vocabulary: words.length + 2,
    textLength: length,
    imagePooling: 'class',
    textPooling: 'last',
  });
  const described = { family: 'clip', config, imageSize: SMALL.side, pooledPlace: null } as const;
  const weights = drawnWeights(towerParameters(config), rngOf(seed, 'towers, drawn'));
  return { described, weights, captions: wordCaptions(words, length), pixels };
}

/** One token a word, padded on the left, and an end. */
function wordCaptions(words: readonly string[], length: number): Captions {
  const ids = (text: string): readonly number[] => {
    const own = text.split(' ');
    return [...wordIds([own], words, own.length), words.length + 1];
  };
  return {
    ids,
    row(text) {
      const own = ids(text);
      const tokens = new Int32Array(length);
      tokens.set(own, length - own.length);
      return { tokens, count: own.length };
    },
    padId: 0,
    paddingSide: 'left',
    masksPadding: true,
  };
}

/** From -1 for black to 1, channels first. */
function pixels({ values, width, height }: RgbImage): Pixels {
  const floats = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    floats[(i % 3) * width * height + Math.floor(i / 3)] = (values[i] ?? 0) / 127.5 - 1;
  }
  return { values: floats, channels: 3, height, width };
}
