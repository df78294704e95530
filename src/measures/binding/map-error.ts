/** How far what was found is from what is known, where the truth is known. */
import { AssayError } from '#base/errors.ts';
import { type DenseMatrix, solvePositive, transposedProduct } from '#learning/spectra/matrix.ts';

import { rowProducts, unitFeatures } from './feature-rows.ts';
import type { PairMatch } from './match-pairs.ts';

/**
 * The error of a map known up to scale: |s found - truth| / |truth| in Frobenius norm at the best s, in [0, 1]; 1 says that they
 * have nothing in common. @throws AssayError (data) where shapes differ.
 */
export function mapError(found: DenseMatrix, truth: DenseMatrix): number {
  if (found.rows !== truth.rows || found.columns !== truth.columns) {
    throw new AssayError(
      'data',
      `mapError: ${found.rows} x ${found.columns} against ${truth.rows} x ${truth.columns}. Expected equal shapes.`,
    );
  }
  let [both, own, known] = [0, 0, 0];
  for (const [i, value] of found.values.entries()) {
    const other = truth.values[i] ?? 0;
    both += value * other;
    own += value * value;
    known += other * other;
  }
  return own === 0 || known === 0 ? 1 : Math.sqrt(Math.max(0, 1 - (both * both) / (own * known)));
}

/** The inverse of a square map, (M^T M)^-1 M^T. @throws AssayError (data) where it has none. */
export function inverseOf(map: DenseMatrix): DenseMatrix {
  if (map.rows !== map.columns) {
    throw new AssayError('data', `inverseOf: ${map.rows} x ${map.columns}. Expected a square map.`);
  }
  const transposed = {
    ...map,
    values: Float64Array.from(
      map.values,
      (_, i) => map.values[(i % map.rows) * map.rows + Math.floor(i / map.rows)] ?? 0,
    ),
  };
  return solvePositive(transposedProduct(map, map), transposed);
}

/** Features that are known, and which belong together: `partner[i]` is M applied to feature i, -1 where there is none. */
export interface KnownPairs {
  /** Shape [G, d]. */
  readonly features: DenseMatrix;
  readonly partner: Int32Array;
}

/** A feature of a dictionary is a known one from this cosine on. */
const SAME_COSINE = 0.9;

/** Found pairs against known ones. */
export interface PairRecovery {
  /** Pairs whose two features are known ones (cosine .9 or more) that belong together, in the direction that most pairs have. */
  readonly right: number;
  /** `right` over the pairs that were found; absent without pairs. */
  readonly rightFraction?: number;
  /** `right` over the pairs there are. */
  readonly foundFraction: number;
  /** Whether found pairs run from a feature to M of it, or back: then the map found is M's inverse. */
  readonly isInverse: boolean;
}

/** Counts right pairs. @param dictionary what was matched. @throws AssayError (data) where known features have not one partner each. */
export function pairRecovery(
  dictionary: DenseMatrix,
  { pairs }: Pick<PairMatch, 'pairs'>,
  known: KnownPairs,
): PairRecovery {
  if (known.partner.length !== known.features.rows) {
    throw new AssayError(
      'data',
      `pairRecovery: ${known.partner.length} partners of ${known.features.rows} known features. Expected one each, -1 where there is none.`,
    );
  }
  const cosines = rowProducts(unitFeatures(dictionary), unitFeatures(known.features));
  const nameOf = (i: number): number => {
    const row = cosines.subarray(i * known.features.rows, (i + 1) * known.features.rows);
    const at = row.reduce((best, cosine, k) => (cosine > (row[best] ?? 0) ? k : best), 0);
    return (row[at] ?? 0) >= SAME_COSINE ? at : -1;
  };
  const named = pairs.map(({ source, target }) => ({ source: nameOf(source), target: nameOf(target) }));
  const isPair = (a: number, b: number): boolean => a >= 0 && b >= 0 && known.partner[a] === b;
  const forward = named.filter(({ source, target }) => isPair(source, target)).length;
  const back = named.filter(({ source, target }) => isPair(target, source)).length;
  const right = Math.max(forward, back);
  const there = known.partner.reduce((count, partner) => count + (partner >= 0 ? 1 : 0), 0);
  return {
    right,
    ...(pairs.length > 0 && { rightFraction: right / pairs.length }),
    foundFraction: there === 0 ? 0 : right / there,
    isInverse: back > forward,
  };
}
