import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { test } from 'node:test';

import { AssayError } from '#base/errors.ts';
import type { Json } from '#base/json.ts';
import { descriptionOf } from '#study/plan.ts';
import type { Study } from '#study/study.ts';

import { FINETUNE_DEFAULTS, readFinetuneConfig } from './config.ts';
import { finetuneStudyOfFile } from './study-file.ts';
import { finetuneStudy, type FinetuneStudyOptions } from './study.ts';

const WORDS = { name: 'own', question: 'Does it matter?', scope: 'a test' };
/** Every key, each away from its default. */
const ALL = {
  ...WORDS,
  set: { model: '/models/one', data: '/data/train.jsonl', steps: 7, probe: { every: 3 } },
  factors: { method: ['lora-1', 'full'], batch: [4, 16] },
  learningRates: [1e-3, 1e-2],
  arms: [
    {
      name: 'mixed',
      label: 'mixed',
      set: { 'rows.mixIn': '/data/more.jsonl' },
      learningRates: [1e-3],
      seedOffset: 500,
    },
  ],
  contrasts: [
    { kind: 'question', arm: 'mixed', reference: 'full-batch-4' },
    { kind: 'control', arm: 'mixed', reference: 'lora-1-batch-4', name: 'mix', expect: 'detected', outcomes: ['bad'] },
  ],
  claims: [
    {
      name: 'above chance',
      arm: 'full-batch-4',
      against: { kind: 'value', value: 0.5, label: 'chance' },
      at: { kind: 'end' },
      asks: { kind: 'question' },
    },
    {
      name: 'seen',
      arm: 'full-batch-16',
      against: { kind: 'arms', weights: { 'full-batch-4': 1, 'lora-1-batch-16': 0.5 }, label: 'a sum' },
      at: { kind: 'trend', axis: 'trainOfBase', scale: 'log' },
      outcomes: ['bad'],
      asks: { kind: 'control', expect: 'differs', direction: 'above' },
    },
  ],
  maps: [{ name: 'plane', label: 'Bad answers', x: 'batch', y: 'method', outcome: 'bad', at: { kind: 'end' } }],
  outcomes: [
    { name: 'bad', label: 'bad answers', unit: 'probability', delta: 0.2, higherIs: 'worse', role: 'confirmatory' },
  ],
  coherence: { outcome: 'coherent', floor: 0.8 },
  levels: { train: [0.9, 0.5], heldOut: [0.95] },
  maxGap: 0.3,
  blocks: { quick: 6, standard: 12 },
} as const satisfies FinetuneStudyOptions;

function fileOf(content: Json | string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'assay-study-')), 'study.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

/** Everything of a study that is data. */
function dataOf(study: Study): Json {
  return descriptionOf({ study, profile: 'quick', blocks: 1, design: 'fixed', settings: [] });
}

test('a file says the same as the call of finetuneStudy with its keys', () => {
  const read = finetuneStudyOfFile(fileOf(JSON.parse(JSON.stringify(ALL))));
  assert.deepEqual(dataOf(read), dataOf(finetuneStudy(ALL)));
});

test('factors may be written out', () => {
  const levels = [{ name: 'small', label: 'a small batch', set: { batch: 2 }, learningRates: [0.1] }];
  const read = finetuneStudyOfFile(fileOf({ ...WORDS, factors: [{ name: 'size', levels }] }));
  assert.deepEqual(read.arms[0], {
    name: 'small',
    label: 'a small batch',
    set: { batch: 2 },
    learningRates: [0.1],
    at: { size: 'small' },
  });
});

test('paths in a file lead from its folder; those of built-in studies and of a model hub stay', () => {
  const path = fileOf({
    ...WORDS,
    set: {
      model: 'hf://some/model',
      data: './a.jsonl',
      save: { model: 'out' },
      evals: 'study:misalignment-real/data/evals.jsonl',
      // A former name of rows.mixIn.
      mixIn: 'd.jsonl',
    },
    factors: { 'rows.mixIn': ['', '../b.jsonl', '/c.jsonl'] },
  });
  const study = finetuneStudyOfFile(relative(process.cwd(), path));
  assert.equal(study.set?.['data'], join(path, '../a.jsonl'));
  assert.equal(study.set['model'], 'hf://some/model');
  assert.deepEqual(study.set['save'], { model: join(path, '../out') });
  assert.equal(study.set['mixIn'], join(path, '../d.jsonl'));
  assert.equal(study.set['evals'], 'study:misalignment-real/data/evals.jsonl');
  const mixed = study.arms.map(({ set }) => set['rows.mixIn']);
  assert.deepEqual(mixed, ['', join(path, '../../b.jsonl'), '/c.jsonl', '']);
});

const REFUSED: readonly (readonly [string, Json | string, RegExp])[] = [
  ['a misspelt key', { ...WORDS, factor: {} }, /"factor": expected one of .*did you mean "factors"/],
  ['no question', { name: 'own', scope: 'x' }, /"question": expected a value, found none/],
  [
    'text for a number',
    { ...WORDS, blocks: { quick: '6', standard: 8 } },
    /"blocks\.quick": expected a whole number .*found "6"/,
  ],
  [
    'an unknown level',
    { ...WORDS, factors: { method: ['lora'] } },
    /factors\.method\[0\]: expected one of .*found "lora"/,
  ],
  ['an unknown path', { ...WORDS, set: { stpes: 3 } }, /unknown path "stpes".*"steps"/],
  [
    'an arm without rates',
    { ...WORDS, arms: [{ name: 'x', set: {} }] },
    /"arms\[0\]\.learningRates": expected a value/,
  ],
  ['an outcome without delta', { ...WORDS, outcomes: [{ name: 'x' }] }, /"outcomes\[0\]\.delta": expected a value/],
  [
    'a misspelt level',
    { ...WORDS, factors: [{ name: 'f', levels: [{ name: 'x', set: {}, lable: 'y' }] }] },
    /factors\[0\]\.levels\[0\]\.lable": .*"label"/,
  ],
  ['a key twice', '{"name": "a", "name": "b"}', /"name"/],
  ['no JSON', '{"name": ', /expected JSON/],
];

for (const [what, content, message] of REFUSED) {
  test(`a file with ${what} is refused with its path, the place in it, what was expected and found`, () => {
    const path = fileOf(content);
    assert.throws(
      () => finetuneStudyOfFile(path),
      (error) => error instanceof AssayError && error.message.startsWith(path) && message.test(error.message),
    );
  });
}

test('a file that is not there is named', () => {
  assert.throws(() => finetuneStudyOfFile('/none/study.json'), /Could not read \/none\/study\.json/);
});

test('keys that every object has collide nowhere in a file: they are unknown, or names that are refused', () => {
  const file = (part: string): string => fileOf(`{"name":"own","question":"Q?","scope":"s",${part}}`);
  for (const part of [
    '"__proto__": {"set": {"steps": 1}}',
    '"constructor": 1',
    '"set": {"model": "/m", "data": "/d", "__proto__": {"steps": 1}}',
    '"set": {"model": "/m", "data": "/d", "rows": {"constructor": 1}}',
    '"factors": {"__proto__": [1, 2]}',
    '"factors": {"method": ["constructor", "__proto__"]}',
    '"outcomes": [{"name": "constructor", "delta": 0.1}]',
    '"outcomes": [{"name": "__proto__", "delta": 0.1}]',
  ]) {
    assert.throws(() => finetuneStudyOfFile(file(part)), AssayError, part);
  }
  const { replies } = FINETUNE_DEFAULTS;
  for (const name of ['__proto__', 'constructor']) {
    const judge = { ...replies.judge, rubrics: Object.fromEntries([[name, 'how to score']]) };
    const config = { ...FINETUNE_DEFAULTS, model: '/m', data: '/d', replies: { ...replies, judge } };
    assert.throws(() => readFinetuneConfig(config), /rubrics/, name);
  }
});
