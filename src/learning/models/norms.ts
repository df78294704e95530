/** The norms of a model's stream, of its queries and keys, and their parameters: one kind for the whole model. */
import { add, mul } from '#engine/ops/elementwise.ts';
import { concat, reshape } from '#engine/ops/layout.ts';
import { layerNorm, rmsNorm } from '#engine/ops/network.ts';
import { constant } from '#engine/ops/sources.ts';
import { axisLength, type Shape, type Tensor } from '#engine/tensor.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import type { Layers, ParameterSpec } from '#learning/nn/layers.ts';

type Norm = TransformerConfig['norm'];

/** The norm of a module over the last axis. @param x shape [..., D]. */
export function norm(
  { norm: own }: Pick<TransformerConfig, 'norm'>,
  layers: Layers,
  module: string,
  x: Tensor,
): Tensor {
  const { scale, bias } = partsOf(own);
  return normed(
    own,
    x,
    scale ? scaleOf(own, layers, module) : undefined,
    bias ? layers.parameter(`${module}.bias`) : undefined,
  );
}

/** Queries or keys, normed head by head where the config has that. @param x shape [B, H, T, K]. */
export function normOfHeads(config: TransformerConfig, layers: Layers, module: string, x: Tensor): Tensor {
  const { norm: own, qkNorm } = config;
  if (qkNorm === 'eachHead') return normOfEachHead(own, x, scaleOf(own, layers, module));
  if (qkNorm === 'headByHead') {
    const scales = headModules(module, axisLength(x, 1)).map((head) => scaleOf(own, layers, head));
    return normOfEachHead(own, x, concat(scales, 0));
  }
  return qkNorm === true ? norm(config, layers, module, x) : x;
}

/** A norm in which each head has a scale of its own and no bias. @param scale Of all heads, H K numbers. */
function normOfEachHead(own: Norm, x: Tensor, scale: Tensor): Tensor {
  const [heads, width] = [axisLength(x, 1), axisLength(x, 3)];
  return mul(normed(own, x), reshape(scale, [1, heads, 1, width]));
}

/** The modules of norms that each head has for itself. */
export function headModules(module: string, heads: number): readonly string[] {
  return Array.from({ length: heads }, (_, head) => `${module}.norms.${head}`);
}

/** The parameters of `norm`, or of heads that have a scale each for a shape [H, K]. */
export function normParameters(own: Norm, module: string, shape: Shape): readonly ParameterSpec[] {
  const { scale, bias } = shape.length > 1 ? { scale: true, bias: false } : partsOf(own);
  const vector = (name: string, kind: 'zeros' | 'ones'): ParameterSpec => ({
    name: `${module}.${name}`,
    shape,
    role: 'vector',
    initial: { kind },
  });
  return [
    ...(scale ? [vector('weight', own.plusOne === true ? 'zeros' : 'ones')] : []),
    ...(bias ? [vector('bias', 'zeros')] : []),
  ];
}

function normed({ kind, epsilon }: Norm, x: Tensor, scale?: Tensor, bias?: Tensor): Tensor {
  const width = axisLength(x, -1);
  const fixed = (value: number): Tensor => constant(new Float32Array(width).fill(value), [width]);
  if (kind === 'rmsNorm') return rmsNorm(x, scale ?? fixed(1), epsilon);
  return layerNorm(x, scale ?? fixed(1), bias ?? fixed(0), epsilon);
}

function scaleOf({ plusOne }: Norm, layers: Layers, module: string): Tensor {
  const weight = layers.parameter(`${module}.weight`);
  return plusOne === true ? add(weight, 1) : weight;
}

/** What a norm has: by default a LayerNorm scale and bias, an RMSNorm a scale. */
function partsOf({ kind, parts }: Norm): { readonly scale: boolean; readonly bias: boolean } {
  return { scale: parts !== 'none', bias: kind === 'layerNorm' && parts === undefined };
}
