/**
 * Activations whose structure is known. A row is a sum of features of two or three slots, each there with a strength of its own, and noise.
 * What differs between worlds is where a slot's features lie:
 * - `matrix`: slot s has M_s a_i for the base features a_i of slot 1 (relational composition, v + M w, with one feature a slot);
 * - `independent`: every slot has directions of its own;
 * - `position`: all slots have the same directions; a row stands at one slot's position, has that position's own offset, that slot's features, and
 *   those of earlier positions weakly.
 * @see Feng & Steinhardt 2023, arXiv:2310.17191; Wattenberg & Viegas 2024, arXiv:2407.14662.
 */
import { type DenseMatrix, orthonormalColumns, type Rng } from 'assay/learn';

export const BINDINGS = ['matrix', 'independent', 'position'] as const;

export interface BindingWorld {
  readonly binding: (typeof BINDINGS)[number];
  /** d, and n base features. */
  readonly dimensions: number;
  readonly features: number;
  readonly slots: number;
  /** Features of a slot that are there in a row. */
  readonly active: number;
  /** The condition of M: its largest singular value over its smallest, log-evenly spaced between; 1: M is orthogonal. */
  readonly condition: number;
  /** The part of the base features that M carries to the next slot; the others have independent directions there. */
  readonly boundFraction: number;
  /** Length of the noise against that of the features' sum. */
  readonly noise: number;
}

/** What is true of a block's world. */
export interface Truth {
  /** Directions of length 1, by slot: feature i of slot s is row s n + i; one slot's where binding is by position. */
  readonly features: DenseMatrix;
  /** For each feature of slot 1, its partner in slot 2 (as a row), -1 where it has none; -1 for all others. */
  readonly partner: Int32Array;
  /** M_2, M_3, ... */
  readonly maps: readonly DenseMatrix[];
  /** Offsets of positions, shape [slots, d]; zeros where binding is not by position. */
  readonly offsets: Float64Array;
}

/** Strengths are uniform between these. */
const STRENGTHS = [0.5, 1.5] as const;
/** How strong features of earlier positions are, and how long a position's offset is. */
const EARLIER = 0.2;
const OFFSET = 1.5;

export function drawTruth(world: BindingWorld, rng: Rng): Truth {
  const { binding, dimensions: d, features: n, slots, condition, boundFraction } = world;
  const base = unitRows(n, d, rng.split('base'));
  const maps = Array.from({ length: slots - 1 }, (_, s) => drawMap(d, condition, rng.split(`map ${s + 2}`)));
  const offsets = new Float64Array(slots * d);
  if (binding === 'position') {
    offsets.set(unitRows(slots, d, rng.split('offsets')).map((value) => OFFSET * value));
    return { features: { rows: n, columns: d, values: base }, partner: new Int32Array(n).fill(-1), maps: [], offsets };
  }
  const values = new Float64Array(slots * n * d);
  values.set(base);
  for (let s = 1; s < slots; s++) {
    const own = unitRows(n, d, rng.split(`slot ${s + 1}`));
    const map = maps[s - 1];
    const bound = binding === 'matrix' && map !== undefined ? Math.ceil(boundFraction * n) : 0;
    for (let i = 0; i < bound; i++) {
      if (map !== undefined) own.set(image(map, base.subarray(i * d, (i + 1) * d)), i * d);
    }
    values.set(own, s * n * d);
  }
  const isBound = (i: number): boolean => binding === 'matrix' && i < boundFraction * n;
  const partner = Int32Array.from({ length: slots * n }, (_, i) => (i < n && isBound(i) ? n + i : -1));
  return {
    features: { rows: slots * n, columns: d, values },
    partner,
    maps: binding === 'matrix' ? maps : [],
    offsets,
  };
}

/** Rows of activations, shape [count, d], with the position of each (0 where binding is not by position). */
export interface Rows {
  readonly values: Float32Array;
  readonly positions: Uint8Array;
}

export function drawRows(world: BindingWorld, truth: Truth, count: number, rng: Rng): Rows {
  const { binding, dimensions: d, features: n, slots, active, noise } = world;
  const values = new Float32Array(count * d);
  const positions = new Uint8Array(count);
  // The expected length of a sum of independent features, all of length 1, for the noise.
  const strong = (STRENGTHS[0] ** 2 + STRENGTHS[0] * STRENGTHS[1] + STRENGTHS[1] ** 2) / 3;
  const there = active * (binding === 'position' ? 1 : slots);
  const scatter = noise * Math.sqrt((there * strong) / d);
  for (let row = 0; row < count; row++) {
    const into = values.subarray(row * d, (row + 1) * d);
    const position = binding === 'position' ? rng.below(slots) : slots - 1;
    if (binding === 'position') {
      positions[row] = position;
      for (let a = 0; a < d; a++) into[a] = truth.offsets[position * d + a] ?? 0;
    }
    for (let s = 0; s <= position; s++) {
      const weight = binding === 'position' && s < position ? EARLIER : 1;
      const first = binding === 'position' ? 0 : s * n;
      for (const i of someOf(n, active, rng)) {
        const strength = weight * (STRENGTHS[0] + (STRENGTHS[1] - STRENGTHS[0]) * rng.uniform());
        for (let a = 0; a < d; a++)
          into[a] = (into[a] ?? 0) + strength * (truth.features.values[(first + i) * d + a] ?? 0);
      }
    }
    if (scatter > 0) for (let a = 0; a < d; a++) into[a] = (into[a] ?? 0) + scatter * rng.normal();
  }
  return { values, positions };
}

/** Different numbers below n. */
function someOf(n: number, count: number, rng: Rng): readonly number[] {
  const chosen: number[] = [];
  while (chosen.length < count) {
    const i = rng.below(n);
    if (!chosen.includes(i)) chosen.push(i);
  }
  return chosen;
}

function unitRows(rows: number, d: number, rng: Rng): Float64Array {
  const values = Float64Array.from({ length: rows * d }, () => rng.normal());
  for (let i = 0; i < rows; i++) normalize(values.subarray(i * d, (i + 1) * d));
  return values;
}

function normalize(row: Float64Array): void {
  const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
  for (const a of row.keys()) row[a] = (row[a] ?? 0) / length;
}

/** M a, scaled to length 1. */
function image({ values, columns: d }: DenseMatrix, a: Float64Array): Float64Array {
  const result = new Float64Array(d);
  for (let i = 0; i < d; i++)
    for (let j = 0; j < d; j++) result[i] = (result[i] ?? 0) + (values[i * d + j] ?? 0) * (a[j] ?? 0);
  normalize(result);
  return result;
}

/** U diag(s) V^T of random orthogonal U and V. */
function drawMap(d: number, condition: number, rng: Rng): DenseMatrix {
  const orthogonal = (): Float64Array => {
    const drawn = Float64Array.from({ length: d * d }, () => rng.normal());
    return Float64Array.from(orthonormalColumns({ rows: d, columns: d, values: drawn }).values);
  };
  const [u, v] = [orthogonal(), orthogonal()];
  const values = new Float64Array(d * d);
  for (let k = 0; k < d; k++) {
    const singular = condition ** (k / (d - 1) - 0.5);
    for (let i = 0; i < d; i++) {
      const left = singular * (u[i * d + k] ?? 0);
      for (let j = 0; j < d; j++) values[i * d + j] = (values[i * d + j] ?? 0) + left * (v[j * d + k] ?? 0);
    }
  }
  return { rows: d, columns: d, values };
}
