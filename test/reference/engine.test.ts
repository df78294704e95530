/** Where operations are not smooth or not harmless, and a GRU, against PyTorch: engine.py writes engine.json. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as comparison from '#engine/ops/comparison.ts';
import * as elementwise from '#engine/ops/elementwise.ts';
import { topK } from '#engine/ops/indexing.ts';
import { slice, reshape, stack } from '#engine/ops/layout.ts';
import { logSoftmax, sigmoidCrossEntropy, unitLength } from '#engine/ops/network.ts';
import { gruCell, scan } from '#engine/ops/recurrent.ts';
import * as reduction from '#engine/ops/reduction.ts';
import { input } from '#engine/ops/sources.ts';
import type { Shape, Tensor } from '#engine/tensor.ts';

import { evaluate, withGradients } from '../engine/evaluate.ts';
import reference from './engine.json' with { type: 'json' };

/** float32 rounding, relative to the value; near 0, ONNX Runtime's sigmoid and softplus are off by 2e-8 an operation, times weights of 9. */
const TOLERANCE = 3e-7;
/** Sums of tens of float32 terms of order 1. */
const GRU_TOLERANCE = 2e-5;

type Build = (a: Tensor, b: Tensor) => Tensor;

const BUILDS: Readonly<Record<string, Build>> = {
  maximum: comparison.maximum,
  minimum: comparison.minimum,
  abs: elementwise.abs,
  relu: elementwise.relu,
  clamp: (x) => comparison.clamp(x, -0.5, 0.5),
  'power to the 0': (x) => elementwise.power(x, 0),
  'power to the 1': (x) => elementwise.power(x, 1),
  'power to the 2': (x) => elementwise.power(x, 2),
  'power to the 3': (x) => elementwise.power(x, 3),
  'power to the 1.5': (x) => elementwise.power(x, 1.5),
  reduceMax: (x) => reduction.reduceMax(x, [-1]),
  reduceMin: (x) => reduction.reduceMin(x, [-1]),
  l2Norm: (x) => reduction.l2Norm(x, [-1]),
  unitLength: (x) => unitLength(x, 0.5),
  softplus: elementwise.softplus,
  logSigmoid: elementwise.logSigmoid,
  sigmoidCrossEntropy,
  logSumExp: (x) => reduction.logSumExp(x, [-1]),
  logSoftmax,
  where: (a, b) => comparison.where(comparison.greater(a, 0), a, b),
  'a detached factor': (x) => elementwise.mul(x, elementwise.detach(x)),
  'a straight-through step': (x) =>
    elementwise.add(x, elementwise.detach(elementwise.sub(comparison.greater(x, 0), x))),
  topK: (x) => topK(x, 2).values,
  cumulativeSum: (x) => reduction.cumulativeSum(x, -1),
};

test('the reference holds the cases that are built here, and no others', () => {
  assert.deepEqual(
    reference.cases.map(({ name }) => name),
    Object.keys(BUILDS),
  );
});

for (const { name, inputs, y, gradients } of reference.cases) {
  test(`${name}: values and gradients at its difficult points are PyTorch's`, async () => {
    const tensors = inputs.map(({ shape }, i) => input(`x${i}`, shape));
    const [a, b = a] = tensors;
    assert.ok(a !== undefined && b !== undefined);
    const built = BUILDS[name]?.(a, b) ?? assert.fail(name);
    const wrt = Object.fromEntries(tensors.map((tensor, i) => [`x${i}`, tensor]));
    const feeds = Object.fromEntries(inputs.map(({ values }, i) => [`x${i}`, Float32Array.from(values)]));
    const found = await evaluate(withGradients(built, wrt), feeds);
    assertClose(found['y'], y, TOLERANCE, name);
    gradients.forEach((gradient, i) => assertClose(found[`d x${i}`], gradient, TOLERANCE, `${name}, gradient ${i}`));
  });
}

test("a GRU over a sequence has PyTorch's states, and gradients of its weights, first state and inputs", async () => {
  const shapes: Readonly<Record<string, Shape>> = reference.gru.shapes;
  const wrt = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, input(name, shape)]));
  const { inputWeight, hiddenWeight, inputBias, hiddenBias, h0, x } = wrt;
  assert.ok(inputWeight && hiddenWeight && inputBias && hiddenBias && h0 && x);
  const weights = { inputWeight, hiddenWeight, inputBias, hiddenBias };
  const [steps = 0, batch = 0, dIn = 0] = x.shape;
  const { outputs } = scan(
    (h: Tensor, t: number) => {
      const state = gruCell(reshape(slice(x, 0, t, t + 1), [batch, dIn]), h, weights);
      return { state, output: state };
    },
    h0,
    Array.from({ length: steps }, (_, t) => t),
  );
  const feeds = Object.fromEntries(
    Object.entries(shapes).map(([name, shape], n) => {
      const count = shape.reduce((product, length) => product * length, 1);
      return [name, Float32Array.from({ length: count }, (_, i) => Math.cos(1.3 * i + n))];
    }),
  );
  const found = await evaluate(withGradients(stack(outputs, 0), wrt), feeds);
  assertClose(found['y'], reference.gru.y, GRU_TOLERANCE, 'states');
  for (const [name, gradient] of Object.entries(reference.gru.gradients)) {
    assertClose(found[`d ${name}`], gradient, GRU_TOLERANCE, name);
  }
});

function assertClose(
  found: readonly number[] = [],
  expected: readonly number[],
  tolerance: number,
  what: string,
): void {
  assert.equal(found.length, expected.length, `${what}: length`);
  for (const [i, value] of expected.entries()) {
    const distance = Math.abs((found[i] ?? Number.NaN) - value);
    assert.ok(distance <= tolerance * Math.max(1, Math.abs(value)), `${what}[${i}]: ${found[i]}, expected ${value}`);
  }
}
