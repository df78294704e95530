/**
 * A dictionary as it might be without binding: in the axes of the features' covariance, scaled to variance 1, every feature's coordinates
 * are permuted and their signs drawn, for each feature anew. What features have in common (directions in which all are long) stays,
 * what one has to do with another goes. Features that lie together (clusters) are permuted together: what is inside a cluster stays too.
 */
import type { Rng } from '#base/rng.ts';
import { type DenseMatrix, symmetricEigen, transposedProduct } from '#learning/spectra/matrix.ts';

import { rowProducts, unitFeatures } from './feature-rows.ts';

/** Features lie together from this |cosine| on, or from where random ones of dimension d hardly ever do. */
const TOGETHER = 0.5;
const RARE = 4.5;
/** Added to the covariance's eigenvalues, as a share of their mean: directions that no feature has stay empty. */
const LEAST_VARIANCE = 1e-3;

/** Draws one. @param features shape [F, d], of length 1. @returns features of length 1, in the same order. */
export function permutedFeatures(features: DenseMatrix, rng: Rng): DenseMatrix {
  const { rows, columns: d } = features;
  const { eigenvalues, vectors } = symmetricEigen(transposedProduct(features, features));
  const scales = shrunk(eigenvalues, rows).map((value) => Math.sqrt(value + (LEAST_VARIANCE * rows) / d));
  const axes = transposed(vectors);
  const inAxes = rowProducts(features, axes);
  const moved = new Float64Array(rows * d);
  for (const cluster of clustersOf(features)) {
    const [from, signs] = [rng.permutation(d), Array.from({ length: d }, () => (rng.uniform() < 0.5 ? -1 : 1))];
    for (const i of cluster) {
      for (let a = 0; a < d; a++) {
        const source = from[a] ?? 0;
        const whitened = (inAxes[i * d + source] ?? 0) / (scales[source] ?? 1);
        moved[i * d + a] = (signs[a] ?? 1) * whitened * (scales[a] ?? 1);
      }
    }
  }
  const back = rowProducts({ rows, columns: d, values: moved }, vectors);
  return unitFeatures({ rows, columns: d, values: back });
}

/**
 * Eigenvalues drawn to their mean, since they scatter where all directions are alike too (their variance is then mean^2 d / F) and a
 * permuted dictionary scatters by itself again. All of that scatter taken off gave .085 [.050, .133] for .05 where directions are
 * unequal, so only the root of the part that is left is taken (ADR 0135). @see Ledoit & Wolf 2004, doi:10.1016/S0047-259X(03)00096-4.
 */
function shrunk(eigenvalues: Float64Array, rows: number): Float64Array {
  const d = eigenvalues.length;
  const mean = eigenvalues.reduce((sum, value) => sum + value, 0) / d;
  const variance = eigenvalues.reduce((sum, value) => sum + (value - mean) ** 2, 0) / d;
  const kept = variance === 0 ? 0 : Math.max(0, 1 - (mean * mean * d) / (rows * variance)) ** 0.25;
  return eigenvalues.map((value) => Math.max(0, mean + kept * (value - mean)));
}

function transposed({ rows, columns, values }: DenseMatrix): DenseMatrix {
  const turned = Float64Array.from(
    { length: rows * columns },
    (_, i) => values[(i % rows) * columns + Math.floor(i / rows)] ?? 0,
  );
  return { rows: columns, columns: rows, values: turned };
}

/** Features joined by chains of neighbours that lie together; most are alone. */
function clustersOf(features: DenseMatrix): readonly (readonly number[])[] {
  const count = features.rows;
  const products = rowProducts(features, features);
  const least = Math.max(TOGETHER, RARE / Math.sqrt(features.columns));
  const isKnown = new Uint8Array(count);
  const clusters: number[][] = [];
  for (let first = 0; first < count; first++) {
    if (isKnown[first] === 1) continue;
    isKnown[first] = 1;
    const cluster = [first];
    for (const i of cluster) {
      for (let j = 0; j < count; j++) {
        if (isKnown[j] === 1 || Math.abs(products[i * count + j] ?? 0) < least) continue;
        isKnown[j] = 1;
        cluster.push(j);
      }
    }
    clusters.push(cluster);
  }
  return clusters;
}
