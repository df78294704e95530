/**
 * Layers and losses over the last axis. Where the gradient of the parts would be dear or unsteady, the layer is a
 * primitive with a gradient of its own.
 */
import { maximum } from '#engine/ops/comparison.ts';
import { add, detach, div, exp, log, mul, negate, softplus, sub } from '#engine/ops/elementwise.ts';
import { pick } from '#engine/ops/indexing.ts';
import { concat, reshape, slice, sum, sumKeep } from '#engine/ops/layout.ts';
import { matmul } from '#engine/ops/linear-algebra.ts';
import { l2NormKeep, reduceMaxKeep } from '#engine/ops/reduction.ts';
import { scalar } from '#engine/ops/sources.ts';
import {
  apply,
  applyAll,
  axisLength,
  describe,
  firstOf,
  sameShape,
  shapeError,
  sizeOf,
  type Shape,
  type Tensor,
} from '#engine/tensor.ts';

/** Softmax over the last axis. @param x shape [..., V]. */
export function softmax(x: Tensor): Tensor {
  return apply('softmax', [x], {}, x.shape);
}

/**
 * (x - mean) / sqrt(var + epsilon) * scale + bias over the last axis.
 * @param x shape [N, D]. @param scale, bias shape [D].
 * @see Ba et al. 2016, arXiv:1607.06450.
 */
export function layerNorm(x: Tensor, scale: Tensor, bias: Tensor, epsilon: number): Tensor {
  checkVectors('layerNorm', x, [scale, bias]);
  return firstOf(applyAll('layerNorm', [x, scale, bias], { epsilon }, [float(x.shape), perRow(x), perRow(x)]));
}

/**
 * x / sqrt(mean(x^2) + epsilon) * scale over the last axis.
 * @param x shape [..., D]. @param scale shape [D].
 * @see Zhang & Sennrich 2019, arXiv:1910.07467.
 */
export function rmsNorm(x: Tensor, scale: Tensor, epsilon: number): Tensor {
  checkVectors('rmsNorm', x, [scale]);
  return firstOf(applyAll('rmsNorm', [x, scale], { epsilon }, [float(x.shape), perRow(x)]));
}

/**
 * Rotary position embedding, (x1, x2) -> (x1 cos - x2 sin, x2 cos + x1 sin): of the halves of each head, as Hugging Face's Llama has
 * it, or of neighbours (2i, 2i + 1) where `isInterleaved`.
 * @param x shape [B, H, T, K]. @param cos, sin shape [T, K/2].
 * @see Su et al. 2021, arXiv:2104.09864.
 */
export function rotary(x: Tensor, cos: Tensor, sin: Tensor, isInterleaved = false): Tensor {
  const table: Shape = [axisLength(x, -2), axisLength(x, -1) / 2];
  if (x.shape.length !== 4 || !sameShape(cos.shape, table) || !sameShape(sin.shape, table)) {
    throw shapeError(`rotary: x ${describe(x)}, cos ${describe(cos)}`, `x [B, H, T, K] and cos [${table.join(', ')}]`);
  }
  return apply('rotary', [x, cos, sin], { isInterleaved }, x.shape);
}

/**
 * Scaled dot-product attention: softmax(scale * Q K^T + mask) V.
 * @param q shape [B, H, T, K]. @param k, v shape [B, H, S, K].
 * @param mask Additive, broadcast over [B, H, T, S]; 0 keeps, a large negative number drops.
 * @see Vaswani et al. 2017, arXiv:1706.03762, Eq. 1.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scale: number): Tensor {
  const agree = [q, k, v].every((x) => x.shape.length === 4 && sameShape(x.shape.with(2, 0), q.shape.with(2, 0)));
  if (!agree || !sameShape(k.shape, v.shape)) {
    throw shapeError(`attention: q ${describe(q)}, k ${describe(k)}, v ${describe(v)}`, 'equal B, H, K; k and v alike');
  }
  const probabilities = q.shape.with(3, axisLength(k, 2));
  return firstOf(applyAll('attention', [q, k, v, mask], { scale }, [float(q.shape), float(probabilities)]));
}

/**
 * Causal self-attention by blocks of queries, each against the keys up to its last: half the products of scores, and never all of
 * T x T at once. The numbers of `attention` under a causal mask but for last bits.
 * @param q shape [B, H, T, K]. @param k, v shape [B, Hkv, T, K], Hkv a divisor of H: neighbouring heads share keys.
 * @param block Queries a block.
 * @param maskOf The mask of queries `start` to `end` over keys 0 to `end`, for H / Hkv heads: shape [(H / Hkv) (end - start), end].
 * @returns shape [B, H, T, K].
 */
export function blockwiseAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  scale: number,
  block: number,
  maskOf: (start: number, end: number) => Tensor,
): Tensor {
  const [rows = 0, heads = 0, length = 0, width = 0] = q.shape;
  const shared = axisLength(k, 1);
  const groups = heads / shared;
  if (groups % 1 !== 0 || !sameShape(k.shape, q.shape.with(1, shared)) || !sameShape(v.shape, k.shape)) {
    const found = `blockwiseAttention: q ${describe(q)}, k ${describe(k)}, v ${describe(v)}`;
    throw shapeError(found, 'equal B, T, K; heads of q a multiple of those of k; k and v alike');
  }
  const grouped = reshape(q, [rows, shared, groups, length, width]);
  const blocks = Array.from({ length: Math.ceil(length / block) }, (_, i) => {
    const [start, end] = [i * block, Math.min(length, (i + 1) * block)];
    const own = reshape(slice(grouped, 3, start, end), [rows, shared, groups * (end - start), width]);
    const out = attention(own, slice(k, 2, 0, end), slice(v, 2, 0, end), maskOf(start, end), scale);
    return reshape(out, [rows, shared, groups, end - start, width]);
  });
  return reshape(concat(blocks, 3), q.shape);
}

/**
 * -log softmax(logits)[label] a row, in nats.
 * @param logits shape [N, V]. @param labels int32, shape [N], each in [0, V).
 * @returns shape [N]; weight the rows to leave some out.
 */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  pick(logits, labels); // the same demands on shapes
  const rows: Shape = [axisLength(logits, 0)];
  return firstOf(applyAll('crossEntropy', [logits, labels], {}, [float(rows), float(logits.shape)]));
}

/** log(softmax(x)) over the last axis, without overflow. Gradient: dy - softmax(x) sum(dy). @param x Finite, shape [..., V]. */
export function logSoftmax(x: Tensor): Tensor {
  const shifted = sub(x, detach(reduceMaxKeep(x, [-1])));
  return sub(shifted, log(sumKeep(exp(shifted), [-1])));
}

/**
 * KL(p || q) of each row's categorical distributions, in nats: sum_v p_v (log p_v - log q_v). For a penalty towards a base, p is
 * the trained model and q the base (the direction of reinforcement learning's penalty), or the reverse where the base's modes must
 * all be kept; `detach` what is not to be moved.
 * @param p, q Finite logits, shape [N, V]. @returns shape [N].
 */
export function klDivergence(p: Tensor, q: Tensor): Tensor {
  const logP = logSoftmax(p);
  return sum(mul(exp(logP), sub(logP, logSoftmax(q))), [-1]);
}

/**
 * -t log s(z) - (1 - t) log(1 - s(z)) with s the sigmoid, elementwise, in nats; exact where s(z) rounds to 0 or 1.
 * Gradient: s(z) - t (PyTorch's `binary_cross_entropy_with_logits`).
 * @param logits Any shape. @param targets In [0, 1], a shape that broadcasts with it.
 */
export function sigmoidCrossEntropy(logits: Tensor, targets: Tensor): Tensor {
  const missed = mul(targets, softplus(negate(logits)));
  return add(missed, mul(sub(scalar(1), targets), softplus(logits)));
}

/**
 * x / max(|x|, epsilon) over the last axis: vectors of length 1, 0 stays 0 (PyTorch's `normalize`).
 * Gradient: that of the quotient; below epsilon, dy / epsilon.
 * @param x shape [..., D].
 */
export function unitLength(x: Tensor, epsilon = 1e-12): Tensor {
  return div(x, maximum(l2NormKeep(x, [-1]), epsilon));
}

/** The sum of x * weights over all elements, shape []. */
export function weightedSum(x: Tensor, weights: Tensor): Tensor {
  const flat: Shape = [1, sizeOf(x.shape)];
  return reshape(matmul(reshape(x, flat), reshape(weights, flat), { transposeB: true }), []);
}

function float(shape: Shape): { shape: Shape; dtype: 'float32' } {
  return { shape, dtype: 'float32' };
}

function perRow(x: Tensor): { shape: Shape; dtype: 'float32' } {
  return float(x.shape.with(x.shape.length - 1, 1));
}

function checkVectors(operation: string, x: Tensor, vectors: readonly Tensor[]): void {
  for (const vector of vectors) {
    if (!sameShape(vector.shape, [axisLength(x, -1)])) {
      throw shapeError(
        `${operation}: x ${describe(x)} with ${describe(vector)}`,
        `a vector of length ${axisLength(x, -1)}`,
      );
    }
  }
}
