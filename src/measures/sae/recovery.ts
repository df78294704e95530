/** How much of a known dictionary a learned one has: by best cosine, and by the best one-to-one matching. */
import { AssayError } from '#base/errors.ts';

import { cheapestAssignment } from './assignment.ts';

/** How the features of a true dictionary are found in a learned one. */
export interface Recovery {
  /** MMCS: for each true feature the largest cosine to a learned one, mean of them. */
  readonly meanMaxCosine: number;
  /** The largest cosine of each true feature, shape [n]. */
  readonly maxCosines: Float64Array;
  /** The mean cosine of the one-to-one matching whose sum of cosines is largest (Hungarian); true features beyond the learned ones count 0. */
  readonly meanMatchedCosine: number;
  /** Which learned feature each true one is matched with, -1 where none is left, shape [n]. */
  readonly matched: Int32Array;
  /** The cosines of the matching, shape [n]; 0 where there is none. */
  readonly matchedCosines: Float64Array;
}

/**
 * Compares dictionaries. Cosines have their sign: a feature and its opposite are two features.
 * @param truth shape [n, D]. @param learned shape [m, D]. @param width D.
 * @throws AssayError (data) on no features, lengths that are no multiple of D, or a feature that is 0 or not finite.
 * @see Sharkey et al. 2022 (MMCS).
 */
export function recovery(truth: Float32Array, learned: Float32Array, width: number): Recovery {
  const [n, m] = [truth.length / width, learned.length / width];
  const cosines = cosinesBetween(unitFeatures('truth', truth, width), unitFeatures('learned', learned, width), width);
  const maxCosines = Float64Array.from({ length: n }, (_, i) => cosines.subarray(i * m, (i + 1) * m).reduce(larger));
  const matched = matching(cosines, n, m);
  const matchedCosines = Float64Array.from(matched, (j, i) => (j === -1 ? 0 : (cosines[i * m + j] ?? 0)));
  return {
    meanMaxCosine: meanOf(maxCosines),
    maxCosines,
    meanMatchedCosine: meanOf(matchedCosines),
    matched,
    matchedCosines,
  };
}

/** The fraction of cosines above a threshold, such as 0.9. @throws AssayError (data) of none. */
export function fractionAbove(cosines: Float64Array, threshold: number): number {
  if (cosines.length === 0) throw new AssayError('data', 'fractionAbove: expected cosines, found none.');
  return cosines.filter((cosine) => cosine > threshold).length / cosines.length;
}

/** The one-to-one matching of the largest sum, from the side that has fewer. */
function matching(cosines: Float64Array, n: number, m: number): Int32Array {
  if (n <= m) {
    return cheapestAssignment(
      cosines.map((cosine) => -cosine),
      n,
      m,
    );
  }
  const costs = Float64Array.from({ length: n * m }, (_, at) => -(cosines[(at % n) * m + Math.floor(at / n)] ?? 0));
  const matched = new Int32Array(n).fill(-1);
  cheapestAssignment(costs, m, n).forEach((i, j) => (matched[i] = j));
  return matched;
}

function cosinesBetween(a: Float64Array, b: Float64Array, width: number): Float64Array {
  const [n, m] = [a.length / width, b.length / width];
  const cosines = new Float64Array(n * m);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      let sum = 0;
      for (let d = 0; d < width; d++) sum += (a[i * width + d] ?? 0) * (b[j * width + d] ?? 0);
      cosines[i * m + j] = sum;
    }
  }
  return cosines;
}

function unitFeatures(name: string, features: Float32Array, width: number): Float64Array {
  if (features.length === 0) throw new AssayError('data', `Recovery, ${name}: expected features, found none.`);
  const unit = Float64Array.from(features);
  for (let start = 0; start < unit.length; start += width) {
    const length = Math.hypot(...unit.subarray(start, start + width));
    if (!(length > 0 && Number.isFinite(length)) || unit.length % width !== 0) {
      const found =
        unit.length % width === 0 ? `length ${length} of feature ${start / width}` : `${unit.length} values`;
      throw new AssayError(
        'data',
        `Recovery, ${name}: expected features of width ${width}, none of them 0, found ${found}.`,
      );
    }
    for (let i = start; i < start + width; i++) unit[i] = (unit[i] ?? 0) / length;
  }
  return unit;
}

function larger(a: number, b: number): number {
  return Math.max(a, b);
}

function meanOf(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
