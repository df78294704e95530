/**
 * The two towers as graphs: patches to an embedding of each image, tokens to an embedding of each text.
 * Written on `Layers`, so adapters and sites (`towerSites`) reach every depth. Dropout does not exist here.
 */
import { add, div, mul, sub } from '#engine/ops/elementwise.ts';
import { gather } from '#engine/ops/indexing.ts';
import { broadcastTo, concat, reshape, slice, sum } from '#engine/ops/layout.ts';
import { linear, matmul } from '#engine/ops/linear-algebra.ts';
import { attention } from '#engine/ops/network.ts';
import { scalar } from '#engine/ops/sources.ts';
import { describe, shapeError, type Tensor } from '#engine/tensor.ts';
import type { ImageTowerConfig, TextTowerConfig } from '#learning/models/towers/config.ts';
import {
  ACTIVATIONS,
  asHeads,
  encoderBlocks,
  fromHeads,
  norm,
  type PickTokens,
} from '#learning/models/towers/encoder.ts';
import { IMAGE, TEXT } from '#learning/models/towers/modules.ts';
import { causalMask, MASKED } from '#learning/models/attention.ts';
import type { BatchShape } from '#learning/models/batch-shape.ts';
import type { Layers } from '#learning/nn/layers.ts';

/** What the image tower reads of B images of N patches. */
export interface ImageInputs {
  /** Shape [B N, C P P], as `cutPatches` makes them. */
  readonly patches: Tensor;
  /** Where the grid is resized: what each patch takes of the position table, shape [B N, rows columns]. */
  readonly placement?: Tensor;
  /** 1 for patches of the image and 0 for padding, shape [B, N]; all where left out. */
  readonly attended?: Tensor;
}

/** What the text tower reads of B texts of T tokens. */
export interface TextInputs {
  /** int32, shape [B T]. */
  readonly tokens: Tensor;
  /** Where `pooling` is `at`: the flat index (row T + place) of each text's pooled token, int32, shape [B]. */
  readonly pooledAt?: Tensor;
  /** 1 for tokens that are seen and 0 for those that are not, shape [B, T]; all where left out. */
  readonly attended?: Tensor;
}

/**
 * The embeddings of images, not of unit length.
 * @param batch B and, as its length, N: the patches an image, without the class token.
 * @returns shape [B, projection or D]. @throws ShapeError on inputs the description does not go with.
 */
export function imageTower(config: ImageTowerConfig, layers: Layers, batch: BatchShape, inputs: ImageInputs): Tensor {
  const { encoder, classToken, preNorm, projection } = config;
  const length = batch.length + Number(classToken);
  const whole = { rows: batch.rows, length };
  const mask = keyMask(batch, inputs.attended);
  if (classToken && inputs.attended !== undefined) throw shapeError('a class token with padded patches', 'no padding');
  const embedded = layers.site(IMAGE.embeddings, embedPatches(config, layers, batch, inputs));
  const normed = preNorm ? layers.site(IMAGE.normed, norm(encoder, layers, IMAGE.preNorm, embedded)) : embedded;
  const first = config.pooling === 'class' ? (x: Tensor): Tensor => tokenAt(x, whole, 0) : undefined;
  const [early, late] = pickedWhen(layers, first);
  const stream = late(encoderBlocks(encoder, layers, IMAGE.block, whole, mask, normed, early));
  const pooled = layers.site(IMAGE.pooled, poolImage(config, layers, whole, mask, inputs.attended, stream));
  return layers.site(IMAGE.projected, projection === null ? pooled : layers.linear(IMAGE.projection, pooled));
}

/**
 * The embeddings of texts, not of unit length.
 * @param batch B and T, at most the description's length. @returns shape [B, projection or D].
 * @throws ShapeError on inputs the description does not go with.
 */
export function textTower(config: TextTowerConfig, layers: Layers, batch: BatchShape, inputs: TextInputs): Tensor {
  const { encoder, causal, projection } = config;
  const { rows, length } = batch;
  const keys = keyMask(batch, inputs.attended);
  const mask = causal ? add(keys, causalMask(1, length)) : keys;
  const positions = slice(layers.parameter(TEXT.positions), 0, 0, length);
  const tokens = reshape(gather(layers.parameter(TEXT.tokens), inputs.tokens), [rows, length, encoder.dModel]);
  const placed = reshape(add(tokens, positions), [rows * length, encoder.dModel]);
  const embedded = layers.site(TEXT.embeddings, placed);
  const [early, late] = pickedWhen(layers, pooledToken(config, batch, inputs));
  const stream = late(encoderBlocks(encoder, layers, TEXT.block, batch, mask, embedded, early));
  const pooled = layers.site(TEXT.pooled, poolText(config, layers, batch, inputs, stream));
  return layers.site(TEXT.projected, projection === null ? pooled : layers.linear(TEXT.projection, pooled));
}

/** Patches with their positions, the class token first in each row; shape [B T, D]. */
function embedPatches(
  { encoder, patches, classToken }: ImageTowerConfig,
  layers: Layers,
  { rows, length }: BatchShape,
  inputs: ImageInputs,
): Tensor {
  const { dModel } = encoder;
  const table = layers.parameter(IMAGE.positions);
  const embedded = layers.linear(IMAGE.patches, inputs.patches);
  if (patches.grid === 'resized') {
    if (inputs.placement === undefined) throw shapeError('resized positions without a placement', 'one of [B N, S]');
    return add(embedded, matmul(inputs.placement, table));
  }
  const places = patches.rows * patches.columns;
  if (length !== places) throw shapeError(`patches ${describe(inputs.patches)}`, `${places} of each image`);
  const byRow = reshape(embedded, [rows, length, dModel]);
  if (!classToken) return reshape(add(byRow, table), [rows * length, dModel]);
  const first = broadcastTo(reshape(layers.parameter(IMAGE.classToken), [1, 1, dModel]), [rows, 1, dModel]);
  return reshape(add(concat([first, byRow], 1), table), [rows * (length + 1), dModel]);
}

/** @param stream shape [B, D] of the class tokens, or [B T, D] where all tokens are pooled. */
function poolImage(
  config: ImageTowerConfig,
  layers: Layers,
  batch: BatchShape,
  mask: Tensor,
  attended: Tensor | undefined,
  stream: Tensor,
): Tensor {
  const { encoder, pooling } = config;
  const normed = norm(encoder, layers, IMAGE.finalNorm, stream);
  if (pooling === 'class') return normed;
  if (pooling === 'attention') return attentionHead(config, layers, batch, mask, normed);
  const byRow = reshape(normed, [batch.rows, batch.length, encoder.dModel]);
  return meanOfAttended(slice(byRow, 1, Number(config.classToken), batch.length), attended);
}

/** SigLIP's head: a learned probe attends to the patches; then x + MLP(norm(x)). */
function attentionHead(
  { encoder }: ImageTowerConfig,
  layers: Layers,
  batch: BatchShape,
  mask: Tensor,
  stream: Tensor,
): Tensor {
  const { dModel, nHeads } = encoder;
  const { probe, qkv, out, norm: headNorm, mlpUp, mlpDown } = IMAGE.head;
  const [weight, bias] = [layers.parameter(`${qkv}_weight`), layers.parameter(`${qkv}_bias`)];
  const part = (x: Tensor, i: number): Tensor =>
    linear(x, slice(weight, 0, i * dModel, (i + 1) * dModel), slice(bias, 0, i * dModel, (i + 1) * dModel));
  const one = { rows: batch.rows, length: 1 };
  const query = broadcastTo(part(reshape(layers.parameter(probe), [1, dModel]), 0), [batch.rows, dModel]);
  const heads = [asHeads(encoder, one, query), ...[1, 2].map((i) => asHeads(encoder, batch, part(stream, i)))] as const;
  const [q, k, v] = heads;
  if (k === undefined || v === undefined) throw new Error('expected keys and values');
  const mixed = attention(q, k, v, mask, 1 / Math.sqrt(dModel / nHeads));
  const attended = layers.linear(out, fromHeads(encoder, one, mixed));
  const up = layers.linear(mlpUp, norm(encoder, layers, headNorm, attended));
  return add(attended, layers.linear(mlpDown, ACTIVATIONS[encoder.activation](up)));
}

/** How the token of each text is taken at which it is pooled; undefined where all are. */
function pooledToken(
  { pooling }: TextTowerConfig,
  batch: BatchShape,
  { pooledAt }: TextInputs,
): PickTokens | undefined {
  if (pooling === 'mean') return undefined;
  if (pooling === 'last') return (x) => tokenAt(x, batch, batch.length - 1);
  if (pooledAt === undefined) throw shapeError('text pooled at a place that is not fed', 'pooledAt, int32 [B]');
  return (x) => gather(x, pooledAt);
}

/** Picks tokens in the last block, or after it where somebody looks at the whole stream. */
function pickedWhen({ wholeStream }: Layers, pick: PickTokens | undefined): readonly [PickTokens, PickTokens] {
  const all: PickTokens = (x) => x;
  if (pick === undefined) return [all, all];
  return wholeStream === true ? [all, pick] : [pick, all];
}

/** @param stream shape [B, D] of the pooled tokens, or [B T, D] where all are. */
function poolText(
  { encoder, pooling }: TextTowerConfig,
  layers: Layers,
  batch: BatchShape,
  { attended }: TextInputs,
  stream: Tensor,
): Tensor {
  const normed = norm(encoder, layers, TEXT.finalNorm, stream);
  if (pooling !== 'mean') return normed;
  return meanOfAttended(reshape(normed, [batch.rows, batch.length, encoder.dModel]), attended);
}

/** One token of each row, [B, D]. */
function tokenAt(stream: Tensor, { rows, length }: BatchShape, place: number): Tensor {
  const width = stream.shape[1] ?? 0;
  return reshape(slice(reshape(stream, [rows, length, width]), 1, place, place + 1), [rows, width]);
}

/** The mean over the tokens of each row that are attended. @param x shape [B, T, D]. @returns shape [B, D]. */
function meanOfAttended(x: Tensor, attended: Tensor | undefined): Tensor {
  const [rows = 0, length = 0] = x.shape;
  if (attended === undefined) return mul(sum(x, [1]), 1 / length);
  const weights = reshape(attended, [rows, length, 1]);
  return div(sum(mul(x, weights), [1]), sum(weights, [1]));
}

/** Drops keys that are not attended, shape [B, 1, 1, T]; nothing where all are. */
function keyMask({ rows, length }: BatchShape, attended: Tensor | undefined): Tensor {
  if (attended === undefined) return scalar(0);
  return mul(sub(scalar(1), reshape(attended, [rows, 1, 1, length])), MASKED);
}
