/** What "agrees" needs, what controls gate, and what a family of claims costs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Claim } from '#study/claim.ts';
import type { Outcome } from '#study/study.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';
import {
  BLOCKS,
  SCATTER,
  BINDING,
  depths,
  ABOVE,
  at,
  frameOf,
  towers,
  analysed,
  recordOf,
  verdictsOf,
  AGAINST_ARM,
  SEEN,
  flat,
} from './claims-fixture.ts';

test('between arms agreement needs a positive control seen at the same place, against a value it does not', () => {
  const frame = frameOf({ towers: flat(0.5, 0.01), base: flat(0.5, -0.01), harmed: flat(0.43, 0.01) });
  const without = recordOf(AGAINST_ARM, frame);
  assert.deepEqual([without.levels[0]?.verdict, without.levels[0]?.whyKind], ['undecided', 'noPositiveControl']);
  const record = recordOf(AGAINST_ARM, frame, {}, [SEEN]);
  assert.deepEqual(verdictsOf(record), ['agrees']);
  assert.match(record.reason, /The positive control "harm seen" shows a difference at the same places/);
  assert.deepEqual(verdictsOf(recordOf({ ...ABOVE, at: depths(0) }, frame)), ['agrees']);
});

test('a control at another place, of another outcome or far too large licenses no agreement', () => {
  const other: Outcome = { ...BINDING, name: 'other', role: 'exploratory' };
  const both =
    (value: number, size: number) =>
    (scatter: number): TrajectoryPoint[] =>
      [0, 1].map((depth) => at(depth, { binding: value + size * scatter, other: value + size * scatter }));
  const frame = frameOf({
    towers: both(0.5, 0.01),
    base: both(0.5, -0.01),
    harmed: both(0.43, 0.01),
    broken: both(0.1, 0.01),
  });
  for (const control of [
    { ...SEEN, at: depths(1) },
    { ...SEEN, outcomes: ['other'] },
    { ...SEEN, arm: 'broken' },
    { ...SEEN, against: { kind: 'value', value: 0.5, label: 'chance' } as const },
  ]) {
    const record = recordOf(AGAINST_ARM, frame, { outcomes: [BINDING, other] }, [control]);
    assert.equal(record.levels[0]?.whyKind, 'noPositiveControl', JSON.stringify(control));
  }
});

test('arms identical to the bit are said to be so, and that no control shows what would be seen', () => {
  const record = recordOf(AGAINST_ARM, frameOf({ towers: flat(0.5, 0.01), base: flat(0.5, 0.01) }));
  assert.deepEqual(verdictsOf(record), ['identical']);
  assert.match(record.reason, /leaves binding accuracy identical to the bit at depth 0: .*No positive control shows/);
});

test('what few blocks cannot see is as large as the sum lets it be, and said of equal numbers too', () => {
  const { jumps: _, ...undeclared } = BINDING;
  const study = { outcomes: [undeclared] };
  const frame = frameOf({
    towers: flat(0.5, 0.01),
    base: flat(0.5, -0.01),
    harmed: flat(0.43, 0.01),
    same: flat(0.5, 0),
  });
  const arms = { kind: 'arms', weights: { base: 1, same: 1, harmed: 0 }, label: 'the sum' } as const;
  const sum = { ...arms, weights: { ...arms.weights, base: 2, same: -1 } };
  for (const [against, size] of [
    [AGAINST_ARM.against, 1],
    [sum, 2],
  ] as const) {
    const record = recordOf({ ...AGAINST_ARM, against }, frame, study, [SEEN]);
    assert.equal(record.levels[0]?.whyKind, 'jumpsUnseen');
    assert.match(
      record.reason,
      new RegExp(`a jump in fewer than 1 of 2 blocks .* one of ${size} fraction would exceed it`),
    );
  }
  const exact = { ...ABOVE, arm: 'same', at: depths(0) };
  assert.match(recordOf(exact, frame, study).reason, /to the bit at depth 0: .* A jump in fewer than 1 of 2 blocks/);
});

test('a control that fails, or that cannot be looked at, leaves every claim and contrast undecided', () => {
  const frame = frameOf({ towers, base: flat(0.5, 0.01) });
  const control = (expect: 'differs' | 'agrees' | 'identical', depth: number, more: object = {}): Claim => ({
    ...ABOVE,
    name: `expected ${expect}`,
    at: depths(depth),
    asks: { kind: 'control', expect, ...more },
  });
  const outcomeOf = (claim: Claim): (boolean | undefined)[] => {
    const { controls, claims } = analysed([ABOVE, claim], frame);
    const undecided = claims?.[0]?.levels.every(({ whyKind }) => whyKind === 'control');
    return [controls[0]?.passed, controls[0]?.unsettled, undecided];
  };
  assert.deepEqual(outcomeOf(control('differs', 2)), [true, undefined, false]);
  assert.deepEqual(outcomeOf(control('differs', 2, { direction: 'below' })), [false, undefined, true]);
  assert.deepEqual(outcomeOf(control('differs', 1)), [false, undefined, true]);
  assert.deepEqual(outcomeOf(control('agrees', 1)), [true, undefined, false]);
  assert.deepEqual(outcomeOf(control('agrees', 2)), [false, undefined, true]);
  assert.deepEqual(outcomeOf(control('identical', 0)), [true, undefined, false]);
  assert.deepEqual(outcomeOf(control('identical', 1)), [false, undefined, true]);
  assert.deepEqual(outcomeOf(control('identical', 7)), [false, true, true]);
  assert.deepEqual(outcomeOf({ ...control('agrees', 1), arm: 'nobody' }), [false, true, true]);
});

test('a control of one block says how many there are and how many are needed; only where none ran, that none did', () => {
  const control: Claim = { ...ABOVE, at: depths(2), asks: { kind: 'control', expect: 'differs' } };
  const whole = frameOf({ towers });
  const detailOf = (runs: typeof whole.runs, claim = control): string | undefined =>
    analysed([claim], { ...whole, runs }).controls[0]?.detail;
  const ofBlocks = (count: number): typeof whole.runs => whole.runs.filter(({ block }) => block < count);
  assert.match(detailOf(ofBlocks(1)) ?? '', /at depth 2: 1 block, at least 2 needed to look at it and 6 to test it$/);
  const lost = ofBlocks(3).map((run) => (run.block === 0 ? run : { ...run, points: [] }));
  assert.match(detailOf(lost) ?? '', /: 1 block of 3 usable \(.+\), at least 2 needed/);
  assert.match(detailOf(whole.runs, { ...control, arm: 'nobody' }) ?? '', /no finished runs of "nobody"/);
});

test('claims and contrasts are one family: more places raise every p', () => {
  // The same numbers in another order at each depth.
  const noisy = (_: number, block: number): TrajectoryPoint[] =>
    [0, 1, 2, 3, 4, 5].map((depth) =>
      at(depth, { binding: 0.52 + 0.03 * (SCATTER[(block * 3 + depth) % BLOCKS] ?? 0) }),
    );
  const frame = frameOf({ towers: noisy });
  const alone = recordOf({ ...ABOVE, at: depths(0) }, frame);
  const among = recordOf({ ...ABOVE, at: depths(0, 1, 2, 3, 4, 5) }, frame);
  assert.ok((among.levels[0]?.p ?? 0) > (alone.levels[0]?.p ?? 1), `${among.levels[0]?.p} ${alone.levels[0]?.p}`);
});

test('an absence is read at what the places that remain leave of alpha', () => {
  const apart = (scatter: number): TrajectoryPoint[] =>
    [0.5, 0.9, 0.9].map((binding, depth) => at(depth, { binding: binding + 0.01 * scatter }));
  const { absenceAlpha, alpha } = recordOf(ABOVE, frameOf({ towers: apart }));
  assert.equal(absenceAlpha, alpha / 2);
});
