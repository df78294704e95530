/**
 * Comparing and choosing, elementwise; shapes broadcast as in NumPy. A comparison is 1 where it holds and 0 where it
 * does not, as float32, so that it can be counted, multiplied (and), or given to `where`; against NaN none holds.
 * No gradient passes through a comparison or a condition.
 */
import { detach, mul } from '#engine/ops/elementwise.ts';
import { constant } from '#engine/ops/sources.ts';
import { apply, broadcastShape, checkType, describe, shapeError, type DType, type Tensor } from '#engine/tensor.ts';

/** 1 where a > b, else 0. @param a, b both float32 or both int32. */
export function greater(a: Tensor, b: Tensor | number): Tensor {
  return compare('greater', a, operand(b, a.dtype));
}

/** 1 where a >= b, else 0. @param a, b both float32 or both int32. */
export function greaterOrEqual(a: Tensor, b: Tensor | number): Tensor {
  return compare('greaterOrEqual', a, operand(b, a.dtype));
}

/** 1 where a < b, else 0. @param a, b both float32 or both int32. */
export function less(a: Tensor, b: Tensor | number): Tensor {
  return compare('greater', operand(b, a.dtype), a);
}

/** 1 where a <= b, else 0. @param a, b both float32 or both int32. */
export function lessOrEqual(a: Tensor, b: Tensor | number): Tensor {
  return compare('greaterOrEqual', operand(b, a.dtype), a);
}

/** 1 where a = b, else 0. @param a, b both float32 or both int32. */
export function equal(a: Tensor, b: Tensor | number): Tensor {
  return compare('equal', a, operand(b, a.dtype));
}

/**
 * a where the condition holds (is not 0), else b. Gradient: to the chosen operand; the other one gets 0, whatever it is.
 * What made the other one multiplies that 0 by its own derivative, though: where that may be infinite, keep its input
 * harmless too, as `l2Norm` does.
 * @param condition float32, mostly a comparison. @param a, b both float32 or both int32.
 */
export function where(condition: Tensor, a: Tensor | number, b: Tensor | number): Tensor {
  const dtype = typeof a === 'number' ? (typeof b === 'number' ? 'float32' : b.dtype) : a.dtype;
  const [left, right] = [operand(a, dtype), operand(b, dtype)];
  checkType('where: condition', 'float32', [condition]);
  checkType('where', dtype, [left, right]);
  const chosen = broadcastShape('where', left, right);
  const shape = broadcastShape('where', condition, { ...left, shape: chosen });
  return apply('where', [condition, left, right], {}, shape, dtype);
}

/** The larger of a and b; NaN where one is. Gradient: to the larger one; half to each where they are equal, as in PyTorch. */
export function maximum(a: Tensor, b: Tensor | number): Tensor {
  return extreme('maximum', a, operand(b, 'float32'));
}

/** The smaller of a and b; NaN where one is. Gradient: to the smaller one; half to each where they are equal, as in PyTorch. */
export function minimum(a: Tensor, b: Tensor | number): Tensor {
  return extreme('minimum', a, operand(b, 'float32'));
}

/**
 * x kept within [low, high]; NaN stays NaN. Gradient: passes where low < x < high; 0 at the bounds, the choice of least
 * norm that `relu` has too (PyTorch 2.15; earlier ones gave 1 there).
 * @throws ShapeError unless low <= high.
 */
export function clamp(x: Tensor, low: number, high: number): Tensor {
  if (!(low <= high)) throw shapeError(`clamp: ${describe(x)} to ${low}..${high}`, 'low <= high');
  const isInside = mul(greater(x, low), less(x, high));
  return where(isInside, x, minimum(maximum(detach(x), low), high));
}

function compare(kind: 'greater' | 'greaterOrEqual' | 'equal', a: Tensor, b: Tensor): Tensor {
  checkType(kind, a.dtype, [b]);
  return apply(kind, [a, b], {}, broadcastShape(kind, a, b));
}

function extreme(kind: 'maximum' | 'minimum', a: Tensor, b: Tensor): Tensor {
  checkType(kind, 'float32', [a, b]);
  return apply(kind, [a, b], {}, broadcastShape(kind, a, b));
}

function operand(value: Tensor | number, dtype: DType): Tensor {
  if (typeof value !== 'number') return value;
  if (dtype === 'int32' && !Number.isInteger(value)) {
    throw shapeError(`${value} beside int32`, 'a whole number, or `toFloat` of the integers');
  }
  return constant(dtype === 'int32' ? Int32Array.of(value) : Float32Array.of(value), []);
}
