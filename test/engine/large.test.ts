/** Operations at sizes where ONNX Runtime takes other paths than for small ones: ties, repeats, and any number of threads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { clamp, equal, greater, greaterOrEqual, maximum, minimum, where } from '#engine/ops/comparison.ts';
import { abs, mul, power, softplus, toFloat } from '#engine/ops/elementwise.ts';
import { argMax, oneHot, scatterAlong, takeAlong, topK } from '#engine/ops/indexing.ts';
import { logSoftmax, sigmoidCrossEntropy, unitLength } from '#engine/ops/network.ts';
import { cumulativeSum, l2Norm, logSumExp, reduceMax, variance } from '#engine/ops/reduction.ts';
import { input } from '#engine/ops/sources.ts';
import type { Tensor } from '#engine/tensor.ts';
import { evaluate, withGradients } from './evaluate.ts';

const [ROWS, WIDTH] = [16, 3000];
/** Sums of 3000 float32 terms of order 1. */
const TOLERANCE = 2e-4;

/** Few different values, so that most are tied. */
const TIED = Float32Array.from(numbers('tied', (rng) => rng.below(7) / 4 - 0.75));
const SMOOTH = Float32Array.from(numbers('smooth', (rng) => rng.normal()));
/** Places, of which many are repeated in a row and some in a run. */
const PLACES = Int32Array.from(numbers('places', (rng) => (rng.below(3) === 0 ? 5 : rng.below(WIDTH))));

for (const k of [1, 2, 10, 100, 1000, 2999, WIDTH]) {
  test(`the ${k} largest of ${WIDTH} that tie are those of lowest index, in order, with 1 and 2 threads`, async () => {
    const x = input('x', [ROWS, WIDTH]);
    const { values, indices } = topK(x, k);
    const expected = rows(TIED).map((row) => ranked(row).slice(0, k));
    for (const threads of [1, 2]) {
      const found = await evaluate({ values, indices }, { x: TIED }, threads);
      assert.deepEqual(found['indices'], expected.flat());
      assert.deepEqual(
        found['values'],
        expected.flatMap((row, n) => row.map((i) => TIED[n * WIDTH + i] ?? Number.NaN)),
      );
    }
  });
}

test('the largest is found at its lowest index', async () => {
  const found = await evaluate({ y: argMax(input('x', [ROWS, WIDTH])) }, { x: TIED });
  assert.deepEqual(
    found['y'],
    rows(TIED).map((row) => row.indexOf(Math.max(...row))),
  );
});

test('values scattered to repeated places add up, and are taken back, with 1 and 2 threads', async () => {
  const [values, indices] = [input('x', [ROWS, WIDTH]), input('indices', [ROWS, WIDTH], 'int32')];
  const y = scatterAlong(values, indices, WIDTH);
  const expected = new Float64Array(ROWS * WIDTH);
  SMOOTH.forEach((value, i) => {
    const place = Math.floor(i / WIDTH) * WIDTH + (PLACES[i] ?? 0);
    expected[place] = (expected[place] ?? 0) + value;
  });
  for (const threads of [1, 2]) {
    const found = await evaluate(withGradients(y, { x: values }), { x: SMOOTH, indices: PLACES }, threads);
    assertClose(found['y'], expected, 'sums');
    const taken = Array.from(PLACES, (place, i) => Math.floor(i / WIDTH) * WIDTH + place + 1);
    assert.deepEqual(found['d x'], taken);
  }
});

type Name = 'x' | 'z';

/** What is built, and what it is differentiated by. */
const BUILDS: Readonly<Record<string, readonly [Name, (x: Tensor, z: Tensor, indices: Tensor) => Tensor]>> = {
  where: ['z', (x, z) => where(greater(x, z), x, mul(z, 2))],
  'a sum of comparisons': ['z', (x, z) => mul(z, mul(greaterOrEqual(x, z), equal(x, 0.25)))],
  'maximum of ties': ['z', (x, z) => maximum(mul(z, 0), minimum(x, mul(z, 0)))],
  'elementwise functions': ['z', (x, z) => mul(softplus(x), mul(abs(z), power(clamp(x, -0.5, 0.5), 2)))],
  topK: ['x', (x) => topK(x, 64).values],
  takeAlong: ['z', (_, z, indices) => takeAlong(z, indices)],
  scatterAlong: ['z', (_, z, indices) => scatterAlong(z, indices, WIDTH)],
  oneHot: ['z', (_, z, indices) => mul(z, oneHot(argMax(toFloat(indices)), WIDTH))],
  cumulativeSum: ['z', (_, z) => cumulativeSum(z, -1)],
  'cumulativeSum of columns': ['z', (_, z) => cumulativeSum(z, 0, { reverse: true })],
  reduceMax: ['x', (x) => reduceMax(x, [-1])],
  'reduceMax of columns': ['x', (x) => reduceMax(x, [0])],
  logSumExp: ['z', (_, z) => logSumExp(z)],
  logSoftmax: ['z', (_, z) => logSoftmax(z)],
  variance: ['z', (_, z) => variance(z, [0])],
  l2Norm: ['z', (_, z) => l2Norm(z)],
  unitLength: ['z', (_, z) => unitLength(z)],
  sigmoidCrossEntropy: ['z', (x, z) => sigmoidCrossEntropy(z, x)],
};

for (const [name, [by, build]] of Object.entries(BUILDS)) {
  test(`${name}: values and gradients have the same bits with 1, 2 and 3 threads`, async () => {
    const [x, z] = [input('x', [ROWS, WIDTH]), input('z', [ROWS, WIDTH])];
    const y = build(x, z, input('indices', [ROWS, WIDTH], 'int32'));
    const wrt = by === 'x' ? { x } : { z };
    const feeds = { x: TIED, z: SMOOTH, indices: PLACES };
    const found = await Promise.all([1, 2, 3].map((threads) => evaluate(withGradients(y, wrt), feeds, threads)));
    assert.ok(found[0]?.['y']?.every(Number.isFinite));
    assert.deepEqual(found[1], found[0]);
    assert.deepEqual(found[2], found[0]);
  });
}

function numbers(name: string, draw: (rng: ReturnType<typeof rngOf>) => number): number[] {
  const rng = rngOf(0, name);
  return Array.from({ length: ROWS * WIDTH }, () => draw(rng));
}

function rows(flat: Float32Array): readonly (readonly number[])[] {
  return Array.from({ length: ROWS }, (_, n) => [...flat.subarray(n * WIDTH, (n + 1) * WIDTH)]);
}

function ranked(row: readonly number[]): readonly number[] {
  return row.map((_, i) => i).toSorted((a, b) => (row[b] ?? 0) - (row[a] ?? 0) || a - b);
}

function assertClose(found: readonly number[] = [], expected: Float64Array, what: string): void {
  assert.equal(found.length, expected.length);
  for (const [i, value] of expected.entries()) {
    const distance = Math.abs((found[i] ?? Number.NaN) - value);
    assert.ok(distance <= TOLERANCE * Math.max(1, Math.abs(value)), `${what}[${i}]: ${found[i]}, expected ${value}`);
  }
}
