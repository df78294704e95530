/**
 * Moving values without changing them: shape, order, parts; and sums over axes. All are linear, so that their gradients
 * are exact everywhere: each is the move back.
 */
import {
  allAxes,
  apply,
  axesOf,
  axisLength,
  describe,
  sameShape,
  shapeError,
  sizeOf,
  type Shape,
  type Tensor,
} from '#engine/tensor.ts';

/** The same values in row-major order under another shape. A reshape to the same shape is the tensor itself. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (sizeOf(x.shape) !== sizeOf(shape)) {
    throw shapeError(`reshape: ${describe(x)} to [${shape.join(', ')}]`, 'as many elements as before');
  }
  return apply('reshape', [x], {}, shape, x.dtype);
}

/** Axes in another order: output axis i is input axis permutation[i]. */
export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  if (permutation.toSorted((a, b) => a - b).some((axis, i) => axis !== i) || permutation.length !== x.shape.length) {
    throw shapeError(`transpose: ${describe(x)} by (${permutation.join(', ')})`, 'each axis once');
  }
  const shape = permutation.map((axis) => axisLength(x, axis));
  return apply('transpose', [x], { permutation }, shape, x.dtype);
}

/** The part of an axis from start up to, not including, end. */
export function slice(x: Tensor, axis: number, start: number, end: number): Tensor {
  const length = axisLength(x, axis);
  if (start < 0 || end > length || start >= end) {
    throw shapeError(`slice: ${start}..${end} of axis ${axis} of ${describe(x)}`, `0 <= start < end <= ${length}`);
  }
  if (start === 0 && end === length) return x;
  return apply('slice', [x], { axis, start, end }, x.shape.with(axis, end - start), x.dtype);
}

/** Tensors joined along an axis; all other axes must agree. */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  const [first] = parts;
  if (first === undefined) throw shapeError('concat of no tensors', 'at least one');
  if (parts.length === 1) return first;
  const total = parts.reduce((sum, part) => sum + axisLength(part, axis), 0);
  for (const part of parts) {
    if (!sameShape(part.shape.with(axis, 0), first.shape.with(axis, 0))) {
      throw shapeError(`concat along ${axis}: ${parts.map(describe).join(' and ')}`, 'equal other axes');
    }
  }
  return apply('concat', parts, { axis }, first.shape.with(axis, total), first.dtype);
}

/** Tensors of one shape joined along a new axis. @param axis Where it stands in the result, [..., parts, ...]. */
export function stack(parts: readonly Tensor[], axis: number): Tensor {
  const [first] = parts;
  if (first === undefined) throw shapeError('stack of no tensors', 'at least one');
  const rank = first.shape.length + 1;
  const at = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(at) || at < 0 || at >= rank || parts.some((part) => !sameShape(part.shape, first.shape))) {
    throw shapeError(
      `stack along ${axis}: ${parts.map(describe).join(' and ')}`,
      'equal shapes and an axis that exists',
    );
  }
  const shape = first.shape.toSpliced(at, 0, 1);
  return concat(
    parts.map((part) => reshape(part, shape)),
    at,
  );
}

/** An axis cut into `count` equal parts, in order; the opposite of `concat`. */
export function split(x: Tensor, axis: number, count: number): readonly Tensor[] {
  const length = axisLength(x, axis) / count;
  if (!Number.isInteger(length) || !Number.isInteger(count) || count < 1) {
    throw shapeError(`split: axis ${axis} of ${describe(x)} in ${count}`, 'a number of parts that divides the axis');
  }
  return Array.from({ length: count }, (_, i) => slice(x, axis, i * length, (i + 1) * length));
}

/** Repeats axes of length 1 (and missing leading axes) to reach a shape. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const offset = shape.length - x.shape.length;
  if (offset < 0 || x.shape.some((length, axis) => length !== 1 && length !== shape[axis + offset])) {
    throw shapeError(`broadcast: ${describe(x)} to [${shape.join(', ')}]`, 'axes that are equal or 1');
  }
  return apply('broadcast', [x], {}, shape, x.dtype);
}

/** The sum over axes (all where none are named), which stay with length 1. */
export function sumKeep(x: Tensor, axes: readonly number[] = allAxes(x)): Tensor {
  const reduced = axesOf('sumKeep', x, axes);
  if (reduced.length === 0) return x;
  const shape = x.shape.map((length, axis) => (reduced.includes(axis) ? 1 : length));
  return apply('sum', [x], { axes: reduced, keep: true }, shape);
}

/** The sum over axes (all where none are named), which vanish. */
export function sum(x: Tensor, axes: readonly number[] = allAxes(x)): Tensor {
  const reduced = axesOf('sum', x, axes);
  if (reduced.length === 0) return x;
  const shape = x.shape.filter((_, axis) => !reduced.includes(axis));
  return apply('sum', [x], { axes: reduced, keep: false }, shape);
}

/** The mean over the last axis, which stays with length 1. */
export function meanKeep(x: Tensor): Tensor {
  axisLength(x, -1);
  return apply('mean', [x], {}, x.shape.with(x.shape.length - 1, 1));
}

/** Sums what broadcasting had repeated, back to `shape`: the adjoint of `broadcastTo`. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const offset = x.shape.length - shape.length;
  const leading = x.shape.flatMap((_, axis) => (axis < offset ? [axis] : []));
  const repeated = x.shape.flatMap((length, axis) =>
    axis >= offset && shape[axis - offset] === 1 && length !== 1 ? [axis] : [],
  );
  return repeated.length === 0 ? sum(x, leading) : reshape(sumKeep(x, [...leading, ...repeated]), shape);
}
