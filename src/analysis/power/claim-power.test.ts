import assert from 'node:assert/strict';
import { test } from 'node:test';

import { analyse } from '#analysis/analyse.ts';
import { claimStudy, simulateClaims } from '#analysis/validation/claim-world.ts';
import type { ClaimDesign } from '#analysis/validation/validity-world.ts';
import { BASE, DELTA, type World } from '#analysis/validation/world.ts';
import { rngOf } from '#base/rng.ts';

import { claimPowerAt, plannedPlaces, type PlannedPlaces } from './claim-power.ts';
import { EFFECT_DELTAS } from './planned-power.ts';

const STUDIES = 200;
/** Three standard errors of the difference of two shares near .8, 200 studies each, and a little for places that go together. */
const TOLERANCE = 0.15;
const AT_DEPTHS: ClaimDesign = { kind: 'claims', blocks: 8, against: 'arm', at: 'given' };

function planOf(design: ClaimDesign): PlannedPlaces {
  return plannedPlaces(claimStudy(design), 'behaviour', design.blocks) ?? assert.fail('no claim asks of the outcome');
}

/** How often the first place of whole simulated studies gets a verdict. */
function shareOf(design: ClaimDesign, sigma: number, truth: number, verdict: string): number {
  let found = 0;
  for (let study = 0; study < STUDIES; study++) {
    const world: World = { ...BASE, rates: 1, isControlTwin: true, sigma, effect: () => truth };
    const frame = simulateClaims(world, design, rngOf(study, `claims ${sigma} ${truth}`));
    const [claim] = analyse(claimStudy(design), frame, { verdictsOnly: true }).claims ?? [];
    if (claim?.levels[0]?.verdict === verdict) found++;
  }
  return found / STUDIES;
}

test('planned power of claims is the power of whole simulated studies', () => {
  for (const sigma of [DELTA, DELTA / 1.5]) {
    const planned = claimPowerAt(planOf(AT_DEPTHS), sigma, rngOf(1, 'planned'), STUDIES);
    const truth = EFFECT_DELTAS * DELTA;
    const differs = shareOf(AT_DEPTHS, sigma, truth, 'differs');
    assert.ok(Math.abs(planned.differs - differs) < TOLERANCE, `${planned.differs} against ${differs}`);
  }
  // Absences that are shown relax the others' level (Holm); the plan reads each at the first step's.
  const planned = claimPowerAt(planOf(AT_DEPTHS), DELTA / 2, rngOf(1, 'planned'), STUDIES);
  const agrees = shareOf(AT_DEPTHS, DELTA / 2, 0, 'agrees');
  assert.ok(
    planned.agrees < agrees + TOLERANCE && planned.agrees > agrees - 2 * TOLERANCE,
    `${planned.agrees}, ${agrees}`,
  );
});

test('a plan counts every place that is asked, and knows what agreement between arms needs', () => {
  const plan = planOf(AT_DEPTHS);
  assert.deepEqual([plan.places, plan.tests, plan.absences, plan.isControlled], [8, 8, 8, true]);
  const study = claimStudy(AT_DEPTHS);
  const bare = { ...study, claims: study.claims?.filter(({ asks }) => asks.kind === 'question') ?? [] };
  assert.equal(plannedPlaces(bare, 'behaviour', 8)?.isControlled, false);
  assert.equal(planOf({ ...AT_DEPTHS, against: 'value' }).isControlled, true);
  assert.equal(planOf({ ...AT_DEPTHS, at: 'trend' }).places, 2);
  assert.equal(plannedPlaces({ ...study, claims: [] }, 'behaviour', 8), undefined);
});

test('a plan names the claims at whose place no control is asked, and how many blocks exclude jumps', () => {
  const study = claimStudy(AT_DEPTHS);
  const [asked] = study.claims ?? [];
  assert.ok(asked);
  const atEnd = { ...asked, name: 'at the end', at: { kind: 'end' } } as const;
  const plan = (change: Partial<typeof study>): PlannedPlaces =>
    plannedPlaces({ ...study, ...change }, 'behaviour', 8) ?? assert.fail('no claim asks of the outcome');
  const mixed = plan({ claims: [...(study.claims ?? []), atEnd] });
  assert.deepEqual([mixed.uncontrolled, mixed.isControlled], [['at the end'], true]);
  assert.deepEqual(plan({}).uncontrolled, []);
  const { jumps: _, ...undeclared } = study.outcomes[0] ?? assert.fail('no outcome');
  // 8 absences at .035: log(.035 / 8) / log(1 - .1) = 51.6.
  assert.equal(plan({ outcomes: [{ ...undeclared, unit: 'fraction' }] }).leastUnits, 52);
  assert.equal(plan({ outcomes: [undeclared] }).leastUnits, Infinity);
  assert.equal(plan({}).leastUnits, 0);
});

test('fewer units, more places and a wider spread have less power; above 14 units too', () => {
  const powerAt = (plan: PlannedPlaces, sigma: number): number => claimPowerAt(plan, sigma, rngOf(2, 'less')).differs;
  const plan = planOf(AT_DEPTHS);
  assert.equal(powerAt({ ...plan, units: 5 }, DELTA / 2), 0);
  assert.ok(powerAt(plan, 3 * DELTA) < powerAt(plan, DELTA) - 0.2);
  for (const units of [12, 16]) {
    const few = { ...plan, units, tests: 2, absences: 2 };
    assert.ok(powerAt({ ...few, tests: 40 }, 2 * DELTA) < powerAt(few, 2 * DELTA) - 0.1, `${units} units`);
  }
  const uncontrolled = claimPowerAt({ ...plan, isControlled: false }, DELTA / 2, rngOf(2, 'less'));
  assert.equal(uncontrolled.agrees, 0);
});
