/** How sequences stand in a batch, known when a graph is built. */
import type { Tensor } from '#engine/tensor.ts';

/** Rows and length of a batch of sequences, known when the graph is built. */
export interface BatchShape {
  readonly rows: number;
  readonly length: number;
  /**
   * Each sequence holds several rows that must not see each other, told apart by the input `segments`, float32 [B, T];
   * learned positions are those of the input `positions`, int32 [B T]. (Rotary ones only matter as differences, unless heads are normed after the rotation.)
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
