/** Singular values, vectors and what is made of them against NumPy: spectra.py writes spectra.json, this repeats its matrices. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { intruderDimensions, maxCosines, principalAngles } from '#learning/spectra/directions.ts';
import {
  leadingColumns,
  singularValues,
  svd,
  transposedProduct,
  truncate,
  type DenseMatrix,
} from '#learning/spectra/matrix.ts';
import { effectiveRank, numericalRank, singularValueEntropy, stableRank } from '#learning/spectra/spectrum.ts';

import reference from './spectra.json' with { type: 'json' };

/** Both sides are float64; relative to the largest singular value, of sizes up to 512. */
const TOLERANCE = 1e-12;
/** float64 rounding of float32 results of order 1. */
const FLOAT32_TOLERANCE = 1e-7;
/** Singular vectors of gaps of about 0.05. */
const VECTOR_TOLERANCE = 1e-11;

const SHAPES: Readonly<Record<string, readonly [number, number]>> = {
  tall: [40, 6],
  wide: [6, 40],
  square: [16, 16],
  'one row': [1, 7],
  'one column': [7, 1],
  'one value': [1, 1],
};

const MATRICES: Readonly<Record<string, DenseMatrix>> = {
  ...Object.fromEntries(Object.entries(SHAPES).map(([name, [rows, columns]], n) => [name, wave(rows, columns, n)])),
  'rank 3 of 12 x 20': product(wave(12, 3, 20), wave(3, 20, 21)),
  'rank 2 of 20 x 12': product(wave(20, 2, 20), wave(2, 12, 21)),
  decaying: decaying(),
  ones: { rows: 9, columns: 9, values: new Float32Array(81).fill(1) },
  zeros: { rows: 4, columns: 5, values: new Float32Array(20) },
  identity: { rows: 5, columns: 5, values: Float32Array.from({ length: 25 }, (_, i) => Number(i % 6 === 0)) },
};

test('the reference holds the matrices that are made here, and no others', () => {
  assert.deepEqual(Object.keys(reference.spectra), Object.keys(MATRICES));
});

for (const [name, expected] of Object.entries(reference.spectra)) {
  const matrix = MATRICES[name] ?? wave(1, 1, 0);

  test(`${name}: singular values, ranks and entropies are NumPy's`, () => {
    const sigma = singularValues(matrix);
    assertClose(sigma, expected.singularValues, TOLERANCE * (sigma[0] ?? 0), 'singular values');
    assert.equal(numericalRank(sigma, matrix), expected.numericalRank);
    for (const [found, value] of [
      [stableRank(sigma), expected.stableRank],
      [singularValueEntropy(sigma), expected.entropy],
      [singularValueEntropy(sigma, 'squares'), expected.entropyOfSquares],
      [effectiveRank(sigma), expected.entropy === null ? null : Math.exp(expected.entropy)],
    ] as const) {
      if (value === null) assert.equal(found, undefined, 'a matrix of zeros has none');
      else assertClose([found ?? Number.NaN], [value], 1e-10, 'a summary');
    }
  });

  test(`${name}: singular vectors are orthonormal, belong to their values and give the matrix back`, () => {
    const { singularValues: sigma, left, right } = svd(matrix);
    const width = Math.min(matrix.rows, matrix.columns);
    assert.deepEqual([left.rows, left.columns, right.rows, right.columns], [matrix.rows, width, matrix.columns, width]);
    assert.deepEqual(sigma.toSorted().toReversed(), sigma);
    assertClose(sigma, singularValues(matrix), TOLERANCE * (sigma[0] ?? 0), 'values with and without vectors');
    for (const vectors of [left, right]) {
      assertClose(transposedProduct(vectors, vectors).values, identity(width), TOLERANCE, 'orthonormal');
    }
    assertClose(truncate(matrix, width).values, [...matrix.values], 4 * FLOAT32_TOLERANCE, 'given back');
  });
}

test('512 x 512: singular values are those of NumPy, the smallest too', () => {
  const { size, singularValues: some, smallest } = reference.large;
  const sigma = singularValues(wave(size, size, 70));
  assertClose(
    sigma.filter((_, i) => i % (size / 16) === 0),
    some,
    TOLERANCE * (sigma[0] ?? 0),
    'every 32nd',
  );
  assertClose(sigma.subarray(-1), [smallest], TOLERANCE * (sigma[0] ?? 0), 'the smallest');
});

test("a truncation is NumPy's best approximation of that rank, and of no more", () => {
  const matrix = MATRICES[reference.truncated.matrix] ?? assert.fail();
  const found = truncate(matrix, reference.truncated.rank);
  assertClose(found.values, reference.truncated.values, FLOAT32_TOLERANCE, 'truncated');
  assert.equal(numericalRank(singularValues(found), found), reference.truncated.rank);
  assert.deepEqual(truncate(matrix, 0).values, new Float32Array(256));
});

test("principal angles and largest cosines are NumPy's, angles of a millionth too", () => {
  const [a, b] = [svd(wave(20, 5, 60)).left, svd(wave(20, 3, 61)).left];
  const noise = wave(20, 5, 62).values;
  const moved = Float64Array.from(wave(20, 5, 60).values, (value, i) => value + 1e-6 * (noise[i] ?? 0));
  const near = svd({ rows: 20, columns: 5, values: moved }).left;
  assertClose(principalAngles(a, b), reference.angles.apart, VECTOR_TOLERANCE, 'apart');
  assertClose(principalAngles(b, a), reference.angles.apart, VECTOR_TOLERANCE, 'the other way round');
  assertClose(principalAngles(a, near), reference.angles.near, VECTOR_TOLERANCE, 'near');
  assertClose(maxCosines(a, b), reference.maxCosines, VECTOR_TOLERANCE, 'cosines');
});

test('intruder dimensions are the vectors whose largest cosine to the base is below the threshold', () => {
  const base = wave(16, 12, 50);
  const noise = wave(16, 12, 51).values;
  const shifted = (by: (i: number) => number): DenseMatrix => ({
    ...base,
    values: base.values.map((value, i) => Math.fround(value + by(i))),
  });
  const moved = shifted((i) => 0.05 * (noise[i] ?? 0));
  const intruded = shifted((i) => 0.3 * (((Math.floor(i / 12) % 5) - 2) * Math.cos(i % 12)));
  const rule = { examined: 12, threshold: 0.6 };
  for (const [tuned, expected] of [
    [moved, reference.intruders.moved],
    [intruded, reference.intruders.intruded],
  ] as const) {
    const found = intruderDimensions(base, tuned, rule);
    assertClose(found.maxCosines, expected, VECTOR_TOLERANCE, 'largest cosines');
    assert.deepEqual(
      found.ranks,
      expected.flatMap((cosine, rank) => (cosine < rule.threshold ? [rank] : [])),
    );
  }
  assert.deepEqual(intruderDimensions(base, moved, rule).ranks, []);
  assert.deepEqual(intruderDimensions(base, intruded, { examined: 1, threshold: 0.5 }).ranks, [0]);
  assert.deepEqual(intruderDimensions(base, intruded, { examined: 1, threshold: 0.4 }).ranks, []);
});

test('a base of low rank is compared by the vectors it has, not by those that fill up its decomposition', () => {
  const low = product(wave(8, 1, 1), wave(1, 8, 2));
  const values = low.values.map((value, i) => value + 3 * Number(i === 0));
  const found = intruderDimensions(low, { ...low, values }, { examined: 2, threshold: 1 });
  const [one] = maxCosines(leadingColumns(svd({ ...low, values }).left, 1), svd(wave(8, 1, 1)).left);
  assertClose(found.maxCosines.subarray(0, 1), [one ?? Number.NaN], 1e-6, 'the only vector of the base');
});

test('the same matrix gives the same bits', () => {
  assert.deepEqual(svd(wave(30, 20, 5)), svd(wave(30, 20, 5)));
});

const GOOD = wave(3, 2, 0);
const REFUSED: readonly (readonly [string, () => unknown, RegExp])[] = [
  ['NaN', () => svd({ ...GOOD, values: GOOD.values.with(3, Number.NaN) }), /row 1, column 1 is NaN\. Expected finite/],
  ['another size', () => svd({ ...GOOD, rows: 4 }), /6 values for a matrix of 4 x 2/],
  ['an empty matrix', () => singularValues({ rows: 0, columns: 2, values: new Float32Array() }), /at least 1/],
  ['a rank that is too high', () => truncate(GOOD, 3), /rank 3 of a matrix of 3 x 2\. Expected 0 to 2/],
  ['vectors of two lengths', () => maxCosines(GOOD, wave(4, 2, 0)), /A has 3 rows, B has 4/],
  ['a vector of zeros', () => maxCosines(GOOD, { ...GOOD, values: new Float32Array(6) }), /Column 0 is 0/],
  ['columns that are not orthonormal', () => principalAngles(GOOD, GOOD), /columns 0 and 0 of A have the product/],
  ['matrices of two shapes', () => intruders(GOOD, wave(2, 3, 0), 1, 0.5), /the base is 3 x 2, the tuned matrix 2 x 3/],
  ['a threshold that is no cosine', () => intruders(GOOD, GOOD, 1, 1.5), /threshold 1\.5/],
  [
    'vectors that are arbitrary',
    () => intruders(GOOD, { ...GOOD, values: new Float32Array(6).fill(1) }, 2, 0.5),
    /2 vectors to examine\. Expected 1 to 1, the numerical rank/,
  ],
  ['a base of zeros', () => intruders({ ...GOOD, values: new Float32Array(6) }, GOOD, 1, 0.5), /the base is all zeros/],
];

for (const [what, call, message] of REFUSED) {
  test(`refused, saying what was expected: ${what}`, () => {
    assert.throws(call, { name: 'AssayError', message });
  });
}

function intruders(base: DenseMatrix, tuned: DenseMatrix, examined: number, threshold: number): unknown {
  return intruderDimensions(base, tuned, { examined, threshold });
}

/** The matrix of spectra.py: cosines, rounded to float32. */
function wave(rows: number, columns: number, seed: number): DenseMatrix {
  const values = Float32Array.from({ length: rows * columns }, (_, i) => Math.cos(1.3 * i * Math.sqrt(i) + seed));
  return { rows, columns, values };
}

function product(a: DenseMatrix, b: DenseMatrix): DenseMatrix {
  const values = new Float32Array(a.rows * b.columns);
  for (const at of values.keys()) {
    const [i, j] = [Math.floor(at / b.columns), at % b.columns];
    let sum = 0;
    for (let k = 0; k < b.rows; k++) sum += (a.values[i * a.columns + k] ?? 0) * (b.values[k * b.columns + j] ?? 0);
    values[at] = sum;
  }
  return { rows: a.rows, columns: b.columns, values };
}

function decaying(): DenseMatrix {
  const values = wave(24, 24, 30).values.map((value, i) => value / (((i % 24) + 1) * Math.sqrt((i % 24) + 1)));
  return { rows: 24, columns: 24, values };
}

function identity(size: number): readonly number[] {
  return Array.from({ length: size * size }, (_, i) => Number(i % (size + 1) === 0));
}

function assertClose(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what: string): void {
  assert.equal(found.length, expected.length, `${what}: length`);
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [found[i] ?? Number.NaN, expected[i] ?? Number.NaN];
    assert.ok(Math.abs(a - b) <= tolerance, `${what}[${i}]: ${a} is ${Math.abs(a - b)} from ${b}`);
  }
}
