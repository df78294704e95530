/**
 * Rows and single entries chosen by integer indices. Indices must lie in range: they are checked where data is made.
 * Gradients go back to what was chosen, those of repeated indices add up; indices have none.
 */
import { equal } from '#engine/ops/comparison.ts';
import { reshape } from '#engine/ops/layout.ts';
import { constant } from '#engine/ops/sources.ts';
import {
  apply,
  applyAll,
  axisLength,
  checkType,
  describe,
  sameShape,
  shapeError,
  type Tensor,
} from '#engine/tensor.ts';

/** Rows of a table. @param table shape [V, D]. @param indices int32, shape [N]. @returns shape [N, D]. */
export function gather(table: Tensor, indices: Tensor): Tensor {
  if (table.shape.length !== 2 || indices.shape.length !== 1 || indices.dtype !== 'int32') {
    throw shapeError(`gather: table ${describe(table)}, indices ${describe(indices)}`, '[V, D] and int32 [N]');
  }
  return apply('gather', [table, indices], {}, [axisLength(indices, 0), axisLength(table, 1)]);
}

/**
 * The adjoint of `gather`: a [V, D] table of zeros to whose row indices[n] rows[n] is added.
 * @param rows shape [N, D]. @param indices int32, shape [N]; repeated indices add up. @param like gives V and D.
 */
export function scatterRows(rows: Tensor, indices: Tensor, like: Tensor): Tensor {
  return apply('scatterRows', [rows, indices], {}, like.shape);
}

/**
 * Rows moved to other places: y[m] = x[from[m]]. Gradient: dx[n] = dy[back[n]], by the way back, so that no sums are needed;
 * it is right where every row that matters is moved once and comes back, and for the rest where its gradient is 0 at both ends.
 * @param x shape [N, D]. @param from int32, shape [M]. @param back int32, shape [N]. @returns shape [M, D].
 */
export function moveRows(x: Tensor, from: Tensor, back: Tensor): Tensor {
  const moved = gather(x, from);
  const isBack = sameShape(back.shape, [axisLength(x, 0)]) && back.dtype === 'int32';
  if (!isBack) throw shapeError(`moveRows: ${describe(x)}, back ${describe(back)}`, '[N, D] and int32 [N]');
  return apply('moveRows', [x, from, back], {}, moved.shape);
}

/** One entry a row. @param x shape [N, V]. @param indices int32, shape [N]. @returns shape [N]. */
export function pick(x: Tensor, indices: Tensor): Tensor {
  if (x.shape.length !== 2 || !sameShape(indices.shape, [axisLength(x, 0)]) || indices.dtype !== 'int32') {
    throw shapeError(`pick: x ${describe(x)}, indices ${describe(indices)}`, '[N, V] and int32 [N]');
  }
  return apply('pick', [x, indices], {}, [axisLength(x, 0)]);
}

/** base [N, V] with values[n] added at entry indices[n] of each row; the adjoint of `pick` over a base of zeros. */
export function scatterPicked(base: Tensor, indices: Tensor, values: Tensor): Tensor {
  return apply('scatterPicked', [base, indices, values], {}, base.shape);
}

/**
 * Entries of the last axis, several a row (PyTorch's `gather`, NumPy's `take_along_axis`).
 * @param x shape [..., F]. @param indices int32, shape [..., K], with the same leading axes. @returns shape [..., K].
 */
export function takeAlong(x: Tensor, indices: Tensor): Tensor {
  checkAlong('takeAlong', x, indices);
  return apply('takeAlong', [x, indices], {}, indices.shape, x.dtype);
}

/**
 * Zeros of shape [..., width] to which values[..., k] is added at entry indices[..., k]: the adjoint of `takeAlong`.
 * @param values shape [..., K]. @param indices int32, shape [..., K]; repeated ones add up.
 */
export function scatterAlong(values: Tensor, indices: Tensor, width: number): Tensor {
  checkType('scatterAlong', 'float32', [values]);
  if (!Number.isInteger(width) || width < 1)
    throw shapeError(`scatterAlong: width ${width}`, 'a positive whole number');
  if (!sameShape(values.shape, indices.shape)) {
    throw shapeError(`scatterAlong: values ${describe(values)}, indices ${describe(indices)}`, 'equal shapes');
  }
  checkAlong('scatterAlong', values, indices);
  return apply('scatterAlong', [values, indices], {}, [...values.shape.slice(0, -1), width]);
}

/** The largest entries of rows, and where they stand. */
export interface TopK {
  /** Shape [..., k], largest first. */
  readonly values: Tensor;
  /** int32, shape [..., k]. */
  readonly indices: Tensor;
}

/**
 * The k largest of the last axis, largest first; of equal ones the lowest index first, so that the result is determined.
 * Gradient: to the chosen entries, zero elsewhere. `scatterAlong(values, indices, F)` puts them back in their places.
 * @param x shape [..., F], without NaN. @throws ShapeError unless 1 <= k <= F.
 * @see Gao et al. 2024, arXiv:2406.04093 (as an activation of sparse autoencoders).
 */
export function topK(x: Tensor, k: number): TopK {
  checkType('topK', 'float32', [x]);
  const width = axisLength(x, -1);
  if (!Number.isInteger(k) || k < 1 || k > width)
    throw shapeError(`topK: k ${k} of ${describe(x)}`, `1 <= k <= ${width}`);
  const shape = [...x.shape.slice(0, -1), k];
  const [values, indices] = applyAll('topK', [x], { k }, [
    { shape, dtype: 'float32' },
    { shape, dtype: 'int32' },
  ]);
  if (values === undefined || indices === undefined) throw new Error('expected the two outputs of topK');
  return { values, indices };
}

/** Where the largest of the last axis stands, the lowest index of equal ones. @param x shape [..., F]. @returns int32, shape [...]. */
export function argMax(x: Tensor): Tensor {
  return reshape(topK(x, 1).indices, x.shape.slice(0, -1));
}

/**
 * 1 at each row's index, else 0; all 0 where the index lies outside [0, width). No gradient passes.
 * @param indices int32, shape [...]. @returns float32, shape [..., width].
 */
export function oneHot(indices: Tensor, width: number): Tensor {
  checkType('oneHot', 'int32', [indices]);
  if (!Number.isInteger(width) || width < 1) throw shapeError(`oneHot: width ${width}`, 'a positive whole number');
  const places = constant(
    Int32Array.from({ length: width }, (_, i) => i),
    [width],
  );
  return equal(reshape(indices, [...indices.shape, 1]), places);
}

function checkAlong(operation: string, x: Tensor, indices: Tensor): void {
  const leads = x.shape.length > 0 && sameShape(x.shape.slice(0, -1), indices.shape.slice(0, -1));
  if (!leads || x.shape.length !== indices.shape.length || indices.dtype !== 'int32') {
    throw shapeError(`${operation}: ${describe(x)}, indices ${describe(indices)}`, '[..., F] and int32 [..., K]');
  }
}
