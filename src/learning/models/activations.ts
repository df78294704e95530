/**
 * What an MLP makes of its hidden numbers, one by one; xIELU has two learned numbers a layer and two fixed ones.
 * @see Huang & Schlag 2024, arXiv:2411.13010 (xIELU).
 */
import { greater, minimum, where } from '#engine/ops/comparison.ts';
import { add, exp, gelu, geluTanh, mul, relu, silu, softplus, square, sub } from '#engine/ops/elementwise.ts';
import type { Tensor } from '#engine/tensor.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { MODULES } from '#learning/models/modules.ts';
import type { Layers, ParameterSpec } from '#learning/nn/layers.ts';

type Activation = TransformerConfig['activation'];

const FIXED = { gelu, geluTanh, silu, relu, reluSquared: (x: Tensor): Tensor => square(relu(x)) };

/** The curvature of xIELU at 0, and the number nearest to 0 of which it takes the exponential. */
const [BETA, EPSILON] = [0.5, -1e-6];

/** The activation. @param module Whose parameters it may have. @param x Any shape. */
export function activated({ activation }: TransformerConfig, layers: Layers, module: string, x: Tensor): Tensor {
  return activation === 'xielu' ? xielu(layers, module, x) : FIXED[activation](x);
}

/** a_p x^2 + beta x above 0, a_n (exp(min(x, eps)) - 1 - x) + beta x below; a_p = softplus(alpha_p), a_n = beta + softplus(alpha_n). */
function xielu(layers: Layers, module: string, x: Tensor): Tensor {
  const above = softplus(layers.parameter(`${module}.alpha_p`));
  const below = add(softplus(layers.parameter(`${module}.alpha_n`)), BETA);
  const grown = sub(sub(exp(minimum(x, EPSILON)), 1), x);
  return add(where(greater(x, 0), mul(square(x), above), mul(grown, below)), mul(x, BETA));
}

/** The parameters of an activation: for xIELU the softplus of alpha_p is .8 before training, and that of alpha_n .3. */
export function activationParameters(activation: Activation, module: string): readonly ParameterSpec[] {
  if (activation !== 'xielu') return [];
  const one = (name: string, start: number): ParameterSpec => ({
    name: `${module}.${name}`,
    shape: [1],
    role: 'vector',
    initial: { kind: 'constant', value: Math.log(Math.expm1(start)) },
  });
  return [one('alpha_p', 0.8), one('alpha_n', 0.8 - BETA)];
}

/** The numbers that files of a model keep beside its parameters and that nothing changes, by name. */
export function storedConstants({
  activation,
  family,
  nLayers,
}: Pick<TransformerConfig, 'activation' | 'family' | 'nLayers'>): ReadonlyMap<string, number> {
  if (activation !== 'xielu') return new Map();
  const modules = Array.from({ length: nLayers }, (_, layer) => MODULES[family].block(layer).activation);
  return new Map(
    modules.flatMap((module) => [
      [`${module}.beta`, BETA],
      [`${module}.eps`, EPSILON],
    ]),
  );
}
