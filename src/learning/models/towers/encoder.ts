/**
 * The blocks both towers are made of: pre-norm self-attention and a plain MLP. Activations are kept flat, [N, D] with
 * N = B T, so that every linear is one matrix product.
 */
import { add, gelu, geluTanh, mul, relu, sigmoid, silu } from '#engine/ops/elementwise.ts';
import { reshape, transpose } from '#engine/ops/layout.ts';
import { attention, layerNorm } from '#engine/ops/network.ts';
import type { Tensor } from '#engine/tensor.ts';
import type { EncoderConfig, TowerActivation } from '#learning/models/towers/config.ts';
import type { EncoderBlockModules } from '#learning/models/towers/modules.ts';
import type { BatchShape } from '#learning/models/batch-shape.ts';
import type { Layers } from '#learning/nn/layers.ts';

export const ACTIVATIONS: Readonly<Record<TowerActivation, (x: Tensor) => Tensor>> = {
  quickGelu: (x) => mul(x, sigmoid(mul(x, 1.702))),
  gelu,
  geluTanh,
  silu,
  relu,
};

/**
 * Every block in order.
 * @param x shape [B T, D]. @param mask Additive, broadcast over [B, H, T, T]. @returns shape [B T, D].
 */
export function encoderBlocks(
  config: EncoderConfig,
  layers: Layers,
  blockOf: (layer: number) => EncoderBlockModules,
  batch: BatchShape,
  mask: Tensor,
  x: Tensor,
): Tensor {
  let stream = x;
  for (let layer = 0; layer < config.nLayers; layer++) {
    const names = blockOf(layer);
    const normed = norm(config, layers, names.attentionNorm, stream);
    const attended = add(stream, selfAttention(config, layers, names, batch, mask, normed));
    const middle = layers.site(names.afterAttention, attended);
    const up = layers.linear(names.mlpUp, norm(config, layers, names.mlpNorm, middle));
    const hidden = layers.linear(names.mlpDown, ACTIVATIONS[config.activation](up));
    stream = layers.site(names.out, add(middle, hidden));
  }
  return stream;
}

/** A LayerNorm by the name of its module. */
export function norm({ epsilon }: EncoderConfig, layers: Layers, module: string, x: Tensor): Tensor {
  return layerNorm(x, layers.parameter(`${module}.weight`), layers.parameter(`${module}.bias`), epsilon);
}

/** [B T, D] as heads [B, H, T, K]. */
export function asHeads({ nHeads, dModel }: EncoderConfig, { rows, length }: BatchShape, x: Tensor): Tensor {
  return transpose(reshape(x, [rows, length, nHeads, dModel / nHeads]), [0, 2, 1, 3]);
}

/** Attention's output [B, H, T, K] as [B T, D]. */
export function fromHeads({ dModel }: EncoderConfig, { rows, length }: BatchShape, x: Tensor): Tensor {
  return reshape(transpose(x, [0, 2, 1, 3]), [rows * length, dModel]);
}

function selfAttention(
  config: EncoderConfig,
  layers: Layers,
  names: EncoderBlockModules,
  batch: BatchShape,
  mask: Tensor,
  x: Tensor,
): Tensor {
  const heads = (module: string): Tensor => asHeads(config, batch, layers.linear(module, x));
  const scale = 1 / Math.sqrt(config.dModel / config.nHeads);
  const out = attention(heads(names.q), heads(names.k), heads(names.v), mask, scale);
  return layers.linear(names.attentionOut, fromHeads(config, batch, out));
}
