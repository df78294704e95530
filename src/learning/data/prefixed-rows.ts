/**
 * Batches of rows without padding: what all rows of a training set begin with stands once, then the rest of each row.
 * Invariant: every learned token is predicted once, from the token before it in its row, and the loss of a batch is that of the
 * same rows padded, up to rounding.
 */
import type { RowsLayout } from '#learning/programs.ts';
import type { RowsBatch } from '#learning/train.ts';

import type { Sequences } from './sequences.ts';
import type { TokenRow } from './token-rows.ts';

/** A row, without padding. */
export type PlainRow = Pick<TokenRow, 'ids' | 'lossMask'>;

/** A shorter beginning costs more to lay out than it saves. */
const LEAST_PREFIX = 8;

/** The rows of sequences that hold one row each. */
export function plainRows({ count, length, ids, lossMask, segments }: Sequences): PlainRow[] {
  return Array.from({ length: count }, (_, n) => {
    const end = segments.subarray(n * length, (n + 1) * length).indexOf(-1);
    const [from, to] = [n * length, n * length + (end === -1 ? length : end)];
    return { ids: ids.subarray(from, to), lossMask: lossMask.subarray(from, to) };
  });
}

/** How many tokens all rows begin with, none of them learned; 0 where that is not worth it. Every row has a token after it. */
export function commonPrefix(rows: readonly PlainRow[]): number {
  const [first] = rows;
  if (first === undefined) return 0;
  const shortest = rows.reduce((least, { ids }) => Math.min(least, ids.length), Infinity);
  const isShared = (t: number): boolean =>
    rows.every(({ ids, lossMask }) => ids[t] === first.ids[t] && lossMask[t] === 0);
  let shared = 0;
  while (shared < shortest - 1 && isShared(shared)) shared++;
  return shared < LEAST_PREFIX ? 0 : shared;
}

/** What a batch of rows needs of a layout behind a prefix. */
export function needsOf(rows: readonly PlainRow[], prefix: number): Omit<RowsLayout, 'rows' | 'prefix'> {
  const own = rows.map(({ ids }) => ids.length - prefix);
  return {
    length: Math.max(...own) + 1,
    count: prefix + own.reduce((sum, length) => sum + length, 1),
    labels: rows.reduce((sum, { lossMask }) => sum + lossMask.reduce((all, bit) => all + bit, 0), 0),
  };
}

/**
 * A batch of rows that begin with the layout's prefix and fit it.
 * @param weight Of each learned token.
 */
export function rowsBatch(rows: readonly PlainRow[], layout: RowsLayout, weight: number): RowsBatch {
  const { prefix, length, count, labels: most } = layout;
  const [tokens, positions] = [new Int32Array(count), new Int32Array(count)];
  // What is left over on either side is the other's last, which is always left over.
  const tokenOf = new Int32Array(layout.rows * length).fill(count - prefix - 1);
  const placeOf = new Int32Array(count - prefix).fill(layout.rows * length - 1);
  const [labelled, labels, weights] = [new Int32Array(most), new Int32Array(most), new Float32Array(most)];
  let [at, label] = [prefix, 0];
  rows.forEach(({ ids, lossMask }, row) => {
    for (let t = 0; t < ids.length; t++) {
      const token = t < prefix ? t : at + t - prefix;
      tokens[token] = ids[t] ?? 0;
      positions[token] = t;
      if (t >= prefix) {
        tokenOf[row * length + t - prefix] = token - prefix;
        placeOf[token - prefix] = row * length + t - prefix;
      }
      if (lossMask[t] !== 1) continue;
      labelled[label] = t === prefix ? prefix - 1 : token - 1;
      labels[label] = ids[t] ?? 0;
      weights[label] = weight;
      label++;
    }
    at += ids.length - prefix;
  });
  return { layout, tokens, positions, tokenOf, placeOf, labelled, labels, weights };
}
