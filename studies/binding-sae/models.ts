/**
 * The autoencoders that are compared on one world: how each is made, and what it is started from. All have top-k codes, so that L0 is
 * given, and iterative hard thresholding on the dictionary itself unless the arm is about the encoder.
 */
import { ADAMW_DEFAULTS } from 'assay';
import {
  type ActivationStream,
  createSaeTrainer,
  dictionaryOf,
  type DenseMatrix,
  matchPairs,
  type PairMatch,
  type Rng,
  type Sae,
  type SaeConfig,
  saeReader,
  trainSaes,
} from 'assay/learn';

import type { Rows } from './world.ts';

/**
 * - `free`: a dictionary of its own for every feature.
 * - `joint`: [A, M A] from a random start.
 * - `matched`: [A, M A] from pairs matched in a free dictionary, then trained on.
 * - `position`: a free dictionary for all positions over rows from which an offset of their position is taken: the slot is where a feature stands.
 */
export const MODELS = ['free', 'joint', 'matched', 'position'] as const;
export const ENCODERS = ['thresholding', 'topK', 'batchTopK', 'matryoshka'] as const;

export interface ModelSettings {
  readonly model: (typeof MODELS)[number];
  readonly encoder: (typeof ENCODERS)[number];
  /** Features of the dictionary, of all slots together. */
  readonly dSae: number;
  /** Codes of a row. */
  readonly k: number;
  /** Of each of the two phases of training. */
  readonly steps: number;
  readonly learningRate: number;
}

export const BATCH_ROWS = 128;
const THRESHOLDING_STEPS = 3;
const OPTIMIZER = { ...ADAMW_DEFAULTS, weightDecay: 0 };
/** Features silent for so many rows start over along rows that are reconstructed badly. */
const SILENT_ROWS = 40 * BATCH_ROWS;
const RESAMPLE_EVERY = 50;
/** The rate falls to zero over the last part of each phase. */
const FALLS_OVER = 0.4;

/** What is decoded with in a phase of training. */
type Decoder = 'free' | 'slots';

function configOf({ encoder, dSae, k }: ModelSettings, decoder: Decoder, dIn: number, resamples: boolean): SaeConfig {
  return {
    dIn,
    dSae,
    ...codesOf(encoder, dSae, k),
    centre: 'none',
    ...(decoder === 'slots' && { decoder: { kind: 'slots', slots: 2, maps: 'orthonormal' } }),
    ...(resamples && { deadFeatures: { kind: 'resample', afterRows: SILENT_ROWS, every: RESAMPLE_EVERY, seed: 0 } }),
  };
}

function codesOf(
  encoder: ModelSettings['encoder'],
  dSae: number,
  k: number,
): Pick<SaeConfig, 'activation' | 'encoder' | 'prefixes'> {
  switch (encoder) {
    case 'thresholding':
      return { activation: { kind: 'topK', k }, encoder: { kind: 'thresholding', steps: THRESHOLDING_STEPS } };
    case 'topK':
      return { activation: { kind: 'topK', k } };
    case 'batchTopK':
      return { activation: { kind: 'batchTopK', k } };
    case 'matryoshka':
      return { activation: { kind: 'batchTopK', k }, prefixes: [Math.round(dSae / 4), Math.round(dSae / 2), dSae] };
    default:
      return encoder satisfies never;
  }
}

/**
 * Trains in two phases of `steps` each, so that all models see as many rows: in the first a free dictionary, whose silent features
 * start over (for `joint` the restricted one from a random start, where none can); in the second what the model says, from there.
 * @returns the autoencoder, and the offsets of positions that its rows are taken from, shape [slots, d] (zeros but for `position`).
 */
export async function trainedModel(
  settings: ModelSettings,
  rows: Rows,
  { d, slots }: { readonly d: number; readonly slots: number },
  rng: Rng,
  signal: AbortSignal,
): Promise<{ readonly sae: Sae; readonly offsets: Float64Array }> {
  const { model } = settings;
  const isJoint = model === 'joint';
  const offsets = model === 'position' ? positionMeans(rows, slots, d) : new Float64Array(slots * d);
  const count = isJoint ? settings.dSae / 2 : settings.dSae;
  const drawn = Float32Array.from({ length: count * d }, (_, i) => rows.values[i % rows.values.length] ?? 0);
  const phase = (name: string, decoder: Decoder, start: Weights, resamples: boolean): Promise<Sae> =>
    trainedFrom(
      settings,
      configOf(settings, decoder, d, resamples),
      start,
      withoutOffsets(rows, offsets),
      rng.split(name),
      signal,
    );
  const decoder = isJoint ? 'slots' : 'free';
  const first = await phase('first', decoder, new Map([[isJoint ? 'base' : 'wDec', drawn]]), !isJoint);
  if (model === 'position') addLeft(offsets, await leftOver(first, withoutOffsets(rows, offsets)), rows.positions, d);
  const isMatched = model === 'matched';
  const start = isMatched
    ? startOfSlots(featuresOf(first), matchPairs(featuresOf(first)), settings.dSae / 2)
    : first.weights;
  const second = await phase('second', isMatched ? 'slots' : decoder, withoutReading(start), false);
  return { sae: second, offsets };
}

type Weights = ReadonlyMap<string, Float32Array>;

/** Parameters without what is only read with. */
function withoutReading(weights: Weights): Weights {
  return new Map([...weights].filter(([name]) => name !== 'readingThreshold'));
}

export function featuresOf({ config, weights }: Sae): DenseMatrix {
  return { rows: config.dSae, columns: config.dIn, values: dictionaryOf(config, weights) };
}

async function trainedFrom(
  { steps, learningRate }: ModelSettings,
  sae: SaeConfig,
  start: Weights,
  rows: Rows,
  rng: Rng,
  signal: AbortSignal,
): Promise<Sae> {
  await using trainer = await createSaeTrainer({ sae, optimizer: OPTIMIZER, batchRows: BATCH_ROWS });
  trainer.reset(start, rng.split('start'));
  const lr = (step: number): number => learningRate * Math.min(1, (steps - step) / (FALLS_OVER * steps));
  const onStep = (): void => signal.throwIfAborted();
  const [broken] = await trainSaes([{ trainer, lr }], shuffled(rows, sae.dIn, rng.split('order')), {
    to: steps,
    onStep,
  });
  if (broken !== undefined) throw new Error(`training broke: ${broken}`);
  return trainer.sae();
}

/** The mean of the rows at each position, shape [slots, d]. */
function positionMeans({ values, positions }: Rows, slots: number, d: number): Float64Array {
  const means = new Float64Array(slots * d);
  addLeft(means, values, positions, d);
  return means;
}

/** Adds the mean of values at each position to its offset. @param values shape [rows, d]. */
function addLeft(offsets: Float64Array, values: Float32Array, positions: Uint8Array, d: number): void {
  const counts = new Float64Array(offsets.length / d);
  for (const position of positions) counts[position] = (counts[position] ?? 0) + 1;
  for (const [i, value] of values.entries()) {
    const position = positions[Math.floor(i / d)] ?? 0;
    const at = position * d + (i % d);
    offsets[at] = (offsets[at] ?? 0) + value / (counts[position] ?? 1);
  }
}

/** What an autoencoder leaves of rows, shape [rows, d]; rows beyond the last whole batch as zeros. */
async function leftOver(sae: Sae, rows: Rows): Promise<Float32Array> {
  const d = sae.config.dIn;
  await using reader = await saeReader(sae, BATCH_ROWS);
  const stream = inOrder(rows, d);
  const left = new Float32Array(rows.values.length);
  for (let step = 0; step < stream.steps; step++) {
    const x = await stream.rows(step);
    const { reconstruction } = await reader.read(x);
    left.set(
      x.map((value, i) => value - (reconstruction[i] ?? 0)),
      step * BATCH_ROWS * d,
    );
  }
  return left;
}

/** Rows with their position's offset taken away. @param offsets shape [slots, d]. */
export function withoutOffsets({ values, positions }: Rows, offsets: Float64Array): Rows {
  const d = values.length / positions.length;
  const moved = values.map((value, i) => value - (offsets[(positions[Math.floor(i / d)] ?? 0) * d + (i % d)] ?? 0));
  return { positions, values: moved };
}

/** Rows in an order of their own every pass; as many rows a step as a batch has, some twice where there are fewer. */
function shuffled({ values }: Rows, d: number, rng: Rng): ActivationStream {
  const count = values.length / d;
  const perPass = Math.max(1, Math.floor(count / BATCH_ROWS));
  const batch = new Float32Array(BATCH_ROWS * d);
  let pass = -1;
  let order: Uint32Array = new Uint32Array();
  return {
    dIn: d,
    batchRows: BATCH_ROWS,
    rows(step) {
      if (pass !== Math.floor(step / perPass)) {
        pass = Math.floor(step / perPass);
        order = rng.split(`pass ${pass}`).permutation(count);
      }
      for (let i = 0; i < BATCH_ROWS; i++) {
        const row = order[((step % perPass) * BATCH_ROWS + i) % count] ?? 0;
        batch.set(values.subarray(row * d, (row + 1) * d), i * d);
      }
      return batch;
    },
  };
}

/** Rows of a data set in their order, as a stream to measure on. */
export function inOrder({ values }: Rows, d: number): ActivationStream & { readonly steps: number } {
  const size = BATCH_ROWS * d;
  return {
    dIn: d,
    batchRows: BATCH_ROWS,
    steps: Math.floor(values.length / size),
    rows: (step) => values.subarray(step * size, (step + 1) * size),
  };
}

/**
 * Where a restricted autoencoder starts: A is the sources of the matched pairs, then, up to its number of features, those that are
 * in no pair, and M the map of the match.
 */
export function startOfSlots(
  dictionary: DenseMatrix,
  { pairs, map }: PairMatch,
  baseFeatures: number,
): ReadonlyMap<string, Float32Array> {
  const { columns: d, rows } = dictionary;
  const used = new Set(pairs.flatMap(({ source, target }) => [source, target]));
  const others = Array.from({ length: rows }, (_, i) => i).filter((i) => !used.has(i));
  const chosen = [...pairs.map(({ source }) => source), ...others].slice(0, baseFeatures);
  const base = new Float32Array(baseFeatures * d);
  for (const [i, row] of chosen.entries()) base.set(dictionary.values.subarray(row * d, (row + 1) * d), i * d);
  return new Map([['base', base], ...(map === undefined ? [] : [['map2', Float32Array.from(map.values)] as const])]);
}

/** Numbers that a decoder is made of: every feature's, or those of the base features and the map. */
export function decoderParameters({ model, dSae }: Pick<ModelSettings, 'model' | 'dSae'>, d: number): number {
  return model === 'joint' || model === 'matched' ? (dSae / 2) * d + d * d : dSae * d;
}
