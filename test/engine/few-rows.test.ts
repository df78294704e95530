/** Products of few rows with the matrix first: the same numbers by another product. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { lower, printGraph } from '#engine/onnx/lower.ts';
import { linear, matmul } from '#engine/ops/linear-algebra.ts';
import { input } from '#engine/ops/sources.ts';
import { compile } from '#engine/session.ts';
import type { Tensor } from '#engine/tensor.ts';

/** Rounding of float32 sums of 40 products in [-1, 1]. */
const REORDERED = 1e-5;
const [OUTPUTS, INPUTS, FEW_ROWS] = [24, 40, 8];

function productsOf(rows: number): Readonly<Record<string, Tensor>> {
  const [x, weight, bias] = [input('x', [rows, INPUTS]), input('w', [OUTPUTS, INPUTS]), input('b', [OUTPUTS])];
  return { linear: linear(x, weight, bias), scaled: matmul(x, weight, { transposeB: true, alpha: 0.5 }) };
}

async function computed(rows: number, fewRows: number): Promise<readonly Float32Array[]> {
  await using program = await compile(productsOf(rows), { fewRows });
  const rng = rngOf(1, 'products');
  for (const name of ['x', 'w', 'b']) {
    const values = program.float32(name);
    for (let i = 0; i < values.length; i++) values[i] = 2 * rng.uniform() - 1;
  }
  await program.run();
  return ['linear', 'scaled'].map((name) => program.float32(name));
}

test('products of 2 to so many rows are computed with the matrix first, of one and of more as always', () => {
  const operators = (rows: number): readonly string[] =>
    lower(productsOf(rows), { fewRows: FEW_ROWS }).nodes.map(({ operator }) => operator);
  const first = ['FusedMatMul', 'Transpose', 'Add', 'FusedMatMul', 'Transpose'];
  for (const rows of [2, FEW_ROWS]) assert.deepEqual(operators(rows), first);
  for (const rows of [1, FEW_ROWS + 1]) assert.deepEqual(operators(rows), ['Gemm', 'Gemm']);
  assert.equal(printGraph(lower(productsOf(2))), printGraph(lower(productsOf(2), { fewRows: 0 })));
});

test('with the matrix first products are the same up to rounding, bias and factor included', async () => {
  for (const rows of [2, FEW_ROWS]) {
    const [found, expected] = [await computed(rows, FEW_ROWS), await computed(rows, 0)];
    for (const [i, values] of found.entries()) {
      assert.equal(values.length, rows * OUTPUTS);
      for (const [at, value] of values.entries()) assert.ok(Math.abs(value - (expected[i]?.[at] ?? NaN)) < REORDERED);
    }
  }
});
