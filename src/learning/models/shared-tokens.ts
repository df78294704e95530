/**
 * Rows that begin alike: each common beginning is one run of tokens, computed once. A place of a row is a token that may be
 * shared with the same place of other rows; two places share one where the rows up to and including them are equal, so that
 * under a causal mask they hold one stream.
 * Invariant: laid out and picked up again, tokens are what they were; values are moved and never changed.
 */
import { AssayError } from '#base/errors.ts';
import { gather } from '#engine/ops/indexing.ts';
import { input } from '#engine/ops/sources.ts';

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
