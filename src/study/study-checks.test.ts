import assert from 'node:assert/strict';
import { test } from 'node:test';

import { unknownName } from './problems.ts';
import { broken, problemsOf, RECIPE, WHOLE } from './study-fixture.ts';

/** What stands where, and all that is said of it. */
const CASES: readonly (readonly [path: string, value: unknown, expected: RegExp])[] = [
  // Types, words, missing and unknown keys.
  ['name', 7, /^name: expected text, found 7$/],
  ['question', '  ', /^question: expected text, found " {2}"$/],
  ['scope', undefined, /^scope: missing$/],
  ['claim', [], /^claim: unknown key; the nearest known is "claims"$/],
  ['claims', {}, /^claims: expected a list, found an object without keys$/],
  ['claims.1', null, /^claims\[1\]: expected an object, found null$/],
  ['claims.0.asks', undefined, /^claims\[0\]\.asks: missing$/],
  [
    'claims.0.asks.kind',
    'qestion',
    /^claims\[0\]\.asks\.kind: expected "question" or "control", found "qestion"; the nearest known is "question"$/,
  ],
  [
    'claims.0.at.kind',
    undefined,
    /^claims\[0\]\.at\.kind: expected "crossed" or "given" or "end" or "trend", found nothing$/,
  ],
  ['claims.0.against.arms', 'b', /^claims\[0\]\.against\.arms: unknown key; the nearest known is "arm"$/],
  ['claims.1.at.levels', undefined, /^claims\[1\]\.at\.levels: missing$/],
  ['claims.1.at.levels', [], /^claims\[1\]\.at\.levels: expected at least one, found none$/],
  ['claims.1.at.levels', [1, '2'], /^claims\[1\]\.at\.levels\[1\]: expected a finite number, found "2"$/],
  ['claims.2.against.value', Number.NaN, /^claims\[2\]\.against\.value: expected a finite number, found NaN$/],
  ['claims.3.asks.direction', 'up', /^claims\[3\]\.asks\.direction: expected "above" or "below", found "up"/],
  ['arms.0.learningRates', [0, 1], /^arms\[0\]\.learningRates\[0\]: expected a number above 0, found 0$/],
  ['arms.0.set', { f: () => 1 }, /^arms\[0\]\.set\["f"\]: expected JSON, found a function$/],
  ['arms.0.set', { rank: Infinity }, /^arms\[0\]\.set\["rank"\]: expected JSON, found Infinity$/],
  ['arms.0.seedOffset', 1.5, /^arms\[0\]\.seedOffset: expected a whole number, found 1\.5$/],
  ['outcomes.0.role', 'primary', /^outcomes\[0\]\.role: expected "confirmatory" or "exploratory", found "primary"/],
  ['outcomes.0.delta', -1, /^outcomes\[0\]\.delta: expected a number above 0, found -1$/],
  ['outcomes', [], /^outcomes: expected at least one, found none$/],
  ['matchOn.0.direction', undefined, /^matchOn\[0\]\.direction: missing$/],
  ['profiles.quick.blocks', 0, /^profiles\.quick\.blocks: expected a whole number above 0, found 0$/],
  ['profiles.quikc', { arms: ['a'], blocks: 1 }, /^profiles\.quikc: unknown key; the nearest known is "quick"$/],
  ['recipe.run', undefined, /^recipe\.run: missing$/],
  [
    'recipe.learningRatesPath',
    'rate',
    /^recipe\.learningRatesPath: unknown key; the nearest known is "learningRatePath"$/,
  ],
  // Names that lead nowhere.
  ['claims.0.arm', 'aa', /^claims\[0\]\.arm: unknown arm "aa"; the nearest known name is "a"$/],
  ['claims.0.against.arm', 'bb', /^claims\[0\]\.against\.arm: unknown arm "bb"; the nearest known name is "b"$/],
  [
    'claims.1.against.outcome',
    'thoery',
    /^claims\[1\]\.against\.outcome: unknown outcome "thoery"; the nearest known name is "theory"$/,
  ],
  [
    'claims.3.against.weights',
    { b: 1, d: 1 },
    /^claims\[3\]\.against\.weights: unknown arm "d"; the nearest known name is "a"$/,
  ],
  [
    'claims.3.outcomes',
    ['eror'],
    /^claims\[3\]\.outcomes\[0\]: unknown outcome "eror"; the nearest known name is "error"$/,
  ],
  [
    'claims.0.at.axis',
    'los',
    /^claims\[0\]\.at\.axis: unknown axis of matchOn "los"; the nearest known name is "loss"$/,
  ],
  [
    'claims.1.at.axis',
    'dept',
    /^claims\[1\]\.at\.axis: recipe "tree" gives no axis "dept"\. The nearest it gives is "depth"\.$/,
  ],
  [
    'coherence.outcome',
    'coherent',
    /^coherence\.outcome: recipe "tree" gives no outcome "coherent"\. The nearest it gives is "coherence"\.$/,
  ],
  ['maps.0.x', 'rnak', /^maps\[0\]\.x: unknown factor of any arm's `at` "rnak"; the nearest known name is "rank"$/],
  ['maps.0.outcome', 'err', /^maps\[0\]\.outcome: unknown outcome "err"; the nearest known name is "error"$/],
  ['maps.0.theory', 'err', /^maps\[0\]\.theory: unknown outcome "err"/],
  ['profiles.quick.arms.2', 'd', /^profiles\.quick\.arms\[2\]: unknown arm "d"/],
  // What could never be answered.
  ['claims.0.against.arm', 'a', /^claims\[0\]\.against\.arm: expected another arm, found "a" against itself$/],
  [
    'claims.1.outcomes',
    ['theory'],
    /^claims\[1\]\.against\.outcome: expected another outcome, found "theory" against itself/,
  ],
  [
    'claims.3.against.weights',
    { a: 1 },
    /^claims\[3\]\.against\.weights: expected other arms, found "a" against itself$/,
  ],
  [
    'claims.3.against.weights',
    {},
    /^claims\[3\]\.against\.weights: expected a weight for at least one arm, found none$/,
  ],
  [
    'claims.3.against.weights',
    { b: 1, c: 0 },
    /^claims\[3\]\.against\.weights: expected weights other than 0, found 0 for "c"; leave it out$/,
  ],
  [
    'claims.3.asks.expect',
    'agrees',
    /^claims\[3\]\.asks\.direction: a direction is for what must differ, found expect "agrees"$/,
  ],
  ['claims.3.at.levels', [1], /^claims\[3\]\.at\.levels: expected at least two levels for a trend, found one$/],
  ['claims.3.at.scale', 'log', /^claims\[3\]\.at\.scale: expected levels above 0 on a log scale, found 2, 1, 0$/],
  [
    'claims.0.at.levels',
    [0.5],
    /^claims\[0\]\.at\.levels: expected some of the levels of axis "loss" \(2, 1, 0\), found 0\.5$/,
  ],
  [
    'claims.1.at.levels',
    [1, 3, 2],
    /^claims\[1\]\.at\.levels: expected levels in one order, each once, found 1, 3, 2$/,
  ],
  ['claims.1.at.levels', [1, 1], /^claims\[1\]\.at\.levels: expected levels in one order, each once, found 1, 1$/],
  ['claims.1.name', 'one', /^claims\[1\]\.name: claim "one" is declared more than once$/],
  [
    'claims.2',
    { ...WHOLE.claims?.[1], name: 'again' },
    /^claims\[2\]: asks the same as claims\[1\]; leave one of them out$/,
  ],
  ['maps.0.y', 'rank', /^maps\[0\]\.y: expected another factor than x, found "rank" for both$/],
  ['maps.0.only', { factor: 'rnak', value: 1 }, /^maps\[0\]\.only\.factor: unknown factor of any arm's `at` "rnak"/],
  ['maps.0.only', { factor: 'rank', value: 77 }, /^maps\[0\]: no arm stands at both "\w+" and "\w+" with rank = 77$/],
  ['maps.0.theory', 'error', /^maps\[0\]\.theory: expected another outcome, found "error" against itself$/],
  [
    'maps.0.at',
    { kind: 'crossed', axis: 'loss' },
    /^maps\[0\]\.at\.levels: expected one level, since a cell shows one number; found 2, 1, 0$/,
  ],
  [
    'maps.0.difference',
    { factor: 'rank', from: 1, to: 2 },
    /^maps\[0\]\.difference\.factor: expected a factor beside x and y, found "rank"$/,
  ],
  ['arms.1.at.rank', 'two', /^arms\[1\]\.at\["rank"\]: expected a number as in the arms before, found "two"$/],
  [
    'arms.1.at.rank',
    { rank: 2 },
    /^arms\[1\]\.at\["rank"\]: expected a number, a text, true or false; found \{"rank":2\}$/,
  ],
  ['arms.0.ratesLike', 'a', /^arms\[0\]\.ratesLike: expected another arm, found the arm itself$/],
  ['arms.0.ratesLike', 'd', /^arms\[0\]\.ratesLike: unknown arm "d"/],
  [
    'arms.0.learningRates',
    [1, 2],
    /^pilot: missing; arm "a" has several learning rates, and nothing says how they are chosen$/,
  ],
  ['arms.0.learningRates', [2, 1], /^arms\[0\]\.learningRates: expected ascending rates above 0, found 2, 1$/],
  [
    'pilot',
    { blocks: 1, axis: 'los', margin: 0, maxRates: 1 },
    /^pilot\.axis: unknown axis of matchOn "los"; the nearest known name is "loss"$/,
  ],
  [
    'pilot',
    { blocks: 1, axis: 'loss', margin: 0, maxRates: 1, outcomes: 'some' },
    /^pilot\.outcomes: expected "none", found "some"; the nearest known is "none"$/,
  ],
  [
    'contrasts',
    [{ kind: 'control', arm: 'a', reference: 'b', name: 'x', expect: 'detected', outcomes: ['eror'] }],
    /^contrasts\[0\]\.outcomes\[0\]: unknown outcome "eror"/,
  ],
  ['matchOn.0.levels', [2, 0, 1], /^matchOn\[0\]\.levels: expected levels in one order, each once, found 2, 0, 1$/],
  [
    'set',
    { 'measure.levels': { loss: [2] } },
    /^matchOn\[0\]\.levels: level 1 is not measured: measure\.levels\.loss is 2$/,
  ],
  ['recipe.learningRatePath', 'rat', /^recipe\.learningRatePath: the defaults of "tree" have no path "rat"$/],
];

for (const [path, value, expected] of CASES) {
  test(`what is wrong at ${path} is said with its path: ${expected.source.slice(1, 90)}`, () => {
    const found = problemsOf(broken([path, value]));
    assert.ok(
      found.some((problem) => expected.test(problem)),
      found.join('\n') || 'nothing was refused',
    );
  });
}

test('a weight of 0 is refused for what it is, and where nothing is known no nearest name is made up', () => {
  const zero = problemsOf(broken(['claims.3.against.weights', { b: 0 }]));
  assert.deepEqual(
    zero.filter((problem) => problem.startsWith('claims[3].against')),
    ['claims[3].against.weights: expected weights other than 0, found 0 for "b"; leave it out'],
  );
  assert.deepEqual(unknownName('maps[0].x', 'factor', 'k', []), ['maps[0].x: unknown factor "k"; none is known']);
});

test('pilots without outcomes are refused where a recipe does not say where its levels stand', () => {
  const pilot = { blocks: 1, axis: 'loss', margin: 0, maxRates: 1, outcomes: 'none' };
  assert.deepEqual(problemsOf(broken(['pilot', pilot])), []);
  const { levelsPath: _, ...recipe } = RECIPE;
  const [problem] = problemsOf(broken(['pilot', pilot], ['recipe', recipe]));
  assert.match(
    problem ?? '',
    /^pilot\.outcomes: expected a recipe that says where its levels stand \(levelsPath\), found "tree" without$/,
  );
});
