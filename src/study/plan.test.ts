import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import type { JsonObject } from '#base/json.ts';

import { defineStudy } from './define-study.ts';
import { crossFactors, factorOf } from './factors.ts';
import { confirmatoryRuns, descriptionOf, FIRST_PILOT_BLOCK, overriddenFactors, planStudy, ratesFrom } from './plan.ts';
import { parseSetting, valueAt } from './settings.ts';
import type { Study } from './study.ts';

const GOLDEN = new URL('../../test/golden/run-ids.json', import.meta.url);

const PILOT = { blocks: 2, axis: 'train', margin: 0.1, maxRates: 2 };

const STUDY: Study = {
  name: 'example',
  question: 'Does rank matter?',
  scope: 'an example',
  recipe: {
    name: 'example',
    semanticsVersion: 3,
    defaults: { optimizer: { kind: 'adamw', rate: 0.1 }, rank: 8, steps: 100, label: 'x', measure: { every: 10 } },
    learningRatePath: 'optimizer.rate',
    measurePaths: ['measure'],
    check: (config) => {
      if (config['steps'] === 0) throw new Error('steps: expected at least 1, found 0');
    },
    inputs: (config) => ({ file: `hash of ${JSON.stringify(config['label'])}` }),
    run: async () => ({ kind: 'finished' }),
  },
  set: { steps: 10, label: 'study' },
  matchOn: [
    { name: 'train', label: 'Training loss', unit: 'nats', role: 'train', levels: [1], maxGap: 1, direction: 'falls' },
  ],
  outcomes: [{ name: 'behaviour', label: 'Behaviour', unit: 'fraction', delta: 0.1, role: 'confirmatory' }],
  arms: [
    { name: 'low', label: 'Low', set: { rank: 2, label: 'arm' }, learningRates: [0.01, 0.1] },
    { name: 'high', label: 'High', set: {}, learningRates: [0.1] },
    { name: 'again', label: 'Again', set: {}, learningRates: [0.1], seedOffset: 1000 },
  ],
  contrasts: [
    { kind: 'question', arm: 'low', reference: 'high' },
    { kind: 'control', arm: 'again', reference: 'high', name: 'A/A', expect: 'notDetected' },
  ],
  pilot: PILOT,
  profiles: {
    quick: { arms: ['low', 'high'], blocks: 2, set: { steps: 5, label: 'profile' } },
    full: { arms: ['low', 'high', 'again'], blocks: 8 },
  },
};

function quick(...settings: string[]): ReturnType<typeof planStudy> {
  return planStudy(STUDY, { profile: 'quick', settings: settings.map(parseSetting) });
}

test('a seed to which blocks are added must leave the sum exact, pilots and shifted arms included', () => {
  const seeded: Study = {
    ...STUDY,
    recipe: { ...STUDY.recipe, defaults: { ...STUDY.recipe.defaults, seeds: { init: 0 }, data: { seed: 0 } } },
  };
  const planned = (profile: 'quick' | 'full', path: string, seed: number): unknown =>
    planStudy(seeded, { profile, settings: [{ path, value: seed, from: '--set' }] });
  const most = Number.MAX_SAFE_INTEGER - (FIRST_PILOT_BLOCK + PILOT.blocks - 1);
  for (const path of ['seeds.init', 'data.seed']) {
    assert.ok(planned('quick', path, most));
    assert.throws(() => planned('quick', path, most + 1), new RegExp(`${path}: expected a seed of at most ${most}`));
    assert.throws(() => planned('quick', path, -most - 1), /blocks are added to it/);
  }
  const piloted = { ...seeded, arms: seeded.arms.map((arm) => ({ ...arm, learningRates: [0.1] })) };
  const shifted = Number.MAX_SAFE_INTEGER - (1000 + 7);
  const atFull = (value: number): unknown =>
    planStudy(piloted, { profile: 'full', settings: [{ path: 'seeds.init', value, from: '--set' }] });
  assert.ok(atFull(shifted));
  assert.throws(() => atFull(shifted + 1), /arm "again".*seeds\.init/);
});

test('a plan of more blocks than a recipe has is refused before any run, with how many there are', () => {
  const most = 8;
  const recipe = {
    ...STUDY.recipe,
    blocks: () => ({ most, what: 'fold', remedy: 'Or cut more of them: --set folds=N.' }),
  };
  const arms = STUDY.arms.map((arm) => ({ ...arm, learningRates: [0.1], seedOffset: 0 }));
  const planned = (blocks: number, seedOffset = 0): unknown => {
    const shifted = arms.map((arm) => ({ ...arm, seedOffset }));
    return planStudy({ ...STUDY, recipe, arms: shifted }, { profile: 'quick', blocks });
  };
  assert.ok(planned(most));
  assert.throws(
    () => planned(most + 1),
    /arm "low".*at most 8 blocks.*a fold of its own, found 9\..*--seeds 8.*--set folds=N/,
  );
  assert.throws(() => planned(most, 1), /found 8, numbered up to 8 from 0/);
});

test('ids stay what they were: the golden file changes only with a semanticsVersion', () => {
  const plan = planStudy(STUDY, { profile: 'full' });
  const runs = [
    ...plan.pilots,
    ...plan.study.arms.flatMap((arm) => confirmatoryRuns(plan, arm.name, arm.learningRates)),
  ];
  const ids = runs
    .filter(({ block }) => block % FIRST_PILOT_BLOCK === 0)
    .map(({ arm, learningRate, block, trainId, measureId }) => ({ arm, learningRate, block, trainId, measureId }));
  assert.deepEqual(ids, JSON.parse(readFileSync(GOLDEN, 'utf8')));
});

test('settings apply in the order defaults, study, profile, arm, user', () => {
  const label = (plan: ReturnType<typeof planStudy>, arm: string): unknown =>
    confirmatoryRuns(plan, arm, [0.1])[0]?.config['label'];
  assert.equal(label(planStudy(STUDY, { profile: 'full' }), 'high'), 'study');
  assert.equal(label(quick(), 'high'), 'profile');
  assert.equal(label(quick(), 'low'), 'arm');
  assert.equal(label(quick('label=user'), 'low'), 'user');
});

test('a plan holds the profile only: its arms, the contrasts between them, its blocks', () => {
  const plan = quick();
  assert.deepEqual(
    plan.study.arms.map(({ name }) => name),
    ['low', 'high'],
  );
  assert.equal(plan.study.contrasts.length, 1);
  assert.equal(confirmatoryRuns(plan, 'low', [0.01, 0.1]).length, 4);
  assert.equal(planStudy(STUDY, { profile: 'quick', blocks: 5 }).blocks, 5);
  assert.throws(() => planStudy(STUDY, { profile: 'standard' }), /no profile "standard"; it has quick, full/);
});

test('a plan names what its profile leaves unasked', () => {
  const claim = {
    name: 'again is low',
    arm: 'again',
    against: { kind: 'arm', arm: 'low' },
    at: { kind: 'end' },
    asks: { kind: 'question' },
  } as const;
  const asking = { ...STUDY, claims: [claim, { ...claim, name: 'high is low', arm: 'high' }] };
  assert.deepEqual(planStudy(asking, { profile: 'quick' }).notAsked, ['again against high', 'again is low']);
  assert.deepEqual(planStudy(asking, { profile: 'full' }).notAsked, []);
});

test('pilots run outside the confirmatory blocks, and only where there is a rate to choose', () => {
  const { pilots } = quick();
  assert.deepEqual(
    pilots.map(({ arm, learningRate, block }) => [arm, learningRate, block - FIRST_PILOT_BLOCK]),
    [
      ['low', 0.01, 0],
      ['low', 0.1, 0],
      ['low', 0.01, 1],
      ['low', 0.1, 1],
    ],
  );
});

test('pilots measure outcomes at no level where their rule says so, train what they train, and change no other run', () => {
  const { recipe } = STUDY;
  const measure = { levels: { train: [1, 0.5] }, every: 10 };
  const levelled = {
    ...STUDY,
    recipe: { ...recipe, levelsPath: 'measure.levels', defaults: { ...recipe.defaults, measure } },
  };
  const usual = planStudy(levelled, { profile: 'quick' });
  const choosing = planStudy({ ...levelled, pilot: { ...PILOT, outcomes: 'none' } }, { profile: 'quick' });
  choosing.pilots.forEach((pilot, i) => {
    const before = usual.pilots[i] ?? assert.fail();
    assert.deepEqual(pilot.config['measure'], { levels: { train: [] }, every: 10 });
    assert.deepEqual(before.config['measure'], measure);
    assert.equal(pilot.trainId, before.trainId);
    assert.notEqual(pilot.measureId, before.measureId);
  });
  assert.deepEqual(confirmatoryRuns(choosing, 'low', [0.1]), confirmatoryRuns(usual, 'low', [0.1]));
});

test("the twin of an A/A control takes its reference's rates and has no pilots; an arm of other settings has its own", () => {
  const arms = STUDY.arms.map((arm) => (arm.name === 'low' ? arm : { ...arm, learningRates: [0.01, 0.1] }));
  const twin = planStudy({ ...STUDY, arms }, { profile: 'full' });
  assert.deepEqual([...new Set(twin.pilots.map(({ arm }) => arm))], ['low', 'high']);
  const [, high, again] = arms;
  assert.ok(high && again);
  assert.equal(ratesFrom({ ...STUDY, arms }, again), high);
  const other = { ...again, set: { rank: 4 } };
  assert.equal(ratesFrom({ ...STUDY, arms: [...arms.slice(0, 2), other] }, other), other);
});

test('the learning rate stands at its path, and cannot be set by the user', () => {
  const [run] = confirmatoryRuns(quick(), 'low', [0.01]);
  assert.equal(run && valueAt(run.config, 'optimizer.rate'), 0.01);
  assert.throws(() => quick('optimizer.rate=1'), /set by the arms' learning rates/);
});

test('a seed offset shifts the seed and not the block', () => {
  const plan = planStudy(STUDY, { profile: 'full' });
  const [run] = confirmatoryRuns(plan, 'again', [0.1]);
  assert.deepEqual([run?.block, run?.seed], [0, 1000]);
});

test('inputs are hashed from the resolved config', () => {
  assert.deepEqual(confirmatoryRuns(quick('label=user'), 'high', [0.1])[0]?.inputs, { file: 'hash of "user"' });
});

test('a config the recipe refuses is an error before any run, naming the arm and the rate', () => {
  assert.throws(() => quick('steps=0'), /arm "low", learning rate 0.01: steps: expected at least 1/);
});

test('a user setting over what arms differ in is told', () => {
  assert.deepEqual(overriddenFactors(quick('rank=4')), ['rank (low)']);
  assert.deepEqual(overriddenFactors(quick('steps=4')), []);
});

test('the plan id names the question: it changes with blocks and settings and not with code', () => {
  const ids = [quick(), quick('steps=4'), planStudy(STUDY, { profile: 'quick', blocks: 3 })].map(
    ({ planId }) => planId,
  );
  assert.equal(new Set(ids).size, 3);
  const recoded = { ...STUDY, recipe: { ...STUDY.recipe, check: (): void => {} } };
  assert.equal(planStudy(recoded, { profile: 'quick' }).planId, ids[0]);
});

test('a sequential plan is another plan, and says so in what is stored', () => {
  const plan = planStudy(STUDY, { profile: 'quick', design: 'sequential' });
  assert.notEqual(plan.planId, quick().planId);
  assert.deepEqual(
    [plan, quick()].map((one) => descriptionOf(one)['design']),
    ['sequential', 'fixed'],
  );
});

test('defineStudy lists every inconsistency at once', () => {
  const twice = { ...STUDY.arms[0], name: 'low', label: '', set: {}, learningRates: [0.1, 0.01], seedOffset: 1 };
  const broken: Study = {
    ...STUDY,
    name: 'Not Kebab',
    arms: [...STUDY.arms, twice],
    contrasts: [{ kind: 'question', arm: 'lwo', reference: 'high' }],
    matchOn: STUDY.matchOn.map((axis) => ({ ...axis, levels: [] })),
    pilot: { ...PILOT, axis: 'held', blocks: 0 },
    profiles: { quick: { arms: ['low', 'nobody'], blocks: 2 } },
  };
  assert.throws(
    () => defineStudy(broken),
    (error: unknown) => {
      assert.ok(error instanceof Error);
      for (const part of [
        /"Not Kebab"/,
        /arm "low" is declared more than once/,
        /ascending/,
        /seedOffset/,
        /contrasts\[0\]\.arm: unknown arm "lwo"; the nearest known name is "low"/,
        /matchOn\[0\]\.levels: expected at least one level/,
        /pilot\.axis: unknown axis of matchOn "held"/,
        /pilot.blocks/,
        /profiles\.quick\.arms\[1\]: unknown arm "nobody"/,
      ])
        assert.match(error.message, part);
      return true;
    },
  );
  assert.deepEqual(defineStudy(STUDY), STUDY);
});

test('defineStudy finds settings the recipe does not know', () => {
  const withSet = (set: JsonObject): Study => ({ ...STUDY, set });
  assert.throws(() => defineStudy(withSet({ stpes: 1 })), /study "example": unknown path "stpes".*"steps"/);
});

test('factors cross into arms named after their levels, the last factor fastest', () => {
  const kinds = {
    name: 'optimizer',
    levels: [
      { name: 'adamw', set: {} },
      { name: 'muon', set: { 'optimizer.kind': 'muon' }, learningRates: [0.02] },
    ],
  };
  const arms = crossFactors([kinds, factorOf('rank', 'rank', [2, 8])], [0.1, 0.2]);
  assert.deepEqual(
    arms.map(({ name }) => name),
    ['adamw-rank-2', 'adamw-rank-8', 'muon-rank-2', 'muon-rank-8'],
  );
  assert.deepEqual(arms[3], {
    name: 'muon-rank-8',
    label: 'muon, rank 8',
    set: { 'optimizer.kind': 'muon', rank: 8 },
    learningRates: [0.02],
    at: { optimizer: 'muon', rank: 8 },
  });
  assert.throws(
    () => crossFactors([factorOf('a', 'rank', [1]), factorOf('b', 'rank', [2])], [0.1]),
    /"rank" is already set/,
  );
  assert.throws(() => crossFactors([{ name: 'empty', levels: [] }], [0.1]), /at least one level/);
});

test("an arm without rates has one run a block at its config's own rate, which the user may set", () => {
  const arms = STUDY.arms.map((arm) => (arm.name === 'high' ? { ...arm, learningRates: [] } : arm));
  const study = { ...STUDY, arms };
  const plan = planStudy(study, { profile: 'full' });
  const runs = confirmatoryRuns(plan, 'high', []);
  assert.deepEqual(
    runs.map(({ block, learningRate }) => [block, learningRate]),
    Array.from({ length: 8 }, (_, block) => [block, undefined]),
  );
  assert.equal(runs[0] && valueAt(runs[0].config, 'optimizer.rate'), 0.1);
  // The same training as at a rate that is the default: the same run.
  assert.equal(
    runs[0]?.measureId,
    confirmatoryRuns(planStudy(STUDY, { profile: 'full' }), 'high', [0.1])[0]?.measureId,
  );
  const settings = [parseSetting('optimizer.rate=0.5')];
  const alone = { ...study, profiles: { quick: { arms: ['high'], blocks: 1 } } };
  const [set] = confirmatoryRuns(planStudy(alone, { profile: 'quick', settings }), 'high', []);
  assert.equal(set && valueAt(set.config, 'optimizer.rate'), 0.5);
  // Beside an arm whose rates are its own it stays refused.
  assert.throws(() => planStudy(study, { profile: 'full', settings }), /set by the arms' learning rates/);
});

test('where arms stand on factors is part of what is asked only where a map reads it', () => {
  const idOf = (study: Study): string => planStudy(study, { profile: 'quick' }).planId;
  const placed = { ...STUDY, arms: STUDY.arms.map((arm) => ({ ...arm, at: { rank: 1, kind: arm.name } })) };
  assert.equal(idOf(placed), idOf(STUDY));
  const map = { name: 'm', label: 'm', x: 'rank', y: 'kind', outcome: 'behaviour', at: { kind: 'end' } } as const;
  const [first, second] = ['low', 'high'].map((kind) =>
    idOf({ ...placed, maps: [map], arms: placed.arms.map((arm) => ({ ...arm, at: { rank: 1, kind } })) }),
  );
  assert.notEqual(first, second);
});

test('the twin of a claim that must agree takes the rates of the arm it is held against', () => {
  const arms = STUDY.arms.map((arm) => (arm.name === 'low' ? arm : { ...arm, learningRates: [0.01, 0.1] }));
  const claim = {
    name: 'A/A',
    arm: 'again',
    against: { kind: 'arm', arm: 'high' },
    at: { kind: 'end' },
    asks: { kind: 'control', expect: 'agrees' },
  } as const;
  const plan = planStudy({ ...STUDY, arms, contrasts: [], claims: [claim] }, { profile: 'full' });
  assert.deepEqual([...new Set(plan.pilots.map(({ arm }) => arm))], ['low', 'high']);
});
