/**
 * Rows that all begin with the same tokens, for training: what they begin with is one run of tokens, computed once, and rows have
 * no padding. Rows that share other beginnings: `trees.ts`.
 * Invariant: laid out and picked up again, tokens are what they were; values are moved and never changed.
 */
import { moveRows } from '#engine/ops/indexing.ts';
import { broadcastTo, concat, reshape, slice } from '#engine/ops/layout.ts';
import { input } from '#engine/ops/sources.ts';
import { axisLength, type Tensor } from '#engine/tensor.ts';

import type { SharedTokens } from './batch-shape.ts';

/** The shape of rows that all begin with the same tokens and are unlike in length, for training. */
export interface PrefixedShape {
  /** B. */
  readonly rows: number;
  /** Tokens that every row begins with; 0 where rows share nothing. */
  readonly prefix: number;
  /** Places of a row after the prefix, at least one more than tokens stand there; T = prefix + length. */
  readonly length: number;
  /** Tokens, the prefix once, then those of each row without padding, and at least one that stands for nothing; U. */
  readonly count: number;
}

/**
 * Rows of unlike lengths behind a common prefix, which is computed once: inputs `token of` int32 [B length], the token after
 * the prefix that stands at each place after it, and `place of` int32 [U - prefix], the way back.
 * Invariant: places without a token and tokens without a place are each other's, so that what flows there stays there; no
 * token looks at them, under a causal mask, and they have no label: their gradient is 0.
 */
export function prefixedSharing({ rows, prefix, length, count }: PrefixedShape): SharedTokens {
  const tokenOf = input('token of', [rows * length], 'int32');
  const placeOf = input('place of', [count - prefix], 'int32');
  return {
    count,
    positions: input('positions', [count], 'int32'),
    layOut(x) {
      const width = axisLength(x, 1);
      const own = moveRows(slice(x, 0, prefix, count), tokenOf, placeOf);
      if (prefix === 0) return own;
      const before = broadcastTo(reshape(slice(x, 0, 0, prefix), [1, prefix, width]), [rows, prefix, width]);
      const places = concat([before, reshape(own, [rows, length, width])], 1);
      return reshape(places, [rows * (prefix + length), width]);
    },
    pickUp(x) {
      const width = axisLength(x, 1);
      const places = reshape(x, [rows, prefix + length, width]);
      const own = reshape(slice(places, 1, prefix, prefix + length), [rows * length, width]);
      const moved = moveRows(own, placeOf, tokenOf);
      if (prefix === 0) return moved;
      const before: Tensor = slice(slice(places, 1, 0, prefix), 0, 0, 1);
      return concat([reshape(before, [prefix, width]), moved], 0);
    },
  };
}
