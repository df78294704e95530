/**
 * Decoder transformers: pre-norm blocks of causal self-attention and an MLP, with the parts of `TransformerConfig`.
 * Parameters carry the names of Hugging Face state dicts; linear weights are [dOut, dIn] everywhere (GPT-2's files
 * keep them transposed). Activations are kept flat, [N, D] with N = B T, so that every linear is one matrix product.
 * @see Vaswani et al. 2017, arXiv:1706.03762; Radford et al. 2019 (GPT-2); Touvron et al. 2023, arXiv:2302.13971 (Llama).
 */
import { add, gelu, geluTanh, mul, silu, sub, swiglu } from '#engine/ops/elementwise.ts';
import { gather } from '#engine/ops/indexing.ts';
import { broadcastTo, reshape, slice, transpose } from '#engine/ops/layout.ts';
import { matmul } from '#engine/ops/linear-algebra.ts';
import { attention, layerNorm, rmsNorm, rotary } from '#engine/ops/network.ts';
import { constant, input } from '#engine/ops/sources.ts';
import type { Tensor } from '#engine/tensor.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { MODULES, type BlockModules } from '#learning/models/modules.ts';
import { rotaryTables } from '#learning/models/rotary-tables.ts';
import type { Layers } from '#learning/nn/layers.ts';

/** Rows and length of a batch of sequences, known when the graph is built. */
export interface BatchShape {
  readonly rows: number;
  readonly length: number;
  /**
   * Each sequence holds several rows that must not see each other, told apart by the input `segments`, float32 [B, T];
   * learned positions are those of the input `positions`, int32 [B T]. (Rotary ones only matter as differences.)
   */
  readonly packed?: boolean;
  /** Where some places of the rows hold one token in common, which is computed once; without it every place has its own. */
  readonly shared?: SharedTokens;
  /**
   * Ends the last block at the tokens that logits are asked for, since nothing looks at the others after its attention, unless
   * somebody looks at its sites. Logits have the same bits, gradients are summed in another order.
   */
  readonly endsAtAsked?: boolean;
}

/**
 * U tokens laid out in the places of B rows of T: what looks at one token alone is computed for the tokens, attention over
 * the rows. Places that hold one token in common must have the same past.
 */
export interface SharedTokens {
  /** U. */
  readonly count: number;
  /** The place of each token in its row, int32 [U], for learned positions. */
  readonly positions: Tensor;
  /** From tokens to places. @param x shape [U, D]. @returns [B T, D]. */
  layOut(x: Tensor): Tensor;
  /** From places to tokens; of places in common, any. @param x shape [B T, D]. @returns [U, D]. */
  pickUp(x: Tensor): Tensor;
}

/** Drops a position for good: exp(-1e30) is 0, and unlike -Infinity it makes no NaN of a row that drops all. */
export const MASKED = -1e30;

const ACTIVATIONS = { gelu, geluTanh, silu };

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
  const attend: SelfAttention = (names, x, asked) => selfAttention(config, layers, names, batch, x, asked);
  return decoderLogits(config, layers, embedded, attend, rows, batch.endsAtAsked);
}

/** A block's self-attention: from the normed stream [N, D] to what is added to it, [N, D], or [M, D] at the tokens `rows`. */
export type SelfAttention = (names: BlockModules, x: Tensor, rows?: Tensor) => Tensor;

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
  for (let layer = 0; layer < last; layer++) x = block(config, layers, names.block(layer), attend, x);
  x = block(config, layers, names.block(last), attend, x, early);
  const hidden = rows === undefined || early !== undefined ? x : gather(x, rows);
  const normalized = norm(config, layers, names.finalNorm, hidden);
  if (config.tied) return matmul(normalized, layers.parameter(names.tokenEmbedding), { transposeB: true });
  return layers.linear(names.head, normalized);
}

/** Token embeddings, with learned positions 0, 1, ... added in each row; shape [N, D]. */
export function embed(config: TransformerConfig, layers: Layers, batch: BatchShape, tokens: Tensor): Tensor {
  const names = MODULES[config.family];
  const embedded = gather(layers.parameter(names.tokenEmbedding), tokens);
  if (config.positions.kind === 'rotary') return embedded;
  const { rows, length, packed = false, shared } = batch;
  const all = layers.parameter(names.positionEmbedding);
  if (shared !== undefined) return add(embedded, gather(all, shared.positions));
  if (packed) return add(embedded, gather(all, input('positions', [rows * length], 'int32')));
  const table = slice(all, 0, 0, length);
  const positioned = add(reshape(embedded, [rows, length, config.dModel]), table);
  return reshape(positioned, [rows * length, config.dModel]);
}

function block(
  config: TransformerConfig,
  layers: Layers,
  names: BlockModules,
  attend: SelfAttention,
  x: Tensor,
  rows?: Tensor,
): Tensor {
  const attention = attend(names, norm(config, layers, names.attentionNorm, x), rows);
  const kept = rows === undefined ? x : gather(x, rows);
  const attended = layers.site(names.afterAttention, add(kept, attention));
  const hidden = mlp(config, layers, names, norm(config, layers, names.mlpNorm, attended));
  return layers.site(names.out, add(attended, hidden));
}

function selfAttention(
  config: TransformerConfig,
  layers: Layers,
  names: BlockModules,
  batch: BatchShape,
  x: Tensor,
  rows?: Tensor,
): Tensor {
  const heads = attentionHeads(config, layers, names, batch, x, rotationOf(config, batch.length));
  return causalAttention(config, layers, names, batch, heads, rows);
}

/** Causal self-attention over the tokens of each row, [B T, D], of heads that `attentionHeads` made. */
export function causalAttention(
  config: TransformerConfig,
  layers: Layers,
  names: BlockModules,
  batch: BatchShape,
  heads: Heads,
  asked?: Tensor,
): Tensor {
  const mask = attentionMask(batch, config.nHeads / config.nKvHeads);
  return attentionUnder(config, layers, names, batch, heads, mask, asked);
}

/**
 * Self-attention under a mask of the folded query groups, shape [G T, T] or [B, 1, G T, T]; 0 keeps, MASKED drops.
 * @param asked Which tokens to give it for, int32 [M]; all of them when left out.
 */
export function attentionUnder(
  config: TransformerConfig,
  layers: Layers,
  names: BlockModules,
  { rows, length, shared }: BatchShape,
  [q, k, v]: Heads,
  mask: Tensor,
  asked?: Tensor,
): Tensor {
  const { nHeads, nKvHeads, headDim } = config;
  const groups = nHeads / nKvHeads;
  // Grouped queries: the group joins the token axis, so keys and values are never repeated.
  const folded = reshape(q, [rows, nKvHeads, groups * length, headDim]);
  const out = attention(folded, k, v, mask, 1 / Math.sqrt(headDim));
  const perToken = transpose(reshape(out, [rows, nHeads, length, headDim]), [0, 2, 1, 3]);
  const places = reshape(perToken, [rows * length, nHeads * headDim]);
  const tokens = shared === undefined ? places : shared.pickUp(places);
  return layers.linear(names.attentionOut, asked === undefined ? tokens : gather(tokens, asked));
}

/** Queries [B, H, T, K], keys and values [B, Hkv, T, K]. */
export type Heads = readonly [q: Tensor, k: Tensor, v: Tensor];

/** The heads of a block, turned to their positions. @param turn The rotation of queries and keys, [B, H, T, K] each. */
export function attentionHeads(
  config: TransformerConfig,
  layers: Layers,
  names: BlockModules,
  batch: BatchShape,
  x: Tensor,
  turn: (x: Tensor) => Tensor,
): Heads {
  const plain = queriesKeysValues(config, layers, names, batch, x);
  const [q, k, v] = config.qkNorm ? normalizedHeads(config, layers, names, plain) : plain;
  return [turn(q), turn(k), v];
}

function queriesKeysValues(
  config: TransformerConfig,
  layers: Layers,
  names: BlockModules,
  { rows, length, shared }: BatchShape,
  x: Tensor,
): Heads {
  const { nHeads, nKvHeads, headDim } = config;
  const inPlaces = (module: string): Tensor => {
    const tokens = layers.linear(module, x);
    return shared === undefined ? tokens : shared.layOut(tokens);
  };
  if (names.qkv.kind === 'fused') {
    const fused = reshape(inPlaces(names.qkv.module), [rows, length, 3, nHeads, headDim]);
    const apart = transpose(fused, [2, 0, 3, 1, 4]);
    const part = (i: number): Tensor => reshape(slice(apart, 0, i, i + 1), [rows, nHeads, length, headDim]);
    return [part(0), part(1), part(2)];
  }
  const heads = (module: string, count: number): Tensor =>
    transpose(reshape(inPlaces(module), [rows, length, count, headDim]), [0, 2, 1, 3]);
  return [heads(names.qkv.q, nHeads), heads(names.qkv.k, nKvHeads), heads(names.qkv.v, nKvHeads)];
}

/** Turns heads whose tokens stand at positions 0, 1, ...; learned positions leave them as they are. */
export function rotationOf({ positions, headDim }: TransformerConfig, length: number): (x: Tensor) => Tensor {
  if (positions.kind === 'learned') return (x) => x;
  const { cos, sin } = rotaryTables(positions, headDim, length);
  const shape = [length, headDim / 2];
  return (x) => rotary(x, constant(cos, shape), constant(sin, shape));
}

function normalizedHeads(config: TransformerConfig, layers: Layers, names: BlockModules, [q, k, v]: Heads): Heads {
  const normed = (x: Tensor, module: string): Tensor =>
    rmsNorm(x, layers.parameter(`${module}.weight`), config.norm.epsilon);
  return [normed(q, names.queryNorm), normed(k, names.keyNorm), v];
}

function mlp(config: TransformerConfig, layers: Layers, names: BlockModules, x: Tensor): Tensor {
  const activate = ACTIVATIONS[config.activation];
  const up = layers.linear(names.mlpUp, x);
  if (config.mlp === 'gated' && config.activation === 'silu') {
    return layers.linear(names.mlpDown, swiglu(layers.linear(names.mlpGate, x), up));
  }
  const hidden = config.mlp === 'gated' ? mul(activate(layers.linear(names.mlpGate, x)), up) : activate(up);
  return layers.linear(names.mlpDown, hidden);
}

function norm(config: TransformerConfig, layers: Layers, module: string, x: Tensor): Tensor {
  const scale = layers.parameter(`${module}.weight`);
  if (config.norm.kind === 'rmsNorm') return rmsNorm(x, scale, config.norm.epsilon);
  return layerNorm(x, scale, layers.parameter(`${module}.bias`), config.norm.epsilon);
}

/** shape [G T, T], or [B, 1, G T, T] where rows are packed: -1e30 times the squared distance of two segments keeps them apart. */
function attentionMask({ rows, length, packed = false }: BatchShape, groups: number): Tensor {
  const causal = causalMask(groups, length);
  if (!packed) return causal;
  const segments = input('segments', [rows, length]);
  const distance = sub(reshape(segments, [rows, 1, 1, length, 1]), reshape(segments, [rows, 1, 1, 1, length]));
  const apart = broadcastTo(mul(mul(distance, distance), MASKED), [rows, 1, groups, length, length]);
  return add(reshape(apart, [rows, 1, groups * length, length]), causal);
}

/** shape [G T, T]: each of the G folded query groups sees its past. */
export function causalMask(groups: number, length: number): Tensor {
  const values = new Float32Array(length * length);
  for (let row = 0; row < length; row++) values.fill(MASKED, row * length + row + 1, (row + 1) * length);
  const mask = constant(values, [1, length, length]);
  return reshape(broadcastTo(mask, [groups, length, length]), [groups * length, length]);
}
