/**
 * Pairs of features of one dictionary that one linear map connects: b = M a up to length, whichever features are a's and b's. Seeds are
 * sets of pairs whose products agree; they grow to all pairs that agree; M is fitted, and pairs are matched again as each other's
 * nearest under M. What counts are the pairs that M predicts when it was fitted without them.
 */
import { AssayError } from '#base/errors.ts';
import type { DenseMatrix } from '#learning/spectra/matrix.ts';

import { normalQuantile, productScores } from './agreement.ts';
import { rowLengths, rowProducts, unitFeatures } from './feature-rows.ts';
import { grownPairs } from './grow-pairs.ts';
import { type PairSet, seedSets, type Sides } from './seed-sets.ts';
import { mapped, type SlotMap, slotMapOf } from './slot-map.ts';

/** Two features with a larger |cosine| are taken for one: that a map near the identity (or its negative) connects them says nothing. */
export const DUPLICATE_COSINE = 0.9;
/** Features that can be matched: time and memory grow with their square. */
const MOST_FEATURES = 2048;
const SEEDS = 20;
/** Rounds of fitting M and matching again. */
const ROUNDS = 3;
/** With fewer pairs nothing is fitted. */
const FEWEST_PAIRS = 4;

export interface MatchOptions {
  /** Features that may be sources (targets) of the map, where it is known which those are; default: all may be either. */
  readonly sources?: readonly number[];
  readonly targets?: readonly number[];
}

/** One pair: feature `target` is M times feature `source`. */
export interface FeaturePair {
  readonly source: number;
  readonly target: number;
  /** Of M a to b. */
  readonly cosine: number;
  /** Whether b is the feature nearest to M a, M fitted without this pair. */
  readonly isPredicted: boolean;
}

/** What was matched. */
export interface PairMatch {
  readonly pairs: readonly FeaturePair[];
  /** Pairs that M predicts when it was fitted without them: the number that binding is decided on. */
  readonly predicted: number;
  /** Mean cosine of those predictions to their targets, over all pairs; absent without pairs. */
  readonly heldOutCosine?: number;
  /** M, shape [d, d], up to scale; absent where too few pairs were found to fit it. Which side is called source is arbitrary unless given. */
  readonly map?: DenseMatrix;
  /** Features that were left out because another is the same to `DUPLICATE_COSINE`. */
  readonly duplicates: readonly number[];
}

/**
 * Matches pairs. The same dictionary gives the same match.
 * @param dictionary shape [F, d], a feature a row, of any length above 0.
 * @throws AssayError (data) on fewer than four or more than 2,048 features, on features without direction, and on unknown ones in the options.
 */
export function matchPairs(dictionary: DenseMatrix, options: MatchOptions = {}): PairMatch {
  const { rows: count } = dictionary;
  if (count < FEWEST_PAIRS || count > MOST_FEATURES) {
    throw new AssayError(
      'data',
      `matchPairs: ${count} features. Expected ${FEWEST_PAIRS} to ${MOST_FEATURES}; leave out those that hardly fire.`,
    );
  }
  const features = unitFeatures(dictionary);
  const products = rowProducts(features, features);
  const duplicates = duplicatesOf(products, count);
  const sides = sidesOf(count, options, duplicates);
  const scores = productScores(products, count);
  let pairs: PairSet = { sources: [], targets: [] };
  for (const seed of seedSets(scores, sides, SEEDS)) {
    const grown = grownPairs(scores, sides, seed);
    if (grown.sources.length > pairs.sources.length) pairs = grown;
  }
  if (pairs.sources.length < FEWEST_PAIRS) return { pairs: [], predicted: 0, duplicates };
  let fit = slotMapOf(features, pairs, sides.target);
  for (let round = 0; round < ROUNDS; round++) {
    const next = mutualPairs(features, fit, sides);
    if (next.sources.length < FEWEST_PAIRS || isSame(next, pairs)) break;
    pairs = next;
    fit = slotMapOf(features, pairs, sides.target);
  }
  return matchOf(features, pairs, fit, duplicates);
}

/** Features that are another earlier one again, to `DUPLICATE_COSINE`. @param products of unit features, shape [count, count]. */
function duplicatesOf(products: Float64Array, count: number): readonly number[] {
  const left: number[] = [];
  const duplicates: number[] = [];
  for (let i = 0; i < count; i++) {
    const isKnown = left.some((j) => Math.abs(products[i * count + j] ?? 0) > DUPLICATE_COSINE);
    (isKnown ? duplicates : left).push(i);
  }
  return duplicates;
}

function sidesOf(count: number, { sources, targets }: MatchOptions, duplicates: readonly number[]): Sides {
  const side = (name: string, chosen: readonly number[] | undefined): Uint8Array => {
    const may = new Uint8Array(count);
    for (const i of chosen ?? may.keys()) {
      if (!Number.isInteger(i) || i < 0 || i >= count) {
        throw new AssayError('data', `matchPairs, ${name}: feature ${i}. Expected 0 to ${count - 1}.`);
      }
      may[i] = 1;
    }
    for (const i of duplicates) may[i] = 0;
    return may;
  };
  return { source: side('sources', sources), target: side('targets', targets) };
}

/** Pairs that are each other's nearest under M and nearer than one random pair in all would be; a feature is in one pair, its closest. */
function mutualPairs(features: DenseMatrix, { map }: SlotMap, { source, target }: Sides): PairSet {
  const { rows: count, columns: d } = features;
  const cosines = cosinesUnder(map, features);
  const z = -normalQuantile(1 / (count * count));
  const least = z / Math.sqrt(z * z + d - 1);
  const nearest = (i: number, isSource: boolean): number => {
    let [largest, at] = [least, -1];
    for (let k = 0; k < count; k++) {
      const cosine = cosines[isSource ? i * count + k : k * count + i] ?? 0;
      if (k !== i && (isSource ? target : source)[k] === 1 && cosine > largest) [largest, at] = [cosine, k];
    }
    return at;
  };
  const cells: number[] = [];
  for (let k = 0; k < count; k++) {
    if (source[k] !== 1) continue;
    const l = nearest(k, true);
    if (l >= 0 && nearest(l, false) === k) cells.push(k * count + l);
  }
  cells.sort((a, b) => (cosines[b] ?? 0) - (cosines[a] ?? 0));
  const used = new Set<number>();
  const pairs: { readonly sources: number[]; readonly targets: number[] } = { sources: [], targets: [] };
  for (const cell of cells) {
    const [k, l] = [Math.floor(cell / count), cell % count];
    if (used.has(k) || used.has(l)) continue;
    used.add(k).add(l);
    pairs.sources.push(k);
    pairs.targets.push(l);
  }
  return pairs;
}

/** Cosines of M a to every feature b, for every a; shape [F, F]. */
function cosinesUnder(map: DenseMatrix, features: DenseMatrix): Float64Array {
  const images = mapped(map, features);
  const cosines = rowProducts(images, features);
  const lengths = rowLengths(images);
  for (const i of cosines.keys()) {
    const length = lengths[Math.floor(i / features.rows)] ?? 0;
    cosines[i] = length > 0 ? (cosines[i] ?? 0) / length : 0;
  }
  return cosines;
}

function isSame(a: PairSet, b: PairSet): boolean {
  const keys = ({ sources, targets }: PairSet): string =>
    sources
      .map((source, i) => `${source} ${targets[i]}`)
      .toSorted()
      .join();
  return keys(a) === keys(b);
}

function matchOf(
  features: DenseMatrix,
  { sources, targets }: PairSet,
  fit: SlotMap,
  duplicates: readonly number[],
): PairMatch {
  const cosines = cosinesUnder(fit.map, features);
  const pairs = sources.map((source, i): FeaturePair => {
    const target = targets[i] ?? 0;
    const cosine = cosines[source * features.rows + target] ?? 0;
    return { source, target, cosine, isPredicted: fit.isPredicted[i] ?? false };
  });
  const predicted = pairs.filter(({ isPredicted }) => isPredicted).length;
  return { pairs, predicted, heldOutCosine: fit.heldOutCosine, map: fit.map, duplicates };
}
