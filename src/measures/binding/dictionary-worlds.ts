/** Dictionaries of which it is known whether a map binds them, to measure how often `bindingTest` is wrong. Each tries to break it in its own way. */
import type { Rng } from '#base/rng.ts';
import { type DenseMatrix, orthonormalColumns } from '#learning/spectra/matrix.ts';

import { rowProducts, unitFeatures } from './feature-rows.ts';

/** One kind of dictionary. */
export interface DictionaryWorld {
  readonly name: string;
  readonly isBound: boolean;
  /** Whether a power of .8 is claimed; elsewhere it is only told. */
  readonly isPowerClaimed: boolean;
  /** Base features n, and dimensions d. */
  readonly features: number;
  readonly dimensions: number;
  draw(rng: Rng): DenseMatrix;
}

/** What a dictionary is made of. */
interface Recipe {
  /** First half, then what stands in the second half. */
  readonly base?: (n: number, d: number, rng: Rng) => DenseMatrix;
  /** The condition of M; absent: the second half is drawn like the first. */
  readonly condition?: number;
  /** The part of the base features that is bound. */
  readonly boundFraction?: number;
  /** Length of the noise of every feature, against its own. */
  readonly noise?: number;
  /** Power is measured and not claimed: what the search cannot always find. */
  readonly isHard?: boolean;
}

const [FEATURES, DIMENSIONS] = [48, 32];
const NOISE = 0.1;

export const DICTIONARY_WORLDS: readonly DictionaryWorld[] = [
  world('independent', {}),
  world('independent, clusters of four at cosine about .8', { base: clustered }),
  world('independent, directions of unequal variance', { base: unequal }),
  world('independent, a quarter of the features twice', { base: duplicated }),
  world('bound by an orthogonal map', { condition: 1 }),
  world('bound by a map of condition 2', { condition: 2, isHard: true }),
  world('bound, directions of unequal variance', { condition: 1, base: unequal }),
  world('bound, larger', { condition: 1 }, 96, 64),
  world('bound by a map of condition 2, larger', { condition: 2 }, 96, 64),
  world(
    'bound for three quarters of the features, larger',
    { condition: 1, boundFraction: 0.75, isHard: true },
    96,
    64,
  ),
  world(
    'bound for half of the features, larger',
    { condition: 1, boundFraction: 0.5, noise: 0.05, isHard: true },
    96,
    64,
  ),
];

function world(name: string, recipe: Recipe, features = FEATURES, dimensions = DIMENSIONS): DictionaryWorld {
  const isBound = recipe.condition !== undefined;
  const isPowerClaimed = isBound && recipe.isHard !== true;
  return {
    name,
    isBound,
    isPowerClaimed,
    features,
    dimensions,
    draw: (rng) => dictionaryOf(recipe, features, dimensions, rng),
  };
}

function dictionaryOf(
  { base = isotropic, condition, boundFraction = 1, noise = NOISE }: Recipe,
  n: number,
  d: number,
  rng: Rng,
): DenseMatrix {
  const [first, other] = [unitFeatures(base(n, d, rng.split('first'))), unitFeatures(base(n, d, rng.split('other')))];
  const values = new Float64Array(2 * n * d);
  values.set(first.values);
  values.set(other.values, n * d);
  if (condition !== undefined) {
    const images = unitFeatures({ ...first, values: rowProducts(first, mapOf(d, condition, rng.split('map'))) });
    values.set(images.values.subarray(0, Math.round(boundFraction * n) * d), n * d);
  }
  const noisy = values.map((value) => value + (noise * rng.normal()) / Math.sqrt(d));
  return { rows: 2 * n, columns: d, values: noisy };
}

function isotropic(n: number, d: number, rng: Rng): DenseMatrix {
  return { rows: n, columns: d, values: Float64Array.from({ length: n * d }, () => rng.normal()) };
}

function clustered(n: number, d: number, rng: Rng): DenseMatrix {
  const centres = isotropic(Math.ceil(n / 4), d, rng.split('centres')).values;
  const values = Float64Array.from(
    { length: n * d },
    (_, i) => (centres[Math.floor(i / d / 4) * d + (i % d)] ?? 0) + 0.5 * rng.normal(),
  );
  return { rows: n, columns: d, values };
}

function unequal(n: number, d: number, rng: Rng): DenseMatrix {
  return {
    rows: n,
    columns: d,
    values: Float64Array.from({ length: n * d }, (_, i) => rng.normal() * 4 ** ((i % d) / d - 0.5)),
  };
}

function duplicated(n: number, d: number, rng: Rng): DenseMatrix {
  const { values } = isotropic(n, d, rng);
  const quarter = Math.floor(n / 4) * d;
  values.copyWithin(quarter, 0, quarter);
  return { rows: n, columns: d, values };
}

/** U diag(s) V^T, U and V random, s log-evenly spaced. */
function mapOf(d: number, condition: number, rng: Rng): DenseMatrix {
  const [u, v] = [orthonormalColumns(isotropic(d, d, rng)), orthonormalColumns(isotropic(d, d, rng))];
  const scaled = Float64Array.from(u.values, (value, i) => value * condition ** ((i % d) / (d - 1) - 0.5));
  return { rows: d, columns: d, values: rowProducts({ ...u, values: scaled }, v) };
}
