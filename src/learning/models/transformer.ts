/**
 * Decoder transformers: blocks of causal self-attention (`attention.ts`) and an MLP around a residual stream, with the parts of
 * `TransformerConfig`. Parameters carry the names of Hugging Face state dicts; linear weights are [dOut, dIn] everywhere (GPT-2's
 * files keep them transposed). Activations are kept flat, [N, D] with N = B T, so that every linear is one matrix product.
 * @see Vaswani et al. 2017, arXiv:1706.03762; Radford et al. 2019 (GPT-2); Touvron et al. 2023, arXiv:2302.13971 (Llama).
 */
import { add, div, mul, sigmoid, sub, swiglu } from '#engine/ops/elementwise.ts';
import { gather, scatterAlong, topK } from '#engine/ops/indexing.ts';
import { broadcastTo, reshape, slice, sumKeep } from '#engine/ops/layout.ts';
import { matmul } from '#engine/ops/linear-algebra.ts';
import { softmax } from '#engine/ops/network.ts';
import { input } from '#engine/ops/sources.ts';
import { axisLength, type Tensor } from '#engine/tensor.ts';
import { activated } from '#learning/models/activations.ts';
import { type Experts, expertsOf, type TransformerConfig } from '#learning/models/config.ts';
import type { BatchShape } from '#learning/models/batch-shape.ts';
import { hookPoint } from '#learning/models/hook-points.ts';
import { type BlockModules, expertModulesOf, MODULES } from '#learning/models/modules.ts';
import { norm } from '#learning/models/norms.ts';
import type { Layers } from '#learning/nn/layers.ts';

import {
  attendByBlocks,
  attendUnder,
  type AttentionForm,
  capped,
  causalMask,
  isBlockwise,
  MASKED,
  masksOf,
  selfAttention,
  type SelfAttention,
  turnFromStart,
} from './attention.ts';
import { turnRowsAt } from './fed-positions.ts';

/**
 * Next-token logits.
 * @param tokens int32, shape [N], N = B T, row-major; N = U where places share tokens.
 * @param rows Which of the N tokens to give logits for, int32 [M]; all of them when left out.
 * @returns shape [N, V] or [M, V].
 */
export function transformerLogits(
  config: TransformerConfig,
  layers: Layers,
  batch: BatchShape,
  tokens: Tensor,
  rows?: Tensor,
): Tensor {
  const embedded = embed(config, layers, batch, tokens);
  const attend = selfAttention(config, layers, wholeRows(config, batch));
  return decoderLogits(config, layers, embedded, attend, rows, batch.endsAtAsked);
}

/** Whether a program of packed rows has the input `positions`: rotations alone tell distances, unless norms come after them. */
export function readsPackedPositions({ positions, isNormedTurned }: TransformerConfig): boolean {
  return positions.kind === 'learned' || isNormedTurned === true;
}

/** Rows from their first token on, each of which sees its past. */
export function wholeRows(config: TransformerConfig, batch: BatchShape): AttentionForm {
  const mask = masksOf(config, (window) => attentionMask(batch, config.nHeads / config.nKvHeads, window));
  return {
    batch,
    turn:
      batch.packed === true && readsPackedPositions(config)
        ? turnRowsAt(config, batch.rows, batch.length, batch.length)
        : turnFromStart(config, batch.length),
    attend: (heads, layer) =>
      isBlockwise(config, batch)
        ? attendByBlocks(config, heads, config.layers?.[layer]?.window)
        : attendUnder(config, heads, mask(layer)),
  };
}

/**
 * Logits of embedded tokens [N, D], whatever the self-attention looks at.
 * @param rows As in `transformerLogits`. @param endsAtAsked As in `BatchShape`.
 */
export function decoderLogits(
  config: TransformerConfig,
  layers: Layers,
  embedded: Tensor,
  attend: SelfAttention,
  rows?: Tensor,
  endsAtAsked = false,
): Tensor {
  const names = MODULES[config.family];
  let x = layers.site(names.embeddings, embedded);
  const last = config.nLayers - 1;
  const early = endsAtAsked && layers.wholeStream !== true ? rows : undefined;
  for (let layer = 0; layer < last; layer++) x = block(config, layers, layer, attend, x);
  x = block(config, layers, last, attend, x, early);
  const hidden = rows === undefined || early !== undefined ? x : gather(x, rows);
  return head(config, layers, norm(config, layers, names.finalNorm, hidden));
}

/** Logits of the normed stream, shape [M, V]. */
function head(config: TransformerConfig, layers: Layers, x: Tensor): Tensor {
  const names = MODULES[config.family];
  const logits = config.tied
    ? matmul(x, layers.parameter(names.tokenEmbedding), { transposeB: true })
    : layers.linear(names.head, x);
  const biased =
    config.tied && config.biases.head === true ? add(logits, layers.parameter(`${names.head}.bias`)) : logits;
  const scaled = times(biased, config.multipliers?.logits);
  return config.caps?.logits === undefined ? scaled : capped(scaled, config.caps.logits);
}

/** Token embeddings, with learned positions 0, 1, ... added in each row; shape [N, D]. */
export function embed(config: TransformerConfig, layers: Layers, batch: BatchShape, tokens: Tensor): Tensor {
  const embedded = embeddedTokens(config, layers, tokens);
  if (config.positions.kind === 'rotary') return embedded;
  const { rows, length, packed = false, shared } = batch;
  const all = positionTable(config, layers);
  if (shared !== undefined) return add(embedded, gather(all, shared.positions));
  if (packed) return add(embedded, gather(all, input('positions', [rows * length], 'int32')));
  const table = slice(all, 0, 0, length);
  const positioned = add(reshape(embedded, [rows, length, config.dModel]), table);
  return reshape(positioned, [rows * length, config.dModel]);
}

/** Learned positions from the first on, shape [length, D]. */
export function positionTable({ family, positions }: TransformerConfig, layers: Layers): Tensor {
  const all = layers.parameter(MODULES[family].positionEmbedding);
  const offset = positions.kind === 'learned' ? (positions.offset ?? 0) : 0;
  return offset === 0 ? all : slice(all, 0, offset, axisLength(all, 0));
}

/** Embeddings of tokens, wherever they stand; shape [N, D]. */
export function embeddedTokens(config: TransformerConfig, layers: Layers, tokens: Tensor): Tensor {
  const embedded = gather(layers.parameter(MODULES[config.family].tokenEmbedding), tokens);
  return times(embedded, config.multipliers?.embedding);
}

function block(
  config: TransformerConfig,
  layers: Layers,
  layer: number,
  attend: SelfAttention,
  x: Tensor,
  rows?: Tensor,
): Tensor {
  const names = MODULES[config.family].block(layer);
  const { normPlacement = 'pre', residual = 'serial' } = config;
  const before = (module: string, stream: Tensor): Tensor =>
    normPlacement === 'post' ? stream : norm(config, layers, module, stream);
  const added = (of: 'hook_attn_out' | 'hook_mlp_out', module: string, part: Tensor): Tensor => {
    const normedPart = normPlacement === 'pre' ? part : norm(config, layers, module, part);
    return layers.site(hookPoint(layer, of), times(normedPart, config.multipliers?.residual));
  };
  const at = (stream: Tensor): Tensor => (rows === undefined ? stream : gather(stream, rows));
  const normed = before(names.attentionNorm, x);
  const kept = at(x);
  const attention = added('hook_attn_out', names.attentionPostNorm, attend(layer, normed, rows));
  const attended = layers.site(names.afterAttention, add(kept, attention));
  const seen =
    residual === 'parallelOneNorm' ? at(normed) : before(names.mlpNorm, residual === 'serial' ? attended : kept);
  const written = added('hook_mlp_out', names.mlpPostNorm, feedForward(config, layers, layer, seen));
  return layers.site(names.out, add(attended, written));
}

function feedForward(config: TransformerConfig, layers: Layers, layer: number, x: Tensor): Tensor {
  const names = MODULES[config.family].block(layer);
  const experts = expertsOf(config, layer);
  if (experts !== undefined) return mixture(config, layers, names, experts, x);
  const hidden = layers.site(hookPoint(layer, 'mlp.hook_post'), mlpHidden(config, layers, names, x));
  return layers.linear(names.mlpDown, hidden);
}

/**
 * Every expert at every token, each weighted by the router and by 0 where it was not chosen: programs have fixed shapes, and which
 * tokens an expert gets is known while they run (ADR 0187).
 */
function mixture(
  config: TransformerConfig,
  layers: Layers,
  names: BlockModules,
  { count, perToken, isNormed, sharedHidden }: Experts,
  x: Tensor,
): Tensor {
  const { router, expert, shared, sharedGate } = expertModulesOf(names);
  const { values, indices } = topK(softmax(layers.linear(router, x)), perToken);
  const weights = scatterAlong(isNormed ? div(values, sumKeep(values, [1])) : values, indices, count);
  const outOf = ({ gate, up, down }: typeof shared): Tensor =>
    layers.linear(down, gated(config, layers, names, layers.linear(gate, x), layers.linear(up, x)));
  const parts = Array.from({ length: count }, (_, index) =>
    mul(outOf(expert(index)), slice(weights, 1, index, index + 1)),
  );
  const routed = parts.reduce((total, part) => add(total, part));
  return sharedHidden === undefined ? routed : add(routed, mul(outOf(shared), sigmoid(layers.linear(sharedGate, x))));
}

/** What the MLP's last matrix reads. */
function mlpHidden(config: TransformerConfig, layers: Layers, names: BlockModules, x: Tensor): Tensor {
  if (config.mlp === 'plain') return activated(config, layers, names.activation, layers.linear(names.mlpUp, x));
  return gated(config, layers, names, ...gateAndUp(layers, names, x));
}

function gated(config: TransformerConfig, layers: Layers, names: BlockModules, gate: Tensor, up: Tensor): Tensor {
  return config.activation === 'silu' ? swiglu(gate, up) : mul(activated(config, layers, names.activation, gate), up);
}

function gateAndUp(layers: Layers, names: BlockModules, x: Tensor): readonly [gate: Tensor, up: Tensor] {
  if (names.mlpGate !== names.mlpUp) {
    const up = layers.linear(names.mlpUp, x);
    return [layers.linear(names.mlpGate, x), up];
  }
  const both = layers.linear(names.mlpUp, x);
  const half = axisLength(both, 1) / 2;
  return [slice(both, 1, 0, half), slice(both, 1, half, 2 * half)];
}

function times(x: Tensor, factor = 1): Tensor {
  return factor === 1 ? x : mul(x, factor);
}

/** shape [G T, T], or [B, 1, G T, T] where rows are packed: -1e30 times the squared distance of two segments keeps them apart. */
function attentionMask({ rows, length, packed = false }: BatchShape, groups: number, window?: number): Tensor {
  const causal = causalMask(groups, length, window);
  if (!packed) return causal;
  const segments = input('segments', [rows, length]);
  const distance = sub(reshape(segments, [rows, 1, 1, length, 1]), reshape(segments, [rows, 1, 1, 1, length]));
  const apart = broadcastTo(mul(mul(distance, distance), MASKED), [rows, 1, groups, length, length]);
  return add(reshape(apart, [rows, 1, groups * length, length]), causal);
}
