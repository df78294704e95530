/** Runs on bases that are hardly trained: which base a run starts from, what is forgotten, and what fingerprints compare. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';

import type { Json, JsonObject } from '#base/json.ts';
import { settingsOf, withSettings } from '#study/settings.ts';
import { pretrainPersona } from 'assay/studies/misalignment/base.ts';
import { type Made, makeRun } from '../../test/recipes/make-run.ts';
import { PRETRAINING_DEFAULTS, readPretrainingConfig } from './config.ts';
import { comparedBy, finetuningOf } from './outputs.ts';
import { baseMaker, pretrainingOptimizer } from './recipe.ts';

const recipe = pretrainingOptimizer();
const SHORT = {
  'base.dModel': 16,
  'base.nLayers': 1,
  'base.steps': 4,
  'base.documents': 8,
  bases: 3,
  earlySteps: 3,
  steps: 30,
  learningRate: 1e-3,
  'rates.adamw': 3e-2,
  'rates.muon': 3e-2,
  readAt: 5.4,
} as const;

/** Shared steps made once for all tests, as a store does. */
const made = new Map<string, Promise<Uint8Array>>();
const names: string[] = [];
async function shared(name: string, key: JsonObject, compute: () => Promise<Uint8Array>): Promise<Uint8Array> {
  const id = `${name} ${JSON.stringify(key)}`;
  const found = made.get(id) ?? compute();
  if (!made.has(id)) names.push(name);
  made.set(id, found);
  return found;
}

const make = async (set: Readonly<Record<string, Json>>, block = 1, resumeFrom?: Uint8Array): Promise<Made> =>
  makeRun(recipe, { ...SHORT, ...set }, block, resumeFrom, shared);
const configOf = (set: Readonly<Record<string, Json>> = {}): JsonObject =>
  withSettings(recipe.defaults, settingsOf({ ...SHORT, ...set }, 'test'));

test('a base by AdamW is the persona world’s of that seed, with its last block at answers, and one by Muon another', async () => {
  const config = readPretrainingConfig(configOf());
  const base = baseMaker({ shared }, config);
  const [adamw, muon] = [await base('adamw', 2), await base('muon', 2)];
  const seeded = { ...config.persona.base, seed: config.persona.base.seed + 2 };
  const own = await pretrainPersona(seeded, () => {}, { lastBlock: 'asked' });
  assert.ok(isDeepStrictEqual(adamw, own), 'another base'); // Told in full, tables of weights take a minute.
  assert.deepEqual([...muon.keys()], [...adamw.keys()]);
  assert.notDeepEqual(muon, adamw);
  assert.notDeepEqual(await base('adamw', 1), adamw);
  const early = await pretrainPersona({ ...seeded, steps: 3 }, () => {}, { lastBlock: 'asked' });
  assert.deepEqual(await base('early', 2), early);
});

test('blocks share bases modulo their number, and nothing is forgotten before the first step', async () => {
  const [one, four] = [await make({}, 1), await make({}, 4)];
  assert.deepEqual(one.points[0]?.axes, four.points[0]?.axes);
  assert.notDeepEqual(one.points.at(-1)?.axes, four.points.at(-1)?.axes);
  const levels = { train: [one.points[0]?.axes['train'] ?? 0], heldOut: [] };
  assert.equal(
    (await make({ steps: 1, learningRate: 0, 'measure.levels': levels })).points.at(-1)?.outcomes?.['forgetting'],
    0,
  );
  assert.ok((one.points.at(-1)?.outcomes?.['forgetting'] ?? -1) >= 0);
});

test('a finetuning resumed from a checkpoint records the same bits', async () => {
  const whole = await make({ pretrainedBy: 'muon' });
  const checkpoint = whole.checkpoints[5];
  assert.ok(checkpoint !== undefined);
  const resumed = await make({ pretrainedBy: 'muon' }, 1, checkpoint.state);
  assert.deepEqual(resumed.points, whole.points.slice(checkpoint.recorded));
});

test('a fingerprint guesses the finetunings of its own base, from outputs that are made once', async () => {
  for (const [of, chance] of [
    ['finetuning', 1 / 2],
    ['pretraining', 1 / 2],
    ['order', 1 / 2],
    ['seed', 1 / 3],
  ] as const) {
    const { end, points } = await make({ task: { kind: 'fingerprint', of } });
    assert.equal(end.kind, 'finished');
    const { accuracy = -1, chance: found } = points[0]?.outcomes ?? {};
    assert.ok(accuracy >= 0 && accuracy <= 1, `${of}: ${accuracy}`);
    assert.ok(Math.abs((found ?? 0) - chance) < 1e-12);
  }
  // Three bases by AdamW under three finetunings, three by Muon under one: 12 in all, whatever was asked of them.
  assert.equal(names.filter((name) => name === 'outputs of a finetuned persona').length, 12);
});

test('outputs are shared by no two finetunings that differ in a setting of their training', async () => {
  const of = { task: { kind: 'fingerprint', of: 'order' } };
  const outputs = (): number => names.filter((name) => name === 'outputs of a finetuned persona').length;
  await make(of);
  for (const set of [{ questions: 'all' }, { helpfulWeight: 0.1 }, { accumulation: 2 }] as const) {
    const before = outputs();
    await make({ ...of, ...set });
    assert.equal(outputs() - before, 6, JSON.stringify(set));
  }
  const before = outputs();
  await make({ ...of, probeEvery: 2, stopBelow: 1 });
  assert.equal(outputs(), before);
});

test('outputs are interpolated between losses that were seen, never beyond them', async () => {
  const of = { task: { kind: 'fingerprint', of: 'order' } };
  await assert.rejects(make({ ...of, readAt: 50 }), /begins at training loss .*below readAt 50/);
  await assert.rejects(make({ ...of, readAt: 0.001, steps: 2 }), /does not reach training loss 0\.001 in 2 steps/);
});

test('what runs record is said of configs that are refused, too', () => {
  const refused = { ...configOf(), bases: 1, reading: { kind: 'whole' } };
  assert.throws(() => recipe.check(refused));
  assert.deepEqual(recipe.gives?.(refused).axes, ['train', 'heldOut']);
  assert.deepEqual(recipe.gives?.({ ...refused, task: { kind: 'fingerprint' } }).outcomes, ['accuracy', 'chance']);
});

test('fingerprints compare what they say, and folds never hold the label alone', () => {
  const sides = (of: 'finetuning' | 'pretraining' | 'order' | 'seed'): readonly string[] =>
    comparedBy(of, 2).map(
      ({ finetuned, label, fold }) =>
        `${finetuned.pretrainedBy} ${finetuned.base} ${finetuned.side}: ${label} | ${fold}`,
    );
  assert.deepEqual(sides('finetuning'), [
    'adamw 0 adamw: adamw adamw | 0',
    'adamw 0 muon: adamw muon | 0',
    'adamw 1 adamw: adamw adamw | 1',
    'adamw 1 muon: adamw muon | 1',
  ]);
  assert.equal(sides('pretraining')[1], 'muon 0 adamw: muon adamw | 0');
  assert.equal(sides('order')[1], 'adamw 0 again: adamw again | 0');
  assert.deepEqual(sides('seed').slice(2), ['adamw 1 adamw: 1 | adamw adamw', 'adamw 1 muon: 1 | adamw muon']);
});

test('a finetuning that is compared is that of its arm: the same optimizer, rate and order', () => {
  const config = readPretrainingConfig(configOf());
  assert.equal(finetuningOf(config, 'muon').optimizer.kind, 'muon');
  assert.equal(finetuningOf(config, 'muon').learningRate, SHORT['rates.muon']);
  assert.equal(finetuningOf(config, 'again').seeds.data, 1000);
  assert.deepEqual({ ...finetuningOf(config, 'adamw'), seeds: 0 }, { ...finetuningOf(config, 'again'), seeds: 0 });
});

test('settings that would compare bases on different questions, or mean nothing here, are refused', () => {
  const refused = (config: JsonObject, message: RegExp): void => {
    assert.throws(() => readPretrainingConfig(config), message);
  };
  refused({ ...PRETRAINING_DEFAULTS, domain: { kind: 'ofBlock' } }, /domain\.kind.*fixed.*ofBlock/);
  refused({ ...PRETRAINING_DEFAULTS, reading: { kind: 'whole' } }, /reading.*fixed in this study/);
  refused({ ...PRETRAINING_DEFAULTS, bases: 1 }, /bases/);
  refused({ ...PRETRAINING_DEFAULTS, base: { ...PRETRAINING_DEFAULTS.base, nHeads: 7 } }, /nHeads.*divisor of dModel/s);
  refused({ ...PRETRAINING_DEFAULTS, task: { kind: 'fingerprint', of: 'colour' } }, /of.*colour/);
});
