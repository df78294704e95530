/**
 * All of reverse mode's mathematics: one row a primitive. A row gets the node, its output 0 as y, and dy, the
 * gradient of the loss with respect to y; it returns one gradient an input, `undefined` where there is none.
 * A gradient may keep a broadcast shape: `differentiate` sums it back in one place. Gradients are graph nodes.
 */
import { equal, greater, greaterOrEqual, less, lessOrEqual, where } from '#engine/ops/comparison.ts';
import { add, div, erf, exp, mul, power, sigmoid, sign, step, sub } from '#engine/ops/elementwise.ts';
import { gather, moveRows, pick, scatterAlong, scatterPicked, scatterRows, takeAlong } from '#engine/ops/indexing.ts';
import { broadcastTo, concat, meanKeep, reshape, slice, sum, sumKeep, transpose } from '#engine/ops/layout.ts';
import { matmul } from '#engine/ops/linear-algebra.ts';
import { rotary } from '#engine/ops/network.ts';
import { cumulativeSum } from '#engine/ops/reduction.ts';
import { scalar } from '#engine/ops/sources.ts';
import { axisLength, sameShape, siblingOf, type NodeOf, type PrimitiveName, type Tensor } from '#engine/tensor.ts';

export type Gradient = Tensor | undefined;
export type GradientTable = {
  readonly [P in PrimitiveName]: (node: NodeOf<P>, y: Tensor, dy: Tensor) => readonly Gradient[];
};

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

export const GRADIENTS: GradientTable = {
  input: () => [],
  constant: () => [],

  // y = a + b
  add: (_node, _y, dy) => [dy, dy],
  // y = a - b
  sub: (_node, _y, dy) => [dy, mul(dy, -1)],
  // y = a b  =>  da = dy b, db = dy a
  mul: ({ inputs: [a, b] }, _y, dy) => [mul(dy, b), mul(dy, a)],
  // y = a / b  =>  da = dy / b, db = -dy y / b
  div: ({ inputs: [, b] }, y, dy) => [div(dy, b), mul(div(mul(dy, y), b), -1)],
  // y = e^x  =>  dx = dy y
  exp: (_node, y, dy) => [mul(dy, y)],
  // y = log x  =>  dx = dy / x
  log: ({ inputs: [x] }, _y, dy) => [div(dy, x)],
  // y = sqrt x  =>  dx = dy / (2 y)
  sqrt: (_node, y, dy) => [div(mul(dy, 0.5), y)],
  // y = erf x  =>  dx = dy 2/sqrt(pi) e^(-x^2)
  erf: ({ inputs: [x] }, _y, dy) => [mul(dy, mul(exp(mul(mul(x, x), -1)), TWO_OVER_SQRT_PI))],
  // y = tanh x  =>  dx = dy (1 - y^2)
  tanh: (_node, y, dy) => [mul(dy, sub(scalar(1), mul(y, y)))],
  // y = s(x)  =>  dx = dy y (1 - y)
  sigmoid: (_node, y, dy) => [mul(dy, sub(y, mul(y, y)))],
  gelu: ({ inputs: [x] }, _y, dy) => [geluGradient(x, dy)],
  // y = max(x, 0)  =>  dx = dy [x > 0]
  relu: ({ inputs: [x] }, _y, dy) => [mul(dy, step(x))],
  step: () => [undefined],
  // y = log(1 + e^x)  =>  dx = dy s(x)
  softplus: ({ inputs: [x] }, _y, dy) => [mul(dy, sigmoid(x))],
  // y = |x|  =>  dx = dy sign(x)
  abs: ({ inputs: [x] }, _y, dy) => [mul(dy, sign(x))],
  sign: () => [undefined],
  // y = x^p  =>  dx = dy p x^(p - 1)
  power: ({ inputs: [x], attributes: { exponent } }, _y, dy) => [
    mul(dy, exponent === 0 ? 0 : mul(power(x, exponent - 1), exponent)),
  ],
  detach: () => [undefined],
  toFloat: () => [undefined],
  greater: () => [undefined, undefined],
  greaterOrEqual: () => [undefined, undefined],
  equal: () => [undefined, undefined],
  // y = c ? a : b  =>  da = c ? dy : 0, db = c ? 0 : dy
  where: ({ inputs: [condition] }, _y, dy) => [undefined, where(condition, dy, 0), where(condition, 0, dy)],
  // y = max(a, b)  =>  da = dy ([a > b] + [a >= b]) / 2, db = dy - da
  maximum: ({ inputs: [a, b] }, _y, dy) => shared(dy, greater(a, b), greaterOrEqual(a, b)),
  minimum: ({ inputs: [a, b] }, _y, dy) => shared(dy, less(a, b), lessOrEqual(a, b)),

  swiglu: ({ inputs: [gate, up] }, _y, dy) => swigluGradient(gate, up, dy),

  matmul: (node, _y, dy) => matmulGradient(node, dy),
  // y = x W^T + b  =>  dx = dy W, dW = dy^T x, db = sum of the rows of dy
  linear: ({ inputs: [x, weight] }, _y, dy) => [matmul(dy, weight), matmul(dy, x, { transposeA: true }), sum(dy, [0])],

  reshape: ({ inputs: [x] }, _y, dy) => [reshape(dy, x.shape)],
  transpose: (node, _y, dy) => [transpose(dy, inverse(node.attributes.permutation))],
  slice: (node, _y, dy) => [padded(dy, node)],
  concat: (node, _y, dy) => splitLike(dy, node.inputs, node.attributes.axis),
  broadcast: (_node, _y, dy) => [dy],
  // y = sum over axes  =>  dx = dy, repeated
  sum: ({ inputs: [x], attributes: { axes } }, _y, dy) => {
    const kept = x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
    return [broadcastTo(reshape(dy, kept), x.shape)];
  },
  // y = mean over D  =>  dx = dy / D, repeated
  mean: ({ inputs: [x] }, _y, dy) => [broadcastTo(mul(dy, 1 / axisLength(x, -1)), x.shape)],
  // y = max over axes  =>  dx = dy [x = y] / (how many there are)
  reduceMax: ({ inputs: [x], attributes: { axes } }, y, dy) => {
    const isLargest = equal(x, y);
    return [mul(isLargest, div(dy, sumKeep(isLargest, axes)))];
  },
  // y_t = sum of x_s, s <= t  =>  dx_s = sum of dy_t, t >= s
  cumulativeSum: ({ attributes: { axis, reverse } }, _y, dy) => [cumulativeSum(dy, axis, { reverse: !reverse })],

  // y_n = table[i_n]  =>  dtable[v] = sum over n with i_n = v of dy_n
  gather: ({ inputs: [table, indices] }, _y, dy) => [scatterRows(dy, indices, table), undefined],
  scatterRows: ({ inputs: [, indices] }, _y, dy) => [gather(dy, indices), undefined],
  moveRows: ({ inputs: [, from, back] }, _y, dy) => [moveRows(dy, back, from), undefined, undefined],
  pick: ({ inputs: [x, indices] }, _y, dy) => [scatterPicked(mul(x, 0), indices, dy), undefined],
  scatterPicked: ({ inputs: [, indices] }, _y, dy) => [dy, undefined, pick(dy, indices)],
  // y_k = x[i_k]  =>  dx[f] = sum over k with i_k = f of dy_k
  takeAlong: ({ inputs: [x, indices] }, _y, dy) => [scatterAlong(dy, indices, axisLength(x, -1)), undefined],
  scatterAlong: ({ inputs: [, indices] }, _y, dy) => [takeAlong(dy, indices), undefined],
  topK: ({ inputs: [x] }, y, dy) => [scatterAlong(dy, siblingOf(y, 1), axisLength(x, -1))],

  // y = softmax x  =>  dx = y (dy - sum(dy y))
  softmax: (_node, y, dy) => [mul(y, sub(dy, sumKeep(mul(dy, y), [-1])))],
  layerNorm: ({ inputs: [x, scale] }, y, dy) => layerNormGradient(x, scale, y, dy),
  rmsNorm: ({ inputs: [x, scale] }, y, dy) => rmsNormGradient(x, scale, y, dy),
  // A rotation's adjoint is the rotation by the opposite angle.
  rotary: ({ inputs: [, cos, sin], attributes: { isInterleaved } }, _y, dy) => [
    rotary(dy, cos, mul(sin, -1), isInterleaved),
    undefined,
    undefined,
  ],
  attention: (node, y, dy) => attentionGradient(node, y, dy),

  // y_n = -log p_n[l_n], p = softmax z  =>  dz_n = dy_n (p_n - onehot(l_n))
  crossEntropy: ({ inputs: [logits, labels] }, y, dy) => {
    const minusOne = broadcastTo(scalar(-1), [axisLength(logits, 0)]);
    const residual = scatterPicked(siblingOf(y, 1), labels, minusOne);
    return [mul(residual, reshape(dy, [axisLength(logits, 0), 1])), undefined];
  },
};

// A gradient that goes to the one that wins, half to each where both do.
function shared(dy: Tensor, wins: Tensor, winsOrTies: Tensor): readonly Gradient[] {
  const first = mul(dy, mul(add(wins, winsOrTies), 0.5));
  return [first, sub(dy, first)];
}

// y = x Phi(x)  =>  dx = dy (Phi(x) + x phi(x)), Phi(x) = (1 + erf(x / sqrt 2)) / 2, phi(x) = e^(-x^2 / 2) / sqrt(2 pi)
function geluGradient(x: Tensor, dy: Tensor): Tensor {
  const distribution = add(mul(erf(mul(x, Math.SQRT1_2)), 0.5), 0.5);
  const density = mul(exp(mul(mul(x, -0.5), x)), 1 / Math.sqrt(2 * Math.PI));
  return mul(dy, add(distribution, mul(x, density)));
}

// y = silu(g) u, silu(g) = g s(g)  =>  dg = dy u (s + silu (1 - s)), du = dy silu
function swigluGradient(gate: Tensor, up: Tensor, dy: Tensor): readonly Gradient[] {
  const s = sigmoid(gate);
  const silu = mul(gate, s);
  return [mul(mul(dy, up), add(s, mul(silu, sub(scalar(1), s)))), mul(dy, silu)];
}

// Y = a op(A) op(B). With neither transposed: dA = a dY B^T, dB = a A^T dY; the other cases by transposing both sides.
function matmulGradient(node: NodeOf<'matmul'>, dy: Tensor): readonly Gradient[] {
  const {
    inputs: [a, b],
    attributes: { transposeA, transposeB, alpha },
  } = node;
  const scaled = transposeA ? undefined : wideRowsScaled(dy);
  if (scaled !== undefined) {
    // dY = diag(c) R  =>  dA = diag(c) (a R B^T), dB = a (diag(c) A)^T R
    const { rows, factors } = scaled;
    const dRows = matmul(rows, b, { transposeB: !transposeB, alpha });
    const left = mul(a, factors);
    const [first, second] = transposeB ? [rows, left] : [left, rows];
    return [mul(dRows, factors), matmul(first, second, { transposeA: true, alpha })];
  }
  const da = transposeA
    ? matmul(b, dy, { transposeA: transposeB, transposeB: true, alpha })
    : matmul(dy, b, { transposeB: !transposeB, alpha });
  const db = transposeB
    ? matmul(dy, a, { transposeA: true, transposeB: transposeA, alpha })
    : matmul(a, dy, { transposeA: !transposeA, alpha });
  return [da, db];
}

/**
 * From this width on, rows that are scaled as a whole (logits' gradients, by the weights of their labels) are scaled where they are
 * narrow: the runtime would hold them twice, since its products of elements are never in place.
 */
const WIDE = 8192;

/** Wide rows [N, V] and their factors [N, 1], where a gradient is their product. */
function wideRowsScaled({ node }: Tensor): { readonly rows: Tensor; readonly factors: Tensor } | undefined {
  if (node.kind !== 'mul') return undefined;
  const [rows, factors] = node.inputs;
  const isScaled = rows.shape.length === 2 && sameShape(factors.shape, [axisLength(rows, 0), 1]);
  return isScaled && axisLength(rows, 1) >= WIDE ? { rows, factors } : undefined;
}

// h = (x - mean) / std, y = h s + b  =>  dh = dy s, dx = (dh - mean(dh) - h mean(dh h)) / std, ds = sum(dy h), db = sum(dy)
function layerNormGradient(x: Tensor, scale: Tensor, y: Tensor, dy: Tensor): readonly Gradient[] {
  const [mean, inverseStd] = [siblingOf(y, 1), siblingOf(y, 2)];
  const normalized = mul(sub(x, mean), inverseStd);
  const dNormalized = mul(dy, scale);
  const centered = sub(dNormalized, meanKeep(dNormalized));
  const projected = mul(normalized, meanKeep(mul(dNormalized, normalized)));
  return [mul(sub(centered, projected), inverseStd), mul(dy, normalized), dy];
}

// h = x / rms, y = h s  =>  dh = dy s, dx = (dh - h mean(dh h)) / rms, ds = sum(dy h)
function rmsNormGradient(x: Tensor, scale: Tensor, y: Tensor, dy: Tensor): readonly Gradient[] {
  const inverseRms = siblingOf(y, 1);
  const normalized = mul(x, inverseRms);
  const dNormalized = mul(dy, scale);
  const projected = mul(normalized, meanKeep(mul(dNormalized, normalized)));
  return [mul(sub(dNormalized, projected), inverseRms), mul(dy, normalized)];
}

// O = P V, P = softmax(S), S = a Q K^T  =>  dV = P^T dO, dP = dO V^T, dS = P (dP - rowsum(dO O)), dQ = a dS K, dK = a dS^T Q
function attentionGradient(node: NodeOf<'attention'>, o: Tensor, dO: Tensor): readonly Gradient[] {
  const {
    inputs: [q, k, v],
    attributes: { scale: alpha },
  } = node;
  const p = siblingOf(o, 1);
  const dV = matmul(p, dO, { transposeA: true });
  const dP = matmul(dO, v, { transposeB: true });
  const dS = mul(p, sub(dP, sumKeep(mul(dO, o), [-1])));
  return [matmul(dS, k, { alpha }), matmul(dS, q, { transposeA: true, alpha }), dV, undefined];
}

function inverse(permutation: readonly number[]): readonly number[] {
  return permutation.map((_, axis) => permutation.indexOf(axis));
}

function padded(dy: Tensor, { inputs: [x], attributes: { axis, start, end } }: NodeOf<'slice'>): Tensor {
  const zeros = (length: number): readonly Tensor[] =>
    length === 0 ? [] : [broadcastTo(scalar(0), x.shape.with(axis, length))];
  return concat([...zeros(start), dy, ...zeros(axisLength(x, axis) - end)], axis);
}

function splitLike(dy: Tensor, parts: readonly Tensor[], axis: number): readonly Tensor[] {
  let start = 0;
  return parts.map((part) => {
    const end = start + axisLength(part, axis);
    const piece = slice(dy, axis, start, end);
    start = end;
    return piece;
  });
}
