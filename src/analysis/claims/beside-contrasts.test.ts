/** Claims beside contrasts: one family, one list of controls, the same levels. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { analyse, type AnalysedStudy } from '#analysis/analyse.ts';
import type { Frame } from '#analysis/frame.ts';
import type { ClaimLevel } from '#analysis/records/claim-record.ts';
import { claimStudy, simulateClaims } from '#analysis/validation/claim-world.ts';
import { BASE, DELTA, simulate, WORLD_STUDY, type World } from '#analysis/validation/world.ts';
import { rngOf } from '#base/rng.ts';
import type { Claim } from '#study/claim.ts';

import { CLAIM, CLAIMING, QUIET } from './quiet-fixture.ts';

const frameOf = (world: World): Frame => simulate(world, 8, rngOf(1, 'beside contrasts'));

test('a contrast’s positive control speaks for the levels of a claim at which it is seen', () => {
  const [claim] = analyse(CLAIMING, frameOf(QUIET)).claims ?? [];
  assert.deepEqual(new Set(claim?.levels.map(({ verdict }) => verdict)), new Set(['agrees']));
  assert.match(claim?.reason ?? '', /The positive control "positive" shows a difference at the same places/);
  const questions = WORLD_STUDY.contrasts.filter(({ kind }) => kind === 'question');
  const [without] = analyse({ ...CLAIMING, contrasts: questions }, frameOf(QUIET)).claims ?? [];
  assert.deepEqual(new Set(without?.levels.map(({ whyKind }) => whyKind)), new Set(['noPositiveControl']));
});

test('contrasts and claims are read in one family, and a study without claims says nothing of them', () => {
  const frame = frameOf({ ...BASE, rates: 1, sigma: 2 * DELTA });
  const [alone, among] = [WORLD_STUDY, CLAIMING].map((study) => analyse(study, frame, { verdictsOnly: true }));
  const pOf = (analysis: typeof alone): number => {
    const train = analysis?.verdicts[0]?.matchings['train'];
    return train?.kind === 'estimated' ? train.p : assert.fail('not estimated');
  };
  assert.ok(pOf(among) > pOf(alone), `${pOf(among)} ${pOf(alone)}`);
  assert.ok(!('claims' in (alone ?? {})) && !('maps' in (alone ?? {})));
});

test('a claim that is a control gates contrasts too', () => {
  const expected: Claim = { ...CLAIM, name: 'expected', asks: { kind: 'control', expect: 'differs' } };
  const { verdicts, controls } = analyse({ ...WORLD_STUDY, claims: [expected] }, frameOf(QUIET), {
    verdictsOnly: true,
  });
  assert.deepEqual(
    controls.map(({ name, passed }) => [name, passed]),
    [
      ['positive', true],
      ['expected', false],
    ],
  );
  assert.equal(verdicts[0]?.whyKind, 'control');
});

test('a look without alpha, and a later look with a smaller one, are those of claims too', () => {
  const frame = frameOf({ ...QUIET, effect: () => 3 * DELTA });
  const later = analyse(CLAIMING, frame, { verdictsOnly: true, previousLooks: [{ blocks: 7, alpha: 0.035 }] });
  assert.equal(later.claims?.[0]?.alpha, later.look?.alpha);
  const none = analyse(CLAIMING, frame, { verdictsOnly: true, previousLooks: [{ blocks: 12, alpha: 0.035 }] });
  assert.deepEqual(new Set(none.claims?.[0]?.levels.map(({ whyKind }) => whyKind)), new Set(['look']));
});

const KINDS = ['value', 'outcome', 'arm', 'arms'] as const;
const PLACES = ['given', 'end', 'crossed', 'trend'] as const;
const anyClaim = fc.record({
  seed: fc.integer({ min: 0, max: 1e6 }),
  against: fc.constantFrom(...KINDS),
  at: fc.constantFrom(...PLACES),
  effect: fc.constantFrom(0, 1, 3),
  rates: fc.constantFrom(1, 2),
});
// Sums over blocks in another order differ in the last bits.
const ROUNDING = 1e-9;
const bare = ({ verdict, p, units }: ClaimLevel): unknown => ({ verdict, p, units });

test('the order and the names of blocks, and the unit of the outcome, do not matter to a claim', () => {
  fc.assert(
    fc.property(anyClaim, ({ seed, effect, rates, ...kind }) => {
      const design = { kind: 'claims', blocks: 8, ...kind } as const;
      const study = claimStudy(design);
      const world: World = { ...BASE, rates, effect: () => effect * DELTA };
      const { runs } = simulateClaims(world, design, rngOf(seed, 'claims'));
      const levelsOf = (one: AnalysedStudy, frame: Frame): ClaimLevel[] =>
        analyse(one, frame, { verdictsOnly: true }).claims?.flatMap(({ levels }) => levels) ?? [];
      const levels = levelsOf(study, { runs });
      const renamed = runs.toReversed().map((run) => ({ ...run, block: 100 - run.block }));
      const others = levelsOf(study, { runs: renamed });
      assert.deepEqual(others.map(bare), levels.map(bare));
      others.forEach(({ estimate }, i) => assert.ok(Math.abs((estimate ?? 0) - (levels[i]?.estimate ?? 0)) < ROUNDING));
    }),
    { numRuns: 25 },
  );
});
