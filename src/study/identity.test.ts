import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { JsonObject } from '#base/json.ts';

import { changesFrom, contradiction, identityOf } from './identity.ts';

const DEFAULTS = {
  rate: 0.1,
  steps: 100,
  schedule: { kind: 'constant' },
  adapter: { kind: 'lora', rank: 8, alpha: 16 },
  measure: { every: 10, questions: { count: 8 } },
  data: { file: 'a', probe: { size: 64 } },
};
const RECIPE = {
  name: 'finetune',
  semanticsVersion: 1,
  defaults: DEFAULTS,
  measurePaths: ['measure', 'data.probe.size'],
};

function idOf(changes: JsonObject, recipe = RECIPE, seed = 3, inputs = {}): ReturnType<typeof identityOf> {
  return identityOf(recipe, { ...recipe.defaults, ...changes }, seed, inputs);
}

test('a field added with its default keeps old ids, at the top, nested and inside a union', () => {
  const grown = {
    ...RECIPE,
    defaults: {
      ...DEFAULTS,
      dropout: 0,
      adapter: { ...DEFAULTS.adapter, dropout: 0 },
      measure: { ...DEFAULTS.measure, samples: 4 },
    },
  };
  for (const changes of [{}, { steps: 50 }, { schedule: { kind: 'cosine', warmup: 5 } }]) {
    assert.deepEqual(idOf(changes, grown), idOf(changes));
  }
  assert.notEqual(idOf({ dropout: 0.1 }, grown).trainId, idOf({}).trainId);
});

test('everything that changes training changes both ids', () => {
  const base = idOf({});
  const others = [
    idOf({ steps: 50 }),
    idOf({ schedule: { kind: 'cosine' } }),
    idOf({ adapter: { kind: 'lora', rank: 4, alpha: 16 } }),
    idOf({ data: { file: 'b', probe: { size: 64 } } }),
    idOf({}, { ...RECIPE, semanticsVersion: 2 }),
    idOf({}, { ...RECIPE, name: 'pretrain' }),
    idOf({}, RECIPE, 4),
    idOf({}, RECIPE, 3, { file: 'hash' }),
  ];
  assert.equal(new Set([base, ...others].map(({ trainId }) => trainId)).size, others.length + 1);
  assert.equal(new Set([base, ...others].map(({ measureId }) => measureId)).size, others.length + 1);
});

test('what only changes measuring keeps the trainId and changes the measureId', () => {
  for (const changes of [
    { measure: { every: 5, questions: { count: 8 } } },
    { measure: { every: 10, questions: { count: 9 } } },
    { data: { file: 'a', probe: { size: 32 } } },
  ]) {
    assert.equal(idOf(changes).trainId, idOf({}).trainId);
    assert.notEqual(idOf(changes).measureId, idOf({}).measureId);
  }
});

test('a union of another kind counts as a whole, so its fields do not mix with the default kind', () => {
  const config = { ...DEFAULTS, adapter: { kind: 'full', rank: 8 } };
  assert.deepEqual(changesFrom(DEFAULTS, config), { adapter: { kind: 'full', rank: 8 } });
  const same = { ...DEFAULTS, adapter: { kind: 'lora', rank: 4, alpha: 16 } };
  assert.deepEqual(changesFrom(DEFAULTS, same), { adapter: { rank: 4 } });
});

test('a default that changed under an old id is found; an added field is not a contradiction', () => {
  assert.equal(contradiction(DEFAULTS, { ...DEFAULTS, steps: 200 }), 'steps');
  assert.equal(contradiction(DEFAULTS, { ...DEFAULTS, adapter: { kind: 'lora', rank: 8, alpha: 8 } }), 'adapter.alpha');
  assert.equal(contradiction(DEFAULTS, { ...DEFAULTS, dropout: 0.1 }), undefined);
  const { steps: _, ...withoutSteps } = DEFAULTS;
  assert.equal(contradiction(DEFAULTS, withoutSteps), 'steps');
});
