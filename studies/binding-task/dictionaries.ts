/**
 * What a sparse autoencoder of the stream has of the directions that are known: those of keys and values where they stand, and those that
 * keys write where their values stand. The latter are the former under one map, if the mechanism is a layer's value and output matrices.
 */
import {
  type DenseMatrix,
  fractionAbove,
  matchPairs,
  measureReconstruction,
  type PairMatch,
  pairRecovery,
  permutedFeatures,
  recovery,
  type Rng,
  singularValues,
  solvePositive,
} from 'assay/learn';
import {
  featuresOf,
  inOrder,
  type ModelSettings as SaeSettings,
  trainedModel,
  withoutOffsets,
} from 'assay/studies/binding-sae/models.ts';
import type { Rows } from 'assay/studies/binding-sae/world.ts';

import { type Contents } from './contents.ts';
import type { Prompt } from './prompts.ts';
import { at, type Stream } from './reading.ts';

export interface DictionarySettings {
  readonly dSae: number;
  readonly k: number;
  /** Of each of two phases. */
  readonly steps: number;
  readonly learningRate: number;
  /** Permuted dictionaries for the null. */
  readonly nulls: number;
}

const FOUND_COSINE = 0.9;
const FOLDS = 8;
/** Penalty of the map, as a share of the mean squared length of what it reads. */
const RIDGE = 0.01;

/** Rows of the stream where keys, relations and values of the prompts stand, with their positions. */
export function objectRows(prompts: readonly Prompt[], stream: Stream): Rows {
  const rows = prompts.flatMap(({ objects }, c) =>
    objects.flatMap(({ place: { key, mark, value } }) =>
      [key, ...(mark === undefined ? [] : [mark]), value].map((position) => ({
        position,
        row: at(stream, c, position),
      })),
    ),
  );
  const values = new Float32Array(rows.length * stream.width);
  rows.forEach(({ row }, i) => values.set(row, i * stream.width));
  return { values, positions: Uint8Array.from(rows, ({ position }) => position) };
}

/** Rows without their position's mean, or, where means stay, without the mean of all. */
export function centred(rows: Rows, contents: Contents, takesPositions: boolean, d: number): Rows {
  if (takesPositions) return withoutOffsets(rows, contents.positions);
  const mean = new Float64Array(d);
  for (const [i, value] of rows.values.entries()) mean[i % d] = (mean[i % d] ?? 0) + (value * d) / rows.values.length;
  return { ...rows, values: rows.values.map((value, i) => value - (mean[i % d] ?? 0)) };
}

/** Directions that are known: of keys where they stand, then what each key adds at its value, then values; and which belong together. */
export function knownFeatures({ ownKeys, keys, ownValues }: Contents, d: number) {
  const values = Float64Array.from([...ownKeys, ...keys, ...ownValues]);
  const count = ownKeys.length / d;
  const partner = Int32Array.from({ length: values.length / d }, (_, i) => (i < count ? count + i : -1));
  return { features: { rows: values.length / d, columns: d, values }, partner, keys: count };
}

/** Fits a map from rows of x to rows of y. @param penalty Of a ridge, as it is added to squares. */
export type FitMap = (x: DenseMatrix, y: DenseMatrix, penalty: number) => (row: Float64Array) => Float64Array;

/** x W = y: W = (x' x + penalty)^-1 x' y. */
function ridgeMap(x: DenseMatrix, y: DenseMatrix, penalty: number): (row: Float64Array) => Float64Array {
  const d = x.columns;
  const products = transposedTimes(x, x);
  const values = products.values.map((v, i) => (i % (d + 1) === 0 ? v + penalty : v));
  const map = solvePositive({ ...products, values }, transposedTimes(x, y));
  return (row) =>
    Float64Array.from({ length: d }, (_, b) => {
      let sum = 0;
      for (let a = 0; a < d; a++) sum += (row[a] ?? 0) * (map.values[a * d + b] ?? 0);
      return sum;
    });
}

/**
 * How well one linear map tells what a key writes at its value from what it is where it stands, for keys the map was not fitted on: the
 * share of keys whose image is nearest, by cosine, to what that very key writes. Chance is one over the keys. @param fit The map; a ridge where left out.
 */
export function mapReads(
  { ownKeys, keys }: Pick<Contents, 'ownKeys' | 'keys'>,
  d: number,
  fit: FitMap = ridgeMap,
): number {
  const count = ownKeys.length / d;
  const rowsOf = (values: Float64Array, chosen: readonly number[]): DenseMatrix => ({
    rows: chosen.length,
    columns: d,
    values: Float64Array.from(chosen.flatMap((i) => [...values.subarray(i * d, (i + 1) * d)])),
  });
  const squares = ownKeys.reduce((sum, value) => sum + value * value, 0) / count / d;
  const targets = Array.from({ length: count }, (_, i) => keys.subarray(i * d, (i + 1) * d));
  let right = 0;
  for (let fold = 0; fold < FOLDS; fold++) {
    const fitted = targets.flatMap((_, i) => (i % FOLDS === fold ? [] : [i]));
    const map = fit(rowsOf(ownKeys, fitted), rowsOf(keys, fitted), RIDGE * squares * count);
    for (let i = fold; i < count; i += FOLDS) {
      const image = map(ownKeys.subarray(i * d, (i + 1) * d));
      const cosines = targets.map((target) => cosine(image, target));
      if (cosines.indexOf(Math.max(...cosines)) === i) right++;
    }
  }
  return right / count;
}

/** In how many dimensions rows lie: (sum s^2)^2 / sum s^4 over their singular values, from 1 to D. @param values Shape [N, D]. */
export function effectiveDimension(values: Float64Array, d: number): number {
  const squares = Array.from(singularValues({ rows: values.length / d, columns: d, values }), (s) => s * s);
  const sum = squares.reduce((all, one) => all + one, 0);
  return sum ** 2 / squares.reduce((all, one) => all + one * one, 0);
}

/** x' y. */
function transposedTimes(x: DenseMatrix, y: DenseMatrix): DenseMatrix {
  const [n, m] = [x.columns, y.columns];
  const values = new Float64Array(n * m);
  for (let row = 0; row < x.rows; row++) {
    for (let a = 0; a < n; a++) {
      const left = x.values[row * n + a] ?? 0;
      for (let b = 0; b < m; b++) values[a * m + b] = (values[a * m + b] ?? 0) + left * (y.values[row * m + b] ?? 0);
    }
  }
  return { rows: n, columns: m, values };
}

function cosine(a: Float64Array, b: Float64Array): number {
  const dot = (u: Float64Array, v: Float64Array): number => u.reduce((sum, value, i) => sum + value * (v[i] ?? 0), 0);
  const lengths = Math.sqrt(dot(a, a) * dot(b, b));
  return lengths > 0 ? dot(a, b) / lengths : 0;
}

/** Outcomes of one dictionary. */
export interface DictionaryOutcomes {
  readonly fvu: number;
  /** Known directions of keys and values where they stand, and of what keys write, that the dictionary has. */
  readonly foundOwn: number;
  readonly foundWritten: number;
  readonly pairs: number;
  readonly nullPairs: number;
  /** Right pairs over all keys. */
  readonly rightPairs: number;
}

/** Trains an autoencoder on rows, matches its features in pairs, and holds both against what is known. */
export async function dictionaryOutcomes(
  { nulls, ...settings }: DictionarySettings,
  rows: Rows,
  known: ReturnType<typeof knownFeatures>,
  rng: Rng,
  signal: AbortSignal,
): Promise<DictionaryOutcomes> {
  const { features, keys } = known;
  const d = features.columns;
  const sae: SaeSettings = { model: 'free', encoder: 'thresholding', ...settings };
  const { sae: trained } = await trainedModel(sae, rows, { d, slots: 1 }, rng.split('training'), signal);
  const stream = inOrder(rows, d);
  const { fvu } = await measureReconstruction(trained, stream, { to: Math.min(stream.steps, 16) });
  const dictionary = featuresOf(trained);
  const match = matchPairs(dictionary);
  const { maxCosines } = recovery(Float32Array.from(features.values), Float32Array.from(dictionary.values), d);
  const cosines = Array.from(maxCosines);
  return {
    fvu,
    foundOwn: fractionAbove(Float64Array.from([...cosines.slice(0, keys), ...cosines.slice(2 * keys)]), FOUND_COSINE),
    foundWritten: fractionAbove(Float64Array.from(cosines.slice(keys, 2 * keys)), FOUND_COSINE),
    ...pairsOf(dictionary, match, nulls, rng.split('nulls')),
    rightPairs: pairRecovery(dictionary, match, known).foundFraction,
  };
}

/** Pairs of a dictionary that its map predicts without them, and as many in permuted ones in the mean. */
export function pairsOf(
  dictionary: DenseMatrix,
  match: PairMatch,
  nulls: number,
  rng: Rng,
): { readonly pairs: number; readonly nullPairs: number } {
  const isDuplicate = new Set(match.duplicates);
  const kept = Array.from({ length: dictionary.rows }, (_, i) => i).filter((i) => !isDuplicate.has(i));
  const d = dictionary.columns;
  const values = Float64Array.from(kept.flatMap((i) => [...dictionary.values.subarray(i * d, (i + 1) * d)]));
  const features = { rows: kept.length, columns: d, values };
  const drawn = Array.from(
    { length: nulls },
    (_, i) => matchPairs(permutedFeatures(features, rng.split(`${i}`))).predicted,
  );
  return { pairs: match.predicted, nullPairs: drawn.reduce((sum, found) => sum + found, 0) / nulls };
}
