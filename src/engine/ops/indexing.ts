/** Rows and single entries chosen by integer indices. Indices must lie in range: they are checked where data is made. */
import { apply, axisLength, describe, sameShape, shapeError, type Tensor } from '#engine/tensor.ts';

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
