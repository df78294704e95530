/**
 * Rows put into sequences of one length: one row each and padded, or several rows packed into one.
 * Invariants: rows keep their order; a row is never split over two sequences; what was cut or dropped is counted.
 */
import { AssayError } from '#base/errors.ts';

import type { TokenRow } from './token-rows.ts';

/** 'pad': one row a sequence. 'pack': rows follow each other while they fit. */
export type Arrangement = 'pad' | 'pack';

/** Sequences of equal length; all arrays have shape [N, T], row-major. */
export interface Sequences {
  readonly count: number;
  readonly length: number;
  readonly ids: Int32Array<ArrayBuffer>;
  /** 1 where the token is learned; 0 on padding. */
  readonly lossMask: Uint8Array<ArrayBuffer>;
  /** Which row of its sequence a token belongs to, from 0; -1 on padding. Attention must not cross rows. */
  readonly segments: Int32Array<ArrayBuffer>;
  /** Place of a token in its row, from 0; 0 on padding. */
  readonly positions: Int32Array<ArrayBuffer>;
  readonly report: SequenceReport;
}

/** What became of the rows. */
export interface SequenceReport {
  readonly rows: number;
  readonly sequences: number;
  /** Tokens that are in the sequences, without padding. */
  readonly tokens: number;
  readonly learnedTokens: number;
  /** Rows longer than a sequence, cut at the end, and the tokens cut off. */
  readonly truncatedRows: number;
  readonly truncatedTokens: number;
  /** Lines of rows left out because nothing to learn was left after cutting. */
  readonly droppedLines: readonly number[];
  /** Share of the sequences that is padding, in [0, 1]. */
  readonly paddingFraction: number;
}

/**
 * Arranges rows into sequences.
 * @param length Tokens a sequence.
 * @param padId Token put where nothing stands; it is never learned.
 * @throws AssayError when no row is left.
 */
export function arrangeRows(
  rows: readonly TokenRow[],
  length: number,
  arrangement: Arrangement,
  padId: number,
): Sequences {
  if (!Number.isSafeInteger(length) || length < 2) {
    throw new AssayError('config', `Expected a sequence length of at least 2 tokens, found ${length}.`);
  }
  const kept = rows.filter(({ lossMask }) => lossMask.subarray(0, length).includes(1));
  const keptRows = new Set(kept);
  const placed = place(kept, length, arrangement);
  const count = 1 + (placed.at(-1)?.sequence ?? -1);
  if (count === 0) {
    throw new AssayError('data', `No row has anything to learn in its first ${length} tokens. Allow longer sequences.`);
  }
  const ids = new Int32Array(count * length).fill(padId);
  const lossMask = new Uint8Array(count * length);
  const segments = new Int32Array(count * length).fill(-1);
  const positions = new Int32Array(count * length);
  let tokens = 0;
  for (const { row, sequence, segment, at } of placed) {
    const size = Math.min(row.ids.length, length);
    const start = sequence * length + at;
    ids.set(row.ids.subarray(0, size), start);
    lossMask.set(row.lossMask.subarray(0, size), start);
    segments.fill(segment, start, start + size);
    for (let t = 0; t < size; t++) positions[start + t] = t;
    tokens += size;
  }
  const long = kept.filter((row) => row.ids.length > length);
  const report: SequenceReport = {
    rows: rows.length,
    sequences: count,
    tokens,
    learnedTokens: lossMask.reduce((sum, bit) => sum + bit, 0),
    truncatedRows: long.length,
    truncatedTokens: long.reduce((sum, row) => sum + row.ids.length - length, 0),
    droppedLines: rows.filter((row) => !keptRows.has(row)).map(({ line }) => line),
    paddingFraction: (count * length - tokens) / (count * length),
  };
  return { count, length, ids, lossMask, segments, positions, report };
}

interface Placed {
  readonly row: TokenRow;
  readonly sequence: number;
  readonly segment: number;
  /** First token within the sequence. */
  readonly at: number;
}

function place(rows: readonly TokenRow[], length: number, arrangement: Arrangement): Placed[] {
  let [sequence, segment, at] = [-1, 0, length];
  return rows.map((row) => {
    const size = Math.min(row.ids.length, length);
    if (arrangement === 'pad' || at + size > length) [sequence, segment, at] = [sequence + 1, 0, 0];
    const placed = { row, sequence, segment, at };
    segment++;
    at += size;
    return placed;
  });
}
