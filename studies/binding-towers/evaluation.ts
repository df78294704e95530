/**
 * Everything a run is measured on, drawn once a block and the same for all arms of a world: whole captions, seen and held-out pairs.
 * Scenes become arrays once, at the start of a run.
 */
import type { DenseMatrix, Reader, Rng, SceneWorld } from 'assay/learn';

import { encoderOf, type Encoder } from './batches.ts';
import {
  type Asked,
  boundOf,
  type Embedded,
  mappedSwap,
  type Probed,
  probedOf,
  probeTest,
  type ProbeTest,
  swapTest,
} from './measures.ts';
import { pairLines } from './shown-pairs.ts';

/** Images and captions that a program reads at a time, and those of a batch of the yardstick. */
export const ROWS = 64;
export const YARDSTICK = { rows: 32, scale: 10 };
const YARDSTICK_BATCHES = 4;
/** Sets of two colours and two shapes that probes are asked, of seen and of held-out pairs, and layouts of each. */
const PROBE_SETS = 2;
const PROBE_LAYOUTS = 24;

/** Programs that read a pair of towers; see `towerOutputs`. */
export interface Readers {
  /** The softmax loss of a batch of the yardstick. */
  readonly yardstick: Reader;
  readonly embeddings: Reader;
  readonly depths: Reader;
}

export interface Evaluation {
  /** The contrastive loss of fresh scenes of seen pairs in batches without swaps, in nats, whatever the arm's own loss. */
  natural(): Promise<number>;
  /** Swap accuracies and what belongs to them, of the embeddings. */
  outcomes(): Promise<Readonly<Record<(typeof OUTCOMES)[number], number>>>;
  /** Cosine, probes and the linear map at a depth, see `towerOutputs`. */
  depth(depth: number): Promise<Readonly<Record<(typeof DEPTH_OUTCOMES)[number], number>>>;
  /** A few scenes of seen and of held-out pairs with their swaps, captions and cosines, see `pairLines`. */
  pairs(): Promise<string>;
}

export const OUTCOMES = ['seen', 'held', 'seenMirror', 'heldMirror', 'captions', 'heldCaptions'] as const;
export const DEPTH_OUTCOMES = [
  'seenCosine',
  'heldCosine',
  'heldMapped',
  'imageProbe',
  'heldImageProbe',
  'imagePlace',
  'textProbe',
  'heldTextProbe',
] as const;

export function evaluationOf(world: SceneWorld, layouts: number, rng: Rng, readers: Readers): Evaluation {
  const encoder = encoderOf(world);
  const captions = { ...world.captions, colourlessFraction: 0, shapelessFraction: 0, synonymFraction: 0 };
  const whole: SceneWorld = { ...world, captions };
  const [seen, held] = [partOf(encoder, whole, 'seen', layouts, rng), partOf(encoder, whole, 'held', layouts, rng)];
  const natural = naturalArrays(encoder, whole, rng.split('natural'));
  return {
    async natural() {
      let sum = 0;
      for (const feeds of natural) sum += (await readers.yardstick.read(feeds))['loss']?.[0] ?? Number.NaN;
      return sum / natural.length;
    },
    async outcomes() {
      const ofSeen = boundOf(await embedded(readers.embeddings, seen.test));
      const ofHeld = boundOf(await embedded(readers.embeddings, held.test));
      return {
        seen: ofSeen.swap,
        held: ofHeld.swap,
        seenMirror: ofSeen.mirror,
        heldMirror: ofHeld.mirror,
        captions: ofSeen.captions,
        heldCaptions: ofHeld.captions,
      };
    },
    depth: async (depth) => ({
      ...(await cosinesAt(readers.depths, seen.test, held.test, depth)),
      ...(await probesAt(readers.depths, seen.sets, held.sets, depth)),
    }),
    async pairs() {
      const ofSeen = await embedded(readers.embeddings, seen.test);
      const ofHeld = await embedded(readers.embeddings, held.test);
      return pairLines(whole, seen.asked, ofSeen) + pairLines(whole, held.asked, ofHeld);
    },
  };
}

/** What is asked of seen or of held-out pairs: swaps, and sets for probes. */
interface Part {
  readonly asked: Asked;
  readonly test: Arrays;
  readonly sets: readonly { readonly test: ProbeTest; readonly arrays: Arrays }[];
}

function partOf(encoder: Encoder, world: SceneWorld, part: 'seen' | 'held', layouts: number, rng: Rng): Part {
  const asked = swapTest(world, part, layouts, rng.split(part));
  const sets = Array.from({ length: PROBE_SETS }, (_, i) => {
    const test = probeTest(world, part, PROBE_LAYOUTS, rng.split(`${part} probes ${i}`));
    return { test, arrays: arraysOf(encoder, test) };
  });
  return { asked, test: arraysOf(encoder, asked), sets };
}

async function cosinesAt(reader: Reader, seen: Arrays, held: Arrays, depth: number) {
  const names = [`image ${depth}`, `text ${depth}`] as const;
  const [ofSeen, ofHeld] = [await embedded(reader, seen, names), await embedded(reader, held, names)];
  return {
    seenCosine: boundOf(ofSeen).swap,
    heldCosine: boundOf(ofHeld).swap,
    heldMapped: mappedSwap(ofSeen, ofHeld),
  };
}

async function probesAt(reader: Reader, seen: Part['sets'], held: Part['sets'], depth: number) {
  const names = [`imageMean ${depth}`, `textMean ${depth}`] as const;
  const meansOf = async (sets: Part['sets']): Promise<Probed> => {
    const all: Probed[] = [];
    for (const { test, arrays } of sets) all.push(probedOf(await embedded(reader, arrays, names), test));
    const mean = (name: keyof Probed): number => all.reduce((sum, one) => sum + one[name], 0) / all.length;
    return { image: mean('image'), place: mean('place'), text: mean('text') };
  };
  const [ofSeen, ofHeld] = [await meansOf(seen), await meansOf(held)];
  return {
    imageProbe: ofSeen.image,
    heldImageProbe: ofHeld.image,
    imagePlace: ofSeen.place,
    textProbe: ofSeen.text,
    heldTextProbe: ofHeld.text,
  };
}

/** What a program is fed of scenes and captions, `ROWS` at a time; the last part is filled up with what comes first. */
interface Arrays {
  readonly scenes: number;
  readonly captions: number;
  readonly feeds: readonly { readonly patches: Float32Array; readonly tokens: Int32Array }[];
}

function arraysOf(encoder: Encoder, { scenes, captions }: Asked): Arrays {
  const batches = Math.max(Math.ceil(scenes.length / ROWS), Math.ceil(captions.length / ROWS));
  const part = <T>(list: readonly T[], batch: number): readonly T[] =>
    Array.from({ length: ROWS }, (_, i) => (batch * ROWS + i) % list.length).flatMap((i) => list.slice(i, i + 1));
  const feeds = Array.from({ length: batches }, (_, batch) => ({
    patches: encoder.patches(part(scenes, batch)),
    tokens: encoder.tokens(part(captions, batch)),
  }));
  return { scenes: scenes.length, captions: captions.length, feeds };
}

async function embedded(
  reader: Reader,
  { scenes, captions, feeds }: Arrays,
  [imageName, textName]: readonly [string, string] = ['image', 'text'],
): Promise<Embedded> {
  const images: number[] = [];
  const texts: number[] = [];
  for (const one of feeds) {
    const outputs = await reader.read(one);
    images.push(...(outputs[imageName] ?? []));
    texts.push(...(outputs[textName] ?? []));
  }
  return { images: matrixOf(images, scenes, feeds.length), texts: matrixOf(texts, captions, feeds.length) };
}

/** The first rows of values that came in parts of `ROWS` rows. */
function matrixOf(values: readonly number[], rows: number, parts: number): DenseMatrix {
  const columns = values.length / (parts * ROWS);
  return { rows, columns, values: Float64Array.from(values.slice(0, rows * columns)) };
}

function naturalArrays(encoder: Encoder, world: SceneWorld, rng: Rng): Arrays['feeds'] {
  const { scenes, captions } = swapTest(world, 'seen', YARDSTICK.rows * YARDSTICK_BATCHES, rng);
  return Array.from({ length: YARDSTICK_BATCHES }, (_, batch) => {
    const layouts = Array.from({ length: YARDSTICK.rows }, (__, i) => batch * YARDSTICK.rows + i);
    return {
      patches: encoder.patches(layouts.flatMap((layout) => scenes.slice(4 * layout, 4 * layout + 1))),
      tokens: encoder.tokens(layouts.flatMap((layout) => captions.slice(2 * layout, 2 * layout + 1))),
    };
  });
}
