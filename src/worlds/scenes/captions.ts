/**
 * Captions of scenes as lists of words. Invariant: with one `Wording`, a scene and the same scene with an attribute exchanged have
 * the same words in another order, because what is left out or called otherwise belongs to the colour or shape, not to the object.
 */
import type { Rng } from '#base/rng.ts';

import { COLOURS, type SceneWorld, SHAPES, SIZE_WORDS } from './scene-world.ts';
import type { Scene, SceneObject } from './scenes.ts';

/** What is free in how a caption is worded; drawn apart from the scene, so that a foil is worded alike. */
export interface Wording {
  /** The order in which objects are mentioned, by their place from the left. */
  readonly order: readonly number[];
  /** The word of every colour and shape; `undefined` where it is left out. */
  readonly colours: readonly (string | undefined)[];
  readonly shapes: readonly (string | undefined)[];
}

/** What a shape is called whose name is left out. */
const NAMELESS = 'thing';

/** Draws how captions of a world are worded; for one world every call draws as often. */
export function drawWording(world: SceneWorld, rng: Rng): Wording {
  const { grammar, colourlessFraction, shapelessFraction, synonymFraction } = world.captions;
  const order = rng.permutation(world.objects);
  const word = (words: readonly string[], missing: number): string | undefined => {
    const [leaves, renames, which] = [rng.uniform(), rng.uniform(), rng.uniform()];
    if (leaves < missing) return undefined;
    return renames < synonymFraction ? words[1 + Math.floor(which * (words.length - 1))] : words[0];
  };
  return {
    order: grammar === 'ordered' || grammar === 'leftOf' ? [...order].sort((a, b) => a - b) : [...order],
    colours: coloursOf(world).map(({ words }) => word(words, colourlessFraction)),
    shapes: shapesOf(world).map((words) => word(words, shapelessFraction)),
  };
}

/** The words of a scene's caption. */
export function captionOf(world: SceneWorld, scene: Scene, wording: Wording): readonly string[] {
  const mentioned = wording.order.flatMap((place) => {
    const object = scene.objects[place];
    return object === undefined ? [] : [{ place, words: mention(world, object, wording) }];
  });
  return mentioned.flatMap(({ place, words }, i) => {
    const before = mentioned[i - 1];
    return before === undefined ? words : [...joint(world, before.place < place), ...words];
  });
}

/** A caption as one string. */
export function captionText(words: readonly string[]): string {
  return words.join(' ');
}

/** Every word that captions of a world can have, each once: a vocabulary for models trained on them. */
export function captionWords(world: SceneWorld): readonly string[] {
  const { captions, sizes } = world;
  const all = [
    ...coloursOf(world).flatMap(({ words }) => (captions.synonymFraction > 0 ? words : words.slice(0, 1))),
    ...shapesOf(world).flatMap((words) => (captions.synonymFraction > 0 ? words : words.slice(0, 1))),
    ...(captions.shapelessFraction > 0 ? [NAMELESS] : []),
    ...(sizes.own ? SIZE_WORDS : []),
    ...(captions.articles ? ['a', 'an'] : []),
    ...joint(world, true),
    ...joint(world, false),
  ];
  return [...new Set(all)];
}

/** The most words a caption of a world can have. */
export function captionLength(world: SceneWorld): number {
  const { captions, sizes, objects } = world;
  const each = 2 + (captions.articles ? 1 : 0) + (sizes.own ? 1 : 0);
  return objects * each + (objects - 1) * joint(world, true).length;
}

/**
 * Captions as numbers: word i of `vocabulary` is i + 1, and 0 fills up to `length`.
 * @returns Shape [captions, length].
 * @throws Error on a word that the vocabulary lacks, or a caption that is too long.
 */
export function wordIds(
  captions: readonly (readonly string[])[],
  vocabulary: readonly string[],
  length: number,
): Int32Array {
  const ids = new Map(vocabulary.map((word, i) => [word, i + 1]));
  const rows = new Int32Array(captions.length * length);
  for (const [row, words] of captions.entries()) {
    if (words.length > length) throw new Error(`wordIds: expected at most ${length} words, found ${words.length}.`);
    for (const [i, word] of words.entries()) {
      const id = ids.get(word);
      if (id === undefined) throw new Error(`wordIds: expected a word of the vocabulary, found "${word}".`);
      rows[row * length + i] = id;
    }
  }
  return rows;
}

function mention(world: SceneWorld, object: SceneObject, { colours, shapes }: Wording): readonly string[] {
  const { sizes, captions } = world;
  const colour = colours[object.colour];
  const size = sizes.own ? [object.size === Math.max(...sizes.multiples) ? SIZE_WORDS[1] : SIZE_WORDS[0]] : [];
  const words = [...size, ...(colour === undefined ? [] : [colour]), shapes[object.shape] ?? NAMELESS];
  return captions.articles ? [articleOf(words[0] ?? ''), ...words] : words;
}

/** Decided by a size or colour word, which an exchange takes along, since no shape begins with a vowel. */
function articleOf(word: string): string {
  return /^[aeiou]/.test(word) ? 'an' : 'a';
}

/** What stands between two mentions; `isLeft` says that the first of them is further left. */
function joint({ captions: { grammar } }: SceneWorld, isLeft: boolean): readonly string[] {
  if (grammar === 'placeless' || grammar === 'ordered') return ['and'];
  return isLeft || grammar === 'leftOf' ? ['left', 'of'] : ['right', 'of'];
}

function coloursOf(world: SceneWorld): typeof COLOURS {
  return COLOURS.slice(0, world.colours);
}

function shapesOf(world: SceneWorld): readonly (readonly string[])[] {
  return SHAPES[world.family].slice(0, world.shapes);
}
