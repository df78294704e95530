import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AssayError } from '#base/errors.ts';
import type { Json } from '#base/json.ts';
import type { Study } from '#study/study.ts';
import { variedBy } from '#study/vary.ts';

import { loraMethod } from './factors.ts';
import { finetuneStudy, type FinetuneStudyOptions } from './study.ts';

const WORDS = { name: 'own', question: 'Does it matter?', scope: 'a test' };

function studyOf(options: Partial<FinetuneStudyOptions>): Study {
  return finetuneStudy({ ...WORDS, ...options });
}

/** The study under `--set` settings. */
function varied(study: Study, settings: Readonly<Record<string, Json>>): Study {
  return variedBy(
    study,
    Object.entries(settings).map(([path, value]) => ({ path, value, from: '--set' })),
  );
}

function armNames({ arms }: Study): string[] {
  return arms.map(({ name }) => name);
}

function ratesOf({ arms }: Study): (readonly number[])[] {
  return arms.map(({ learningRates }) => learningRates);
}

function refuses(study: Study, settings: Readonly<Record<string, Json>>, message: RegExp): void {
  assert.throws(
    () => varied(study, settings),
    (error) => error instanceof AssayError && message.test(error.message),
  );
}

test('levels chosen by --set are crossed, the first combination is the reference of all and is repeated', () => {
  const study = varied(studyOf({}), {
    'factors.method': ['lora-3', 'full'],
    'factors.optimizer': ['muon', 'lion', 'sgd'],
  });
  const crossed = ['lora-3-muon', 'lora-3-lion', 'lora-3-sgd', 'full-muon', 'full-lion', 'full-sgd'];
  assert.deepEqual(armNames(study), [...crossed, 'lora-3-muon-again']);
  assert.ok(study.contrasts.every(({ reference }) => reference === 'lora-3-muon'));
  assert.equal(study.contrasts.length, crossed.length);
  assert.deepEqual(study.arms[0]?.set['method'], {
    kind: 'lora',
    rank: 3,
    alpha: 6,
    scaling: 'alphaOverRank',
    modules: 'all',
  });
  assert.deepEqual(study.profiles.quick.arms, armNames(study));
});

test('a factor that is not named keeps the levels of the study', () => {
  const names = armNames(varied(studyOf({}), { 'factors.method': ['lora-8'] }));
  assert.deepEqual(names, ['lora-8-adamw', 'lora-8-muon', 'lora-8-adamw-again']);
});

test('the levels of a study module can be chosen by name, kept as they stand there', () => {
  const levels = [1, 4].map((rank) => ({
    name: `small-${rank}`,
    set: { method: loraMethod(rank) },
    learningRates: [rank],
  }));
  const study = studyOf({ factors: [{ name: 'rank', levels }] });
  const chosen = varied(study, { 'factors.rank': ['small-4'], 'factors.batch': [4, 16] });
  assert.deepEqual(armNames(chosen), ['small-4-batch-4', 'small-4-batch-16', 'small-4-batch-4-again']);
  assert.deepEqual(ratesOf(chosen), [[4], [4], [4]]);
  refuses(
    study,
    { 'factors.rank': ['small-3'] },
    /factors\.rank\[0\]: expected one of small-1, small-4, .*found "small-3"; the nearest known one is "small-1"/,
  );
});

test('any config path is a factor; kinds name the levels of a tagged union', () => {
  const study = varied(studyOf({ factors: { method: ['lora-1'] } }), {
    'factors.batch': [4, 16],
    'factors.schedule': [
      { kind: 'constant', warmupSteps: 3 },
      { kind: 'cosine', warmupSteps: 3, finalFraction: 0 },
    ],
  });
  assert.equal(study.arms.length, 5);
  assert.equal(study.arms[3]?.name, 'lora-1-batch-16-schedule-cosine');
  assert.equal(study.arms[3].set['batch'], 16);
  refuses(study, { 'factors.batch': ['x'] }, /batch: expected a number \(such as 8\), found a string "x"/);
});

test('a level can be written out, with rates of its own', () => {
  const level = { name: 'wide', set: { method: loraMethod(64) }, learningRates: [0.5] };
  const study = varied(studyOf({}), { 'factors.method': ['lora-1', level], 'factors.optimizer': ['adamw'] });
  assert.deepEqual(ratesOf(study).slice(1, 2), [[0.5]]);
  refuses(study, { 'factors.method': [{ name: 'wide', sett: {} }] }, /factors\.method\[0\]\.set": expected a value/);
});

test('a factor of any name can be written out, its levels setting several paths', () => {
  const levels = [
    { name: 'small', set: { batch: 2, steps: 40 } },
    { name: 'large', set: { batch: 8, steps: 10 } },
  ];
  const study = varied(studyOf({}), {
    'factors.size': levels,
    'factors.method': ['lora-1'],
    'factors.optimizer': ['adamw'],
  });
  assert.deepEqual(armNames(study).slice(0, 2), ['lora-1-adamw-small', 'lora-1-adamw-large']);
  refuses(
    studyOf({}),
    { 'factors.size': [...levels, 3] },
    /factors\.size: expected a factor of the study or a config path/,
  );
});

test('rates to pilot: of the level, else those of the study or of --set, else usual ones of method and optimizer', () => {
  const usual = varied(studyOf({}), { 'factors.method': ['lora-1', 'full'], 'factors.optimizer': ['adamw', 'lion'] });
  const [lora = [], loraLion = [], full = [], fullLion = []] = ratesOf(usual);
  assert.ok((lora[0] ?? 0) > (loraLion[0] ?? 1) && (full[0] ?? 0) > (fullLion[0] ?? 1));
  assert.ok((lora[0] ?? 0) > (full[0] ?? 1));
  const own = studyOf({ learningRates: [2, 3] });
  assert.ok(ratesOf(own).every((rates) => rates.join() === '2,3'));
  assert.ok(ratesOf(varied(own, { learningRates: [7] })).every((rates) => rates.join() === '7'));
  refuses(own, { learningRates: 7 }, /"learningRates": expected a list of numbers, found 7/);
});

test('the learning rate as a factor makes arms at one rate each, which need no pilots, wherever it stands', () => {
  const wide = { name: 'wide', set: { method: loraMethod(64) }, learningRates: [0.5, 0.6] };
  const study = studyOf({ factors: { learningRate: [1e-3, 1e-2], method: [wide] } });
  assert.deepEqual(armNames(study).slice(0, 2), ['wide-rate-0.001', 'wide-rate-0.01']);
  assert.deepEqual(ratesOf(study).slice(0, 2), [[1e-3], [1e-2]]);
});

const REFUSED: readonly (readonly [string, Readonly<Record<string, Json>>, RegExp])[] = [
  [
    'an unknown factor',
    { 'factors.methd': ['full'] },
    /factors\.methd: .*nearest known one is "method"\. Known: .*optimizer/,
  ],
  [
    'an unknown level',
    { 'factors.method': ['lroa-8'] },
    /one of full, .*lora-N \(any rank N\).* found "lroa-8"; the nearest known one is "lora-8"/,
  ],
  [
    'an unknown optimizer',
    { 'factors.optimizer': ['adam'] },
    /one of adamw, muon, sgd, lion, .*nearest known one is "adamw"/,
  ],
  ['no list', { 'factors.method': 'full' }, /factors\.method: expected a list of levels, found "full"/],
  ['a level twice', { 'factors.method': ['full', 'full'] }, /found "full" more than once/],
  ['seeds, which the blocks vary', { 'factors.seeds.data': [0, 1] }, /"seeds\.data" is no factor/],
  ['what only measures', { 'factors.threads': [1, 2] }, /"threads" is no factor/],
  ['a former path', { 'factors.mixIn': ['', 'a.jsonl'] }, /"mixIn" is called "rows\.mixIn" now/],
  ['a bare kind', { 'factors.optimizer.kind': ['sgd'] }, /"optimizer\.kind" is no factor/],
  [
    'a rate that is none',
    { 'factors.learningRate': [0] },
    /factors\.learningRate\[0\]: expected a positive learning rate, found 0/,
  ],
];

for (const [what, settings, message] of REFUSED) {
  test(`${what} is refused as a factor, with what is known`, () => refuses(studyOf({}), settings, message));
}

test('a file of rows that contradict makes a positive control of the reference, by option and by setting', () => {
  const factors = { method: ['lora-8', 'lora-1'], optimizer: ['adamw'] };
  const own = studyOf({ factors, control: 'against.jsonl' });
  const [reference] = own.arms;
  const made = own.arms.find(({ set }) => set['rows.mixIn'] === 'against.jsonl');
  assert.ok(reference && made);
  assert.deepEqual({ ...made.set, 'rows.mixIn': undefined }, { ...reference.set, 'rows.mixIn': undefined });
  assert.deepEqual(made.learningRates, reference.learningRates);
  assert.deepEqual(
    own.contrasts.find(({ arm }) => arm === made.name),
    {
      kind: 'control',
      arm: made.name,
      reference: reference.name,
      name: 'rows that contradict',
      expect: 'detected',
    },
  );
  assert.deepEqual(armNames(varied(studyOf({ factors }), { control: 'against.jsonl' })), armNames(own));
  refuses(studyOf({ factors }), { control: 3 }, /control: expected the path of a file of rows, found 3/);
});
