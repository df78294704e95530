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

/** Takes the tokens that are pooled, one a row: [B T, D] to [B, D]. */
export type PickTokens = (x: Tensor) => Tensor;

/**
 * Every block in order.
 * @param x shape [B T, D]. @param mask Additive, broadcast over [B, H, T, T].
 * @param pick Ends the last block, after its attention, at what is picked, since nothing looks at the rest.
 * @returns shape [B T, D], or [B, D] of what is picked.
 */
export function encoderBlocks(
  config: EncoderConfig,
  layers: Layers,
  blockOf: (layer: number) => EncoderBlockModules,
  batch: BatchShape,
  mask: Tensor,
  x: Tensor,
  pick: PickTokens = (tokens) => tokens,
): Tensor {
  let stream = x;
  for (let layer = 0; layer < config.nLayers; layer++) {
    const names = blockOf(layer);
    const normed = norm(config, layers, names.attentionNorm, stream);
    const kept = layer === config.nLayers - 1 ? pick : (tokens: Tensor): Tensor => tokens;
    const mixed = kept(selfAttention(config, layers, names, batch, mask, normed));
    const attended = add(kept(stream), layers.linear(names.attentionOut, mixed));
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

/** What each token's heads find, before they are mixed; shape [B T, D]. */
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
  return fromHeads(config, batch, out);
}
