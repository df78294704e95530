/** What is known of forgetting beforehand: in the memory, and where two settings are one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ADAMW_DEFAULTS, type Json, MUON_DEFAULTS, SGD_DEFAULTS } from 'assay';
import { rngOf } from 'assay/learn';

import { type Made, makeRun } from '../../test/recipes/make-run.ts';
import { forgettingRecipe } from './recipe.ts';
import { tasksOf } from './world.ts';

/** A loss in nats, to float32 rounding of products over 32 dimensions. */
const ROUNDED = 1e-6;

const recipe = forgettingRecipe();
const ADAM = { optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 }, learningRate: 3e-3 };
const SGD = { optimizer: { ...SGD_DEFAULTS, momentum: 0 }, learningRate: 0.3 };
const MEMORY = { 'world.model': 'memory', 'world.classes': 32, 'world.dimensions': 32 };

const run = async (set: Readonly<Record<string, Json>>, resumeFrom?: Uint8Array): Promise<Made> =>
  makeRun(recipe, set, 1, resumeFrom);
const rise = ({ points }: Made): number => points.at(-1)?.outcomes?.['rise'] ?? Number.NaN;

test('in the memory steps of SGD and Muon stay in the span of the new keys and leave the old ones be, and those of Adam do not', async () => {
  assert.ok(Math.abs(rise(await run({ ...MEMORY, ...SGD, learningRate: 10 }))) < ROUNDED);
  assert.ok(Math.abs(rise(await run({ ...MEMORY, optimizer: MUON_DEFAULTS, learningRate: 0.1 }))) < ROUNDED);
  assert.ok(Math.abs(rise(await run({ ...MEMORY, ...ADAM, learningRate: 0.01 }))) > 1000 * ROUNDED);
});

test('momentum that is kept from the task before goes on moving its keys', async () => {
  const muon = { ...MEMORY, optimizer: MUON_DEFAULTS, learningRate: 0.1 };
  assert.ok(Math.abs(rise(await run({ ...muon, 'before.state': 'kept' }))) > 100 * ROUNDED);
});

test('every run begins where the tasks before are learned to the same loss, and the last one is not', async () => {
  for (const set of [ADAM, SGD, { ...ADAM, 'before.by': 'adam' }]) {
    const { points } = await run(set);
    assert.ok((points[0]?.axes['last'] ?? 0) > 2);
    assert.ok((points.at(-1)?.axes['last'] ?? 1) < 0.05);
    assert.ok(rise({ points, end: { kind: 'finished' }, checkpoints: [], kept: new Map() }) > 0.5);
  }
});

test('plain SGD has no state to keep, and Adam after Adam is Adam, to the bit', async () => {
  assert.deepEqual((await run({ ...SGD, 'before.state': 'kept' })).points, (await run(SGD)).points);
  const adam = { ...ADAM, learningRate: 1e-3 };
  assert.deepEqual((await run({ ...adam, 'before.by': 'adam' })).points, (await run(adam)).points);
  assert.notDeepEqual((await run({ ...adam, 'before.state': 'kept' })).points, (await run(adam)).points);
});

test('rehearsal of the first task lowers what is forgotten', async () => {
  assert.ok(rise(await run({ ...ADAM, rehearsal: 0.1 })) < 0.5 * rise(await run(ADAM)));
});

test('interrupt and resume is an exact null, with batches and with a state that was kept', async () => {
  const set = { ...ADAM, batch: 32, 'before.state': 'kept', steps: 30 };
  const whole = await run(set);
  const middle = whole.checkpoints[15];
  assert.ok(middle !== undefined);
  const rest = await run(set, middle.state);
  assert.deepEqual([...whole.points.slice(0, middle.recorded), ...rest.points], whole.points);
});

test('tasks share no class, and every class has its rows', () => {
  const world = {
    model: 'mlp',
    classes: 10,
    tasks: 5,
    dimensions: 4,
    rows: 3,
    noise: 0.5,
    width: 8,
    head: 'head',
  } as const;
  const labels = tasksOf(world, rngOf(1)).map((rows) => [...rows.labels]);
  assert.deepEqual(labels[0], [0, 0, 0, 1, 1, 1]);
  assert.deepEqual(labels[4], [8, 8, 8, 9, 9, 9]);
});

test('what cannot be is refused by its path', async () => {
  await assert.rejects(run({ 'world.tasks': 3 }), /world\.classes.*a multiple of the 3 tasks/s);
  await assert.rejects(
    run({ 'world.model': 'memory', 'world.classes': 32 }),
    /world\.dimensions.*at least the 32 classes/s,
  );
  await assert.rejects(run({ 'before.by': 'adam', 'before.state': 'kept' }), /before\.state.*fresh/s);
});
