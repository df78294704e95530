import assert from 'node:assert/strict';
import { test } from 'node:test';

import { decide, type ControlEvidence, type Evidence, type MatchingEvidence } from '#analysis/verdict/decide.ts';
import type { Estimate } from '#analysis/stats/estimate.ts';

const RULE = { delta: 1, alpha: 0.05, absenceAlpha: 0.05, jump: 0 };
const estimate = (mean: number, standardError = 0.1): Estimate => ({ mean, standardError, df: 7, count: 8 });
/** Eight blocks with about that mean and standard error. */
const contrasts = (mean: number): number[] => [-3, -2, -1, -0.5, 0.5, 1, 2, 3].map((z) => mean + 0.15 * z);
const CONTROL: ControlEvidence = { name: 'control', levels: [0], estimate: estimate(1.5), p: 0.008 };

function matching(name: string, mean: number, change: Partial<MatchingEvidence> = {}): MatchingEvidence {
  return {
    kind: 'estimated',
    name,
    overall: estimate(mean),
    p: Math.abs(mean) > 0.5 ? 0.008 : 0.7,
    levels: [{ level: 0, estimate: estimate(mean), contrasts: contrasts(mean) }],
    rates: [],
    controls: [CONTROL],
    ...change,
  };
}

const evidence = (train: number, heldOut: number, more: Partial<Evidence> = {}): Evidence => ({
  singles: [matching('train', train), matching('heldOut', heldOut)],
  ...more,
});
const verdictOf = (given: Evidence): string => {
  const decision = decide(given, RULE);
  return decision.kind === 'explainedBy' ? `by ${decision.by}` : decision.kind;
};

test('what explains an effect is the axis at which there is none', () => {
  assert.equal(verdictOf(evidence(2, 0)), 'by heldOut');
  assert.equal(verdictOf(evidence(0, 2)), 'by train');
  assert.equal(verdictOf(evidence(2, 2, { gap: matching('gap', 0) })), 'by gap');
  assert.equal(verdictOf(evidence(2, 2, { gap: matching('gap', 2), joint: matching('joint', 2) })), 'affects');
});

test('nothing is explained by an axis on which no control shows that a difference would be seen', () => {
  const blind = evidence(2, 2, { gap: matching('gap', 0, { controls: [] }) });
  assert.equal(verdictOf({ ...blind, joint: { kind: 'notEstimable', name: 'joint', reason: '' } }), 'undecided');
});

test('the joint matching is read for every claim where it is testable', () => {
  assert.equal(verdictOf(evidence(0, 0, { joint: matching('joint', 0) })), 'noEffect');
  assert.equal(verdictOf(evidence(0, 0, { joint: matching('joint', 2) })), 'undecided');
  assert.equal(
    verdictOf(evidence(0, 0, { joint: matching('joint', 0, { overall: estimate(0.5, 0.4) }) })),
    'undecided',
  );
  assert.equal(verdictOf(evidence(2, 0, { joint: matching('joint', 2) })), 'undecided');
  assert.equal(verdictOf(evidence(2, 2, { joint: matching('joint', 0) })), 'undecided');
});

test('a bound needs a part that nothing seen explains, and is no estimate of likeness', () => {
  const bound = { mismatch: 0.03, needed: 60, seen: 40 };
  assert.equal(verdictOf(evidence(2, 2, { joint: matching('joint', 0.4, { bound, p: 0.008 }) })), 'affects');
  assert.equal(verdictOf(evidence(2, 2, { joint: matching('joint', 0.4, { bound, p: 0.2 }) })), 'undecided');
  assert.equal(verdictOf(evidence(2, 2, { joint: matching('joint', -0.4, { bound, p: 0.008 }) })), 'undecided');
  assert.equal(verdictOf(evidence(2, 0, { joint: matching('joint', 2, { bound, p: 0.008 }) })), 'by heldOut');
});

test('an effect must hold for every pair of different learning rates, and in sign at equal ones', () => {
  const withPairs = (pairs: MatchingEvidence['pairs'], rates: MatchingEvidence['rates'] = []): string =>
    verdictOf({
      singles: ['train', 'heldOut'].map((name) => matching(name, 2, { rates, ...(pairs && { pairs }) })),
    });
  const pair = (arm: number, reference: number, mean: number): NonNullable<MatchingEvidence['pairs']>[number] => ({
    arm,
    reference,
    overall: estimate(mean),
  });
  assert.equal(withPairs([pair(1, 1, 0.1), pair(2, 2, 3.9)]), 'affects');
  assert.equal(withPairs([pair(1, 1, -0.1), pair(2, 2, 4.1)]), 'undecided');
  assert.equal(withPairs([pair(1, 2, 4), pair(2, 2, 2), pair(2, 3, 1), pair(1, 3, 2)]), 'affects');
  assert.equal(withPairs([pair(1, 2, 4), pair(2, 2, 0.1), pair(2, 3, 1), pair(1, 3, 2)]), 'undecided');
  // No rate in common: the smallest difference of two rates is no more than an arm's own.
  const spread = [1, 3].map((mean, rate) => ({ side: 'arm' as const, rate, overall: estimate(mean), levels: [] }));
  assert.equal(withPairs([pair(1, 3, 2.5), pair(2, 3, 2.4)], spread), 'affects');
  assert.equal(withPairs([pair(1, 3, 2.5), pair(2, 3, 1.9)], spread), 'undecided');
});

test('a control of far more than two deltas speaks for no absence', () => {
  const large = { ...CONTROL, estimate: estimate(5) };
  const singles = ['train', 'heldOut'].map((name) => matching(name, 0, { controls: [large] }));
  assert.equal(verdictOf({ singles }), 'undecided');
});

test('absence must hold at every level, and at every level of every learning rate', () => {
  const wide = { level: 1, estimate: estimate(0.9), contrasts: contrasts(0) };
  const quiet = matching('heldOut', 0);
  const atLevel = matching('train', 0, { levels: [...matching('train', 0).levels, wide] });
  assert.equal(verdictOf({ singles: [atLevel, quiet] }), 'undecided');
  const rate = { side: 'arm', rate: 0.1, overall: estimate(0), levels: [wide] } as const;
  assert.equal(verdictOf({ singles: [matching('train', 0, { rates: [rate] }), quiet] }), 'undecided');
  assert.equal(verdictOf({ singles: [matching('train', 0), quiet] }), 'noEffect');
});

test('blocks so uneven that one more could move the mean to delta show no absence', () => {
  // One block of eight at 2.4: the t interval alone lies inside.
  const uneven = [2.4, 0, 0, 0, 0, 0, 0, 0];
  const levels = [{ level: 0, estimate: { mean: 0.3, standardError: 0.3, df: 7, count: 8 }, contrasts: uneven }];
  assert.equal(verdictOf({ singles: [matching('train', 0, { levels }), matching('heldOut', 0)] }), 'undecided');
});
