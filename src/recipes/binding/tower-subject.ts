/** Two towers as a subject: pictures and captions in batches, read at every depth. */
import type { Program } from '#engine/session.ts';
import type { RgbImage } from '#learning/files/images/decode-image.ts';
import { processedImage } from '#learning/files/images/image-processor.ts';
import type { Captions } from '#learning/files/towers/captions.ts';
import { towerParts } from '#learning/files/towers/open-towers.ts';
import { imageBatch, lengthOf, textBatch, type TowerBatch } from '#learning/files/towers/readings.ts';
import type { TowersDescription } from '#learning/files/towers/towers-config.ts';
import type { Pixels } from '#learning/models/towers/inputs.ts';
import type { Memory } from '#learning/weights.ts';
import type { DenseMatrix } from '#learning/spectra/matrix.ts';
import { captionText } from '#worlds/scenes/captions.ts';

import { imageLens, outputName, READOUTS, textLens } from './lens.ts';
import type { Reading, Subject } from './subject.ts';

/** Towers with their weights, and how pictures and captions become their inputs. */
export interface ReadyTowers {
  readonly described: TowersDescription;
  readonly weights: Memory;
  readonly captions: Captions;
  pixels(picture: RgbImage): Pixels;
  /** The most patches of a picture, where pictures have sizes of their own. */
  readonly patches?: number;
}

/** What of a folder can change what its towers compute: weights, settings, tokenizers of every kind. */
export const TOWER_FILES = /\.(json|safetensors|model|txt)$/;

/** Pictures and captions that run at once. */
const BATCH = { images: 8, texts: 16 } as const;

/** The towers of a folder. @throws AssayError naming what is missing, wrong or not supported. */
export async function openedTowers(path: string): Promise<ReadyTowers> {
  const { described, processing, captions, weights } = await towerParts(path);
  return {
    described,
    weights,
    captions,
    pixels: (picture) => processedImage(processing, picture),
    ...(processing.resize?.kind === 'patches' && { patches: processing.resize.most }),
  };
}

/** Pixels a side of a picture; where pictures have sizes of their own, of a square of as many patches as fit. */
export function pictureSide({ described, patches }: ReadyTowers): number {
  const { imageSize, config } = described;
  return imageSize ?? config.image.patches.size * Math.floor(Math.sqrt(patches ?? 1));
}

/** Towers as a subject. */
export async function towerSubject(towers: ReadyTowers): Promise<Subject> {
  const { described, weights, captions, patches } = towers;
  const { config } = described;
  const ready = (program: Program): Program => {
    for (const [name, values] of weights) program.bindIfKnown(name, values);
    return program;
  };
  const images = ready(await imageLens(described, BATCH.images, patches));
  const texts = new Map<number, Program>();
  return {
    side: pictureSide(towers),
    patch: config.image.patches.size,
    images: (shown, signal) => {
      const batch = imageBatch(described, BATCH.images, patches);
      const rows = shown.map(({ picture }) => picture);
      return read(images, batch, rows, towers.pixels, config.image.encoder.nLayers, signal);
    },
    texts: async (lines, signal) => {
      const rows = lines.map((words) => captions.row(captionText(words), 'refuse'));
      const length = Math.max(...rows.map((row) => lengthOf(described, captions, row)));
      const program = texts.get(length) ?? ready(await textLens(described, captions, BATCH.texts, length));
      texts.set(length, program);
      const batch = textBatch(described, captions, BATCH.texts, length);
      return read(program, batch, rows, (row) => row, config.text.encoder.nLayers, signal);
    },
    async [Symbol.asyncDispose]() {
      for (const program of [images, ...texts.values()]) await program[Symbol.asyncDispose]();
    },
  };
}

/** Runs a program over all rows, the last batch filled up with its first row. */
async function read<T, Item>(
  program: Program,
  batch: TowerBatch<Item>,
  rows: readonly T[],
  itemOf: (row: T) => Item,
  layers: number,
  signal: AbortSignal,
): Promise<Reading> {
  const names = READOUTS.flatMap((readout) =>
    Array.from({ length: layers + 1 }, (_, layer) => outputName(readout, layer)),
  );
  const kept = new Map<string, Float32Array>();
  for (let from = 0; from < rows.length; from += batch.rows) {
    signal.throwIfAborted();
    const items = rows.slice(from, from + batch.rows).map(itemOf);
    for (let i = 0; i < batch.rows; i++) {
      const item = items[i] ?? items[0];
      if (item !== undefined) batch.feed(program, i, item);
    }
    await program.run();
    for (const name of names) {
      const seen = program.float32(name);
      const width = seen.length / batch.rows;
      const all = kept.get(name) ?? new Float32Array(rows.length * width);
      kept.set(name, all);
      all.set(seen.subarray(0, items.length * width), from * width);
    }
  }
  return {
    layers,
    at(readout, layer): DenseMatrix {
      const values = kept.get(outputName(readout, layer)) ?? new Float32Array();
      return { rows: rows.length, columns: values.length / rows.length, values };
    },
  };
}
