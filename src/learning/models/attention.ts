/**
 * Self-attention, in one place for every form in which a model is run: whole rows, questions with branches, prompts that are
 * kept, and single tokens after what was kept. A form says how heads are turned to their positions and what they look at;
 * all else, as the config has it for each layer, stands here.
 */
import { clamp } from '#engine/ops/comparison.ts';
import { add, mul, tanh } from '#engine/ops/elementwise.ts';
import { gather } from '#engine/ops/indexing.ts';
import { broadcastTo, concat, reshape, slice, transpose } from '#engine/ops/layout.ts';
import { matmul } from '#engine/ops/linear-algebra.ts';
import { attention, blockwiseAttention, rotary, softmax } from '#engine/ops/network.ts';
import { constant } from '#engine/ops/sources.ts';
import { axisLength, type Tensor } from '#engine/tensor.ts';
import { positionsOf, type RotaryPositions, type TransformerConfig, turnedDim } from '#learning/models/config.ts';
import { hookPoint } from '#learning/models/hook-points.ts';
import { MODULES, type BlockModules } from '#learning/models/modules.ts';
import { norm, normOfHeads } from '#learning/models/norms.ts';
import { rotaryTables } from '#learning/models/rotary-tables.ts';
import type { Layers } from '#learning/nn/layers.ts';

import type { BatchShape } from './batch-shape.ts';

/** Drops a position for good: exp(-1e30) is 0, and unlike -Infinity it makes no NaN of a row that drops all. */
export const MASKED = -1e30;

/** Queries [B, H, T, K], keys and values [B, Hkv, T, K]. */
export type Heads = readonly [q: Tensor, k: Tensor, v: Tensor];

/** What differs between the forms in which a model is run. */
export interface AttentionForm {
  /** Rows and length of what runs. */
  readonly batch: BatchShape;
  /** Turns heads [B, H, T, K] to where their tokens stand. */
  turn(x: Tensor, positions: RotaryPositions): Tensor;
  /** What a layer's queries find, [B, H, T, K] or a shape of as many values in that order. */
  attend(heads: Heads, layer: number): Tensor;
}

/** A block's self-attention: from the normed stream [N, D] to what is added to it, [N, D], or [M, D] at the tokens `asked`. */
export type SelfAttention = (layer: number, x: Tensor, asked?: Tensor) => Tensor;

/** The self-attention of a model in a form. */
export function selfAttention(config: TransformerConfig, layers: Layers, form: AttentionForm): SelfAttention {
  const { nHeads, headDim } = config;
  const { rows, length, shared } = form.batch;
  return (layer, x, asked) => {
    const names = MODULES[config.family].block(layer);
    const positions = positionsOf(config, layer);
    const [q, k, v] = plainHeads(config, layers, names, form.batch, x);
    const turned = (heads: Tensor): Tensor => (positions.kind === 'rotary' ? form.turn(heads, positions) : heads);
    const ready = (heads: Tensor, module: string): Tensor => {
      if (config.isNormedTurned === true) return normOfHeads(config, layers, module, turned(heads));
      return turned(normOfHeads(config, layers, module, heads));
    };
    const out = form.attend([ready(q, names.queryNorm), ready(k, names.keyNorm), v], layer);
    const perToken = transpose(reshape(out, [rows, nHeads, length, headDim]), [0, 2, 1, 3]);
    const places = reshape(perToken, [rows * length, nHeads * headDim]);
    const tokens = shared === undefined ? places : shared.pickUp(places);
    const z = layers.site(hookPoint(layer, 'attn.hook_z'), asked === undefined ? tokens : gather(tokens, asked));
    return layers.linear(names.attentionOut, z);
  };
}

/**
 * What queries find under a mask of the folded query groups.
 * @param mask Shape [G T, T] or [B, 1, G T, T]; 0 keeps, MASKED drops.
 * @returns shape [B, Hkv, G T, K].
 */
export function attendUnder(config: TransformerConfig, [q, k, v]: Heads, mask: Tensor): Tensor {
  const { nHeads, nKvHeads, headDim, caps } = config;
  // Grouped queries: the group joins the token axis, so keys and values are never repeated.
  const folded = reshape(q, [axisLength(q, 0), nKvHeads, (nHeads / nKvHeads) * axisLength(q, 2), headDim]);
  if (caps?.attention === undefined) return attention(folded, k, v, mask, scaleOf(config));
  const scores = matmul(folded, k, { transposeB: true, alpha: scaleOf(config) });
  return matmul(softmax(add(capped(scores, caps.attention), mask)), v);
}

/** Rows of so many tokens attend by blocks of queries: below, the products saved do not pay for the further nodes. */
const BLOCKWISE_FROM = 512;
const QUERIES_A_BLOCK = 128;

/** Whether rows are long enough to attend by blocks, and scores are left as they are. */
export function isBlockwise({ caps }: TransformerConfig, { length, packed = false }: BatchShape): boolean {
  return length >= BLOCKWISE_FROM && !packed && caps?.attention === undefined;
}

/** What queries of rows find in their past by blocks of queries, so that no T x T is ever made. @returns shape [B, H, T, K]. */
export function attendByBlocks(config: TransformerConfig, [q, k, v]: Heads, window?: number): Tensor {
  const maskOf = (start: number, end: number): Tensor =>
    causalMask(config.nHeads / config.nKvHeads, end, window, start);
  return blockwiseAttention(q, k, v, scaleOf(config), QUERIES_A_BLOCK, maskOf);
}

/** The query of one token over the keys before it and its own; the two parts are joined where they are small, in the scores. */
export function attendAfter(
  config: TransformerConfig,
  [q, k, v]: Heads,
  keys: Tensor,
  values: Tensor,
  mask: Tensor,
): Tensor {
  const [rows = 0, kvHeads = 0, capacity = 0, headDim = 0] = keys.shape;
  const folded = reshape(q, [rows, kvHeads, config.nHeads / kvHeads, headDim]);
  const scored = (those: Tensor): Tensor => {
    const scores = matmul(folded, those, { transposeB: true, alpha: scaleOf(config) });
    return config.caps?.attention === undefined ? scores : capped(scores, config.caps.attention);
  };
  const probabilities = softmax(concat([add(scored(keys), mask), scored(k)], 3));
  const past = matmul(slice(probabilities, 3, 0, capacity), values);
  return add(past, matmul(slice(probabilities, 3, capacity, capacity + 1), v));
}

/** cap tanh(x / cap). */
export function capped(x: Tensor, cap: number): Tensor {
  return mul(tanh(mul(x, 1 / cap)), cap);
}

/** Turns the beginning of each head, as much as the tables are for, and leaves the rest. @param cos, sin shape [T, K/2]. */
export function turnHeads(x: Tensor, { isInterleaved }: RotaryPositions, cos: Tensor, sin: Tensor): Tensor {
  const [turned, headDim] = [2 * axisLength(cos, 1), axisLength(x, 3)];
  if (turned === headDim) return rotary(x, cos, sin, isInterleaved);
  return concat([rotary(slice(x, 3, 0, turned), cos, sin, isInterleaved), slice(x, 3, turned, headDim)], 3);
}

/** Turns heads whose tokens stand at positions 0, 1, ... of each row. */
export function turnFromStart({ headDim }: TransformerConfig, length: number): AttentionForm['turn'] {
  const built = new Map<RotaryPositions, readonly [cos: Tensor, sin: Tensor]>();
  return (x, positions) => {
    const tables = built.get(positions) ?? constantTables(positions, headDim, length);
    built.set(positions, tables);
    return turnHeads(x, positions, ...tables);
  };
}

/** Cosines and sines of positions 0, 1, ... as constants, shape [T, K/2] each. */
export function constantTables(positions: RotaryPositions, headDim: number, length: number): readonly [Tensor, Tensor] {
  const { cos, sin } = rotaryTables(positions, headDim, length);
  const shape = [length, turnedDim(positions, headDim) / 2];
  return [constant(cos, shape), constant(sin, shape)];
}

/** A mask a window, each built once. @param build The mask of a window, of all tokens before where left out. */
export function masksOf(
  { layers }: TransformerConfig,
  build: (window: number | undefined) => Tensor,
): (layer: number) => Tensor {
  const built = new Map<number | undefined, Tensor>();
  return (layer) => {
    const window = layers?.[layer]?.window;
    const mask = built.get(window) ?? build(window);
    built.set(window, mask);
    return mask;
  };
}

/**
 * shape [G Q, T], Q = T - from: each of the G folded query groups sees its past, or the last `window` tokens of it, its own among them.
 * @param from The first query.
 */
export function causalMask(groups: number, length: number, window = length, from = 0): Tensor {
  const queries = length - from;
  const values = new Float32Array(queries * length);
  for (let query = 0; query < queries; query++) {
    const [start, own] = [query * length, query + from];
    values.fill(MASKED, start + own + 1, start + length);
    if (own >= window) values.fill(MASKED, start, start + own - window + 1);
  }
  const mask = constant(values, [1, queries, length]);
  return reshape(broadcastTo(mask, [groups, queries, length]), [groups * queries, length]);
}

function scaleOf({ attentionScale, headDim }: TransformerConfig): number {
  return attentionScale ?? 1 / Math.sqrt(headDim);
}

/** The heads of a block before they are normed one by one and turned. */
function plainHeads(
  config: TransformerConfig,
  layers: Layers,
  names: BlockModules,
  { rows, length, shared }: BatchShape,
  x: Tensor,
): Heads {
  const { nHeads, nKvHeads, headDim, qkNorm, qkvBound } = config;
  const inPlaces = (tokens: Tensor): Tensor => (shared === undefined ? tokens : shared.layOut(tokens));
  const apart = (places: Tensor, count: number): Tensor =>
    transpose(reshape(places, [rows, length, count, headDim]), [0, 2, 1, 3]);
  const bounded = (values: Tensor): Tensor => (qkvBound === undefined ? values : clamp(values, -qkvBound, qkvBound));
  const { qkv } = names;
  if (qkv.kind === 'fused') {
    return fusedHeads(config, inPlaces(bounded(layers.linear(qkv.module, x))), qkv.layout, rows, length);
  }
  const head = (module: string, count: number, own?: string): Tensor => {
    const values = layers.linear(module, x);
    const isNormed = own !== undefined && qkNorm === 'allHeads';
    return apart(inPlaces(bounded(isNormed ? norm(config, layers, own, values) : values)), count);
  };
  return [head(qkv.q, nHeads, names.queryNorm), head(qkv.k, nKvHeads, names.keyNorm), head(qkv.v, nKvHeads)];
}

/**
 * Queries, keys and values that one linear layer gives: all queries, then all keys, then all values (`stacked`), or each head's
 * query, key and value (`byHead`).
 * @param places shape [B T, (H + 2 Hkv) K].
 */
function fusedHeads(
  { nHeads, nKvHeads, headDim }: TransformerConfig,
  places: Tensor,
  layout: 'stacked' | 'byHead',
  rows: number,
  length: number,
): Heads {
  if (layout === 'stacked' && nHeads !== nKvHeads) {
    const part = (from: number, count: number): Tensor => {
      const values = slice(places, 1, from * headDim, (from + count) * headDim);
      return transpose(reshape(values, [rows, length, count, headDim]), [0, 2, 1, 3]);
    };
    return [part(0, nHeads), part(nHeads, nKvHeads), part(nHeads + nKvHeads, nKvHeads)];
  }
  const apart =
    layout === 'stacked'
      ? transpose(reshape(places, [rows, length, 3, nHeads, headDim]), [2, 0, 3, 1, 4])
      : transpose(reshape(places, [rows, length, nHeads, 3, headDim]), [3, 0, 2, 1, 4]);
  const part = (i: number): Tensor => reshape(slice(apart, 0, i, i + 1), [rows, nHeads, length, headDim]);
  return [part(0), part(1), part(2)];
}
