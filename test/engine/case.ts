/** How an operation is put to the test: how it is called, and what it must compute. */
import type { Shape, Tensor } from '#engine/tensor.ts';
import { at, denseArray, fromIndex, type DenseArray } from './array.ts';

export interface Case {
  readonly name: string;
  /** Shapes of the float inputs, drawn at random from [-1, 1] (from [0.5, 1.5] where `positive`). */
  readonly shapes: readonly Shape[];
  readonly positive?: boolean;
  /** No gradient passes: it is zero. */
  readonly isFlat?: boolean;
  /** An integer input after the float ones; repeated values are wanted. */
  readonly integers?: Int32Array;
  readonly build: (floats: readonly Tensor[], integers: Tensor) => Tensor;
  readonly reference: (floats: readonly DenseArray[], integers: Int32Array) => DenseArray;
}

export type Build = (...floats: readonly Tensor[]) => Tensor;
export type Reference = (...floats: readonly DenseArray[]) => DenseArray;

/** Indices with repeats. */
export const SOME_ROWS = Int32Array.of(2, 0, 2, 2);

export function floats(
  name: string,
  shapes: readonly Shape[],
  build: Build,
  reference: Reference,
  positive = false,
): Case {
  return { name, shapes, positive, build: (inputs) => build(...inputs), reference: (inputs) => reference(...inputs) };
}

export function unaryCases(
  build: (x: Tensor) => Tensor,
  reference: (x: number) => number,
  positive = false,
): readonly Case[] {
  const map: Reference = (x = none()) =>
    denseArray(
      x.shape,
      x.values.map((value) => reference(value)),
    );
  return [floats(build.name, [[2, 3]], (x = never()) => build(x), map, positive)];
}

export function binaryCases(
  build: (a: Tensor, b: Tensor) => Tensor,
  reference: (a: number, b: number) => number,
  positive = false,
): readonly Case[] {
  const shapes: readonly (readonly [Shape, Shape, Shape])[] = [
    [
      [2, 3],
      [2, 3],
      [2, 3],
    ],
    [[2, 3], [3], [2, 3]],
    [
      [2, 1],
      [4, 1, 3],
      [4, 2, 3],
    ],
  ];
  return shapes.map(([a, b, out]) =>
    floats(
      `[${a.join()}] with [${b.join()}]`,
      [a, b],
      (x = never(), y = never()) => build(x, y),
      (x = none(), y = none()) => fromIndex(out, (index) => reference(at(x, index), at(y, index))),
      positive,
    ),
  );
}

/** Cases of an operation that no gradient passes. */
export function flat(cases: readonly Case[]): readonly Case[] {
  return cases.map((one) => ({ ...one, isFlat: true }));
}

export function never(): never {
  throw new Error('the case has fewer inputs than its builder takes');
}

export function none(): never {
  return never();
}
