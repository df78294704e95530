/**
 * Logits of answers that share their question, and of questions that share their beginning: beginning, questions and answers
 * stand one after another in a single row, every token sees what precedes it in its own segment, in that segment's parent and in
 * the parent's own, the root, and nothing else. So a question is read once, however many answers it has, what questions begin
 * with once a row, and questions of unlike lengths need no padding.
 * Invariant: what `transformerLogits` computes on each question with each answer alone, up to rounding.
 */
import { minimum } from '#engine/ops/comparison.ts';
import { add, mul, sub } from '#engine/ops/elementwise.ts';
import { gather } from '#engine/ops/indexing.ts';
import { broadcastTo, reshape } from '#engine/ops/layout.ts';
import { rotary } from '#engine/ops/network.ts';
import { constant, input } from '#engine/ops/sources.ts';
import type { Tensor } from '#engine/tensor.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { rotaryTables } from '#learning/models/rotary-tables.ts';
import type { Layers } from '#learning/nn/layers.ts';

import {
  attentionHeads,
  attentionUnder,
  causalMask,
  decoderLogits,
  embed,
  MASKED,
  type SelfAttention,
} from './transformer.ts';

/**
 * Next-token logits of one row. Inputs: tokens, positions int32 [T]; segments, parents, roots float32 [T], whole numbers.
 * @param rows Which of the T positions to give logits for, int32 [M].
 * @returns shape [M, V].
 */
export function branchedLogits(config: TransformerConfig, layers: Layers, length: number, rows: Tensor): Tensor {
  const batch = { rows: 1, length, packed: true };
  const turn = rotationAt(config, length);
  const mask = branchMask(config.nHeads / config.nKvHeads, length);
  const attend: SelfAttention = (names, x, asked) =>
    attentionUnder(config, layers, names, batch, attentionHeads(config, layers, names, batch, x, turn), mask, asked);
  const embedded = embed(config, layers, batch, input('tokens', [length], 'int32'));
  return decoderLogits(config, layers, embedded, attend, rows, true);
}

/** Turns heads [1, H, T, K] by the angles of the input `positions`, each below `length`. */
function rotationAt({ positions, headDim }: TransformerConfig, length: number): (x: Tensor) => Tensor {
  if (positions.kind === 'learned') return (x) => x;
  const tables = rotaryTables(positions, headDim, length);
  const places = input('positions', [length], 'int32');
  const at = (table: Float32Array): Tensor => gather(constant(table, [length, headDim / 2]), places);
  return (x) => rotary(x, at(tables.cos), at(tables.sin));
}

/**
 * shape [G T, T]: MASKED times the least squared distance from the key's segment to the query's, to its parent and to its root,
 * which is 0 where the query may look; and MASKED for what comes later.
 */
function branchMask(groups: number, length: number): Tensor {
  const keys = reshape(input('segments', [length]), [1, length]);
  const squared = (name: string): Tensor => {
    const distance = sub(reshape(input(name, [length]), [length, 1]), keys);
    return mul(distance, distance);
  };
  const apart = mul(minimum(minimum(squared('segments'), squared('parents')), squared('roots')), MASKED);
  const folded = reshape(broadcastTo(reshape(apart, [1, length, length]), [groups, length, length]), [
    groups * length,
    length,
  ]);
  return add(folded, causalMask(groups, length));
}
