/** Cases of what is composed of primitives: how it is called, and what it must compute, in plain float64. */
import { add, mul, negate, square } from '#engine/ops/elementwise.ts';
import { argMax, oneHot, takeAlong } from '#engine/ops/indexing.ts';
import { reshape, slice, split, stack, sum } from '#engine/ops/layout.ts';
import { blockwiseAttention, klDivergence, logSoftmax, sigmoidCrossEntropy, unitLength } from '#engine/ops/network.ts';
import { l2Norm, l2NormKeep, logSumExp, mean, reduceMin, reduceMinKeep, variance } from '#engine/ops/reduction.ts';
import { constant } from '#engine/ops/sources.ts';
import type { Tensor } from '#engine/tensor.ts';
import { at, fromIndex, range, softmaxOf, total, type DenseArray } from './array.ts';
import { flat, floats, never, none, unaryCases, type Case } from './case.ts';

export const COMPOSED_CASES: readonly Case[] = [
  ...unaryCases(negate, (x) => -x),
  ...unaryCases(square, (x) => x * x),
  // Gradients of slices that tile a tensor are joined, of others they are added (ADR 0154).
  ofSlices('that tile, out of order', [
    [2, 5],
    [0, 2],
  ]),
  ofSlices('that overlap', [
    [0, 3],
    [2, 5],
  ]),
  ofSlices('with a gap', [
    [0, 2],
    [3, 5],
  ]),
  ofSlices('that tile twice', [
    [0, 2],
    [2, 5],
    [0, 5],
  ]),
  ofRows('mean of rows', (x) => mean(x, [-1]), meanOf),
  ofRows('variance of rows', (x) => variance(x, [-1]), varianceOf),
  ofRows(
    'smallest of rows',
    (x) => reduceMin(x, [1]),
    (row) => Math.min(...row),
  ),
  ofRows(
    'logSumExp of rows',
    (x) => logSumExp(x, [-1]),
    (row) => Math.log(total(row.map(Math.exp))),
  ),
  ofRows(
    'l2Norm of rows',
    (x) => l2Norm(x, [-1]),
    (row) => Math.hypot(...row),
  ),
  ofAll('mean of all', (x) => mean(x), meanOf),
  ofAll('variance of all', (x) => variance(x), varianceOf),
  ofAll('sum of all', (x) => sum(x), total),
  ofAll(
    'logSumExp of all',
    (x) => logSumExp(x),
    (all) => Math.log(total(all.map(Math.exp))),
  ),
  floats(
    'smallest of columns, kept',
    [[2, 3]],
    (x = never()) => reduceMinKeep(x, [0]),
    (x = none()) => fromIndex([1, 3], ([, j = 0]) => Math.min(at(x, [0, j]), at(x, [1, j]))),
  ),
  floats(
    'l2Norm of columns, kept',
    [[2, 3]],
    (x = never()) => l2NormKeep(x, [0]),
    (x = none()) => fromIndex([1, 3], ([, j = 0]) => Math.hypot(at(x, [0, j]), at(x, [1, j]))),
  ),
  floats(
    'vectors of unit length',
    [[2, 3, 4]],
    (x = never()) => unitLength(x),
    (x = none()) =>
      fromIndex([2, 3, 4], (index) => at(x, index) / Math.hypot(...range(4).map((d) => at(x, index.with(2, d))))),
  ),
  floats(
    'logSoftmax of rows',
    [[3, 4]],
    (x = never()) => logSoftmax(x),
    (x = none()) => fromIndex([3, 4], (index) => Math.log(at(softmaxOf(x), index))),
  ),
  floats(
    'klDivergence of rows, to both sides',
    [
      [3, 4],
      [3, 4],
    ],
    (p = never(), q = never()) => klDivergence(p, q),
    (p = none(), q = none()) => {
      const [from, to] = [softmaxOf(p), softmaxOf(q)];
      return fromIndex([3], ([i = 0]) =>
        total(range(4).map((v) => at(from, [i, v]) * Math.log(at(from, [i, v]) / at(to, [i, v])))),
      );
    },
  ),
  floats(
    'causal attention by blocks of two queries, the last of one, four heads over two of keys',
    [
      [2, 4, 5, 3],
      [2, 2, 5, 3],
      [2, 2, 5, 3],
    ],
    (q = never(), k = never(), v = never()) => blockwiseAttention(q, k, v, 0.5, 2, maskOfPairs),
    (q = none(), k = none(), v = none()) =>
      fromIndex([2, 4, 5, 3], ([b = 0, h = 0, t = 0, d = 0]) => {
        const shared = Math.floor(h / 2);
        const past = range(t + 1);
        const odds = past.map((s) =>
          Math.exp(0.5 * total(range(3).map((i) => at(q, [b, h, t, i]) * at(k, [b, shared, s, i])))),
        );
        return total(past.map((s) => (odds[s] ?? 0) * at(v, [b, shared, s, d]))) / total(odds);
      }),
  ),
  floats(
    'sigmoidCrossEntropy, with targets that are learned too',
    [[2, 3], [3]],
    (logits = never(), targets = never()) => sigmoidCrossEntropy(logits, targets),
    (logits = none(), targets = none()) =>
      fromIndex([2, 3], (index) => {
        const [z, t] = [at(logits, index), at(targets, index.slice(1))];
        return t * Math.log1p(Math.exp(-z)) + (1 - t) * Math.log1p(Math.exp(z));
      }),
    true,
  ),
  ...[0, 1, -1].map((axis) =>
    floats(
      `stack along ${axis}`,
      [
        [2, 3],
        [2, 3],
      ],
      (a = never(), b = never()) => stack([a, b], axis),
      (a = none(), b = none()) => {
        const at2 = axis < 0 ? 2 : axis;
        return fromIndex([2, 3].toSpliced(at2, 0, 2), (index) => at(index[at2] === 0 ? a : b, index.toSpliced(at2, 1)));
      },
    ),
  ),
  floats(
    'split in two, the parts exchanged',
    [[2, 6]],
    (x = never()) => {
      const [left = never(), right = never()] = split(x, -1, 2);
      return add(mul(left, 2), right);
    },
    (x = none()) => fromIndex([2, 3], ([i = 0, j = 0]) => 2 * at(x, [i, j]) + at(x, [i, j + 3])),
  ),
  ...flat([
    {
      name: 'oneHot, zeros outside',
      shapes: [],
      integers: Int32Array.of(2, 0, 2, 3, -1),
      build: (_, integers) => oneHot(integers, 3),
      reference: (_, integers) => fromIndex([5, 3], ([n = 0, v = 0]) => Number(integers[n] === v)),
    },
  ]),
  floats(
    'argMax, taken',
    [[3, 5]],
    (x = never()) => takeAlong(x, reshape(argMax(x), [3, 1])),
    (x = none()) => fromIndex([3, 1], ([i = 0]) => Math.max(...rowOf(x, i))),
  ),
];

/** x times what its slices, each squared, sum to: x itself is used beside them. */
function ofSlices(name: string, pieces: readonly (readonly [start: number, end: number])[]): Case {
  return floats(
    `slices ${name}`,
    [[2, 5]],
    (x = never()) => mul(x, pieces.map(([start, end]) => sum(square(slice(x, 1, start, end)))).reduce(add)),
    (x = none()) => {
      const squares = pieces.flatMap(([start, end]) =>
        range(2).flatMap((i) => range(end - start).map((j) => at(x, [i, start + j]) ** 2)),
      );
      return fromIndex([2, 5], (index) => at(x, index) * total(squares));
    },
  );
}

function ofRows(name: string, build: (x: Tensor) => Tensor, reference: (row: readonly number[]) => number): Case {
  return floats(
    name,
    [[3, 4]],
    (x = never()) => build(x),
    (x = none()) => fromIndex([3], ([i = 0]) => reference(rowOf(x, i))),
  );
}

function ofAll(name: string, build: (x: Tensor) => Tensor, reference: (all: readonly number[]) => number): Case {
  return floats(
    name,
    [[3, 4]],
    (x = never()) => build(x),
    (x = none()) => fromIndex([], () => reference([...x.values])),
  );
}

function rowOf(x: DenseArray, i: number): readonly number[] {
  return range(x.shape[1] ?? 0).map((j) => at(x, [i, j]));
}

function meanOf(values: readonly number[]): number {
  return total(values) / values.length;
}

function varianceOf(values: readonly number[]): number {
  return meanOf(values.map((value) => (value - meanOf(values)) ** 2));
}

/** Two heads, each of the queries `start` to `end` over keys 0 to `end`. */
function maskOfPairs(start: number, end: number): Tensor {
  const rows = Array.from({ length: 2 * (end - start) }, (_, i) => start + (i % (end - start)));
  const values = rows.flatMap((t) => range(end).map((s) => (s > t ? -1e30 : 0)));
  return constant(Float32Array.from(values), [rows.length, end]);
}
