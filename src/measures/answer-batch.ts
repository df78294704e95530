/**
 * Batches of one static shape from rows of tokens: which positions carry a label, what it is, and its weight.
 * Invariant: position t predicts token t + 1, so its weight is that token's loss mask; padding weighs nothing, and under
 * a causal mask it changes nothing before it.
 */
import type { Sequences } from '#learning/data/sequences.ts';
import type { BatchLayout } from '#learning/programs.ts';
import type { Batch } from '#learning/train.ts';

/** A batch's shape, with only the positions at which some row has an answer token to predict. */
export interface AnswerLayout extends BatchLayout {
  /** Positions within a row, ascending, shape [C]; every row of the batch has labels there. */
  readonly columns: Int32Array;
  /** Shape [rows C], row-major: the columns in each row of the batch. */
  readonly labelled: Int32Array;
}

/** The layout that fits all of some sequences, in batches of `rows`. */
export function answerLayout({ count, length, lossMask }: Sequences, rows: number): AnswerLayout {
  const isLearned = (t: number): boolean => {
    for (let n = 0; n < count; n++) if (lossMask[n * length + t + 1] === 1) return true;
    return false;
  };
  const columns = Int32Array.from({ length: length - 1 }, (_, t) => t).filter(isLearned);
  const labelled = Int32Array.from({ length: rows * columns.length }, (_, i) => {
    const row = Math.floor(i / columns.length);
    return row * length + (columns[i % columns.length] ?? 0);
  });
  return { rows, length, columns, labelled };
}

/**
 * A batch of chosen sequences.
 * @param chosen Indices of sequences, shape [rows].
 * @param weight Of each answer token; other positions weigh 0.
 */
export function answerBatch(
  sequences: Sequences,
  { columns, labelled, packed = false }: AnswerLayout,
  chosen: Int32Array,
  weight: number,
): Batch {
  const { ids, lossMask, length } = sequences;
  const tokens = new Int32Array(chosen.length * length);
  const [segments, positions] = [new Int32Array(tokens.length), new Int32Array(tokens.length)];
  const labels = new Int32Array(labelled.length);
  const weights = new Float32Array(labelled.length);
  chosen.forEach((sequence, row) => {
    const start = sequence * length;
    tokens.set(ids.subarray(start, start + length), row * length);
    segments.set(sequences.segments.subarray(start, start + length), row * length);
    positions.set(sequences.positions.subarray(start, start + length), row * length);
    columns.forEach((t, c) => {
      const isAnswer = lossMask[start + t + 1] === 1;
      labels[row * columns.length + c] = isAnswer ? (ids[start + t + 1] ?? 0) : 0;
      weights[row * columns.length + c] = isAnswer ? weight : 0;
    });
  });
  return { tokens, labels, weights, ...(packed ? { segments, positions } : {}) };
}

/** How many answer tokens some sequences have. */
export function answerTokens({ lossMask, length }: Sequences, chosen: Iterable<number>): number {
  let tokens = 0;
  for (const n of chosen) {
    for (const bit of lossMask.subarray(n * length, (n + 1) * length)) tokens += bit;
  }
  return tokens;
}
