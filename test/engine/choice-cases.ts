/** Cases of the primitives that compare, choose, rank and run along an axis. Drawn floats never tie; ties: `kinks.test.ts`. */
import * as comparison from '#engine/ops/comparison.ts';
import * as elementwise from '#engine/ops/elementwise.ts';
import { scatterAlong, takeAlong, topK } from '#engine/ops/indexing.ts';
import { reshape } from '#engine/ops/layout.ts';
import { cumulativeSum, reduceMax, reduceMaxKeep } from '#engine/ops/reduction.ts';
import { constant } from '#engine/ops/sources.ts';
import type { PrimitiveName } from '#engine/tensor.ts';
import { at, fromIndex, range, total, type DenseArray } from './array.ts';
import { binaryCases, flat, floats, never, none, SOME_ROWS, unaryCases, type Case } from './case.ts';

/** Two rows of three indices each, one of them repeated. */
const ALONG = Int32Array.of(4, 0, 4, 1, 1, 3);

export const CHOICE_CASES = {
  softplus: [
    ...unaryCases(elementwise.softplus, (x) => Math.log1p(Math.exp(x))),
    ...unaryCases(elementwise.logSigmoid, (x) => -Math.log1p(Math.exp(-x))),
  ],
  abs: unaryCases(elementwise.abs, Math.abs),
  sign: flat(unaryCases(elementwise.sign, Math.sign)),
  power: [-1, 0, 0.5, 2, 3].map((exponent) =>
    floats(
      `to the ${exponent}`,
      [[2, 3]],
      (x = never()) => elementwise.power(x, exponent),
      (x = none()) => fromIndex([2, 3], (index) => at(x, index) ** exponent),
      true,
    ),
  ),
  detach: flat(unaryCases(elementwise.detach, (x) => x)),
  toFloat: [
    {
      name: 'of indices',
      shapes: [[4]],
      integers: SOME_ROWS,
      build: ([x = never()], integers) => elementwise.mul(x, elementwise.toFloat(integers)),
      reference: ([x = none()], integers) => fromIndex([4], ([n = 0]) => at(x, [n]) * (integers[n] ?? 0)),
    },
  ],
  greater: flat([
    ...binaryCases(comparison.greater, (a, b) => Number(a > b)),
    ...binaryCases(comparison.less, (a, b) => Number(a < b)),
  ]),
  greaterOrEqual: flat([
    ...binaryCases(comparison.greaterOrEqual, (a, b) => Number(a >= b)),
    ...binaryCases(comparison.lessOrEqual, (a, b) => Number(a <= b)),
    floats(
      'itself and its negative',
      [[2, 3]],
      (x = never()) => elementwise.sub(comparison.greaterOrEqual(x, x), comparison.lessOrEqual(x, 0)),
      (x = none()) => fromIndex([2, 3], (index) => 1 - Number(at(x, index) <= 0)),
    ),
  ]),
  equal: flat([
    ...binaryCases(comparison.equal, (a, b) => Number(a === b)),
    {
      name: 'of integers',
      shapes: [],
      integers: SOME_ROWS,
      build: (_, integers) => comparison.equal(integers, 2),
      reference: (_, integers) => fromIndex([4], ([n = 0]) => Number(integers[n] === 2)),
    },
  ]),
  where: [
    floats(
      'by a comparison',
      [
        [2, 3],
        [2, 3],
      ],
      (a = never(), b = never()) => comparison.where(comparison.greater(a, b), elementwise.mul(a, 2), b),
      (a = none(), b = none()) =>
        fromIndex([2, 3], (index) => (at(a, index) > at(b, index) ? 2 * at(a, index) : at(b, index))),
    ),
    floats(
      'by a column, of a row and a scalar',
      [[4], []],
      (a = never(), b = never()) => comparison.where(constant(Float32Array.of(1, 0, -2), [3, 1]), a, b),
      (a = none(), b = none()) => fromIndex([3, 4], ([i = 0, j = 0]) => (i === 1 ? at(b, []) : at(a, [j]))),
    ),
  ],
  maximum: binaryCases(comparison.maximum, Math.max),
  minimum: [
    ...binaryCases(comparison.minimum, Math.min),
    floats(
      'and maximum as clamp',
      [[2, 6]],
      (x = never()) => comparison.clamp(x, -0.25, 0.5),
      (x = none()) => fromIndex([2, 6], (index) => Math.min(Math.max(at(x, index), -0.25), 0.5)),
    ),
  ],

  reduceMax: [
    floats(
      'over two of three axes, kept',
      [[2, 3, 4]],
      (x = never()) => reduceMaxKeep(x, [0, -1]),
      (x = none()) => fromIndex([1, 3, 1], ([, j = 0]) => Math.max(...planeOf(x, j))),
    ),
    floats(
      'over all',
      [[2, 3]],
      (x = never()) => reduceMax(x),
      (x = none()) => fromIndex([], () => Math.max(...x.values)),
    ),
  ],
  cumulativeSum: [false, true].flatMap((reverse) =>
    [0, -1].map((axis) =>
      floats(
        `along axis ${axis}${reverse ? ', from the end' : ''}`,
        [[3, 4]],
        (x = never()) => cumulativeSum(x, axis, { reverse }),
        (x = none()) =>
          fromIndex([3, 4], ([i = 0, j = 0]) => {
            const [here, length] = axis === 0 ? [i, 3] : [j, 4];
            const summed = range(length).filter((t) => (reverse ? t >= here : t <= here));
            return total(summed.map((t) => at(x, axis === 0 ? [t, j] : [i, t])));
          }),
      ),
    ),
  ),

  takeAlong: [
    {
      name: 'with repeated entries',
      shapes: [[2, 5]],
      integers: ALONG,
      build: ([x = never()], integers) => takeAlong(x, reshape(integers, [2, 3])),
      reference: ([x = none()], integers) =>
        fromIndex([2, 3], ([n = 0, k = 0]) => at(x, [n, integers[3 * n + k] ?? 0])),
    },
  ],
  scatterAlong: [
    {
      name: 'with repeated entries',
      shapes: [[2, 3]],
      integers: ALONG,
      build: ([values = never()], integers) => scatterAlong(values, reshape(integers, [2, 3]), 5),
      reference: ([values = none()], integers) =>
        fromIndex([2, 5], ([n = 0, f = 0]) =>
          total(range(3).map((k) => (integers[3 * n + k] === f ? at(values, [n, k]) : 0))),
        ),
    },
  ],
  topK: [
    floats(
      'of three axes, values',
      [[2, 2, 5]],
      (x = never()) => topK(x, 3).values,
      (x = none()) => fromIndex([2, 2, 3], ([i = 0, j = 0, k = 0]) => at(x, [i, j, rankedOf(x, [i, j])[k] ?? 0])),
    ),
    floats(
      'put back in their places',
      [[3, 6]],
      (x = never()) => {
        const { values, indices } = topK(x, 2);
        return scatterAlong(values, indices, 6);
      },
      (x = none()) =>
        fromIndex([3, 6], ([i = 0, f = 0]) => (rankedOf(x, [i]).slice(0, 2).includes(f) ? at(x, [i, f]) : 0)),
    ),
  ],
} satisfies { readonly [P in PrimitiveName]?: readonly Case[] };

/** The values at index j of the middle of three axes. */
function planeOf(x: DenseArray, j: number): readonly number[] {
  return range(2).flatMap((i) => range(4).map((k) => at(x, [i, j, k])));
}

/** The places along the last axis, from the largest value to the smallest. */
function rankedOf(x: DenseArray, row: readonly number[]): readonly number[] {
  return range(x.shape.at(-1) ?? 0).toSorted((a, b) => at(x, [...row, b]) - at(x, [...row, a]));
}
