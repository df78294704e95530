import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { arenaBytes, createArena } from '#engine/kernels/arena.ts';

import { createNewtonSchulz, newtonSchulzLength, type MatrixShape } from './newton-schulz.ts';

/** Relative Frobenius distance of the float32 Gram form to the plain float64 form; see the file's Precision. */
const TOLERANCE = 5e-4;
/** The same for matrices of independent normal entries far from square, whose singular values are alike. */
const WELL_CONDITIONED_TOLERANCE = 5e-6;
/** The quintic's extremes over [1e-3, 1], by Jordan et al.: "US'V^T with S' in about [0.5, 1.5]". */
const SINGULAR_VALUES = [0.65, 1.25] as const;

function normals(length: number, seed: number): Float64Array {
  const rng = rngOf(seed);
  return Float64Array.from({ length }, () => rng.normal());
}

/** C[m, n] = A[m, k] B[k, n] in float64. */
function product(a: Float64Array, b: Float64Array, m: number, k: number, n: number): Float64Array {
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < k; l++) {
      const left = a[i * k + l] ?? Number.NaN;
      for (let j = 0; j < n; j++) out[i * n + j] = (out[i * n + j] ?? 0) + left * (b[l * n + j] ?? Number.NaN);
    }
  }
  return out;
}

function transpose(a: Float64Array, rows: number, columns: number): Float64Array {
  return Float64Array.from(
    { length: a.length },
    (_, i) => a[(i % rows) * columns + Math.floor(i / rows)] ?? Number.NaN,
  );
}

function norm(a: Float64Array): number {
  return Math.sqrt(a.reduce((sum, value) => sum + value * value, 0));
}

/** The plain form in float64, from the post's equations, without the transposition of tall matrices. */
function plainNewtonSchulz(g: Float64Array, rows: number, columns: number): Float64Array {
  const length = norm(g) + 1e-7;
  let x = g.map((value) => value / length);
  for (let step = 0; step < 5; step++) {
    const gram = product(x, transpose(x, rows, columns), rows, columns, rows);
    const gramSquared = product(gram, gram, rows, rows, rows);
    const polynomial = gram.map((value, i) => -4.775 * value + 2.0315 * (gramSquared[i] ?? Number.NaN));
    const change = product(polynomial, x, rows, rows, columns);
    x = x.map((value, i) => 3.4445 * value + (change[i] ?? Number.NaN));
  }
  return x;
}

/** The kernels' orthogonalization of a matrix. */
function orthogonalized(g: Float64Array, rows: number, columns: number): Float64Array {
  const shapes: readonly MatrixShape[] = [[rows, columns]];
  const arena = createArena(arenaBytes([g.length, g.length, newtonSchulzLength(shapes)]));
  const [matrix, out] = [arena.float32('matrix', g.length).view, arena.float32('out', g.length).view];
  matrix.set(g);
  createNewtonSchulz(arena, shapes)(matrix, rows, columns, out);
  return Float64Array.from(out);
}

function relativeDistance(found: Float64Array, expected: Float64Array): number {
  return norm(found.map((value, i) => value - (expected[i] ?? Number.NaN))) / norm(expected);
}

test('the Gram form equals the plain iteration, for wide, tall, square and ragged matrices', () => {
  for (const [rows, columns] of [
    [1, 1],
    [1, 9],
    [9, 1],
    [12, 12],
    [8, 30],
    [30, 8],
    [17, 23],
    [23, 17],
  ] as const) {
    const g = Float64Array.from(Float32Array.from(normals(rows * columns, rows * 100 + columns)));
    const distance = relativeDistance(orthogonalized(g, rows, columns), plainNewtonSchulz(g, rows, columns));
    const isWellConditioned = Math.max(rows, columns) > 3 * Math.min(rows, columns);
    const tolerance = isWellConditioned ? WELL_CONDITIONED_TOLERANCE : TOLERANCE;
    assert.ok(distance <= tolerance, `[${rows}, ${columns}]: relative distance ${distance}`);
  }
});

test('it stays within its precision when singular values span eight decades', () => {
  const [rows, columns] = [16, 40];
  const left = plainNewtonSchulz(normals(rows * rows, 1), rows, rows);
  const scaled = normals(rows * columns, 2).map(
    (value, i) => value * 10 ** ((-8 * Math.floor(i / columns)) / (rows - 1)),
  );
  const g = Float64Array.from(Float32Array.from(product(left, scaled, rows, rows, columns)));
  const distance = relativeDistance(orthogonalized(g, rows, columns), plainNewtonSchulz(g, rows, columns));
  assert.ok(distance <= TOLERANCE, `relative distance ${distance}`);
});

test('a diagonal matrix keeps its directions and gets singular values near 1', () => {
  const singularValues = [1, 0.5, 0.1, 0.02];
  const g = Float64Array.from({ length: 16 }, (_, i) => (i % 5 === 0 ? (singularValues[i / 5] ?? 0) : 0));
  const out = orthogonalized(g, 4, 4);
  for (const [i, value] of out.entries()) {
    if (i % 5 === 0) assert.ok(value >= SINGULAR_VALUES[0] && value <= SINGULAR_VALUES[1], `singular value ${value}`);
    else assert.equal(value, 0);
  }
});

test('the scale of a gradient does not matter, and zero stays zero', () => {
  const g = normals(6 * 10, 3);
  const reference = orthogonalized(g, 6, 10);
  for (const scale of [2 ** -10, 2 ** 40, 2 ** 60]) {
    const scaled = orthogonalized(
      g.map((value) => value * scale),
      6,
      10,
    );
    assert.ok(relativeDistance(scaled, reference) <= TOLERANCE, `scale ${scale}`);
  }
  assert.deepEqual(orthogonalized(new Float64Array(12), 3, 4), new Float64Array(12));
});

test('views outside the arena and shapes that were not announced are refused', () => {
  const arena = createArena(2 ** 16);
  const orthogonalize = createNewtonSchulz(arena, [[4, 6]]);
  const [inside, large] = [arena.float32('m', 24).view, arena.float32('l', 400).view];
  assert.throws(() => orthogonalize(new Float32Array(24), 4, 6, inside), /outside the arena/);
  assert.throws(() => orthogonalize(large, 20, 20, large), /announced shapes \[4,6\], found \[20, 20\]/);
  assert.throws(() => orthogonalize(inside, 4, 5, inside), /with 24 values/);
});
