import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { JsonObject } from '#base/json.ts';
import type { Study, Variation } from '#study/study.ts';

import { defineStudy } from './define-study.ts';
import { planStudy } from './plan.ts';
import { parseSetting } from './settings.ts';
import { variedBy } from './vary.ts';

function studyOf(defaults: JsonObject, vary?: Study['vary']): Study {
  return defineStudy({
    name: 'varied',
    question: 'Does it vary?',
    scope: 'a test',
    recipe: {
      name: 'nothing',
      semanticsVersion: 1,
      defaults: { rate: 1, steps: 3, ...defaults },
      learningRatePath: 'rate',
      measurePaths: [],
      check: () => {},
      run: async () => ({ kind: 'finished' }),
    },
    matchOn: [{ name: 'loss', label: 'loss', unit: 'nats', role: 'train', levels: [1], maxGap: 1, direction: 'falls' }],
    outcomes: [{ name: 'y', label: 'y', unit: '', delta: 1, role: 'confirmatory' }],
    arms: [{ name: 'only', label: 'only', set: {}, learningRates: [1] }],
    contrasts: [],
    pilot: { blocks: 1, axis: 'loss', margin: 1, maxRates: 1 },
    profiles: { quick: { arms: ['only'], blocks: 2 } },
    ...(vary === undefined ? {} : { vary }),
  });
}

test('factors and rates reach the study, of two settings of one factor the later; other settings reach the configs', () => {
  let seen: Variation | undefined;
  const study = studyOf({}, (variation) => {
    seen = variation;
    return {
      ...study,
      arms: [{ name: 'new', label: 'new', set: {}, learningRates: [2] }],
      profiles: { quick: { arms: ['new'], blocks: 2 } },
    };
  });
  const settings = [
    'factors={"a":[1],"b":[2]}',
    'steps=5',
    'factors.b.c=[3]',
    'factors.b=[4]',
    'learningRates=[7]',
  ].map(parseSetting);
  const plan = planStudy(study, { profile: 'quick', settings });
  assert.deepEqual(seen, { factors: { a: [1], b: [4], 'b.c': [3] }, learningRates: [7] });
  assert.deepEqual(
    plan.study.arms.map(({ name }) => name),
    ['new'],
  );
  assert.deepEqual(plan.settings, settings);
});

test('a study with fixed arms refuses factors, and says so', () => {
  assert.throws(
    () => variedBy(studyOf({}), [parseSetting('factors.a=[1]')]),
    /"factors\.a": the arms of study "varied" stand in its file/,
  );
});

test("a recipe's own path of that name is a setting like any other", () => {
  const plan = planStudy(studyOf({ factors: { a: 1 } }), { profile: 'quick', settings: [parseSetting('factors.a=2')] });
  assert.equal(plan.study.arms[0]?.name, 'only');
});
