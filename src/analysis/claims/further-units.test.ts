/** What an undecided place says would decide it: only what would. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Frame } from '#analysis/frame.ts';
import type { ClaimRecord } from '#analysis/records/claim-record.ts';
import type { Outcome } from '#study/study.ts';
import {
  ABOVE,
  AGAINST_ARM,
  analysed,
  at,
  BINDING,
  depths,
  flat,
  frameOf,
  runOf,
  SCATTER,
  SEEN,
} from './claims-fixture.ts';

const VALUE = { ...ABOVE, at: depths(0) };
const WIDE = frameOf({ towers: flat(0.5, 0.1) });
const { jumps: _, ...UNDECLARED } = BINDING;

function reasonOf(
  claim: typeof VALUE,
  frame: Frame,
  outcome: Outcome = BINDING,
  others: readonly (typeof SEEN)[] = [],
): string {
  return recordIn(analysed([claim, ...others], frame, { outcomes: [outcome] }).claims).reason;
}

function recordIn(claims: readonly ClaimRecord[] | undefined): ClaimRecord {
  return claims?.[0] ?? assert.fail('no claim');
}

test('further blocks are promised for agreement only where they also exclude the jumps held possible', () => {
  assert.match(reasonOf(VALUE, WIDE), /is shown by 8 blocks; about \d+ further blocks give 80% power/);
  const count = (outcome: Outcome): number =>
    Number(/about (\d+) further/.exec(reasonOf(VALUE, WIDE, outcome))?.[1] ?? assert.fail('none promised'));
  // Jumps of up to .5 at delta .05 take log(.035) / log(1 - .05 / .5) = 32 blocks in all at the first look's alpha.
  assert.ok(count({ ...BINDING, jumps: { kind: 'upTo', size: 0.5 } }) > count(BINDING));
  // Nothing bounds points: no number of blocks shows agreement.
  assert.doesNotMatch(reasonOf(VALUE, WIDE, { ...UNDECLARED, unit: 'points' }), /further/);
});

test('between arms without a positive control no number of blocks is said to decide for agreement', () => {
  const arms = { towers: flat(0.5, 0.05), base: flat(0.5, -0.05) };
  const alone = reasonOf(AGAINST_ARM, frameOf(arms));
  assert.match(alone, /agreement would also need a positive control seen at the same place/);
  assert.doesNotMatch(alone, /further/);
  const seen = reasonOf(AGAINST_ARM, frameOf({ ...arms, harmed: flat(0.43, -0.05) }), BINDING, [SEEN]);
  assert.match(seen, /further blocks give 80% power/);
});

test('rates that agree only together are said to differ, and no number of blocks is said to decide', () => {
  const runs = SCATTER.flatMap((scatter, block) =>
    [-0.05, 0.05].map((off, rate) =>
      runOf('towers', block, [at(0, { binding: 0.5 + off + 0.002 * scatter })], rate + 1),
    ),
  );
  const record = recordIn(analysed([VALUE], { runs }).claims);
  assert.equal(record.levels[0]?.whyKind, 'ratesDiffer');
  assert.match(record.reason, /the learning rates together lie inside ±0.05 fraction, but not each of them \(/);
});

test('one usable block is one block', () => {
  assert.match(reasonOf(VALUE, frameOf({ towers: flat(0.5, 0.01) }, 1)), /1 usable block, at least 6 needed/);
});

test('an arm that stands in its own sum counts once in how far the sum can jump', () => {
  // .5 a - .5 b of readings between 0 and 1 lies between -.5 and .5, and no jump is held to be larger than 1.
  const against = { kind: 'arms', weights: { towers: 0.5, base: 0.5 }, label: 'half of both' } as const;
  const wide = { kind: 'arms', weights: { towers: 3, base: -2 }, label: 'a sum' } as const;
  const arms = frameOf({ towers: flat(0.5, 0.01), base: flat(0.5, -0.01), harmed: flat(0.43, 0.01) });
  const jump = (one: typeof against | typeof wide): string | undefined =>
    /one of (\S+) fraction would exceed it/.exec(reasonOf({ ...AGAINST_ARM, against: one }, arms, UNDECLARED))?.[1];
  assert.equal(jump(against), '1');
  // a - (3 a - 2 b) = 2 b - 2 a: 2 at most.
  assert.equal(jump(wide), '2');
});
