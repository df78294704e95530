/**
 * Rows that begin alike, as trees: each common beginning is one run of tokens, computed once. Two places of the rows are one token
 * where the rows up to and including them are equal, so that under a causal mask they hold one stream. Rows next to each other make
 * a tree; trees are rows of a batch in their turn, in which a token sees what its own rows have before it, and nothing else.
 * Invariant: what `transformerLogits` computes on the rows one by one, up to rounding.
 */
import { AssayError } from '#base/errors.ts';
import { add, mul } from '#engine/ops/elementwise.ts';
import { broadcastTo, reshape } from '#engine/ops/layout.ts';
import { input } from '#engine/ops/sources.ts';
import type { Tensor } from '#engine/tensor.ts';
import { positionsOf, type TransformerConfig } from '#learning/models/config.ts';
import type { Layers } from '#learning/nn/layers.ts';

import { attendUnder, type AttentionForm, MASKED, masksOf, selfAttention } from './attention.ts';
import { isOutside, turnRowsAt } from './fed-positions.ts';
import { decoderLogits, embed } from './transformer.ts';

/** So many pairs of a token with one that it may see take the time of a token; found at width 96. */
const PAIRS_A_TOKEN = 256;

/** How rows are laid out as trees. */
export interface TreesShape {
  /** G, a divisor of the number of rows. */
  readonly trees: number;
  /** L, tokens of a tree; rows that have fewer are filled up. */
  readonly tokens: number;
}

/** Which token stands at each place of some rows, and where each token stands first. */
export interface CommonBeginnings {
  /** Shape [B T], each in [0, U); tokens are numbered in the order in which rows, read one after another, meet them. */
  readonly tokenOf: Int32Array;
  /** Shape [U]: a place of each token. */
  readonly placeOf: Int32Array;
}

/** The common beginnings of rows. @param tokens Token ids, shape [B T], row-major. */
export function commonBeginnings(tokens: Int32Array, length: number): CommonBeginnings {
  const tokenOf = new Int32Array(tokens.length);
  const placeOf: number[] = [];
  const known = new Map<number, number>();
  const width = tokens.reduce((most, token) => Math.max(most, token), 0) + 1;
  for (let place = 0; place < tokens.length; place++) {
    // What stands before is one token by induction.
    const before = place % length === 0 ? 0 : 1 + (tokenOf[place - 1] ?? 0);
    const pair = before * width + (tokens[place] ?? 0);
    let token = known.get(pair);
    if (token === undefined) known.set(pair, (token = placeOf.push(place) - 1));
    tokenOf[place] = token;
  }
  return { tokenOf, placeOf: Int32Array.from(placeOf) };
}

/** How many tokens the largest of some trees has. */
export function tokensOfTrees(tokens: Int32Array, length: number, trees: number): number {
  return Math.max(...treesIn(tokens, length, trees).map(({ placeOf }) => placeOf.length));
}

/** The most tokens that a tree of so many of the given rows can have. */
export function mostTokens(tokens: Int32Array, length: number, rows: number): number {
  const atPlace = new Int32Array(length);
  for (const place of commonBeginnings(tokens, length).placeOf)
    atPlace[place % length] = (atPlace[place % length] ?? 0) + 1;
  return atPlace.reduce((sum, count) => sum + Math.min(rows, count), 0);
}

/** The trees of rows that take the least time: few repeat little of what rows share, many have fewer pairs. Fits all rows that share as much. */
export function treesOf(tokens: Int32Array, length: number): TreesShape {
  const rows = tokens.length / length;
  const shapes = Array.from({ length: rows }, (_, i) => i + 1)
    .filter((trees) => rows % trees === 0)
    .map((trees) => ({ trees, tokens: tokensOfTrees(tokens, length, trees) }));
  const costOf = ({ trees, tokens: own }: TreesShape): number => trees * own * (1 + own / PAIRS_A_TOKEN);
  return shapes.reduce((least, one) => (costOf(one) < costOf(least) ? one : least));
}

/**
 * Next-token logits of the tokens asked for. Inputs: tokens, positions int32 [G L]; `unseen` float32 [G, L, L].
 * @param length T, the places of a row. @param asked Which of the G L tokens, int32 [M].
 * @returns shape [M, V].
 */
export function treeLogits(
  config: TransformerConfig,
  layers: Layers,
  { trees, tokens: count }: TreesShape,
  length: number,
  asked: Tensor,
): Tensor {
  const groups = config.nHeads / config.nKvHeads;
  const mask = masksOf(config, (window) => treeMask(groups, trees, count, length, window));
  const form: AttentionForm = {
    batch: { rows: trees, length: count, packed: true },
    turn: turnRowsAt(config, trees, count, length),
    attend: (heads, layer) => attendUnder(config, heads, mask(layer)),
  };
  const embedded = embed(config, layers, form.batch, input('tokens', [trees * count], 'int32'));
  return decoderLogits(config, layers, embedded, selfAttention(config, layers, form), asked, true);
}

/** Whether `treeLogits` has the input `positions`: a model may have neither positions nor windows. */
export function readsPositions(config: TransformerConfig): boolean {
  return Array.from({ length: config.nLayers }, (_, layer) => layer).some(
    (layer) => positionsOf(config, layer).kind !== 'none' || config.layers?.[layer]?.window !== undefined,
  );
}

/** Rows of T places, some of them labelled (all where left out), and how they are laid out. */
export interface RowsAsTrees {
  readonly length: number;
  readonly labelled?: Int32Array;
  readonly trees: TreesShape;
}

/** What feeds `treeLogits`, by input name, and the tokens that are labelled, in the order of their places. */
export interface TreeFeeds {
  readonly tokens: Int32Array;
  readonly positions: Int32Array;
  readonly unseen: Float32Array;
  readonly labelled: Int32Array;
}

/** @param tokens Shape [B T]. @throws AssayError on rows that have more tokens in a tree. */
export function treeFeeds(tokens: Int32Array, { length, labelled, trees: shape }: RowsAsTrees): TreeFeeds {
  const { trees, tokens: count } = shape;
  const feeds = {
    tokens: new Int32Array(trees * count),
    positions: new Int32Array(trees * count),
    unseen: new Float32Array(trees * count * count).fill(MASKED),
  };
  // A token that no place holds sees itself.
  for (let at = 0; at < trees * count; at++) feeds.unseen[at * count + (at % count)] = 0;
  const places = tokens.length / trees;
  const held = new Int32Array(tokens.length);
  treesIn(tokens, length, trees).forEach(({ tokenOf, placeOf }, tree) => {
    if (placeOf.length > count) throw tooMany(placeOf.length, count);
    placeOf.forEach((place, token) => {
      const at = tree * count + token;
      feeds.tokens[at] = tokens[tree * places + place] ?? 0;
      feeds.positions[at] = place % length;
      for (let seen = place - (place % length); seen <= place; seen++) {
        feeds.unseen[at * count + (tokenOf[seen] ?? 0)] = 0;
      }
    });
    tokenOf.forEach((token, place) => (held[tree * places + place] = tree * count + token));
  });
  return { ...feeds, labelled: labelled?.map((place) => held[place] ?? 0) ?? held };
}

function treesIn(tokens: Int32Array, length: number, trees: number): CommonBeginnings[] {
  const places = tokens.length / trees;
  return Array.from({ length: trees }, (_, tree) =>
    commonBeginnings(tokens.subarray(tree * places, (tree + 1) * places), length),
  );
}

function tooMany(found: number, count: number): AssayError {
  return new AssayError(
    'data',
    `Trees: expected rows of at most ${count} tokens where common beginnings count once, found ${found}. Make the layout for these rows: trees: treesOf(tokens, length).`,
  );
}

/** shape [G, 1, groups L, L]: 0 where a token sees another, MASKED elsewhere and for what stands a window or more before. */
function treeMask(groups: number, trees: number, count: number, length: number, window?: number): Tensor {
  const unseen = input('unseen', [trees, count, count]);
  const mask = window === undefined ? unseen : add(unseen, mul(isOutside(trees, count, length, window), MASKED));
  const repeated = broadcastTo(reshape(mask, [trees, 1, count, count]), [trees, groups, count, count]);
  return reshape(repeated, [trees, 1, groups * count, count]);
}
