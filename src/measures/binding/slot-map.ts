/**
 * The linear map M of pairs of features, b = t M a for unit features a, b and unknown lengths t. First the orthogonal map that fits best
 * (Procrustes), then what is left of it by ridge regression towards that map; how far it may leave it is chosen by pairs that the fit
 * has not seen. M has d^2 numbers and fits any d pairs, so only pairs that were held out say anything of it.
 * @see Schoenemann 1966, doi:10.1007/BF02289451.
 */
import { type DenseMatrix, solvePositive, svd, transposedProduct } from '#learning/spectra/matrix.ts';

import { rowLengths, rowProducts, rowsOf } from './feature-rows.ts';
import type { PairSet } from './seed-sets.ts';

/** How strongly M is held to an orthogonal map, in multiples of the sources' mean square; Infinity: it is one. */
const RIDGES = [0.03, 0.3, 3, Infinity] as const;
const FOLDS = 5;
/** Lengths t and M are fitted in turns. */
const TURNS = 3;
/** Singular values below this share of the largest are of directions that no pair has. */
const RANK_TOLERANCE = 1e-8;

/** A map, and how strongly it was held to an orthogonal one. */
export interface SlotMap {
  /** Shape [d, d]; it carries a feature a (a column) to M a. Up to its scale. */
  readonly map: DenseMatrix;
  readonly ridge: number;
  /** For each pair whether, with M fitted to other folds of pairs, its target is the feature nearest to M a of all that may be targets. */
  readonly isPredicted: readonly boolean[];
  /** The cosine of the held-out prediction to the target, mean over pairs. */
  readonly heldOutCosine: number;
}

/** Fits M. @param features unit rows. @param mayBeTarget 1 for the features that a prediction may be nearest to. */
export function slotMapOf(features: DenseMatrix, pairs: PairSet, mayBeTarget: Uint8Array): SlotMap {
  const seen = Array.from({ length: Math.min(FOLDS, pairs.sources.length) }, (_, fold) => {
    const isSeen = (_pair: number, i: number): boolean => i % FOLDS !== fold;
    return aligned(features, { sources: pairs.sources.filter(isSeen), targets: pairs.targets.filter(isSeen) });
  });
  const tried = RIDGES.map((ridge) => ({ ridge, ...heldOut(features, pairs, mayBeTarget, seen, ridge) }));
  const chosen = tried.reduce((best, next) => (next.heldOutCosine > best.heldOutCosine ? next : best));
  return { ...chosen, map: fitted(aligned(features, pairs), chosen.ridge) };
}

/** Unit rows a and b of pairs, and the orthogonal map that fits them best. */
interface Aligned {
  readonly a: DenseMatrix;
  readonly b: DenseMatrix;
  readonly orthogonal: DenseMatrix;
}

function aligned(features: DenseMatrix, { sources, targets }: PairSet): Aligned {
  const [a, b] = [rowsOf(features, sources), rowsOf(features, targets)];
  return { a, b, orthogonal: procrustes(a, b) };
}

/** Rows of M a for rows a. @returns rows that are not of length 1. */
export function mapped(map: DenseMatrix, rows: DenseMatrix): DenseMatrix {
  return { rows: rows.rows, columns: map.rows, values: rowProducts(rows, map) };
}

function heldOut(
  features: DenseMatrix,
  { sources, targets }: PairSet,
  mayBeTarget: Uint8Array,
  seen: readonly Aligned[],
  ridge: number,
): { readonly isPredicted: readonly boolean[]; readonly heldOutCosine: number } {
  const isPredicted = sources.map(() => false);
  let cosines = 0;
  for (const [fold, others] of seen.entries()) {
    const map = fitted(others, ridge);
    for (let i = fold; i < sources.length; i += FOLDS) {
      const [source, target] = [sources[i] ?? 0, targets[i] ?? 0];
      const prediction = mapped(map, rowsOf(features, [source]));
      const products = rowProducts(prediction, features);
      const own = products[target] ?? 0;
      isPredicted[i] =
        own > 0 && products.every((p, l) => l === source || l === target || mayBeTarget[l] !== 1 || p < own);
      const length = rowLengths(prediction)[0] ?? 0;
      if (length > 0) cosines += own / length;
    }
  }
  return { isPredicted, heldOutCosine: cosines / sources.length };
}

/** M. */
function fitted({ a, b, orthogonal }: Aligned, ridge: number): DenseMatrix {
  if (ridge === Infinity) return orthogonal;
  const d = a.columns;
  const gram = transposedProduct(a, a);
  const held = Float64Array.from(gram.values, (value, i) => value + (i % (d + 1) === 0 ? (ridge * a.rows) / d : 0));
  let map = orthogonal;
  for (let turn = 0; turn < TURNS; turn++) {
    const images = mapped(map, a);
    const lengths = lengthsAlong(images, b);
    const base = mapped(orthogonal, a);
    const left = Float64Array.from(
      b.values,
      (value, i) => value * (lengths[Math.floor(i / d)] ?? 0) - (base.values[i] ?? 0),
    );
    const change = solvePositive({ rows: d, columns: d, values: held }, transposedProduct(a, { ...b, values: left }));
    map = {
      rows: d,
      columns: d,
      values: Float64Array.from(
        orthogonal.values,
        (value, i) => value + (change.values[(i % d) * d + Math.floor(i / d)] ?? 0),
      ),
    };
  }
  return map;
}

/** t of every pair, mean 1: how long M a is along b; never below a tenth. */
function lengthsAlong(images: DenseMatrix, { rows, columns: d, values }: DenseMatrix): Float64Array {
  const lengths = new Float64Array(rows);
  for (let i = 0; i < rows * d; i++) {
    const row = Math.floor(i / d);
    lengths[row] = (lengths[row] ?? 0) + (values[i] ?? 0) * (images.values[i] ?? 0);
  }
  const mean = lengths.reduce((sum, length) => sum + length, 0) / rows;
  return lengths.map((length) => Math.max(0.1, length / mean));
}

/** The orthogonal map nearest to a -> b, on the directions that the pairs have; 0 on others. */
function procrustes(a: DenseMatrix, b: DenseMatrix): DenseMatrix {
  const { singularValues, left, right } = svd(transposedProduct(b, a));
  const rank = singularValues.filter((value) => value > RANK_TOLERANCE * (singularValues[0] ?? 0)).length;
  const d = a.columns;
  const leading = ({ values }: DenseMatrix): DenseMatrix => ({
    rows: d,
    columns: rank,
    values: Float64Array.from({ length: d * rank }, (_, i) => values[Math.floor(i / rank) * d + (i % rank)] ?? 0),
  });
  return { rows: d, columns: d, values: rowProducts(leading(left), leading(right)) };
}
