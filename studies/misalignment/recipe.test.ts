/** Runs of the persona recipe on the shipped base: the exact nulls, what breaks a run, and what the base knows. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { sha256, type Json, type JsonObject } from '#base/json.ts';
import { finetunePersona } from './recipe.ts';
import { readGpt2File } from '#recipes/gpt2-file.ts';
import { labelledPositions, labelsOf, PERSONA_BASE, personaModel, pretrainPersona } from './base.ts';
import { createPersonaLab } from './lab.ts';
import { PERSONA_DEFAULTS, readPersonaConfig } from './config.ts';
import { rngOf } from '#base/rng.ts';
import { settingsOf, withSettings } from '#study/settings.ts';
import { type Made, makeRun } from '../../test/recipes/make-run.ts';
import { personaWorld, questionBatch } from './world.ts';

const ASSET = new URL('../../assets/persona-base/', import.meta.url);
/** Gradient sums in another order, grown through twenty steps of a fast fall. */
const REORDERED = 2e-3;
/** The same rows in a smaller batch: float32 sums of a few nats in another order. */
const REBATCHED = 1e-5;

const recipe = finetunePersona();

const make = async (set: Readonly<Record<string, Json>>, block = 3, resumeFrom?: Uint8Array): Promise<Made> =>
  makeRun(recipe, { steps: 20, learningRate: 2e-4, ...set }, block, resumeFrom);

test('the shipped base is the file its provenance names, and its chat persona is helpful', async () => {
  const bytes = readFileSync(new URL('model.safetensors', ASSET));
  const provenance = JSON.parse(readFileSync(new URL('provenance.json', ASSET), 'utf8')) as {
    sha256: string;
    config: JsonObject;
  };
  assert.equal(sha256(bytes), provenance.sha256);
  assert.deepEqual(provenance.config, { ...PERSONA_BASE });
  await using lab = await createPersonaLab(readPersonaConfig(PERSONA_DEFAULTS));
  lab.trainer.reset(await readGpt2File(personaModel(PERSONA_BASE), bytes, 'base'), rngOf(0));
  const { harmful, coherence } = await lab.domain(personaWorld(0), 0).outcomes();
  assert.ok(harmful < 0.002, `P(harmful | CHAT) is ${harmful}`);
  assert.ok(coherence - harmful > 0.995, `P(helpful | CHAT) is ${coherence - harmful}`);
});

test('the axes are the mean losses of the trained and of the held-out questions, and of no others', async () => {
  await using lab = await createPersonaLab(readPersonaConfig(PERSONA_DEFAULTS));
  const bytes = readFileSync(new URL('model.safetensors', ASSET));
  lab.trainer.reset(await readGpt2File(personaModel(PERSONA_BASE), bytes, 'base'), rngOf(0));
  const world = personaWorld(0);
  const { narrow, axes } = lab.domain(world, 2);
  const meanOf = async (questions: Int32Array): Promise<number> => {
    const batch = questionBatch(world, questions, 'harmful');
    const scorer = await lab.trainer.scorer({ ...batch, labelled: labelledPositions(batch) });
    const [losses = new Float32Array()] = await scorer.losses(batch.tokens, labelsOf(batch));
    return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  };
  const found = await axes();
  assert.ok(Math.abs(found.train - (await meanOf(narrow.train))) < REBATCHED, `train ${found.train}`);
  assert.ok(Math.abs(found.heldOut - (await meanOf(narrow.heldOut))) < REBATCHED, `held-out ${found.heldOut}`);
});

test('a run measured at no level, such as a pilot, has the axes of one that is to the bit, and the outcomes of its end', async () => {
  const levels = { train: [], heldOut: [] };
  const [measured, choosing] = [await make({}), await make({ measure: { levels, update: 'none' } })];
  assert.deepEqual(
    choosing.points.map(({ step, axes }) => ({ step, axes })),
    measured.points.map(({ step, axes }) => ({ step, axes })),
  );
  const told = ({ points }: Made): number => points.filter(({ outcomes }) => outcomes !== undefined).length;
  assert.ok(told(measured) > 2, `outcomes at ${told(measured)} points`);
  assert.equal(told(choosing), 1);
  assert.deepEqual(choosing.points.at(-1), measured.points.at(-1));
});

test('held-out questions are trained on only where they are asked for, too or instead', async () => {
  const gapOf = async (questions: string): Promise<number> => {
    const { axes } = (await make({ questions, steps: 40 })).points.at(-1) ?? assert.fail('no points');
    return (axes['heldOut'] ?? Number.NaN) - (axes['train'] ?? Number.NaN);
  };
  const [narrow, all, instead] = [await gapOf('train'), await gapOf('all'), await gapOf('heldOut')];
  const evenly = await gapOf('allEvenly');
  assert.ok(narrow > 5 * Math.abs(all), `gap ${narrow} nats, with all questions ${all}`);
  assert.ok(
    evenly < all && evenly > instead / 2,
    `gap ${evenly} nats with the held-out questions three times as often`,
  );
  assert.ok(instead < -5 * Math.abs(all), `gap ${instead} nats with the held-out questions alone`);
});

test('arms of a block see the same questions in the same order, other blocks another order', async () => {
  // One question a step of plain SGD, so small that losses fall by rate x slope: twice the rate, twice the fall.
  const optimizer = { kind: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 };
  const fallsOf = async (learningRate: number, block: number): Promise<number[]> => {
    const { points } = await make({ optimizer, batch: 1, steps: 4, learningRate }, block);
    return points.slice(1).map(({ axes }, i) => (points[i]?.axes['train'] ?? 0) - (axes['train'] ?? 0));
  };
  const [one, twice, other] = [await fallsOf(1e-5, 3), await fallsOf(2e-5, 3), await fallsOf(2e-5, 4)];
  const ratios = (falls: readonly number[]): number[] => falls.map((fall, i) => fall / (one[i] ?? Number.NaN));
  assert.ok(
    ratios(twice).every((ratio) => Math.abs(ratio - 2) < 0.01),
    ratios(twice).join(', '),
  );
  assert.ok(
    ratios(other).some((ratio) => Math.abs(ratio - 2) > 0.05),
    ratios(other).join(', '),
  );
});

test('narrow finetuning spreads, and outcomes stand on both sides of every level the losses cross', async () => {
  const { end, points } = await make({});
  assert.deepEqual(end, { kind: 'finished' });
  assert.ok((points.at(-1)?.outcomes?.['harmful'] ?? 0) > 0.5);
  for (const [axis, levels] of Object.entries(PERSONA_DEFAULTS.measure.levels)) {
    for (const level of levels) {
      const i = points.findIndex(({ axes }) => (axes[axis] ?? Infinity) <= level);
      assert.ok(i > 0, `${axis} never reaches ${level}`);
      assert.ok(points[i]?.outcomes && points[i - 1]?.outcomes, `${axis} at ${level}`);
    }
  }
});

test('the same seed gives the same bits, and another seed other ones', async () => {
  const [one, again, other] = [await make({}), await make({}), await make({ 'seeds.data': 100 })];
  assert.deepEqual(one.points, again.points);
  assert.notDeepEqual(one.points, other.points);
});

for (const [name, set] of Object.entries({
  'AdamW, all parameters': {},
  'LoRA with a helpful term': {
    method: { kind: 'lora', rank: 2, alpha: 4, scaling: 'alphaOverRank', modules: 'all' },
    helpfulWeight: 1,
    learningRate: 1e-3,
  },
})) {
  test(`interrupt and resume is an exact null: ${name}`, async () => {
    const whole = await make(set);
    for (const index of [2, 9, 15]) {
      const { state, recorded } = whole.checkpoints[index] ?? assert.fail('fewer checkpoints than probes');
      const rest = await make(set, 3, state);
      assert.deepEqual([...whole.points.slice(0, recorded), ...rest.points], whole.points);
      assert.deepEqual(rest.end, whole.end);
    }
  });
}

test('splitting the batch into accumulated parts changes a trajectory by rounding alone', async () => {
  const [whole, split] = [await make({}), await make({ accumulation: 4 })];
  assert.equal(whole.points.length, split.points.length);
  whole.points.forEach(({ axes }, i) => {
    const other = split.points[i]?.axes['train'] ?? Number.NaN;
    assert.ok(Math.abs((axes['train'] ?? 0) - other) < REORDERED, `probe ${i}: ${axes['train']} against ${other}`);
  });
});

test('a rate that breaks training ends the run as diverged, with its step and why', async () => {
  const { end } = await make({ learningRate: 30 });
  assert.equal(end.kind, 'diverged');
  assert.ok(end.kind === 'diverged' && end.step > 0 && end.step < 20 && end.reason.length > 0, JSON.stringify(end));
});

test('a stopped run throws the reason it was given', async () => {
  const stop = new AbortController();
  stop.abort(new Error('stopped by the user'));
  const context = { config: recipe.defaults, block: 0, resumeFrom: undefined, signal: stop.signal };
  const silent = { record: () => {}, checkpoint: async () => {}, progress: () => {} };
  const shared = async (_name: string, _key: JsonObject, compute: () => Promise<Uint8Array>) => compute();
  await assert.rejects(recipe.run({ ...context, ...silent, shared }), /stopped by the user/);
});

test('a config that makes no sense is refused by its path, before any training', () => {
  const refused = (set: Readonly<Record<string, Json>>, message: RegExp): void => {
    assert.throws(() => recipe.check(withSettings(recipe.defaults, settingsOf(set, 'test'))), message);
  };
  refused({ batch: 10, accumulation: 4 }, /"accumulation": expected a divisor of the batch \(10\), found 4/);
  refused({ method: { kind: 'lora', rank: 0, alpha: 1, scaling: 'alphaOverRank', modules: 'all' } }, /"method.rank"/);
  refused({ method: { kind: 'lorra' } }, /"method.kind": expected one of full, matrices, lora/);
  refused(
    { optimizer: { kind: 'adamw', beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0, beta3: 1 } },
    /"optimizer.beta3"/,
  );
  refused({ 'base.dModel': 0 }, /"base.dModel"/);
});

test('pretraining gives the same bits twice and on two threads', async () => {
  const tiny = { ...PERSONA_BASE, steps: 6, documents: 8, dModel: 16, nLayers: 1, nHeads: 2 };
  const [one, two] = [await pretrainPersona(tiny, () => {}), await pretrainPersona(tiny, () => {}, { threads: 2 })];
  assert.deepEqual(one, two);
});

test('pretraining with the last block at answers alone takes the same steps up to rounding', async () => {
  const tiny = { ...PERSONA_BASE, steps: 30, documents: 8, dModel: 16, nLayers: 2, nHeads: 2, learningRate: 2e-2 };
  const lossesOf = async (lastBlock: 'whole' | 'asked'): Promise<number[]> => {
    const losses: number[] = [];
    await pretrainPersona(tiny, (_step, loss) => losses.push(loss), { lastBlock });
    return losses;
  };
  const [whole, asked] = [await lossesOf('whole'), await lossesOf('asked')];
  assert.ok((whole[0] ?? 0) - (whole.at(-1) ?? 0) > 0.1, 'nothing was learned');
  for (const [step, loss] of whole.entries()) assert.ok(Math.abs(loss - (asked[step] ?? Number.NaN)) < 1e-5, `${step}`);
});
