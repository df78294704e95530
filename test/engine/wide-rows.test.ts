/** Gradients of logits over large vocabularies: rows that are scaled as a whole are scaled where they are narrow. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { differentiate } from '#engine/differentiate.ts';
import { matmul } from '#engine/ops/linear-algebra.ts';
import { crossEntropy, weightedSum } from '#engine/ops/network.ts';
import { input } from '#engine/ops/sources.ts';
import { topologicalOrder } from '#engine/order.ts';
import { sameShape } from '#engine/tensor.ts';
import { evaluate } from './evaluate.ts';

const [ROWS, WIDTH, VOCABULARY] = [3, 4, 8192];
/** Products of a few float32 terms of order 1. */
const TOLERANCE = 1e-6;

const X = drawn('x', ROWS * WIDTH);
const TABLE = drawn('table', VOCABULARY * WIDTH);
const LABELS = Int32Array.of(0, 4095, 8191);
const WEIGHTS = Float32Array.of(0.3, -1.7, 0.9);

for (const transposeB of [true, false]) {
  test(`logits ${transposeB ? 'x W^T' : 'x W'} of ${VOCABULARY} tokens: gradients are those of float64, and no gradient of all logits is scaled`, async () => {
    const x = input('x', [ROWS, WIDTH]);
    const w = input('w', transposeB ? [VOCABULARY, WIDTH] : [WIDTH, VOCABULARY]);
    const losses = crossEntropy(matmul(x, w, { transposeB, alpha: 0.5 }), input('labels', [ROWS], 'int32'));
    const gradients = differentiate(weightedSum(losses, input('weights', [ROWS])), [x, w]);
    const isWide = topologicalOrder(gradients).filter(
      ({ kind, outputs: [first] }) => kind === 'mul' && sameShape(first?.shape ?? [], [ROWS, VOCABULARY]),
    );
    assert.equal(isWide.length, 0);
    const [dx, dw] = gradients;
    assert.ok(dx !== undefined && dw !== undefined);
    const table = transposeB ? TABLE : transposed(TABLE);
    const found = await evaluate({ dx, dw }, { x: X, w: table, labels: LABELS, weights: WEIGHTS });
    const expected = inFloat64();
    assertClose(found['dx'], expected.dx);
    assertClose(found['dw'], transposeB ? expected.dTable : transposed(expected.dTable));
  });
}

/** The same from the definitions: dz = weight (softmax(z) - onehot(label)). */
function inFloat64(): { readonly dx: Float64Array; readonly dTable: Float64Array } {
  const [dx, dTable] = [new Float64Array(ROWS * WIDTH), new Float64Array(VOCABULARY * WIDTH)];
  for (let n = 0; n < ROWS; n++) {
    const z = Float64Array.from({ length: VOCABULARY }, (_, v) => 0.5 * dot(n, v));
    const total = z.reduce((sum, value) => sum + Math.exp(value), 0);
    for (const [v, value] of z.entries()) {
      const p = Math.exp(value) / total - (LABELS[n] === v ? 1 : 0);
      const dz = 0.5 * (WEIGHTS[n] ?? Number.NaN) * p;
      for (let d = 0; d < WIDTH; d++) {
        dx[n * WIDTH + d] = (dx[n * WIDTH + d] ?? 0) + dz * (TABLE[v * WIDTH + d] ?? Number.NaN);
        dTable[v * WIDTH + d] = (dTable[v * WIDTH + d] ?? 0) + dz * (X[n * WIDTH + d] ?? Number.NaN);
      }
    }
  }
  return { dx, dTable };
}

function dot(n: number, v: number): number {
  return X.subarray(n * WIDTH, (n + 1) * WIDTH).reduce((sum, x, d) => sum + x * (TABLE[v * WIDTH + d] ?? 0), 0);
}

/** [V, D] as [D, V]. */
function transposed(table: Float32Array | Float64Array): Float32Array {
  const from = (i: number): number => (i % VOCABULARY) * WIDTH + Math.floor(i / VOCABULARY);
  return Float32Array.from(table, (_, i) => table[from(i)] ?? Number.NaN);
}

function drawn(name: string, length: number): Float32Array {
  const rng = rngOf(0, name);
  return Float32Array.from({ length }, () => rng.normal());
}

function assertClose(found: readonly number[] = [], expected: Float32Array | Float64Array): void {
  assert.equal(found.length, expected.length);
  for (const [i, value] of expected.entries()) {
    assert.ok(Math.abs((found[i] ?? Number.NaN) - value) <= TOLERANCE, `[${i}]: ${found[i]}, expected ${value}`);
  }
}
