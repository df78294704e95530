import assert from 'node:assert/strict';
import { test } from 'node:test';

import { arrangeRows } from '#learning/data/sequences.ts';
import type { TokenRow } from '#learning/data/token-rows.ts';

import { answerRows, questionsOf, usualShape } from './answer-rows.ts';

const SHAPE = { length: 16, labels: 8 };

/** A row whose tokens from `learnedFrom` on are learned. */
function rowOf(ids: readonly number[], learnedFrom: number): TokenRow {
  return { line: 1, ids: Int32Array.from(ids), lossMask: Uint8Array.from(ids, (_, t) => Number(t >= learnedFrom)) };
}

function paddedTo(length: number, rows: readonly TokenRow[]): ReturnType<typeof arrangeRows> {
  return arrangeRows(rows, length, 'pad', 0);
}

test('a question is laid down once, then its answers, each at the place it has behind the question', () => {
  const sequences = paddedTo(8, [rowOf([5, 6, 7, 1, 2], 3), rowOf([5, 6, 7, 1], 3)]);
  const [part] = answerRows(questionsOf(sequences, [2]), SHAPE);
  const [row] = part?.rows ?? [];
  assert.deepEqual([...(row?.tokens.subarray(0, 7) ?? [])], [5, 6, 7, 1, 2, 1, 0]);
  assert.deepEqual([...(row?.positions.subarray(0, 6) ?? [])], [0, 1, 2, 3, 4, 3]);
  assert.deepEqual([...(row?.segments.subarray(0, 7) ?? [])], [1, 1, 1, 2, 2, 3, 0]);
  assert.deepEqual([...(row?.parents.subarray(0, 7) ?? [])], [1, 1, 1, 1, 1, 1, 0]);
  // Both first tokens are predicted by the question's last.
  assert.deepEqual([...(row?.labelled.subarray(0, 3) ?? [])], [2, 3, 2]);
  assert.deepEqual([...(row?.labels.subarray(0, 3) ?? [])], [1, 2, 1]);
  assert.deepEqual([...(row?.sequences ?? [])], [0, 0, 1]);
});

test('what answers have in common before the first learned token of any belongs to the question, and no more', () => {
  const sequences = paddedTo(8, [rowOf([5, 6, 7, 7], 3), rowOf([5, 6, 7, 8], 2)]);
  const [row] = answerRows(questionsOf(sequences, [2]), SHAPE)[0]?.rows ?? [];
  assert.deepEqual([...(row?.segments.subarray(0, 7) ?? [])], [1, 1, 2, 2, 3, 3, 0]);
  assert.deepEqual([...(row?.labelled.subarray(0, 3) ?? [])], [2, 1, 4]);
});

test('what all questions begin with is laid down once a row, and every question and answer looks back to it', () => {
  const begun = (own: readonly number[], learnedFrom: number): TokenRow =>
    rowOf([1, 2, 3, 4, 5, 6, 7, 8, ...own], 8 + learnedFrom);
  const sequences = paddedTo(16, [begun([20, 30], 1), begun([20, 31], 1), begun([21, 22, 32], 2)]);
  const [row, none] = answerRows(questionsOf(sequences, [2, 1]), { length: 16, labels: 8 })[0]?.rows ?? [];
  assert.equal(none, undefined);
  const of = (values: Int32Array | undefined): readonly number[] => [...(values?.subarray(7, 15) ?? [])];
  // The last token of the beginning stands before those of the questions.
  assert.deepEqual(of(row?.tokens), [8, 20, 30, 31, 21, 22, 32, 0]);
  assert.deepEqual(of(row?.positions), [7, 8, 9, 9, 8, 9, 10, 0]);
  assert.deepEqual(of(row?.segments), [1, 2, 3, 4, 5, 5, 6, 0]);
  assert.deepEqual(of(row?.parents), [1, 1, 2, 2, 1, 1, 5, 0]);
  assert.deepEqual(of(row?.roots), [1, 1, 1, 1, 1, 1, 1, 0]);
  assert.deepEqual([...(row?.labelled.subarray(0, 3) ?? [])], [8, 8, 12]);
  assert.deepEqual([...(row?.sequences ?? [])], [0, 1, 2]);
});

test('every answer token is scored once, in few rows, whatever the lengths', () => {
  const lengths = [40, 300, 7, 90, 90, 90, 3, 200, 255];
  const rows = lengths.map((length) =>
    rowOf(
      Array.from({ length }, (_, t) => t),
      length - 2,
    ),
  );
  const questions = questionsOf(paddedTo(300, rows));
  const parts = answerRows(questions, usualShape([questions]));
  const scored = parts.flatMap(({ rows: own }) => own.flatMap(({ sequences }) => [...sequences]));
  assert.deepEqual(
    scored.toSorted((a, b) => a - b),
    lengths.flatMap((_, i) => [i, i]),
  );
  const tokens = parts.reduce((sum, { shape, rows: own }) => sum + shape.length * own.length, 0);
  const given = lengths.reduce((sum, length) => sum + length, 0);
  assert.ok(tokens < 1.5 * given, `${tokens} for ${given}`);
});
