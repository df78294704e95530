/**
 * The two graphs of generation. `prefillGraph` reads a prompt and gives every layer's keys and values; `decodeGraph`
 * reads one further token a row against such keys and values, and gives that token's own for the caller to keep.
 * Invariant: both compute what `transformerLogits` computes on the whole sequence, up to rounding.
 */
import { add } from '#engine/ops/elementwise.ts';
import { gather } from '#engine/ops/indexing.ts';
import { concat, reshape, slice, transpose } from '#engine/ops/layout.ts';
import { matmul } from '#engine/ops/linear-algebra.ts';
import { rotary, softmax } from '#engine/ops/network.ts';
import { input } from '#engine/ops/sources.ts';
import type { Tensor } from '#engine/tensor.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { MODULES } from '#learning/models/modules.ts';
import type { Layers } from '#learning/nn/layers.ts';

import {
  attentionHeads,
  causalAttention,
  decoderLogits,
  embed,
  type Heads,
  rotationOf,
  type SelfAttention,
} from './transformer.ts';

/** A graph's logits, and the keys and values of the tokens it read, by layer. */
export interface CachedGraph {
  /** Next-token logits, shape [B, V]. */
  readonly logits: Tensor;
  /** Shape [B, Hkv, T, K] each. */
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
}

/** The name of the input that holds the keys (values) of the tokens before, shape [B, Hkv, S, K]. */
export function cachedInput(of: 'keys' | 'values', layer: number): string {
  return `cached ${of} ${layer}`;
}

/** One row of `length` tokens from position 0. Inputs: tokens int32 [T]; last int32 [1], the token to continue. */
export function prefillGraph(config: TransformerConfig, layers: Layers, length: number): CachedGraph {
  const batch = { rows: 1, length };
  const turn = rotationOf(config, length);
  const kept = keeper();
  const attend: SelfAttention = (names, x) =>
    causalAttention(config, layers, names, batch, kept.keep(attentionHeads(config, layers, names, batch, x, turn)));
  const embedded = embed(config, layers, batch, input('tokens', [length], 'int32'));
  return { logits: decoderLogits(config, layers, embedded, attend, input('last', [1], 'int32')), ...kept };
}

/**
 * One token a row, each at a position of its own, after the tokens whose keys and values are fed.
 * Inputs: tokens int32 [B]; mask [B, 1, 1, S], 0 at the tokens before and MASKED elsewhere; cached keys and values; for
 * learned positions, positions int32 [B]; for rotary ones, cos and sin [B, K/2] of each row's angle.
 */
export function decodeGraph(config: TransformerConfig, layers: Layers, rows: number, capacity: number): CachedGraph {
  const batch = { rows, length: 1 };
  const { nHeads, nKvHeads, headDim } = config;
  const turn = rowRotation(config, rows);
  const mask = input('mask', [rows, 1, 1, capacity]);
  const kept = keeper();
  const attend: SelfAttention = (names, x) => {
    const layer = kept.keys.length;
    const before = (of: 'keys' | 'values'): Tensor =>
      input(cachedInput(of, layer), [rows, nKvHeads, capacity, headDim]);
    const heads = kept.keep(attentionHeads(config, layers, names, batch, x, turn));
    const out = attentionAfter(heads, before('keys'), before('values'), mask, 1 / Math.sqrt(headDim));
    return layers.linear(names.attentionOut, reshape(out, [rows, nHeads * headDim]));
  };
  const embedded = embedAt(config, layers, input('tokens', [rows], 'int32'));
  return { logits: decoderLogits(config, layers, embedded, attend), ...kept };
}

/** Collects the keys and values of layer after layer. */
function keeper(): { readonly keys: Tensor[]; readonly values: Tensor[]; keep(heads: Heads): Heads } {
  const [keys, values]: [Tensor[], Tensor[]] = [[], []];
  return {
    keys,
    values,
    keep: (heads) => {
      keys.push(heads[1]);
      values.push(heads[2]);
      return heads;
    },
  };
}

/** The query of one token over the keys before it and its own; the two parts are joined where they are small, in the scores. */
function attentionAfter([q, k, v]: Heads, keys: Tensor, values: Tensor, mask: Tensor, scale: number): Tensor {
  const [rows = 0, kvHeads = 0, capacity = 0, headDim = 0] = keys.shape;
  const groups = (q.shape[1] ?? 0) / kvHeads;
  const folded = reshape(q, [rows, kvHeads, groups, headDim]);
  const options = { transposeB: true, alpha: scale };
  const scores = concat([add(matmul(folded, keys, options), mask), matmul(folded, k, options)], 3);
  const probabilities = softmax(scores);
  const past = matmul(slice(probabilities, 3, 0, capacity), values);
  return add(past, matmul(slice(probabilities, 3, capacity, capacity + 1), v));
}

/** Turns the heads of one token a row by that row's angle: the rows stand where tokens do. */
function rowRotation({ positions, headDim }: TransformerConfig, rows: number): (x: Tensor) => Tensor {
  if (positions.kind === 'learned') return (x) => x;
  const [cos, sin] = [input('cos', [rows, headDim / 2]), input('sin', [rows, headDim / 2])];
  const swapped = [2, 1, 0, 3];
  return (x) => transpose(rotary(transpose(x, swapped), cos, sin), swapped);
}

function embedAt(config: TransformerConfig, layers: Layers, tokens: Tensor): Tensor {
  const names = MODULES[config.family];
  const embedded = gather(layers.parameter(names.tokenEmbedding), tokens);
  if (config.positions.kind === 'rotary') return embedded;
  return add(embedded, gather(layers.parameter(names.positionEmbedding), input('positions', tokens.shape, 'int32')));
}
