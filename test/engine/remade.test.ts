/** Wide activations that are computed again on the way back: the gradients stay what they are, and the memory is not kept. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { differentiate } from '#engine/differentiate.ts';
import { lower } from '#engine/onnx/lower.ts';
import { add, mul, swiglu } from '#engine/ops/elementwise.ts';
import { reshape, sum, transpose } from '#engine/ops/layout.ts';
import { linear } from '#engine/ops/linear-algebra.ts';
import { attention, layerNorm, rmsNorm } from '#engine/ops/network.ts';
import { constant, input } from '#engine/ops/sources.ts';
import { compile } from '#engine/session.ts';
import { sizeOf, type Tensor } from '#engine/tensor.ts';
import { evaluate } from './evaluate.ts';

const [ROWS, LENGTH, WIDTH, HEADS] = [8, 64, 512, 8];
/** Of the largest value of a gradient: sums of some hundred float32 terms in another order. */
const TOLERANCE = 1e-5;
/** Rows of a quarter are too small to be remade. */
const PARTS = 4;

const X = drawn('x', ROWS * LENGTH * WIDTH, 1);
const WEIGHTS = drawn('weights', ROWS * LENGTH * WIDTH, 1);
const SCALES = drawn('scale', WIDTH, 1);
const MATRICES = Object.fromEntries(
  ['q', 'k', 'v', 'o', 'gate', 'up', 'down'].map((name) => [name, drawn(name, WIDTH * WIDTH, 0.05)]),
);

// First, while the process has no garbage of its own.
test('what is remade is not kept: a chain of norms and products grows by its products alone', async () => {
  const start = input('x', [ROWS * LENGTH, WIDTH]);
  const matrices = Array.from({ length: 24 }, (_, layer) => input(`matrix ${layer}`, [WIDTH, WIDTH]));
  const normed = (x: Tensor): Tensor => rmsNorm(x, input('scale', [WIDTH]), 1e-5);
  const end = matrices.reduce((x, matrix) => add(x, linear(normed(x), matrix)), start);
  const found = differentiate(sum(mul(end, end)), matrices);
  await using program = await compile(Object.fromEntries(found.map((gradient, i) => [`gradient ${i}`, gradient])));
  for (const { name } of [...program.inputs, ...program.outputs]) program.float32(name).fill(0.01);
  const before = process.memoryUsage().rss;
  await program.run();
  const grown = (process.memoryUsage().rss - before) / (4 * sizeOf(start.shape));
  // A stream a layer; with their norms kept it would be two.
  assert.ok(grown < 1.5 * matrices.length, `grown by ${grown.toFixed(1)} streams of ${matrices.length} layers`);
});

test('gradients through remade norms, attention and gated layers are those of parts that keep them', async () => {
  const whole = await gradients(0, ROWS);
  const rows = ROWS / PARTS;
  const parts: Awaited<ReturnType<typeof gradients>>[] = [];
  for (let part = 0; part < PARTS; part++) parts.push(await gradients(part * rows, rows));
  assert.deepEqual([whole.repeats, ...parts.map(({ repeats }) => repeats)], [true, false, false, false, false]);
  for (const [name, found] of Object.entries(whole.values)) {
    const own = parts.map(({ values }) => values[name] ?? []);
    const expected =
      name === 'x' ? own.flat() : found.map((_, i) => own.reduce((total, one) => total + (one[i] ?? Number.NaN), 0));
    assertClose(found, expected, name);
  }
});

/** Gradients of a block by the rows from `start` on. */
async function gradients(
  start: number,
  rows: number,
): Promise<{ readonly repeats: boolean; readonly values: Readonly<Record<string, readonly number[]>> }> {
  const tokens = rows * LENGTH;
  const [x, scale] = [input('x', [tokens, WIDTH]), input('scale', [WIDTH])];
  const matrices = Object.fromEntries(Object.keys(MATRICES).map((name) => [name, input(name, [WIDTH, WIDTH])]));
  const out = block(rows, x, scale, (name, of) => linear(of, matrices[name] ?? x));
  const wrt = { x, scale, ...matrices };
  const found = differentiate(sum(mul(out, input('weights', out.shape))), Object.values(wrt));
  const outputs = Object.fromEntries(Object.keys(wrt).map((name, i) => [`d ${name}`, found[i] ?? x]));
  const own = (values: Float32Array): Float32Array =>
    values.slice(start * LENGTH * WIDTH, (start + rows) * LENGTH * WIDTH);
  const feeds = {
    ...MATRICES,
    x: own(X),
    weights: own(WEIGHTS),
    scale: SCALES,
  };
  const values = await evaluate(outputs, feeds);
  return {
    repeats: lower(outputs).repeats,
    values: Object.fromEntries(Object.keys(wrt).map((name) => [name, values[`d ${name}`] ?? []])),
  };
}

function block(rows: number, x: Tensor, scale: Tensor, product: (name: string, of: Tensor) => Tensor): Tensor {
  const heads = (of: Tensor): Tensor => transpose(reshape(of, [rows, LENGTH, HEADS, WIDTH / HEADS]), [0, 2, 1, 3]);
  const normed = rmsNorm(x, scale, 1e-5);
  const [q, k, v] = [product('q', normed), product('k', normed), product('v', normed)];
  const mask = constant(new Float32Array(LENGTH * LENGTH), [LENGTH, LENGTH]);
  const seen = transpose(attention(heads(q), heads(k), heads(v), mask, 0.125), [0, 2, 1, 3]);
  const attended = add(x, product('o', reshape(seen, x.shape)));
  const read = layerNorm(attended, scale, scale, 1e-5);
  return add(attended, product('down', swiglu(product('gate', read), product('up', read))));
}

function drawn(name: string, length: number, size: number): Float32Array {
  const rng = rngOf(0, name);
  return Float32Array.from({ length }, () => size * rng.normal());
}

function assertClose(found: readonly number[], expected: readonly number[], name: string): void {
  assert.equal(found.length, expected.length);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - (found[i] ?? Number.NaN))), 0);
  assert.ok(worst <= TOLERANCE * largest, `${name}: ${worst} of ${largest}`);
}
