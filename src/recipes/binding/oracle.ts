/**
 * Subjects whose answer is put in, to see that the instrument finds it. `oracle` holds which colour is on which shape, in images and in
 * captions; `bag` holds which colours and shapes there are; `turned` holds binding in both, as products of a colour's and a shape's
 * vectors, but on axes that do not meet, so that a linear map on texts has something to repair.
 */
import { rngOf } from '#base/rng.ts';
import type { DenseMatrix } from '#learning/spectra/matrix.ts';
import { COLOURS, type SceneWorld, SHAPES } from '#worlds/scenes/scene-world.ts';

import { constantReading, type Subject } from './subject.ts';

export const KNOWN_SUBJECTS = ['oracle', 'bag', 'turned'] as const;
export type KnownSubject = (typeof KNOWN_SUBJECTS)[number];

/** Pixels of the pictures that such a subject does not look at. */
const [SIDE, PATCH] = [56, 8];

/** The vector of a set of pairs, for images and for captions. */
interface Codes {
  readonly width: number;
  image(pairs: Pairs): Float64Array;
  text(pairs: Pairs): Float64Array;
}

type Pairs = readonly (readonly [colour: number, shape: number])[];
type World = Pick<SceneWorld, 'family' | 'colours' | 'shapes'>;

/** A subject with a known answer. */
export function knownSubject(kind: KnownSubject, world: World): Subject {
  const { width, image, text } = kind === 'turned' ? turnedCodes(world) : hotCodes(kind, world);
  const matrixOf = (rows: readonly Float64Array[]): DenseMatrix => {
    const values = new Float64Array(rows.length * width);
    for (const [i, row] of rows.entries()) values.set(row, i * width);
    return { rows: rows.length, columns: width, values };
  };
  return {
    side: SIDE,
    patch: PATCH,
    images: async (shown) =>
      constantReading(
        matrixOf(shown.map(({ scene }) => image(scene?.objects.map(({ colour, shape }) => [colour, shape]) ?? []))),
      ),
    texts: async (captions) => constantReading(matrixOf(captions.map((words) => text(pairsIn(words, world.family))))),
    [Symbol.asyncDispose]: async () => {},
  };
}

/** One axis a pair, or one a colour and one a shape. */
function hotCodes(kind: 'oracle' | 'bag', { colours, shapes }: World): Codes {
  const width = kind === 'bag' ? colours + shapes : colours * shapes;
  const code = (pairs: Pairs): Float64Array => {
    const row = new Float64Array(width);
    for (const [colour, shape] of pairs) {
      for (const at of kind === 'bag' ? [colour, colours + shape] : [colour * shapes + shape]) row[at] = 1;
    }
    return row;
  };
  return { width, image: code, text: code };
}

/** Axes of a colour's vector and of a shape's: fewer than there are, so that held-out pairs are made of what is seen. */
const [COLOUR_AXES, SHAPE_AXES] = [4, 3];

function turnedCodes({ colours, shapes }: World): Codes {
  const rng = rngOf('turned');
  const drawn = (count: number, axes: number): readonly (readonly number[])[] =>
    Array.from({ length: count }, () => Array.from({ length: axes }, () => rng.normal()));
  const [ofColour, ofShape] = [drawn(colours, COLOUR_AXES), drawn(shapes, SHAPE_AXES)];
  const width = COLOUR_AXES * SHAPE_AXES;
  const image = (pairs: Pairs): Float64Array => {
    const row = new Float64Array(width);
    for (const [colour, shape] of pairs) {
      for (let i = 0; i < width; i++) {
        const product =
          (ofColour[colour]?.[i % COLOUR_AXES] ?? 0) * (ofShape[shape]?.[Math.floor(i / COLOUR_AXES)] ?? 0);
        row[i] = (row[i] ?? 0) + product;
      }
    }
    return row;
  };
  // An orthogonal map: axes in another order, half of them turned over.
  const text = (pairs: Pairs): Float64Array => {
    const seen = image(pairs);
    return seen.map((_, i) => (i % 2 === 0 ? 1 : -1) * (seen[(5 * i + 3) % width] ?? 0));
  };
  return { width, image, text };
}

/** A colour and the shape named right after it. */
function pairsIn(words: readonly string[], family: SceneWorld['family']): Pairs {
  return words.flatMap((word, i) => {
    const colour = COLOURS.findIndex((one) => one.words.includes(word));
    const shape = SHAPES[family].findIndex((names) => names.includes(words[i + 1] ?? ''));
    return colour >= 0 && shape >= 0 ? [[colour, shape] as const] : [];
  });
}
