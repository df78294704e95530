/** For every primitive: how it is called, and what it must compute, in plain float64. A missing case is a type error. */
import * as elementwise from '#engine/ops/elementwise.ts';
import { gather, moveRows, pick, scatterPicked, scatterRows } from '#engine/ops/indexing.ts';
import { broadcastTo, concat, meanKeep, reshape, slice, sum, sumKeep, transpose } from '#engine/ops/layout.ts';
import { linear, matmul } from '#engine/ops/linear-algebra.ts';
import { attention, crossEntropy, layerNorm, rmsNorm, rotary, softmax } from '#engine/ops/network.ts';
import { constant } from '#engine/ops/sources.ts';
import type { PrimitiveName, Tensor } from '#engine/tensor.ts';
import { at, denseArray, fromIndex, range, softmaxOf, total, type DenseArray } from './array.ts';
import { binaryCases, flat, floats, never, none, SOME_ROWS, unaryCases, type Case } from './case.ts';
import { CHOICE_CASES } from './choice-cases.ts';

export const CASES: { readonly [P in Exclude<PrimitiveName, 'input'>]: readonly Case[] } = {
  constant: [
    floats(
      'added to',
      [[2, 2]],
      (x = never()) => elementwise.add(x, constant(Float32Array.of(1, 2, 3, 4), [2, 2])),
      (x = none()) => fromIndex([2, 2], ([i = 0, j = 0]) => at(x, [i, j]) + 1 + 2 * i + j),
    ),
  ],
  add: binaryCases(elementwise.add, (a, b) => a + b),
  sub: binaryCases(elementwise.sub, (a, b) => a - b),
  mul: binaryCases(elementwise.mul, (a, b) => a * b),
  div: binaryCases(elementwise.div, (a, b) => a / b, true),
  exp: unaryCases(elementwise.exp, Math.exp),
  log: unaryCases(elementwise.log, Math.log, true),
  sqrt: unaryCases(elementwise.sqrt, Math.sqrt, true),
  erf: unaryCases(elementwise.erf, erfOf),
  gelu: unaryCases(elementwise.gelu, (x) => (x * (1 + erfOf(x * Math.SQRT1_2))) / 2),
  tanh: [
    ...unaryCases(elementwise.tanh, Math.tanh),
    ...unaryCases(
      elementwise.geluTanh,
      (x) => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2,
    ),
  ],
  sigmoid: [
    ...unaryCases(elementwise.sigmoid, (x) => 1 / (1 + Math.exp(-x))),
    ...unaryCases(elementwise.silu, (x) => x / (1 + Math.exp(-x))),
  ],
  relu: unaryCases(elementwise.relu, (x) => Math.max(x, 0)),
  step: flat(unaryCases(elementwise.step, (x) => (x > 0 ? 1 : 0))),

  swiglu: binaryCases(elementwise.swiglu, (gate, up) => (gate / (1 + Math.exp(-gate))) * up),
  matmul: [
    ...[false, true].flatMap((transposeA) =>
      [false, true].map((transposeB) =>
        floats(
          `in two axes, ${transposeA}, ${transposeB}`,
          [transposeA ? [3, 2] : [2, 3], transposeB ? [4, 3] : [3, 4]],
          (a = never(), b = never()) => matmul(a, b, { transposeA, transposeB, alpha: 0.5 }),
          (a = none(), b = none()) => matmulOf(a, b, transposeA, transposeB, 0.5),
        ),
      ),
    ),
    ...[false, true].flatMap((transposeA) =>
      [false, true].map((transposeB) =>
        floats(
          `batched, ${transposeA}, ${transposeB}`,
          [transposeA ? [2, 2, 3, 2] : [2, 2, 2, 3], transposeB ? [2, 2, 4, 3] : [2, 2, 3, 4]],
          (a = never(), b = never()) => matmul(a, b, { transposeA, transposeB, alpha: 2 }),
          (a = none(), b = none()) => matmulOf(a, b, transposeA, transposeB, 2),
        ),
      ),
    ),
    floats(
      'with a broadcast operand',
      [
        [3, 2, 2],
        [2, 4],
      ],
      (a = never(), b = never()) => matmul(a, b),
      (a = none(), b = none()) => matmulOf(a, b, false, false, 1),
    ),
  ],

  linear: [
    floats(
      'with a bias',
      [[3, 2], [4, 2], [4]],
      (x = never(), weight = never(), bias = never()) => linear(x, weight, bias),
      (x = none(), weight = none(), bias = none()) => {
        const product = matmulOf(x, weight, false, true, 1);
        return fromIndex([3, 4], (index) => at(product, index) + at(bias, index));
      },
    ),
  ],

  reshape: [
    floats(
      'to one axis',
      [[2, 3]],
      (x = never()) => reshape(x, [6]),
      (x = none()) => denseArray([6], x.values),
    ),
  ],
  transpose: [
    floats(
      'of three axes',
      [[2, 3, 4]],
      (x = never()) => transpose(x, [1, 2, 0]),
      (x = none()) => fromIndex([3, 4, 2], ([i = 0, j = 0, k = 0]) => at(x, [k, i, j])),
    ),
  ],
  slice: [
    floats(
      'of the middle',
      [[2, 5]],
      (x = never()) => slice(x, 1, 1, 4),
      (x = none()) => fromIndex([2, 3], ([i = 0, j = 0]) => at(x, [i, j + 1])),
    ),
  ],
  concat: [
    floats(
      'of two',
      [
        [2, 1],
        [2, 3],
      ],
      (a = never(), b = never()) => concat([a, b], 1),
      (a = none(), b = none()) => fromIndex([2, 4], ([i = 0, j = 0]) => (j === 0 ? at(a, [i, 0]) : at(b, [i, j - 1]))),
    ),
  ],
  broadcast: [
    floats(
      'of a row',
      [[1, 3]],
      (x = never()) => broadcastTo(x, [2, 4, 3]),
      (x = none()) => fromIndex([2, 4, 3], (index) => at(x, index)),
    ),
  ],
  sum: [
    floats(
      'over two of three axes, kept',
      [[2, 3, 4]],
      (x = never()) => sumKeep(x, [0, 2]),
      (x = none()) =>
        fromIndex([1, 3, 1], ([, j = 0]) => total(range(2).flatMap((i) => range(4).map((k) => at(x, [i, j, k]))))),
    ),
    floats(
      'over an axis, dropped',
      [[2, 3, 4]],
      (x = never()) => sum(x, [-2]),
      (x = none()) => fromIndex([2, 4], ([i = 0, k = 0]) => total(range(3).map((j) => at(x, [i, j, k])))),
    ),
  ],
  mean: [
    floats(
      'of rows',
      [[2, 3]],
      (x = never()) => meanKeep(x),
      (x = none()) => fromIndex([2, 1], ([i = 0]) => total(range(3).map((j) => at(x, [i, j]))) / 3),
    ),
  ],

  gather: [3, 600].map((tableRows) => ({
    name: `with repeated rows of ${tableRows}`,
    shapes: [[tableRows, 2]],
    integers: SOME_ROWS,
    build: ([table = never()], rows) => gather(table, rows),
    reference: ([table = none()], rows) => fromIndex([4, 2], ([n = 0, d = 0]) => at(table, [rows[n] ?? 0, d])),
  })),
  scatterRows: [3, 600].map((tableRows) => ({
    name: `with repeated rows of ${tableRows}`,
    shapes: [[4, 2]],
    integers: SOME_ROWS,
    build: ([rows = never()], indices) =>
      scatterRows(rows, indices, constant(new Float32Array(tableRows * 2), [tableRows, 2])),
    reference: ([rows = none()], indices) =>
      fromIndex([tableRows, 2], ([v = 0, d = 0]) =>
        total(range(4).map((n) => (indices[n] === v ? at(rows, [n, d]) : 0))),
      ),
  })),
  moveRows: [
    floats(
      'in another order',
      [[4, 2]],
      (x = never()) => moveRows(x, constant(Int32Array.of(2, 0, 3, 1), [4]), constant(Int32Array.of(1, 3, 0, 2), [4])),
      (x = none()) => fromIndex([4, 2], ([n = 0, d = 0]) => at(x, [[2, 0, 3, 1][n] ?? 0, d])),
    ),
  ],
  pick: [
    {
      name: 'one a row',
      shapes: [[4, 3]],
      integers: SOME_ROWS,
      build: ([x = never()], indices) => pick(x, indices),
      reference: ([x = none()], indices) => fromIndex([4], ([n = 0]) => at(x, [n, indices[n] ?? 0])),
    },
  ],
  scatterPicked: [
    {
      name: 'one a row',
      shapes: [[4, 3], [4]],
      integers: SOME_ROWS,
      build: ([base = never(), values = never()], indices) => scatterPicked(base, indices, values),
      reference: ([base = none(), values = none()], indices) =>
        fromIndex([4, 3], ([n = 0, v = 0]) => at(base, [n, v]) + (indices[n] === v ? at(values, [n]) : 0)),
    },
  ],

  softmax: [
    floats(
      'of rows',
      [[3, 4]],
      (x = never()) => softmax(x),
      (x = none()) => softmaxOf(x),
    ),
  ],
  layerNorm: [
    floats(
      'with scale and bias',
      [[3, 4], [4], [4]],
      (x = never(), scale = never(), bias = never()) => layerNorm(x, scale, bias, 0.01),
      (x = none(), scale = none(), bias = none()) =>
        fromIndex([3, 4], ([n = 0, d = 0]) => {
          const row = range(4).map((i) => at(x, [n, i]));
          const mean = total(row) / 4;
          const variance = total(row.map((value) => (value - mean) ** 2)) / 4;
          return ((at(x, [n, d]) - mean) / Math.sqrt(variance + 0.01)) * at(scale, [d]) + at(bias, [d]);
        }),
    ),
  ],
  rmsNorm: [
    [3, 4],
    [2, 3, 4],
  ].map((shape) =>
    floats(
      `of ${shape.length} axes`,
      [shape, [4]],
      (x = never(), scale = never()) => rmsNorm(x, scale, 0.01),
      (x = none(), scale = none()) =>
        fromIndex(shape, (index) => {
          const row = range(4).map((i) => at(x, [...index.slice(0, -1), i]));
          const square = total(row.map((value) => value ** 2)) / 4;
          return (at(x, index) / Math.sqrt(square + 0.01)) * at(scale, index.slice(-1));
        }),
    ),
  ),
  rotary: [
    floats(
      'of half-split pairs',
      [[2, 2, 3, 4]],
      (x = never()) => rotary(x, table(Math.cos), table(Math.sin)),
      (x = none()) =>
        fromIndex([2, 2, 3, 4], ([b = 0, h = 0, t = 0, k = 0]) => {
          const angle = angleAt(t, k % 2);
          const partner = at(x, [b, h, t, (k + 2) % 4]);
          return at(x, [b, h, t, k]) * Math.cos(angle) + (k < 2 ? -1 : 1) * partner * Math.sin(angle);
        }),
    ),
    floats(
      'of neighbours',
      [[2, 2, 3, 4]],
      (x = never()) => rotary(x, table(Math.cos), table(Math.sin), true),
      (x = none()) =>
        fromIndex([2, 2, 3, 4], ([b = 0, h = 0, t = 0, k = 0]) => {
          const isFirst = k % 2 === 0;
          const angle = angleAt(t, Math.floor(k / 2));
          const partner = at(x, [b, h, t, isFirst ? k + 1 : k - 1]);
          return at(x, [b, h, t, k]) * Math.cos(angle) + (isFirst ? -1 : 1) * partner * Math.sin(angle);
        }),
    ),
  ],
  attention: [
    floats(
      'with a causal mask',
      [
        [2, 2, 3, 4],
        [2, 2, 3, 4],
        [2, 2, 3, 4],
      ],
      (q = never(), k = never(), v = never()) => attention(q, k, v, causal(), 0.5),
      (q = none(), k = none(), v = none()) => {
        const scores = matmulOf(q, k, false, true, 0.5);
        const masked = fromIndex(scores.shape, (index) =>
          (index[3] ?? 0) > (index[2] ?? 0) ? -1e30 : at(scores, index),
        );
        return matmulOf(softmaxOf(masked), v, false, false, 1);
      },
    ),
  ],
  crossEntropy: [
    {
      name: 'a row',
      shapes: [[4, 3]],
      integers: SOME_ROWS,
      build: ([logits = never()], labels) => crossEntropy(logits, labels),
      reference: ([logits = none()], labels) =>
        fromIndex([4], ([n = 0]) => -Math.log(at(softmaxOf(logits), [n, labels[n] ?? 0]))),
    },
  ],

  ...CHOICE_CASES,
};

function matmulOf(a: DenseArray, b: DenseArray, transposeA: boolean, transposeB: boolean, alpha: number): DenseArray {
  const [rows = 0, inner = 0] = transposeA ? a.shape.slice(-2).toReversed() : a.shape.slice(-2);
  const columns = b.shape.at(transposeB ? -2 : -1) ?? 0;
  return fromIndex([...a.shape.slice(0, -2), rows, columns], (index) => {
    const [batch, i, j] = [index.slice(0, -2), index.at(-2) ?? 0, index.at(-1) ?? 0];
    const terms = range(inner).map(
      (k) =>
        at(a, [...batch, ...(transposeA ? [k, i] : [i, k])]) * at(b, [...batch, ...(transposeB ? [j, k] : [k, j])]),
    );
    return alpha * total(terms);
  });
}

function angleAt(t: number, pair: number): number {
  return (t + 1) / (1 + 3 * pair);
}

function table(of: (angle: number) => number): Tensor {
  return constant(
    Float32Array.from(range(6), (i) => of(angleAt(Math.floor(i / 2), i % 2))),
    [3, 2],
  );
}

function causal(): Tensor {
  return constant(
    Float32Array.from(range(9), (i) => (i % 3 > Math.floor(i / 3) ? -1e30 : 0)),
    [3, 3],
  );
}

/** Abramowitz & Stegun 7.1.5, the Maclaurin series: exact to rounding for |x| <= 2. */
function erfOf(x: number): number {
  let [term, sum] = [x, x];
  for (let n = 1; n < 60; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
