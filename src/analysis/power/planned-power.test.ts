import assert from 'node:assert/strict';
import { test } from 'node:test';

import { analyse } from '#analysis/analyse.ts';
import { EFFECT_DELTAS, plannedDesign, powerAt, type PlannedDesign } from '#analysis/power/planned-power.ts';
import { seenSpread } from '#analysis/power/seen-spread.ts';
import { runStudies } from '#analysis/validation/run-world.ts';
import { BASE, DELTA, simulate, WORLD_STUDY, type World } from '#analysis/validation/world.ts';
import { rngOf } from '#base/rng.ts';

const BLOCKS = 8;
const STUDIES = 200;
/** Three standard errors of the difference of two shares near .8, 200 studies each, and a little for what is left out. */
const TOLERANCE = 0.15;

function designOf(rates: number): PlannedDesign {
  return plannedDesign(WORLD_STUDY, 'behaviour', BLOCKS, rates) ?? assert.fail('the world has no such outcome');
}

/** How often whole simulated studies of a world end in a verdict. */
function shareOf(world: World, verdict: string): number {
  const one = { name: `planned ${verdict}`, world, design: { kind: 'fixed' as const, blocks: BLOCKS }, checks: [] };
  return (runStudies(one, 0, STUDIES).verdicts[verdict] ?? 0) / STUDIES;
}

for (const rates of [1, 2]) {
  test(`planned power is the power of whole simulated studies, ${rates} learning rates`, () => {
    for (const sigma of [DELTA, DELTA / 1.5, DELTA / 2]) {
      const planned = powerAt(designOf(rates), sigma, rngOf(1, 'planned'), STUDIES);
      const world = { ...BASE, rates, sigma };
      const truth = EFFECT_DELTAS * DELTA;
      const pairs = [
        [planned.noEffect, shareOf(world, 'noEffect')],
        [planned.affects, shareOf({ ...world, effect: () => truth }, 'affects')],
      ] as const;
      for (const [share, simulated] of pairs) {
        assert.ok(Math.abs(share - simulated) < TOLERANCE, `sigma ${sigma}: ${share} against ${simulated}`);
      }
    }
  });
}

test('arms that run different rates have the power of whole simulated studies whose arms share none', () => {
  for (const sigma of [DELTA, 2 * DELTA]) {
    const planned = powerAt({ ...designOf(2), areRatesShared: false }, sigma, rngOf(1, 'crossed'), STUDIES);
    const effect = (): number => EFFECT_DELTAS * DELTA;
    let found = 0;
    for (let study = 0; study < STUDIES; study++) {
      const { runs } = simulate({ ...BASE, rates: 2, sigma, effect }, BLOCKS, rngOf(study, `crossed ${sigma}`));
      // The arm's rates are others than the reference's, which moves nothing in this world.
      const renamed = runs.map((run) =>
        run.arm === 'arm' ? { ...run, learningRate: 100 + (run.learningRate ?? 0) } : run,
      );
      const [verdict] = analyse(WORLD_STUDY, { runs: renamed }, { verdictsOnly: true }).verdicts;
      if (verdict?.verdict === 'affects') found++;
    }
    assert.ok(Math.abs(planned.affects - found / STUDIES) < TOLERANCE, `${planned.affects} against ${found / STUDIES}`);
  }
});

test('a design knows whether the arms of its questions pilot the same rates', () => {
  const arms = (rates: readonly number[]): { name: string; learningRates: readonly number[] }[] =>
    WORLD_STUDY.contrasts
      .flatMap(({ arm, reference }) => [arm, reference])
      .map((name) => ({ name, learningRates: name === 'reference' ? [1, 2] : rates }));
  const of = (rates: readonly number[]): boolean | undefined =>
    plannedDesign({ ...WORLD_STUDY, arms: arms(rates) }, 'behaviour', BLOCKS, 2)?.areRatesShared;
  assert.deepEqual([of([1, 2]), of([2, 3]), of([1])], [true, false, false]);
});

test('more blocks raise the power, a larger family and more spread lower it', () => {
  const design = { ...designOf(1), blocks: 6 };
  const of = (change: Partial<PlannedDesign>, sigma: number): number =>
    powerAt({ ...design, ...change }, sigma, rngOf(2, 'monotone'), STUDIES).affects;
  const base = of({}, 2 * DELTA);
  assert.ok(of({ blocks: 12 }, 2 * DELTA) > base);
  assert.ok(of({}, 4 * DELTA) < base);
  assert.ok(of({ family: 12 }, 2 * DELTA) < base);
});

test('without a positive control, or with fewer than 6 blocks, the verdicts that need them are never reached', () => {
  const uncontrolled = powerAt({ ...designOf(1), isControlled: false }, DELTA / 2, rngOf(3, 'never'), STUDIES);
  assert.deepEqual([uncontrolled.noEffect, uncontrolled.explainedByHeldOut], [0, 0]);
  assert.ok(uncontrolled.affects > 0.9);
  const few = powerAt({ ...designOf(1), blocks: 5 }, DELTA / 2, rngOf(3, 'never'), STUDIES);
  assert.deepEqual([few.noEffect, few.affects, few.explainedByHeldOut], [0, 0, 0]);
});

test('planned power of an explanation is not lost to the joint matching, at which nothing is left either', () => {
  const { explainedByHeldOut = 0 } = powerAt(designOf(1), DELTA / 3, rngOf(5, 'explained'), STUDIES);
  assert.ok(explainedByHeldOut > 0.8, `${explainedByHeldOut}`);
});

test('a study that matches on one axis has no held-out loss to explain an effect', () => {
  const matchOn = WORLD_STUDY.matchOn.slice(0, 1);
  const design = plannedDesign({ ...WORLD_STUDY, matchOn }, 'behaviour', BLOCKS, 1);
  assert.ok(design);
  assert.equal(powerAt(design, DELTA, rngOf(4, 'one axis'), STUDIES).explainedByHeldOut, undefined);
  assert.equal(plannedDesign(WORLD_STUDY, 'none', BLOCKS, 1), undefined);
});

test('the spread that runs show is the one they were made with', () => {
  for (const rates of [1, 2]) {
    const frame = simulate({ ...BASE, rates, sigma: 0.08 }, 40, rngOf(rates, 'spread'));
    const found = seenSpread(analyse(WORLD_STUDY, frame, { verdictsOnly: true }).verdicts);
    // 40 blocks know a standard deviation to about a tenth.
    assert.ok(found !== undefined && Math.abs(found.sigma / 0.08 - 1) < 0.2, JSON.stringify(found));
    assert.equal(found.blocks, 40);
  }
  assert.equal(seenSpread([]), undefined);
});
