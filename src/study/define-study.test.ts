import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Json, JsonObject } from '#base/json.ts';

import { defineStudy } from './define-study.ts';
import { planStudy } from './plan.ts';
import type { StudyInput } from './study.ts';
import { broken, problemsOf, RECIPE, WHOLE } from './study-fixture.ts';

test('a study with one of everything is whole, and comes out of a second definition the same', () => {
  const study = defineStudy(WHOLE);
  assert.deepEqual(study.contrasts, []);
  assert.deepEqual(study.arms[0]?.learningRates, []);
  // Levels are written once, and reach the config by themselves.
  assert.deepEqual(study.set, { 'measure.levels': { loss: [2, 1, 0] } });
  assert.deepEqual(defineStudy(study), study);
});

test('a study that asks nothing writes nothing empty', () => {
  const { name, question, scope, recipe, outcomes, arms, profiles } = WHOLE;
  const study = defineStudy({ name, question, scope, recipe, outcomes, arms, profiles });
  assert.deepEqual([study.matchOn, study.contrasts, study.claims, study.pilot], [[], [], undefined, undefined]);
  assert.equal(planStudy(study, { profile: 'quick' }).pilots.length, 0);
});

test('every mistake is said at once, and one does not stand for others', () => {
  const found = problemsOf(
    broken(
      ['claims.0.asks.kind', 'qestion'],
      ['claims.1.arm', 'z'],
      ['outcomes.0.delta', '0.1'],
      ['matchOn.0.levels', [1, 1]],
      ['profiles.quick.arms.1', 'bee'],
      ['extra', 1],
    ),
  );
  for (const part of [
    /^claims\[0\]\.asks\.kind: expected/,
    /^claims\[1\]\.arm: unknown arm "z"/,
    /^outcomes\[0\]\.delta: expected a number above 0, found "0\.1"/,
    /^profiles\.quick\.arms\[1\]: unknown arm "bee"/,
    /^extra: unknown key/,
  ]) {
    assert.ok(
      found.some((problem) => part.test(problem)),
      `${part.source} not in\n${found.join('\n')}`,
    );
  }
  // An outcome with a broken delta is still known by its name.
  assert.ok(!found.some((problem) => problem.includes('unknown outcome')), found.join('\n'));
});

test('whatever a file exports is answered with an AssayError, never with a crash', () => {
  for (const value of [undefined, null, 7, 'study', [], () => 1]) {
    assert.throws(() => defineStudy(value as unknown as StudyInput), { name: 'AssayError' });
  }
  const parts: readonly Json[] = [
    null,
    0,
    '',
    'x',
    [],
    [null],
    [[]],
    {},
    { kind: 'ends' },
    [{ kind: 'arms' }],
    [{ name: 1 }],
  ];
  for (const key of Object.keys({ ...WHOLE, pilot: 1, set: 1, contrasts: 1, blocks: 1, vary: 1 })) {
    // An empty list, object or text asks nothing of these, and is fine.
    for (const part of parts) problemsOf(broken([key, part]));
  }
  for (const path of [
    'arms.0',
    'claims.0',
    'claims.0.at',
    'claims.0.against',
    'claims.3.against',
    'maps.0',
    'maps.0.at',
    'profiles.quick',
  ]) {
    for (const part of parts)
      assert.notDeepEqual(problemsOf(broken([path, part])), [], `${path} ${JSON.stringify(part)}`);
  }
});

test('a claim is asked in the profiles that have its arms, and refused where none has', () => {
  const profiles = { quick: { arms: ['a', 'b'], blocks: 6 }, full: { arms: ['a', 'b', 'c'], blocks: 8 } };
  const study = defineStudy({ ...WHOLE, profiles });
  const names = (profile: 'quick' | 'full') => planStudy(study, { profile }).study.claims?.map(({ name }) => name);
  assert.deepEqual(names('quick'), ['one', 'two', 'three']);
  assert.deepEqual(names('full'), ['one', 'two', 'three', 'four']);
  const { full: _, ...quickOnly } = profiles;
  assert.deepEqual(problemsOf({ ...WHOLE, profiles: quickOnly }), [
    'claims[3]: no profile has all its arms (a, b, c), so it is never asked',
  ]);
});

test("an arm takes another's rates by name, and has no pilots of its own", () => {
  const [a, b, c] = WHOLE.arms;
  assert.ok(a && b && c);
  const pilot = { blocks: 1, axis: 'loss', margin: 0.1, maxRates: 1 };
  const like = { ...b, ratesLike: 'a' };
  const study = defineStudy({ ...WHOLE, arms: [{ ...a, learningRates: [0.1, 0.2] }, like, c], pilot });
  assert.deepEqual(study.arms[1]?.learningRates, [0.1, 0.2]);
  const { pilots } = planStudy(study, { profile: 'quick' });
  assert.deepEqual([...new Set(pilots.map(({ arm }) => arm))], ['a']);
  assert.deepEqual(defineStudy(study), study);
  const both = { ...like, learningRates: [0.3] };
  assert.match(
    problemsOf({ ...WHOLE, arms: [{ ...a, learningRates: [0.1, 0.2] }, both, c], pilot }).join(),
    /^arms\[1\]\.learningRates: the arm takes the rates of "a"; leave its own out$/,
  );
  const alone = { ...WHOLE, claims: [], maps: [], profiles: { quick: { arms: ['b'], blocks: 6 } } };
  assert.match(
    problemsOf({ ...alone, arms: [a, like, c] }).join(),
    /^profiles\.quick\.arms: "b" takes the rates of "a", which is not in the profile$/,
  );
});

test('rates are refused where the recipe has none', () => {
  const { learningRatePath: _, ...recipe } = RECIPE;
  const arms = WHOLE.arms.map((arm) => ({ ...arm, learningRates: [0.1] }));
  assert.match(
    problemsOf({ ...WHOLE, recipe, arms }).join(),
    /arms\[0\]\.learningRates: recipe "tree" has no learning rate/,
  );
  assert.deepEqual(problemsOf({ ...WHOLE, recipe }), []);
});

test('levels of the study are those at which its recipe measures, unless the study itself says others', () => {
  const levelsOf = (set: JsonObject): unknown => defineStudy({ ...WHOLE, set }).set;
  assert.deepEqual(levelsOf({ rank: 3 }), { rank: 3, 'measure.levels': { loss: [2, 1, 0] } });
  const more = { 'measure.levels': { loss: [3, 2, 1, 0] } };
  assert.deepEqual(levelsOf(more), more);
  const own = { ...RECIPE, defaults: { ...RECIPE.defaults, measure: { levels: { loss: [2, 1, 0] } } } };
  assert.equal(defineStudy({ ...WHOLE, recipe: own }).set, undefined);
});
