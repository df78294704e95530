import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Interval, VerdictRecord } from '#analysis/records/verdict-record.ts';

import { undecidedNotes } from './undecided-notes.ts';

function undecided(...intervals: readonly Interval[]): VerdictRecord {
  const matchings = intervals.map(([low, high], i) => {
    const estimate = (low + high) / 2;
    const levels = [1.5, 0.5].map((level, l) => ({
      level,
      blocks: 8,
      armMean: 0,
      referenceMean: 0,
      estimate: estimate + (l - 0.5) * 0.16,
      ci95: [low, high] as const,
      ci90: [low, high] as const,
    }));
    const result = {
      kind: 'estimated',
      estimate,
      ci95: [low, high],
      p: 0.01,
      blocks: 8,
      blockContrasts: [],
      levels,
    } as const;
    return [`axis${i}`, result] as const;
  });
  return {
    outcome: 'harm',
    contrast: 'a vs b',
    arm: 'a',
    reference: 'b',
    verdict: 'undecided',
    reason: '',
    delta: 0.1,
    alpha: 0.05,
    absenceAlpha: 0.05,
    blocks: 8,
    p: 0.01,
    matchings: Object.fromEntries(matchings),
    learningRates: [],
    voided: [],
  };
}

const CASES: readonly (readonly [intervals: readonly Interval[], known: RegExp])[] = [
  [
    [
      [0.07, 0.11],
      [0.06, 0.12],
    ],
    /clearly not zero, and about delta \(0\.1\)/,
  ],
  [[[-0.11, -0.07]], /clearly not zero, and about delta/],
  [[[0.02, 0.05]], /clearly not zero, and below delta/],
  [[[-0.2, -0.15]], /clearly not zero, and above delta/],
  [[[-0.3, 0.3]], /hardly anything is known/],
  [[[-0.03, 0.03]], /may be is below delta/],
  [
    [
      [0.07, 0.11],
      [-0.05, 0.04],
    ],
    /the matchings do not agree/,
  ],
];

for (const [intervals, known] of CASES) {
  test(`of an undecided difference in ${JSON.stringify(intervals)} it is said that ${known.source}`, () => {
    const [note = ''] = undecidedNotes([undecided(...intervals)]);
    assert.match(note, known);
    // Its estimates grow from level to level by more than delta.
    assert.match(note, /at matched axis0, from \S+ at 1\.50 to \S+ at 0\.500/);
  });
}

test('nothing is said of what is decided, or has no estimate', () => {
  const decided = { ...undecided([0.2, 0.3]), verdict: 'affects' } as const;
  const bare = { ...undecided(), matchings: { train: { kind: 'notEstimable', reason: 'no level' } } } as const;
  assert.deepEqual(undecidedNotes([decided, bare]), []);
});
