import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isJsonObject, type JsonObject } from '#base/json.ts';
import { builtInNames, findStudy } from '#desk/find-study.ts';
import { importStudy } from '#runner/import-study.ts';
import { descriptionOf } from '#study/plan.ts';
import type { Claim, StudyMap } from '#study/claim.ts';
import type { Axis, Contrast, Outcome, Study } from '#study/study.ts';

import { mapOfPlan } from './audit-map.ts';

const TOY = new URL('../../../test/e2e/toy/study.ts', import.meta.url);

function planned(study: Study): JsonObject {
  return descriptionOf({ study, profile: 'quick', blocks: 8, design: 'fixed', settings: [] });
}

test('the plan of every built-in study is one that audit reads', async () => {
  const names = builtInNames();
  assert.ok(names.length >= 3);
  for (const name of names) {
    const { study } = await findStudy(name);
    const map = mapOfPlan(planned(study));
    assert.deepEqual(map.outcomes, study.outcomes);
    assert.deepEqual(map.contrasts, study.contrasts);
    assert.deepEqual(map.coherence, study.coherence);
    assert.deepEqual(
      map.matchOn,
      study.matchOn.map((axis) => ({ ...axis, untilBest: axis.untilBest ?? false })),
    );
  }
});

test('every field that an axis, an outcome or a contrast of a study may have comes back from an export', async () => {
  // A field that is added to the types must be added here, and so to what audit reads.
  const axis: Required<Axis> = {
    name: 'train',
    label: 'Training loss',
    unit: 'nats',
    role: 'train',
    levels: [2, 1],
    maxGap: 1,
    direction: 'falls',
    untilBest: true,
  };
  const outcome: Required<Outcome> = {
    name: 'behaviour',
    label: 'Behaviour',
    unit: 'fraction',
    delta: 0.2,
    higherIs: 'worse',
    role: 'confirmatory',
    jumps: { kind: 'upTo', size: 0.5 },
  };
  const control: Required<Extract<Contrast, { kind: 'control' }>> = {
    kind: 'control',
    arm: 'again',
    reference: 'plain',
    name: 'other seeds',
    expect: 'detected',
    direction: 'above',
    matchings: ['train'],
    outcomes: ['behaviour'],
  };
  const question: Required<Extract<Contrast, { kind: 'question' }>> = {
    kind: 'question',
    arm: 'low-rank',
    reference: 'plain',
  };
  const toy = await importStudy(TOY.href);
  const coherence = { outcome: 'sense', floor: 0.9 };
  const asked = { arm: 'low-rank', asks: { kind: 'question' } } as const;
  const claims: readonly Required<Claim>[] = [
    {
      ...asked,
      name: 'crossed',
      against: { kind: 'arm', arm: 'plain' },
      at: { kind: 'crossed', axis: 'train', levels: [2] },
      outcomes: ['behaviour'],
      asks: { kind: 'control', expect: 'differs', direction: 'below' },
    },
    {
      ...asked,
      name: 'given',
      against: { kind: 'value', value: 0.5, label: 'chance' },
      at: { kind: 'given', axis: 'depth', label: 'Depth', levels: [0, 1] },
      outcomes: ['behaviour'],
    },
    { ...asked, name: 'end', against: { kind: 'outcome', outcome: 'behaviour' }, at: { kind: 'end' }, outcomes: [] },
    {
      ...asked,
      name: 'trend',
      against: { kind: 'arms', weights: { plain: 2, again: -1 }, label: 'both' },
      at: { kind: 'trend', axis: 'train', levels: [2, 1], scale: 'log' },
      outcomes: ['behaviour'],
    },
  ];
  const drawn: Required<StudyMap> = {
    name: 'phase',
    label: 'Phase',
    x: 'rank',
    y: 'size',
    outcome: 'behaviour',
    at: { kind: 'end' },
    difference: { factor: 'method', from: 'full', to: 'lora' },
    only: { factor: 'size', value: 2 },
    theory: 'behaviour',
  };
  const arms = toy.arms.map((arm, rank) => ({ ...arm, at: { rank } }));
  const base = { ...toy, arms, matchOn: [axis], outcomes: [outcome], contrasts: [question, control] };
  const study: Study = { ...base, coherence, claims, maps: [drawn] };
  const map = mapOfPlan(planned(study));
  assert.deepEqual(
    { matchOn: map.matchOn, outcomes: map.outcomes, contrasts: map.contrasts, coherence: map.coherence },
    { matchOn: [axis], outcomes: [outcome], contrasts: [question, control], coherence },
  );
  assert.deepEqual([map.claims, map.maps], [claims, [drawn]]);
  assert.deepEqual(map.places, Object.fromEntries(arms.map(({ name, at }) => [name, at])));
  assert.equal(map.columns['depth'], 'axis.depth');
  assert.deepEqual(map.labels, Object.fromEntries(toy.arms.map(({ name, label }) => [name, label])));
});

test('what an export holds and audit does not know is refused by its path, not passed over', async () => {
  const toy = planned(await importStudy(TOY.href));
  const { study } = toy;
  assert.ok(isJsonObject(study));
  const [outcome] = Array.isArray(study['outcomes']) ? study['outcomes'] : [];
  const strange = { ...toy, study: { ...study, outcomes: [{ ...outcome, weight: 2 }] } };
  assert.throws(() => mapOfPlan(strange), /study\.outcomes\.0\.weight/);
});
