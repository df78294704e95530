/** What the engine refuses, by name; and what names, NaN and infinities do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { differentiate } from '#engine/differentiate.ts';
import { lower } from '#engine/onnx/lower.ts';
import { clamp, equal, greater, less, maximum, minimum, where } from '#engine/ops/comparison.ts';
import { add, exp, log, mul, power, toFloat } from '#engine/ops/elementwise.ts';
import { oneHot, scatterAlong, takeAlong, topK } from '#engine/ops/indexing.ts';
import { split, stack, sum } from '#engine/ops/layout.ts';
import { gruCell } from '#engine/ops/recurrent.ts';
import { cumulativeSum, l2Norm, logSumExp, mean, reduceMax } from '#engine/ops/reduction.ts';
import { input } from '#engine/ops/sources.ts';
import { evaluate } from './evaluate.ts';

const x = input('x', [2, 3]);
const integers = input('integers', [2, 3], 'int32');

const REFUSED: readonly (readonly [string, () => unknown, RegExp])[] = [
  ['integers in arithmetic', () => add(x, integers), /add: integers \[2, 3\] is int32\. Expected float32 \(`toFloat`/],
  ['integers in a function', () => exp(integers), /exp: integers \[2, 3\] is int32/],
  ['floats as integers', () => toFloat(x), /toFloat: x \[2, 3\] is float32\. Expected int32/],
  ['a comparison of two types', () => greater(x, integers), /greater: integers \[2, 3\] is int32/],
  ['a broken number beside integers', () => equal(integers, 0.5), /0\.5 beside int32/],
  ['an integer condition', () => where(integers, x, x), /where: condition: integers \[2, 3\] is int32/],
  ['a choice between two types', () => where(x, integers, x), /where: x \[2, 3\] is float32\. Expected int32/],
  ['a choice that does not broadcast', () => where(input('c', [4]), x, 0), /where: c \[4\] and/],
  ['bounds in the wrong order', () => clamp(x, 1, -1), /clamp: x \[2, 3\] to 1\.\.-1\. Expected low <= high/],
  ['a bound that is NaN', () => clamp(x, Number.NaN, 1), /Expected low <= high/],
  ['an endless exponent', () => power(x, Infinity), /power: exponent Infinity/],
  [
    'an axis that does not exist',
    () => sum(x, [2]),
    /sum: axes \(2\) of x \[2, 3\]\. Expected axes that exist, each once/,
  ],
  ['an axis named twice', () => mean(x, [1, -1]), /axes \(1, -1\) of x \[2, 3\]/],
  ['a largest over no such axis', () => reduceMax(x, [-3]), /reduceMax: axes \(-3\)/],
  ['a running sum over no such axis', () => cumulativeSum(x, 2), /cumulativeSum: axes \(2\)/],
  ['more of the largest than there are', () => topK(x, 4), /topK: k 4 of x \[2, 3\]\. Expected 1 <= k <= 3/],
  ['none of the largest', () => topK(x, 0), /topK: k 0/],
  ['indices of another row count', () => takeAlong(x, input('i', [3, 1], 'int32')), /takeAlong: x \[2, 3\], indices i/],
  ['indices that are floats', () => takeAlong(x, x), /Expected \[\.\.\., F\] and int32 \[\.\.\., K\]/],
  ['values without their indices', () => scatterAlong(x, input('i', [2, 2], 'int32'), 5), /Expected equal shapes/],
  ['a one-hot of floats', () => oneHot(x, 3), /oneHot: x \[2, 3\] is float32/],
  ['parts that do not divide', () => split(x, 1, 2), /split: axis 1 of x \[2, 3\] in 2/],
  ['a stack of different shapes', () => stack([x, input('y', [2])], 0), /stack along 0/],
  [
    'weights of another width',
    () => gruCell(x, x, { inputWeight: x, hiddenWeight: x, inputBias: x, hiddenBias: x }),
    /linear/,
  ],
];

for (const [what, build, message] of REFUSED) {
  test(`refused, saying what was expected: ${what}`, () => {
    assert.throws(build, { name: 'AssayError', message });
  });
}

test('inputs and outputs may have the names that a program gives its own values', async () => {
  for (const name of ['t0', 't1', 'c0', 'c1']) {
    const own = input(name, [1]);
    const found = await evaluate({ y: mul(add(mul(own, 2), 1), add(own, 3)) }, { [name]: Float32Array.of(2) });
    assert.deepEqual(found['y'], [25]);
    const other = await evaluate({ [name]: mul(add(mul(input('x', [1]), 2), 1), 3) }, { x: Float32Array.of(2) });
    assert.deepEqual(other[name], [15]);
  }
});

test('an output with the name of an input is refused, also where it is that input', () => {
  for (const output of [x, add(x, 1)]) {
    assert.throws(() => lower({ x: output }), { name: 'AssayError', message: /both named "x"/ });
  }
});

test('a NaN is not lost in an extreme, a clamp, a norm or a sum of exponentials, and compares to nothing', async () => {
  const a = input('a', [4]);
  const outputs = {
    maximum: maximum(a, 0),
    minimum: minimum(a, 0),
    clamped: clamp(a, -1, 1),
    isGreater: greater(a, 0),
    isLess: less(a, 0),
    isEqual: equal(a, a),
    norm: l2Norm(a),
    logSumExp: logSumExp(a),
  };
  const found = await evaluate(outputs, { a: Float32Array.of(-2, Number.NaN, 0, 3) });
  const { NaN: nan } = Number;
  assert.deepEqual(found, {
    maximum: [0, nan, 0, 3],
    minimum: [-2, nan, 0, 0],
    clamped: [-1, nan, 0, 1],
    isGreater: [0, 0, 0, 1],
    isLess: [1, 0, 0, 0],
    isEqual: [1, 0, 1, 1],
    norm: [nan],
    logSumExp: [nan],
  });
});

test('the operand that `where` leaves out gets a gradient of 0, also where it is infinite or NaN', async () => {
  const [a, b] = [input('a', [3]), input('b', [3])];
  const [da, db] = differentiate(sum(where(greater(a, 0), a, b)), [a, b]);
  assert.ok(da && db);
  const feeds = { a: Float32Array.of(1, -1, Number.NaN), b: Float32Array.of(Number.NaN, 2, Infinity) };
  assert.deepEqual(await evaluate({ da, db }, feeds), { da: [1, 0, 0], db: [0, 1, 1] });
});

test('a logarithm whose input is kept harmless by `where` gives no NaN on the way back', async () => {
  const a = input('a', [2]);
  const isPositive = greater(a, 0);
  const [da] = differentiate(sum(where(isPositive, log(where(isPositive, a, 1)), 0)), [a]);
  assert.ok(da);
  assert.deepEqual(await evaluate({ da }, { a: Float32Array.of(0, 4) }), { da: [0, 0.25] });
});
