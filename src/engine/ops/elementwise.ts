/** Elementwise primitives (binary ones broadcast as in NumPy) and the functions made of them. */
import { scalar } from '#engine/ops/sources.ts';
import { apply, broadcastShape, type Tensor } from '#engine/tensor.ts';

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
  return apply('exp', [x], {}, x.shape);
}

/** Natural logarithm. */
export function log(x: Tensor): Tensor {
  return apply('log', [x], {}, x.shape);
}

/** Square root. */
export function sqrt(x: Tensor): Tensor {
  return apply('sqrt', [x], {}, x.shape);
}

/** The error function. */
export function erf(x: Tensor): Tensor {
  return apply('erf', [x], {}, x.shape);
}

/** Hyperbolic tangent. */
export function tanh(x: Tensor): Tensor {
  return apply('tanh', [x], {}, x.shape);
}

/** 1 / (1 + e^-x). */
export function sigmoid(x: Tensor): Tensor {
  return apply('sigmoid', [x], {}, x.shape);
}

/** max(x, 0). */
export function relu(x: Tensor): Tensor {
  return apply('relu', [x], {}, x.shape);
}

/** 1 where x > 0, else 0. Its gradient is zero. */
export function step(x: Tensor): Tensor {
  return apply('step', [x], {}, x.shape);
}

/** x * Phi(x), with the exact Gaussian distribution function. @see Hendrycks & Gimpel 2016, arXiv:1606.08415. */
export function gelu(x: Tensor): Tensor {
  return apply('gelu', [x], {}, x.shape);
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

function binary(kind: 'add' | 'sub' | 'mul' | 'div' | 'swiglu', a: Tensor, b: Tensor | number): Tensor {
  const right = typeof b === 'number' ? scalar(b) : b;
  return apply(kind, [a, right], {}, broadcastShape(kind, a, right));
}
