/** Two towers as a subject: pictures and captions in batches, read at every depth. */
import type { Program } from '#engine/session.ts';
import type { RgbImage } from '#learning/files/images/decode-image.ts';
import type { TowersConfig } from '#learning/models/towers/config.ts';
import { towerParameters } from '#learning/models/towers/parameters.ts';
import type { Memory } from '#learning/weights.ts';
import type { DenseMatrix } from '#learning/spectra/matrix.ts';

import { imageLens, outputName, READOUTS, textLens } from './lens.ts';
import type { Reading, Subject } from './subject.ts';

/** Towers with their weights, and how pictures and captions become their inputs. */
export interface ReadyTowers {
  readonly config: TowersConfig;
  readonly weights: Memory;
  /** Pixels a side of a picture that is read as it is. */
  readonly side: number;
  /** Patches of a picture, and what the tower is fed of it. */
  readonly patches: number;
  image(picture: RgbImage): ImageFeeds;
  /** Tokens of a caption; all of one length. */
  text(words: readonly string[]): TextFeeds;
}

export interface ImageFeeds {
  /** Shape [N, C P P]. */
  readonly patches: Float32Array;
  /** Shape [N, rows columns], where positions are resized. */
  readonly placement?: Float32Array;
}

export interface TextFeeds {
  /** Shape [T] each. */
  readonly tokens: Int32Array;
  readonly attended: Float32Array;
  /** Tokens that the mean is of: those of the caption itself, padding left out. */
  readonly isCaption: readonly boolean[];
  /** The place that is pooled, where one is fed. */
  readonly pooledAt: number;
}

/** Pictures and captions that run at once. */
const BATCH = { images: 8, texts: 16 } as const;

/** A subject of ready towers. @param length Tokens of a caption. */
export async function towerSubject(towers: ReadyTowers, length: number): Promise<Subject> {
  const { config } = towers;
  const images = await imageLens(config, { rows: BATCH.images, length: towers.patches });
  const texts = await textLens(config, { rows: BATCH.texts, length });
  for (const { name } of towerParameters(config)) {
    const values = towers.weights.get(name);
    if (values === undefined) throw new Error(`towers: no weights of ${name}`);
    for (const program of [images, texts]) program.bindIfKnown(name, values);
  }
  return {
    side: towers.side,
    patch: config.image.patches.size,
    images: (shown, signal) =>
      read(images, shown, BATCH.images, config.image.encoder.nLayers, signal, (rows) => {
        const fed = rows.map(({ picture }) => towers.image(picture));
        fill(
          images,
          'patches',
          fed.map(({ patches }) => patches),
        );
        if (images.has('placement'))
          fill(
            images,
            'placement',
            fed.map(({ placement }) => placement ?? new Float32Array()),
          );
      }),
    texts: (captions, signal) =>
      read(texts, captions, BATCH.texts, config.text.encoder.nLayers, signal, (rows) => {
        const fed = rows.map((words) => towers.text(words));
        fed.forEach(({ tokens }, i) => texts.int32('tokens').set(tokens, i * length));
        if (texts.has('attended'))
          fill(
            texts,
            'attended',
            fed.map(({ attended }) => attended),
          );
        fill(
          texts,
          'meanOf',
          fed.map(({ isCaption }) => shares(isCaption)),
        );
        if (texts.has('pooledAt'))
          fed.forEach(({ pooledAt }, i) => (texts.int32('pooledAt')[i] = i * length + pooledAt));
      }),
    async [Symbol.asyncDispose]() {
      await images[Symbol.asyncDispose]();
      await texts[Symbol.asyncDispose]();
    },
  };
}

/** Equal weights of what is there, of sum 1. */
function shares(isThere: readonly boolean[]): Float32Array {
  const count = isThere.filter(Boolean).length;
  return Float32Array.from(isThere, (there) => (there ? 1 / count : 0));
}

function fill(program: Program, name: string, rows: readonly Float32Array[]): void {
  const memory = program.float32(name);
  let at = 0;
  for (const row of rows) {
    memory.set(row, at);
    at += row.length;
  }
}

/** Runs a program over all rows, the last batch filled up with its first row. */
async function read<T>(
  program: Program,
  rows: readonly T[],
  batch: number,
  layers: number,
  signal: AbortSignal,
  feed: (rows: readonly T[]) => void,
): Promise<Reading> {
  const names = READOUTS.flatMap((readout) =>
    Array.from({ length: layers + 1 }, (_, layer) => outputName(readout, layer)),
  );
  const kept = new Map<string, Float32Array>();
  for (let from = 0; from < rows.length; from += batch) {
    signal.throwIfAborted();
    const own = rows.slice(from, from + batch);
    feed(Array.from({ length: batch }, (_, i) => own[i] ?? own[0]).flatMap((row) => (row === undefined ? [] : [row])));
    await program.run();
    for (const name of names) {
      const seen = program.float32(name);
      const width = seen.length / batch;
      const all = kept.get(name) ?? new Float32Array(rows.length * width);
      kept.set(name, all);
      all.set(seen.subarray(0, own.length * width), from * width);
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
