/** Matrix products. Both operands have gradients, which are matrix products too. */
import {
  apply,
  axisLength,
  broadcastShape,
  describe,
  sameShape,
  shapeError,
  type Primitives,
  type Shape,
  type Tensor,
} from '#engine/tensor.ts';

/** Which operands are read transposed (their last two axes), and a factor on the product. */
export type MatmulOptions = Partial<Primitives['matmul']['attributes']>;

/**
 * alpha * op(A) op(B) over the last two axes; leading axes broadcast.
 * @throws ShapeError if the inner axes differ or an operand has fewer than two axes.
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const { transposeA = false, transposeB = false, alpha = 1 } = options;
  if (a.shape.length < 2 || b.shape.length < 2) {
    throw shapeError(`matmul: A is ${describe(a)}, B is ${describe(b)}`, 'two axes or more each');
  }
  const [innerA, innerB] = [axisLength(a, transposeA ? -2 : -1), axisLength(b, transposeB ? -1 : -2)];
  if (innerA !== innerB) {
    throw shapeError(`matmul: inner axes differ, A is ${describe(a)}, B is ${describe(b)}`, `${innerA} = ${innerB}`);
  }
  const rows = axisLength(a, transposeA ? -1 : -2);
  const columns = axisLength(b, transposeB ? -2 : -1);
  const batch = broadcastShape('matmul', leading(a), leading(b));
  return apply('matmul', [a, b], { transposeA, transposeB, alpha }, [...batch, rows, columns]);
}

/**
 * x W^T (+ bias): a linear layer as PyTorch stores it.
 * @param x shape [N, dIn]. @param weight shape [dOut, dIn]. @param bias shape [dOut].
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  if (bias === undefined) return matmul(x, weight, { transposeB: true });
  const [rows, columns] = [axisLength(x, 0), axisLength(weight, 0)];
  if (x.shape.length !== 2 || axisLength(x, 1) !== axisLength(weight, 1) || !sameShape(bias.shape, [columns])) {
    throw shapeError(
      `linear: x ${describe(x)}, weight ${describe(weight)}, bias ${describe(bias)}`,
      '[N, dIn], [dOut, dIn] and [dOut]',
    );
  }
  return apply('linear', [x, weight, bias], {}, [rows, columns]);
}

function leading(tensor: Tensor): Tensor {
  const shape: Shape = tensor.shape.slice(0, -2);
  return { ...tensor, shape };
}
