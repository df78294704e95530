import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ClaimRecord, ClaimVerdict } from '#analysis/records/claim-record.ts';
import type { Answer } from '#desk/answer.ts';

import { exitStatusOf } from './answer-lines.ts';

const EMPTY: Answer = { controls: [], verdicts: [], report: 'report.html' };

function claimOf(asks: 'question' | 'control', ...verdicts: readonly ClaimVerdict[]): ClaimRecord {
  const place = { units: 6, armMean: 0, otherMean: 0, estimate: 0, ci95: null, ci90: null, p: null, contrasts: [] };
  return {
    claim: 'c',
    outcome: 'o',
    arm: 'a',
    against: { kind: 'value', value: 0, label: 'zero' },
    at: { kind: 'end' },
    asks,
    reason: '',
    delta: 0.1,
    alpha: 0.05,
    absenceAlpha: 0.05,
    levels: verdicts.map((verdict) => ({ level: 'end', verdict, ...place })),
    voided: [],
  };
}

test('an answer ends with 0 only where something was asked, no run failed and no control did', () => {
  const passed = { name: 'x', passed: true, detail: '' };
  const claims = [claimOf('question', 'undecided')];
  assert.equal(exitStatusOf(0, EMPTY), 3);
  assert.equal(exitStatusOf(2, EMPTY), 1);
  assert.equal(exitStatusOf(0, { ...EMPTY, claims: [] }), 3);
  assert.equal(exitStatusOf(0, { ...EMPTY, claims }), 0);
  assert.equal(exitStatusOf(0, { ...EMPTY, controls: [passed] }), 0);
  assert.equal(exitStatusOf(0, { ...EMPTY, claims, controls: [passed, { ...passed, passed: false }] }), 3);
});
