/**
 * Logits of answers that share their question, and of questions that share their beginning: beginning, questions and answers
 * stand one after another in a single row, every token sees what precedes it in its own segment, in that segment's parent and in
 * the parent's own, the root, and nothing else. So a question is read once, however many answers it has, what questions begin
 * with once a row, and questions of unlike lengths need no padding.
 * Invariant: what `transformerLogits` computes on each question with each answer alone, up to rounding.
 */
import { minimum } from '#engine/ops/comparison.ts';
import { add, mul, sub } from '#engine/ops/elementwise.ts';
import { broadcastTo, reshape } from '#engine/ops/layout.ts';
import { input } from '#engine/ops/sources.ts';
import type { Tensor } from '#engine/tensor.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import type { Layers } from '#learning/nn/layers.ts';

import { attendUnder, type AttentionForm, causalMask, MASKED, masksOf, selfAttention, turnHeads } from './attention.ts';
import { fedAngles, isOutside } from './fed-positions.ts';
import { decoderLogits, embed } from './transformer.ts';

/**
 * Next-token logits of one row. Inputs: tokens, positions int32 [T]; segments, parents, roots float32 [T], whole numbers.
 * @param rows Which of the T positions to give logits for, int32 [M].
 * @returns shape [M, V].
 */
export function branchedLogits(config: TransformerConfig, layers: Layers, length: number, rows: Tensor): Tensor {
  const mask = masksOf(config, (window) => branchMask(config.nHeads / config.nKvHeads, length, window));
  const form: AttentionForm = {
    batch: { rows: 1, length, packed: true },
    turn: turnAt(config, length),
    attend: (heads, layer) => attendUnder(config, heads, mask(layer)),
  };
  const embedded = embed(config, layers, form.batch, input('tokens', [length], 'int32'));
  return decoderLogits(config, layers, embedded, selfAttention(config, layers, form), rows, true);
}

/** Turns heads [1, H, T, K] by the angles of the input `positions`, each below `length`. */
function turnAt(config: TransformerConfig, length: number): AttentionForm['turn'] {
  const angles = fedAngles(config, length, length);
  return (x, positions) => turnHeads(x, positions, ...angles(positions));
}

/**
 * shape [G T, T]: MASKED times the least squared distance from the key's segment to the query's, to its parent and to its root,
 * which is 0 where the query may look; and MASKED for what comes later, or stands a window or more before.
 */
function branchMask(groups: number, length: number, window?: number): Tensor {
  const keys = reshape(input('segments', [length]), [1, length]);
  const squared = (name: string): Tensor => {
    const distance = sub(reshape(input(name, [length]), [length, 1]), keys);
    return mul(distance, distance);
  };
  const apart = mul(minimum(minimum(squared('segments'), squared('parents')), squared('roots')), MASKED);
  const seen = window === undefined ? apart : add(apart, mul(isOutside(1, length, length, window), MASKED));
  const folded = reshape(broadcastTo(reshape(seen, [1, length, length]), [groups, length, length]), [
    groups * length,
    length,
  ]);
  return add(folded, causalMask(groups, length));
}
