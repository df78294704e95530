/** Updates of the persona runs: read truncated without being changed, and summed up by their spectra; a base a block. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Json } from '#base/json.ts';
import { rngOf } from '#base/rng.ts';
import { MUON_DEFAULTS } from '#learning/optim/muon.ts';
import { initialWeights } from '#learning/models/parameters.ts';
import { settingsOf, withSettings } from '#study/settings.ts';
import { type Made, makeRun } from '../../test/recipes/make-run.ts';
import { personaModel } from './base.ts';
import { baseOfBlock, readPersonaConfig } from './config.ts';
import { createPersonaLab, type PersonaLab } from './lab.ts';
import { finetunePersona } from './recipe.ts';
import { personaGives, updateSpectra, updatesOf, withReading } from './update.ts';
import { personaWorld, questionBatch } from './world.ts';

/** A base of a second: what is tested here does not hang on what it knows. */
const TINY = { 'base.dModel': 16, 'base.nLayers': 1, 'base.nHeads': 2, 'base.steps': 4, 'base.documents': 8 } as const;
/** Losses of a few nats after a matrix was taken apart into singular vectors and put together again. */
const REASSEMBLED = 1e-4;
/** Singular values of a product of rank 1, rounded to float32. */
const ROUNDED = 1e-6;
const LORA_1 = { kind: 'lora', rank: 1, alpha: 2, scaling: 'alphaOverRank', modules: 'all' } as const;

const recipe = finetunePersona();
const configOf = (set: Readonly<Record<string, Json>>) =>
  readPersonaConfig(withSettings(recipe.defaults, settingsOf({ ...TINY, ...set }, 'test')));
const make = async (set: Readonly<Record<string, Json>>, block = 3): Promise<Made> =>
  makeRun(recipe, { ...TINY, steps: 6, learningRate: 1e-3, ...set }, block);

/** A lab some steps into training on one question, with what it started from. */
async function trained(set: Readonly<Record<string, Json>>) {
  const config = configOf(set);
  const lab = await createPersonaLab(config);
  const base = initialWeights(personaModel(config.base), rngOf(1));
  lab.trainer.reset(base, rngOf(2));
  for (let step = 0; step < 3; step++) {
    const labels = new Int32Array(config.batch).fill(200 + step);
    const asked = Int32Array.from({ length: config.batch }, (_, i) => (i * 7 + step) % 48);
    const { tokens } = questionBatch(personaWorld(0), asked, 'harmful');
    await lab.trainer.forwardBackward({
      tokens,
      labels,
      weights: new Float32Array(config.batch).fill(1 / config.batch),
    });
    lab.trainer.optimStep(config.learningRate);
  }
  return { config, lab, subject: { trainer: lab.trainer, base, method: config.method } };
}

const axesUnder = async (lab: PersonaLab, subject: Parameters<typeof withReading>[0], rank: number) => {
  const domain = lab.domain(personaWorld(0), 0);
  const config = configOf({ method: { kind: 'matrices' }, reading: { kind: 'truncated', rank } });
  return withReading(subject, config, domain).axes();
};

test('an update cut to its whole rank reads like itself, to rank 1 it does not, and nothing trained is changed by either', async () => {
  const { lab, subject } = await trained({ method: { kind: 'matrices' }, learningRate: 0.01 });
  await using _ = lab;
  const before = lab.trainer.saveWeights();
  const whole = await lab.domain(personaWorld(0), 0).axes();
  const [all, one] = [await axesUnder(lab, subject, 64), await axesUnder(lab, subject, 1)];
  assert.ok(Math.abs(all.train - whole.train) < REASSEMBLED, `${all.train} against ${whole.train}`);
  assert.ok(Math.abs(one.train - whole.train) > 10 * REASSEMBLED, `${one.train} against ${whole.train}`);
  assert.deepEqual(lab.trainer.saveWeights(), before);
});

test('a measurement that fails under a truncated update leaves the trained one in place', async () => {
  const { lab, config, subject } = await trained({ method: { kind: 'matrices' }, learningRate: 0.01 });
  await using _ = lab;
  const before = lab.trainer.saveWeights();
  const broken = { axes: () => Promise.reject(new Error('broken')), outcomes: async () => ({}) };
  const reading = { ...config, reading: { kind: 'truncated', rank: 1 } } as const;
  await assert.rejects(withReading(subject, reading, broken).axes(), /broken/);
  assert.deepEqual(lab.trainer.saveWeights(), before);
});

test('a reading changes what is measured, never what is trained', async () => {
  const method = { kind: 'matrices' };
  const [whole, cut] = [await make({ method }), await make({ method, reading: { kind: 'truncated', rank: 64 } })];
  assert.equal(whole.points.length, cut.points.length);
  whole.points.forEach(({ axes }, i) =>
    assert.ok(Math.abs((axes['train'] ?? 0) - (cut.points[i]?.axes['train'] ?? Infinity)) < REASSEMBLED),
  );
});

test('the spectrum of an adapter of rank 1 is flat nowhere, and one step of Muon is flat everywhere', async () => {
  const spectraOf = async (set: Readonly<Record<string, Json>>) => {
    const { lab, subject } = await trained(set);
    await using _ = lab;
    return updateSpectra(subject);
  };
  const one = await spectraOf({ method: LORA_1, learningRate: 0.01 });
  assert.ok(Math.abs(one.stableRank - 1) < ROUNDED && one.entropy < ROUNDED, JSON.stringify(one));
  const method = { kind: 'matrices' };
  const adamw = await spectraOf({ method, learningRate: 0.01 });
  const muon = await spectraOf({ method, optimizer: { ...MUON_DEFAULTS }, learningRate: 0.02 });
  assert.ok(adamw.stableRank > 1.5 && adamw.stableRank < muon.stableRank, `${adamw.stableRank}, ${muon.stableRank}`);
  assert.ok(adamw.entropy < muon.entropy && muon.entropy < Math.log(16), `${adamw.entropy}, ${muon.entropy}`);
  assert.ok(muon.updateNorm > 0 && adamw.updateNorm > 0);
});

test("an adapter's update is its merged product, and an untrained one is zero with no spectrum", async () => {
  const { lab, subject } = await trained({ method: LORA_1, learningRate: 0.01 });
  await using _ = lab;
  const [name, { columns, values }] = [...updatesOf(subject)][0] ?? assert.fail('no hidden matrices');
  const [a, b] = ['A', 'B'].map((factor) => lab.trainer.memory.get(name.replace('weight', `lora_${factor}.weight`)));
  const product = 2 * (b?.[1] ?? Number.NaN) * (a?.[2] ?? Number.NaN);
  assert.ok(Math.abs((values[columns + 2] ?? 0) - product) < ROUNDED);
  lab.trainer.reset(subject.base, rngOf(2));
  assert.deepEqual(updateSpectra(subject), { stableRank: 0, entropy: 0, updateNorm: 0 });
});

test('spectra are recorded where they are asked for, and change no identity of what is trained', async () => {
  const [plain, told] = [await make({}), await make({ 'measure.update': 'spectra' })];
  const names = (made: Made): string[] => Object.keys(made.points.findLast(({ outcomes }) => outcomes)?.outcomes ?? {});
  assert.deepEqual(names(plain).toSorted(), ['coherence', 'harmful']);
  assert.deepEqual(names(told).toSorted(), ['coherence', 'entropy', 'harmful', 'stableRank', 'updateNorm']);
  // What is recorded is what the recipe says of such configs, before any run.
  const given = (update: string): readonly string[] => personaGives({ measure: { update } }).outcomes ?? [];
  assert.deepEqual(given('none').toSorted(), names(plain).toSorted());
  assert.deepEqual(given('spectra').toSorted(), names(told).toSorted());
  assert.deepEqual(
    plain.points.map(({ axes }) => axes),
    told.points.map(({ axes }) => axes),
  );
});

test('with a base a block, block b is a world and a base of its own; without, all blocks share one', async () => {
  const config = configOf({ bases: { kind: 'ofBlock' }, 'base.seed': 5, 'base.worldSeed': 7 });
  assert.deepEqual(baseOfBlock(config, 3), { ...config.base, seed: 8, worldSeed: 10 });
  assert.equal(baseOfBlock({ ...config, bases: { kind: 'one' } }, 3), config.base);
  const own = await make({ bases: { kind: 'ofBlock' }, 'base.seed': 5, 'base.worldSeed': 7 });
  assert.deepEqual(own.points, (await make({ 'base.seed': 8, 'base.worldSeed': 10 })).points);
  assert.notDeepEqual(own.points, (await make({ 'base.seed': 8, 'base.worldSeed': 7 })).points);
});

test('an update is cut only where whole matrices are all that is trained', () => {
  for (const method of [{ kind: 'full' }, LORA_1]) {
    assert.throws(
      () => configOf({ method, reading: { kind: 'truncated', rank: 2 } }),
      /"reading.kind": expected whole/,
    );
  }
});
