/** Phrases of sentences that are easily false or ugly: what few blocks cannot see, and outcomes without a unit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { analyse } from '#analysis/analyse.ts';
import {
  analysed,
  recordOf,
  ABOVE,
  BINDING,
  CHANCE,
  depths,
  flat,
  frameOf,
  SEEN,
} from '#analysis/claims/claims-fixture.ts';
import { BASE, DELTA, simulate, WORLD_STUDY } from '#analysis/validation/world.ts';
import { rngOf } from '#base/rng.ts';
import type { Claim } from '#study/claim.ts';
import type { Outcome } from '#study/study.ts';
import { shareText, unseenText } from './reason.ts';

const RULE = { delta: 0.1, alpha: 0.05, absenceAlpha: 0.05, jump: 0 };
const { jumps: _, ...UNDECLARED } = BINDING;

test('the share of blocks that a jump may miss is never said to be all of them', () => {
  assert.equal(shareText({ usable: 8, all: 8 }, RULE), '1 of 3 blocks');
  // 1 - .001^(1/8) = .578: more than a half.
  assert.equal(shareText({ usable: 8, all: 8, label: 'domain' }, { ...RULE, absenceAlpha: 0.001 }), '58% of domains');
});

test('that an outcome does not jump is declared only where the study declares it', () => {
  const units = { usable: 8, all: 8 };
  assert.match(unseenText({ rule: RULE, units, outcome: BINDING }), /declares.*the numbers are made up/);
  assert.equal(
    unseenText({ rule: RULE, units, outcome: UNDECLARED }),
    'A jump in fewer than 1 of 3 blocks would not be seen',
  );
});

test('an outcome without a unit leaves no hole in a sentence', () => {
  const bare: Outcome = { ...BINDING, unit: '' };
  const frame = frameOf({ towers: flat(0.5, 0.01), base: flat(0.5, -0.01), harmed: flat(0.43, 0.01) });
  const claims = [
    { ...ABOVE, at: depths(0) },
    { ...ABOVE, at: depths(0), arm: 'harmed' },
    { ...ABOVE, at: depths(0), arm: 'towers', asks: { kind: 'control', expect: 'agrees' } as const },
  ];
  for (const claim of claims) {
    const { reason } = recordOf(claim, frame, { outcomes: [bare] }, [SEEN]);
    assert.doesNotMatch(reason, / {2}| [.,;)]|\(\)/, reason);
  }
});

test('a control that failed says what was expected of it, of a claim and of a contrast', () => {
  const frame = frameOf({ towers: flat(0.5, 0.01), base: flat(0.5, -0.01), harmed: flat(0.43, 0.01) });
  const detailsOf = (asks: Claim['asks'], arm = 'harmed'): string =>
    analysed([{ ...SEEN, arm, asks }], frame).controls[0]?.detail ?? '';
  assert.match(
    detailsOf({ kind: 'control', expect: 'differs', direction: 'above' }),
    /, expected 0\.05 fraction or more above$/,
  );
  assert.match(detailsOf({ kind: 'control', expect: 'differs' }, 'towers'), /, expected 0\.05 fraction or more$/);
  assert.match(detailsOf({ kind: 'control', expect: 'agrees' }), /, expected within ±0\.05$/);
  assert.doesNotMatch(detailsOf({ kind: 'control', expect: 'differs', direction: 'below' }), /expected/);
  const world = simulate({ ...BASE, rates: 1, sigma: DELTA / 5 }, 8, rngOf(1, 'expected'));
  const contrasts = WORLD_STUDY.contrasts.map((one) =>
    one.kind === 'control' ? { ...one, direction: 'below' as const } : one,
  );
  const [control] = analyse({ ...WORLD_STUDY, contrasts }, world, { verdictsOnly: true }).controls;
  assert.match(control?.detail ?? '', /, expected 0\.1 points or more below/);
});

test('a control that is large enough and yet failed says which evidence is missing', () => {
  const asks = { kind: 'control', expect: 'differs', direction: 'above' } as const;
  const detailOf = (scatter: number, blocks?: number): string =>
    analysed([{ ...SEEN, arm: 'towers', against: CHANCE, asks }], frameOf({ towers: flat(0.6, scatter) }, blocks))
      .controls[0]?.detail ?? '';
  assert.match(
    detailOf(0.5, 2),
    /2 blocks, too few for a test\), expected 0\.05 fraction or more above, with one sign in every block$/,
  );
  assert.match(detailOf(0.5), /\(p = 0\.\d+\), expected 0\.05 fraction or more above, with p < 0\.\d+$/);
  const world = simulate({ ...BASE, rates: 1, sigma: 20 * DELTA }, 8, rngOf(1, 'wide'));
  const details = analyse(WORLD_STUDY, world, { verdictsOnly: true }).controls.map(({ detail }) => detail);
  assert.match(details.join('\n'), /, expected 0\.1 points or more, with p < 0\.\d+/);
});

test('a difference from a number says that a skew of the blocks would not be cancelled; one between arms need not', () => {
  const frame = frameOf({ towers: flat(0.8, 0.01), base: flat(0.5, -0.01) });
  const reasonOf = (claim: Claim): string => recordOf(claim, frame).reason;
  assert.match(reasonOf({ ...ABOVE, at: depths(0) }), /takes for granted that blocks scatter evenly to both sides/);
  assert.doesNotMatch(reasonOf({ ...SEEN, arm: 'towers', asks: { kind: 'question' } }), /scatter evenly/);
});
