/**
 * The autoencoders that are compared on one world: how each is made, and what it is started from. All have top-k codes, so that L0 is
 * given, and iterative hard thresholding on the dictionary itself unless the arm is about the encoder.
 */
import { ADAMW_DEFAULTS } from 'assay';
import {
  type ActivationStream,
  createSaeTrainer,
  type DenseMatrix,
  type PairMatch,
  type Rng,
  type Sae,
  type SaeConfig,
  trainSaes,
} from 'assay/learn';

import type { Rows } from './world.ts';

/**
 * - `free`: a dictionary of its own for every feature.
 * - `joint`: [A, M A] from a random start.
 * - `matched`: [A, M A] from pairs matched in a free dictionary, then trained on.
 * - `position`: a free dictionary over rows from which the mean of their position is taken: the slot is where a feature stands.
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
  readonly steps: number;
  readonly learningRate: number;
}

export const BATCH_ROWS = 128;
const THRESHOLDING_STEPS = 3;
const OPTIMIZER = { ...ADAMW_DEFAULTS, weightDecay: 0 };
/** Features silent for so many rows start over along rows that are reconstructed badly. */
const SILENT_ROWS = 40 * BATCH_ROWS;
const RESAMPLE_EVERY = 50;
/** The rate falls to zero over the last part of training. */
const FALLS_OVER = 0.4;

function configOf({ model, encoder, dSae, k }: ModelSettings, dIn: number): SaeConfig {
  const isSlots = model === 'joint' || model === 'matched';
  const codes: Pick<SaeConfig, 'activation' | 'encoder' | 'prefixes'> =
    encoder === 'thresholding'
      ? { activation: { kind: 'topK', k }, encoder: { kind: 'thresholding', steps: THRESHOLDING_STEPS } }
      : encoder === 'topK'
        ? { activation: { kind: 'topK', k } }
        : encoder === 'batchTopK'
          ? { activation: { kind: 'batchTopK', k } }
          : { activation: { kind: 'batchTopK', k }, prefixes: [Math.round(dSae / 4), Math.round(dSae / 2), dSae] };
  return {
    dIn,
    dSae,
    ...codes,
    centre: 'none',
    ...(isSlots
      ? { decoder: { kind: 'slots', slots: 2, maps: 'orthonormal' } }
      : { deadFeatures: { kind: 'resample', afterRows: SILENT_ROWS, every: RESAMPLE_EVERY, seed: 0 } }),
  };
}

/** Trains one. @param start Parameters to start from; a dictionary that is not given starts as rows of the data. */
export async function trainedSae(
  settings: ModelSettings,
  rows: Rows,
  d: number,
  start: ReadonlyMap<string, Float32Array>,
  rng: Rng,
  signal: AbortSignal,
): Promise<Sae> {
  const sae = configOf(settings, d);
  await using trainer = await createSaeTrainer({ sae, optimizer: OPTIMIZER, batchRows: BATCH_ROWS });
  const features = sae.decoder === undefined ? 'wDec' : 'base';
  const count = sae.decoder === undefined ? settings.dSae : settings.dSae / 2;
  const first = Float32Array.from({ length: count * d }, (_, i) => rows.values[i % rows.values.length] ?? 0);
  trainer.reset(start.has(features) ? start : new Map([...start, [features, first]]), rng.split('start'));
  const { steps, learningRate } = settings;
  const lr = (step: number): number => learningRate * Math.min(1, (steps - step) / (FALLS_OVER * steps));
  const onStep = (): void => signal.throwIfAborted();
  const [broken] = await trainSaes([{ trainer, lr }], shuffled(rows, d, rng.split('order')), { to: steps, onStep });
  if (broken !== undefined) throw new Error(`training broke: ${broken}`);
  return trainer.sae();
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
