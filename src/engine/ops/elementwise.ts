/**
 * Elementwise primitives and the functions made of them: float32, the shape that goes in comes out; binary ones
 * broadcast as in NumPy. Gradients are the derivatives; where there is none, PyTorch's choice is taken and said.
 */
import { scalar } from '#engine/ops/sources.ts';
import { apply, broadcastShape, checkType, shapeError, type Tensor } from '#engine/tensor.ts';

/** a + b. */
export function add(a: Tensor, b: Tensor | number): Tensor {
  return binary('add', a, b);
}

/** a - b. */
export function sub(a: Tensor, b: Tensor | number): Tensor {
  return binary('sub', a, b);
}

/** a * b, elementwise. */
export function mul(a: Tensor, b: Tensor | number): Tensor {
  return binary('mul', a, b);
}

/** a / b, elementwise. */
export function div(a: Tensor, b: Tensor | number): Tensor {
  return binary('div', a, b);
}

/** e^x. */
export function exp(x: Tensor): Tensor {
  return unary('exp', x);
}

/** Natural logarithm. */
export function log(x: Tensor): Tensor {
  return unary('log', x);
}

/** Square root. Gradient at 0: infinite; `l2Norm` has one that is finite. */
export function sqrt(x: Tensor): Tensor {
  return unary('sqrt', x);
}

/** The error function. */
export function erf(x: Tensor): Tensor {
  return unary('erf', x);
}

/** Hyperbolic tangent. */
export function tanh(x: Tensor): Tensor {
  return unary('tanh', x);
}

/** 1 / (1 + e^-x). */
export function sigmoid(x: Tensor): Tensor {
  return unary('sigmoid', x);
}

/** max(x, 0). Gradient at 0: 0. */
export function relu(x: Tensor): Tensor {
  return unary('relu', x);
}

/** |x|. Gradient: sign(x), so 0 at 0. */
export function abs(x: Tensor): Tensor {
  return unary('abs', x);
}

/** -1, 0 or 1. No gradient passes: it is zero. */
export function sign(x: Tensor): Tensor {
  return unary('sign', x);
}

/** -x. */
export function negate(x: Tensor): Tensor {
  return mul(x, -1);
}

/** x^2. */
export function square(x: Tensor): Tensor {
  return mul(x, x);
}

/**
 * x^p for a fixed p; NaN for x < 0 unless p is whole. Gradient: p x^(p - 1), infinite at 0 for 0 < p < 1; zero for p = 0.
 * @throws ShapeError if p is not finite.
 */
export function power(x: Tensor, exponent: number): Tensor {
  if (!Number.isFinite(exponent)) throw shapeError(`power: exponent ${exponent}`, 'a finite number');
  checkType('power', 'float32', [x]);
  return apply('power', [x], { exponent }, x.shape);
}

/** log(1 + e^x), to 1e-7 absolutely: below x = -16 it is 0, its gradient sigmoid(x) is not. */
export function softplus(x: Tensor): Tensor {
  return unary('softplus', x);
}

/** log(sigmoid(x)), without overflow; the precision is that of `softplus`. */
export function logSigmoid(x: Tensor): Tensor {
  return negate(softplus(negate(x)));
}

/** x itself, of any element type; no gradient passes (PyTorch's `detach`, JAX's `stop_gradient`). */
export function detach(x: Tensor): Tensor {
  return apply('detach', [x], {}, x.shape, x.dtype);
}

/** Integers as float32 (exact to 2^24); no gradient passes. @param x int32. */
export function toFloat(x: Tensor): Tensor {
  checkType('toFloat', 'int32', [x]);
  return apply('toFloat', [x], {}, x.shape);
}

/** 1 where x > 0, else 0. Its gradient is zero. */
export function step(x: Tensor): Tensor {
  return unary('step', x);
}

/** x * Phi(x), with the exact Gaussian distribution function. @see Hendrycks & Gimpel 2016, arXiv:1606.08415. */
export function gelu(x: Tensor): Tensor {
  return unary('gelu', x);
}

/** The tanh approximation of GELU that GPT-2 was trained with (`gelu_new`). */
export function geluTanh(x: Tensor): Tensor {
  const inner = mul(add(x, mul(mul(mul(x, x), x), 0.044715)), Math.sqrt(2 / Math.PI));
  return mul(x, add(mul(tanh(inner), 0.5), 0.5));
}

/** x * sigmoid(x), also called swish. @see Elfwing et al. 2017, arXiv:1702.03118. */
export function silu(x: Tensor): Tensor {
  return mul(x, sigmoid(x));
}

/**
 * silu(gate) * up, the gated part of Llama's MLP, as one primitive: its gradient computes sigmoid(gate) again, so that
 * neither it nor silu(gate) is kept for the way back. @see Shazeer 2020, arXiv:2002.05202.
 */
export function swiglu(gate: Tensor, up: Tensor): Tensor {
  return binary('swiglu', gate, up);
}

/** The primitives that take one tensor and need nothing else. */
type PlainUnary =
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'erf'
  | 'tanh'
  | 'sigmoid'
  | 'gelu'
  | 'relu'
  | 'step'
  | 'abs'
  | 'sign'
  | 'softplus';

function unary(kind: PlainUnary, x: Tensor): Tensor {
  checkType(kind, 'float32', [x]);
  return apply(kind, [x], {}, x.shape);
}

function binary(kind: 'add' | 'sub' | 'mul' | 'div' | 'swiglu', a: Tensor, b: Tensor | number): Tensor {
  const right = typeof b === 'number' ? scalar(b) : b;
  checkType(kind, 'float32', [a, right]);
  return apply(kind, [a, right], {}, broadcastShape(kind, a, right));
}
