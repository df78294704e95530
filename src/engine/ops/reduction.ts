/**
 * Numbers made of whole axes (negative axes count from the end; all axes where none are named). What ends in `Keep`
 * leaves the axes with length 1, the rest lets them vanish: of shape [B, T, D] over axis -1, [B, T, 1] or [B, T].
 * Gradients are the derivatives; where there is none, PyTorch's choice is taken and said. Sums stand in `layout.ts`.
 */
import { detach, exp, log, mul, negate, sqrt, square, sub, add } from '#engine/ops/elementwise.ts';
import { equal, where } from '#engine/ops/comparison.ts';
import { reshape, sum, sumKeep } from '#engine/ops/layout.ts';
import { allAxes, apply, axesOf, axisLength, checkType, type Tensor } from '#engine/tensor.ts';

/** The mean over axes. */
export function mean(x: Tensor, axes: readonly number[] = allAxes(x)): Tensor {
  return mul(sum(x, axes), 1 / countOf(x, axes));
}

/**
 * The mean of squared distances from the mean, over axes: divided by their number n, not n - 1
 * (PyTorch's `var(correction=0)`, NumPy's `var`).
 */
export function variance(x: Tensor, axes: readonly number[] = allAxes(x)): Tensor {
  const center = mul(sumKeep(x, axes), 1 / countOf(x, axes));
  return mean(square(sub(x, center)), axes);
}

/** The largest over axes. Gradient: in equal shares to all that are largest, as PyTorch's `amax`. @param x Without NaN, which may be passed over. */
export function reduceMax(x: Tensor, axes: readonly number[] = allAxes(x)): Tensor {
  return withoutAxes(reduceMaxKeep(x, axes), axesOf('reduceMax', x, axes));
}

/** `reduceMax` with its axes kept at length 1. */
export function reduceMaxKeep(x: Tensor, axes: readonly number[] = allAxes(x)): Tensor {
  checkType('reduceMax', 'float32', [x]);
  const reduced = axesOf('reduceMax', x, axes);
  if (reduced.length === 0) return x;
  const shape = x.shape.map((length, axis) => (reduced.includes(axis) ? 1 : length));
  return apply('reduceMax', [x], { axes: reduced }, shape);
}

/** The smallest over axes. Gradient: in equal shares to all that are smallest, as PyTorch's `amin`. @param x Without NaN, which may be passed over. */
export function reduceMin(x: Tensor, axes: readonly number[] = allAxes(x)): Tensor {
  return negate(reduceMax(negate(x), axes));
}

/** `reduceMin` with its axes kept at length 1. */
export function reduceMinKeep(x: Tensor, axes: readonly number[] = allAxes(x)): Tensor {
  return negate(reduceMaxKeep(negate(x), axes));
}

/**
 * y_t = x_0 + ... + x_t along an axis; with `reverse`, y_t = x_t + ... + x_end. Same shape as x.
 * Gradient: the running sum in the opposite direction.
 */
export function cumulativeSum(x: Tensor, axis: number, { reverse = false } = {}): Tensor {
  checkType('cumulativeSum', 'float32', [x]);
  const [fromStart = 0] = axesOf('cumulativeSum', x, [axis]);
  return apply('cumulativeSum', [x], { axis: fromStart, reverse }, x.shape);
}

/** log(sum(e^x)) over axes, without overflow. Gradient: softmax(x). @param x Finite; mask with a large negative number. */
export function logSumExp(x: Tensor, axes: readonly number[] = allAxes(x)): Tensor {
  const largest = detach(reduceMaxKeep(x, axes));
  const sums = log(sumKeep(exp(sub(x, largest)), axes));
  return withoutAxes(add(sums, largest), axesOf('logSumExp', x, axes));
}

/** Euclidean length over axes. Gradient: x / |x|; 0 at x = 0, as in PyTorch. */
export function l2Norm(x: Tensor, axes: readonly number[] = allAxes(x)): Tensor {
  return withoutAxes(l2NormKeep(x, axes), axesOf('l2Norm', x, axes));
}

/** `l2Norm` with its axes kept at length 1. */
export function l2NormKeep(x: Tensor, axes: readonly number[] = allAxes(x)): Tensor {
  const squares = sumKeep(square(x), axes);
  const isZero = equal(squares, 0);
  // The root never sees the zero, whose infinite derivative times 0 would be NaN.
  return where(isZero, 0, sqrt(where(isZero, 1, squares)));
}

function countOf(x: Tensor, axes: readonly number[]): number {
  return axesOf('mean', x, axes).reduce((count, axis) => count * axisLength(x, axis), 1);
}

function withoutAxes(x: Tensor, axes: readonly number[]): Tensor {
  return reshape(
    x,
    x.shape.filter((_, axis) => !axes.includes(axis)),
  );
}
