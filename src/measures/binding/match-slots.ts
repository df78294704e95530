/**
 * More than two slots, [A, M2 A, M3 A, ...]: first the pairs of two slots, then, for each further slot, pairs of the same base features
 * with features that are in no slot yet. Whether the maps belong together is asked of pairs that no map was fitted to: from slot 2 to
 * slot 3 directly, against M3 M2^-1.
 */
import { AssayError } from '#base/errors.ts';
import type { DenseMatrix } from '#learning/spectra/matrix.ts';

import { rowProducts, unitFeatures } from './feature-rows.ts';
import { type FeaturePair, type MatchOptions, matchPairs, type PairMatch } from './match-pairs.ts';
import { inverseOf, mapError } from './map-error.ts';
import { slotMapOf } from './slot-map.ts';

/** A pair counts towards a slot from this part of the median pair's cosine on. */
const SURE = 0.9;

/** Slots 2, 3, ... of the base features. */
export interface SlotMatch {
  /** Pairs from base features to the features of slots 2, 3, ... */
  readonly matches: readonly PairMatch[];
  /** Of every two further slots: the error of the map between them that their own pairs give, against M_b M_a^-1; absent where fewer than d features are in both. */
  readonly consistency: readonly {
    readonly from: number;
    readonly to: number;
    readonly error?: number;
    readonly pairs: number;
  }[];
}

/**
 * Matches k slots. @param slots 2 or more. @throws AssayError (config) on fewer; (data) as `matchPairs`.
 * Which of the slots is called the base is arbitrary.
 */
export function matchSlots(dictionary: DenseMatrix, slots: number, options: MatchOptions = {}): SlotMatch {
  if (!Number.isInteger(slots) || slots < 2)
    throw new AssayError('config', `matchSlots: ${slots} slots. Expected 2 or more.`);
  const matches = [matchPairs(dictionary, options)];
  for (let slot = 3; slot <= slots; slot++) {
    const base = [...new Set(surePairs(matches[0]).map(({ source }) => source))];
    const used = new Set([...base, ...matches.flatMap((match) => surePairs(match).map(({ target }) => target))]);
    const targets = Array.from({ length: dictionary.rows }, (_, i) => i).filter((i) => !used.has(i));
    if (base.length === 0 || targets.length === 0) break;
    matches.push(matchPairs(dictionary, { sources: base, targets }));
  }
  const features = unitFeatures(dictionary);
  const consistency = matches.flatMap((from, a) =>
    matches.slice(a + 1).map((to, b) => ({ from: a + 2, to: a + b + 3, ...agreementOf(features, from, to) })),
  );
  return { matches, consistency };
}

/** Pairs whose cosine is near that of most. Others are chance among features of a slot that is still to come, which they would take away. */
function surePairs(match: PairMatch | undefined): readonly FeaturePair[] {
  const pairs = match?.pairs ?? [];
  const cosines = pairs.map(({ cosine }) => cosine).toSorted((a, b) => a - b);
  const least = SURE * (cosines[Math.floor(cosines.length / 2)] ?? 0);
  return pairs.filter(({ cosine }) => cosine >= least);
}

function agreementOf(
  features: DenseMatrix,
  from: PairMatch,
  to: PairMatch,
): { readonly error?: number; readonly pairs: number } {
  const partner = new Map(surePairs(to).map(({ source, target }) => [source, target]));
  const both = surePairs(from).flatMap(({ source, target }) => {
    const other = partner.get(source);
    return other === undefined ? [] : [{ a: target, b: other }];
  });
  if (both.length < features.columns || from.map === undefined || to.map === undefined) return { pairs: both.length };
  const pairs = { sources: both.map(({ a }) => a), targets: both.map(({ b }) => b) };
  const direct = slotMapOf(features, pairs, new Uint8Array(features.rows).fill(1)).map;
  return { error: mapError(direct, composed(to.map, from.map)), pairs: both.length };
}

/** B A^-1. */
function composed(b: DenseMatrix, a: DenseMatrix): DenseMatrix {
  const inverse = inverseOf(a);
  const columns = {
    ...inverse,
    values: inverse.values.map((_, i) => inverse.values[(i % a.rows) * a.rows + Math.floor(i / a.rows)] ?? 0),
  };
  return { rows: b.rows, columns: a.rows, values: rowProducts(b, columns) };
}
