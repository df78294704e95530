/**
 * Codes by optimization on a given dictionary, a baseline for any encoder: FISTA a row; and the oracle, an autoencoder of a known
 * dictionary. Both tell a bad encoder from a bad dictionary.
 * @see Beck & Teboulle 2009, doi:10.1137/080716542 (FISTA); arXiv:2603.28744 (as baselines of sparse autoencoders).
 */
import { AssayError } from '#base/errors.ts';
import { checkWhole } from '#base/whole-number.ts';
import { relu, add, mul, sub } from '#engine/ops/elementwise.ts';
import { matmul } from '#engine/ops/linear-algebra.ts';
import { input } from '#engine/ops/sources.ts';
import { compile } from '#engine/session.ts';
import { finite } from '#learning/files/tensors/tensor-source.ts';
import { wholeSaeConfig } from '#learning/sae/sae-config.ts';
import type { SaeReading } from '#learning/sae/sae-reader.ts';
import { toUnitRows } from '#learning/sae/sae-parameters.ts';
import type { Sae } from '#learning/sae/sae-trainer.ts';
import { solvePositive } from '#learning/spectra/matrix.ts';

/** How codes are sought. */
export interface SparseCoding {
  /** lambda of |x - z D|^2 / 2 + lambda sum z, z >= 0. */
  readonly l1: number;
  readonly iterations: number;
  /**
   * Keeps the k largest codes of each row and fits them again by least squares on their features, so that the price of L1 (codes that
   * are too small) is not counted against the dictionary; a code that comes out negative is 0. Left out: FISTA's codes as they are.
   */
  readonly k?: number;
  readonly threads?: number;
}

/** Turns of the power iteration that finds the largest eigenvalue of D^T D. */
const POWER_TURNS = 100;
/** The step is 1 / (this times the estimate, which comes from below). */
const SAFETY = 1.01;
/** Added to the diagonal of a refit, relative to features of length 1, so that two equal features share a code. */
const RIDGE = 1e-6;

/**
 * Codes of rows on a dictionary, and what they decode to.
 * @param dictionary shape [F, D]. @param rows shape [B, D].
 * @throws AssayError on rows that are not whole or not finite, a dictionary of zeros, and settings out of range.
 */
export async function fistaCodes(
  dictionary: Float32Array,
  rows: Float32Array,
  width: number,
  { l1, iterations, k, threads = 1 }: SparseCoding,
): Promise<SaeReading> {
  const [features, count] = [dictionary.length / width, rows.length / width];
  checkCoding({ features, count, l1, iterations, k });
  finite(dictionary, 'fistaCodes, dictionary');
  finite(rows, 'fistaCodes, rows');
  if (dictionary.every((value) => value === 0)) {
    throw new AssayError('data', 'fistaCodes: expected features that have a direction, found a dictionary of zeros.');
  }
  const step = 1 / (SAFETY * largestEigenvalue(dictionary, width));
  const [d, x, w] = [input('d', [features, width]), input('x', [count, width]), input('w', [count, features])];
  const towards = matmul(sub(x, matmul(w, d)), d, { transposeB: true });
  const next = relu(sub(add(w, mul(towards, step)), input('shrink', [])));
  await using program = await compile({ next }, { threads });
  program.bind('d', dictionary);
  program.bind('x', rows);
  program.float32('shrink')[0] = step * l1;
  let codes = new Float32Array(count * features);
  for (let i = 0, t = 1; i < iterations; i++) {
    await program.run();
    const tNext = (1 + Math.sqrt(1 + 4 * t * t)) / 2;
    const newer = program.float32('next').slice();
    const [momentum, before] = [(t - 1) / tNext, codes];
    const point = program.float32('w');
    for (let j = 0; j < point.length; j++) {
      point[j] = (newer[j] ?? 0) + momentum * ((newer[j] ?? 0) - (before[j] ?? 0));
    }
    [codes, t] = [newer, tNext];
  }
  if (k !== undefined) refit(codes, { dictionary, rows, width, k });
  return { featureActs: codes, reconstruction: decode(codes, dictionary, width) };
}

/**
 * The autoencoder of a known dictionary: TopK(y D^T), improved by `steps` of iterative hard thresholding of size
 * `stepSize` (1 diverges on dictionaries of close features); no bias, no mean.
 * @param dictionary shape [F, D]; its features are scaled to length 1 first, as codes are chosen by size.
 */
export function oracleSae(dictionary: Float32Array, width: number, k: number, steps: number, stepSize = 0.5): Sae {
  const config = wholeSaeConfig({
    dIn: width,
    dSae: dictionary.length / width,
    activation: { kind: 'topK', k },
    encoder: { kind: 'thresholding', steps, stepSize },
    centre: 'none',
  });
  const unit = dictionary.slice();
  toUnitRows(unit, width);
  return { config, weights: new Map([['wDec', unit]]) };
}

function checkCoding({
  features,
  count,
  l1,
  iterations,
  k,
}: Omit<SparseCoding, 'threads' | 'k'> & {
  readonly features: number;
  readonly count: number;
  readonly k: number | undefined;
}): void {
  checkWhole('fistaCodes, features of the dictionary', features);
  checkWhole('fistaCodes, rows', count);
  checkWhole('fistaCodes, iterations', iterations);
  if (k !== undefined) checkWhole('fistaCodes, k', k, 1, features);
  if (l1 >= 0 && Number.isFinite(l1)) return;
  throw new AssayError('config', `fistaCodes, l1: expected a number of at least 0, found ${l1}.`);
}

/** Of D^T D, from below, by power iteration from a fixed start. */
function largestEigenvalue(dictionary: Float32Array, width: number): number {
  const features = dictionary.length / width;
  let vector = Float64Array.from({ length: width }, (_, i) => 1 + Math.cos(i) / 2);
  let value = 0;
  for (let turn = 0; turn < POWER_TURNS; turn++) {
    const next = new Float64Array(width);
    for (let f = 0; f < features; f++) {
      let along = 0;
      for (let i = 0; i < width; i++) along += (dictionary[f * width + i] ?? 0) * (vector[i] ?? 0);
      for (let i = 0; i < width; i++) next[i] = (next[i] ?? 0) + along * (dictionary[f * width + i] ?? 0);
    }
    value = Math.hypot(...next) / Math.hypot(...vector);
    const length = Math.hypot(...next);
    vector = next.map((entry) => entry / length);
  }
  return value;
}

interface Refit {
  readonly dictionary: Float32Array;
  readonly rows: Float32Array;
  readonly width: number;
  readonly k: number;
}

/** Leaves the k largest codes of each row, at their least-squares values. */
function refit(codes: Float32Array, { dictionary, rows, width, k }: Refit): void {
  const features = dictionary.length / width;
  for (let row = 0; row * width < rows.length; row++) {
    const own = codes.subarray(row * features, (row + 1) * features);
    const support = Array.from(own.keys())
      .filter((i) => (own[i] ?? 0) > 0)
      .sort((a, b) => (own[b] ?? 0) - (own[a] ?? 0) || a - b)
      .slice(0, k);
    own.fill(0);
    if (support.length === 0) continue;
    const x = rows.subarray(row * width, (row + 1) * width);
    const parts = support.map((i) => dictionary.subarray(i * width, (i + 1) * width));
    const gram = parts.flatMap((a, i) => parts.map((b, j) => dot(a, b) + (i === j ? RIDGE : 0)));
    const size = support.length;
    const { values } = solvePositive(
      { rows: size, columns: size, values: Float64Array.from(gram) },
      { rows: size, columns: 1, values: Float64Array.from(parts, (part) => dot(part, x)) },
    );
    support.forEach((feature, i) => (own[feature] = Math.max(0, values[i] ?? 0)));
  }
}

function decode(codes: Float32Array, dictionary: Float32Array, width: number): Float32Array {
  const features = dictionary.length / width;
  const out = new Float32Array((codes.length / features) * width);
  codes.forEach((code, at) => {
    if (code === 0) return;
    const [row, feature] = [Math.floor(at / features), at % features];
    for (let i = 0; i < width; i++) {
      out[row * width + i] = (out[row * width + i] ?? 0) + code * (dictionary[feature * width + i] ?? 0);
    }
  });
  return out;
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}
