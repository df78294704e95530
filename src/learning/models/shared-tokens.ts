/**
 * Rows that begin alike: each common beginning is one run of tokens, computed once. A place of a row is a token that may be
 * shared with the same place of other rows; two places share one where the rows up to and including them are equal, so that
 * under a causal mask they hold one stream.
 * Invariant: laid out and picked up again, tokens are what they were; values are moved and never changed.
 */
import { AssayError } from '#base/errors.ts';
import { gather, moveRows } from '#engine/ops/indexing.ts';
import { broadcastTo, concat, reshape, slice } from '#engine/ops/layout.ts';
import { input } from '#engine/ops/sources.ts';
import { axisLength, type Tensor } from '#engine/tensor.ts';

import type { SharedTokens } from './batch-shape.ts';

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
  const known = new Map<string, number>();
  for (let place = 0; place < tokens.length; place++) {
    // What stands before is one token by induction.
    const before = place % length === 0 ? -1 : tokenOf[place - 1];
    const name = `${before} ${tokens[place]}`;
    let token = known.get(name);
    if (token === undefined) known.set(name, (token = placeOf.push(place) - 1));
    tokenOf[place] = token;
  }
  return { tokenOf, placeOf: Int32Array.from(placeOf) };
}

/** How many tokens rows have when each common beginning counts once. */
export function distinctTokens(tokens: Int32Array, length: number): number {
  return commonBeginnings(tokens, length).placeOf.length;
}

/** The sharing that a program is fed: inputs `token of` int32 [B T], `place of` and `positions` int32 [U]. */
export function fedSharing(count: number, places: number): SharedTokens {
  const tokenOf = input('token of', [places], 'int32');
  const placeOf = input('place of', [count], 'int32');
  return {
    count,
    positions: input('positions', [count], 'int32'),
    layOut: (x) => gather(x, tokenOf),
    pickUp: (x) => gather(x, placeOf),
  };
}

/** What feeds `fedSharing`, and the tokens, by input name. */
export interface SharingFeeds {
  readonly tokens: Int32Array;
  readonly 'token of': Int32Array;
  readonly 'place of': Int32Array;
  readonly positions: Int32Array;
}

/** @param count U of the program; rows of fewer tokens are filled up. @throws AssayError on rows of more. */
export function sharingFeeds(tokens: Int32Array, length: number, count: number): SharingFeeds {
  const { tokenOf, placeOf } = commonBeginnings(tokens, length);
  if (placeOf.length > count) {
    throw new AssayError(
      'data',
      `Scorer: expected rows of at most ${count} tokens where common beginnings count once, found ${placeOf.length}. Make it for these rows: distinct: distinctTokens(tokens, length).`,
    );
  }
  // What fills up is the first place again: a token that no place holds.
  const places = new Int32Array(count);
  places.set(placeOf);
  return {
    tokens: places.map((place) => tokens[place] ?? 0),
    'token of': tokenOf,
    'place of': places,
    positions: places.map((place) => place % length),
  };
}

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
