/** Dense float64 arrays written for plainness: the reference the engine's primitives are held against. */

export interface DenseArray {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

export function denseArray(shape: readonly number[], values: ArrayLike<number>): DenseArray {
  return { shape, values: Float64Array.from(values) };
}

/** An array made by a function of the multi-index. */
export function fromIndex(shape: readonly number[], value: (index: readonly number[]) => number): DenseArray {
  return denseArray(shape, indices(shape).map(value));
}

/** All multi-indices of a shape in row-major order. */
export function indices(shape: readonly number[]): (readonly number[])[] {
  return shape.reduce<number[][]>(
    (prefixes, length) => prefixes.flatMap((prefix) => Array.from({ length }, (_, i) => [...prefix, i])),
    [[]],
  );
}

/** The value at a multi-index; axes of length 1 and missing leading axes repeat, as in broadcasting. */
export function at(array: DenseArray, index: readonly number[]): number {
  const own = index.slice(index.length - array.shape.length);
  const flat = array.shape.reduce((sum, length, axis) => sum * length + (length === 1 ? 0 : (own[axis] ?? 0)), 0);
  return array.values[flat] ?? Number.NaN;
}

export function range(length: number): readonly number[] {
  return Array.from({ length }, (_, i) => i);
}

export function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** softmax over the last axis. */
export function softmaxOf(x: DenseArray): DenseArray {
  const width = x.shape.at(-1) ?? 1;
  return fromIndex(x.shape, (index) => {
    const row = range(width).map((i) => Math.exp(at(x, [...index.slice(0, -1), i])));
    return Math.exp(at(x, index)) / total(row);
  });
}
