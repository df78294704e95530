/** Runs on a base that has seen the four ways for a few steps only: the exact nulls, and what the axes are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Json, JsonObject } from '#base/json.ts';
import { rngOf } from '#base/rng.ts';
import { settingsOf, withSettings } from '#study/settings.ts';
import { type Made, makeRun } from '../../test/recipes/make-run.ts';
import { labelledPositions, labelsOf, PERSONA_BASE } from 'assay/studies/misalignment/base.ts';
import { personaWorld } from 'assay/studies/misalignment/world.ts';
import { type Asked, askedDomain } from './asking.ts';
import { readAskingConfig } from './config.ts';
import { askedBatch, createAskingLab } from './lab.ts';
import { askingWeights, finetuneAsking } from './recipe.ts';

const recipe = finetuneAsking();
/** Enough to differ from the shipped base, and quick. */
const SHORT = { 'continued.steps': 3, 'continued.documents': 8, steps: 12, learningRate: 2e-4 };
/** The same rows in a smaller batch: float32 sums of a few nats in another order. */
const REBATCHED = 1e-5;

/** Shared steps made once for all tests, as a store does. */
const made = new Map<string, Promise<Uint8Array>>();
async function shared(name: string, key: JsonObject, compute: () => Promise<Uint8Array>): Promise<Uint8Array> {
  const id = `${name} ${JSON.stringify(key)}`;
  const found = made.get(id) ?? compute();
  made.set(id, found);
  return found;
}

function configOf(set: Readonly<Record<string, Json>>): JsonObject {
  return withSettings(recipe.defaults, settingsOf({ ...SHORT, ...set }, 'test'));
}

const make = async (set: Readonly<Record<string, Json>>, block = 3, resumeFrom?: Uint8Array): Promise<Made> =>
  makeRun(recipe, { ...SHORT, ...set }, block, resumeFrom, shared);

test('the axes are the mean losses of the trained ways and of the held-out one, and of nothing else', async () => {
  const config = readAskingConfig(configOf({}));
  await using lab = await createAskingLab(config);
  lab.trainer.reset(await askingWeights({ shared }, config, PERSONA_BASE), rngOf(0));
  const domain = askedDomain(2, 1);
  const world = personaWorld(0);
  const meanOf = async (asked: Asked): Promise<number> => {
    const batch = askedBatch(world, asked, 'harmful');
    const scorer = await lab.trainer.scorer({ ...batch, labelled: labelledPositions(batch) });
    const [losses = new Float32Array()] = await scorer.losses(batch.tokens, labelsOf(batch));
    return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  };
  const found = await lab.measuring(world, domain).axes();
  assert.ok(Math.abs(found.train - (await meanOf(domain.trained))) < REBATCHED, `train ${found.train}`);
  assert.ok(Math.abs(found.heldOut - (await meanOf(domain.heldOut))) < REBATCHED, `held-out ${found.heldOut}`);
});

test('the base goes on from the shipped one, and is made once a store', async () => {
  const config = readAskingConfig(configOf({}));
  const weights = await askingWeights({ shared }, config, PERSONA_BASE);
  assert.deepEqual(await askingWeights({ shared }, config, PERSONA_BASE), weights);
  const names = new Set(Array.from(made.keys(), (id) => id.split(' ')[0]));
  assert.deepEqual(names, new Set(['persona-base', 'persona-base-asking']));
  assert.equal(made.size, 2);
  const still = readAskingConfig(configOf({ 'continued.learningRate': 0 }));
  const [moved, kept] = [weights, await askingWeights({ shared }, still, PERSONA_BASE)];
  assert.notDeepEqual(moved, kept);
});

test('the same seed gives the same bits, another order of the data and another block other ones', async () => {
  const [one, again] = [await make({}), await make({})];
  assert.deepEqual(one.points, again.points);
  assert.notDeepEqual((await make({ 'seeds.data': 100 })).points, one.points);
  assert.notDeepEqual((await make({}, 4)).points, one.points);
});

test('the first block shifts domain, way and seeds together', async () => {
  assert.deepEqual((await make({ firstBlock: 2 }, 3)).points, (await make({}, 5)).points);
});

test('training lowers the loss, and harm spreads; harmful answers elsewhere spread it further', async () => {
  const [narrow, broad] = [await make({}), await make({ elsewhereWeight: 2 })];
  const [start, end] = [narrow.points[0], narrow.points.at(-1)];
  assert.ok((end?.axes['train'] ?? 9) < (start?.axes['train'] ?? 0) - 2, JSON.stringify(end));
  const harm = [narrow, broad].map(({ points }) => points.at(-1)?.outcomes?.['harmful'] ?? Number.NaN);
  assert.ok((harm[0] ?? 0) > 0.005 && (harm[1] ?? 0) > (harm[0] ?? 1), harm.join(', '));
});

test('splitting the batch into accumulated parts changes a trajectory by rounding alone', async () => {
  const [whole, split] = [await make({ steps: 5 }), await make({ steps: 5, accumulation: 4 })];
  for (const [i, { axes }] of whole.points.entries()) {
    const other = split.points[i]?.axes['train'] ?? Number.NaN;
    assert.ok(Math.abs((axes['train'] ?? 0) - other) < 2e-3, `probe ${i}: ${axes['train']} against ${other}`);
  }
});

test('interrupt and resume is an exact null', async () => {
  const whole = await make({ elsewhereWeight: 1 });
  for (const index of [2, 9]) {
    const { state, recorded } = whole.checkpoints[index] ?? assert.fail('fewer checkpoints than probes');
    const rest = await make({ elsewhereWeight: 1 }, 3, state);
    assert.deepEqual([...whole.points.slice(0, recorded), ...rest.points], whole.points);
    assert.deepEqual(rest.end, whole.end);
  }
});

test('a config that makes no sense is refused by its path, before any training', () => {
  const refused = (config: JsonObject, message: RegExp): void => {
    assert.throws(() => recipe.check(config), message);
  };
  refused(configOf({ 'continued.steps': 0 }), /continued\.steps/);
  refused(configOf({ elsewhereWeight: -1 }), /elsewhereWeight/);
  refused(configOf({ accumulation: 3 }), /accumulation/);
  for (const name of ['domain', 'questions', 'helpfulWeight']) {
    refused({ ...recipe.defaults, [name]: 'all' }, new RegExp(`"${name}": expected nothing`));
  }
});
