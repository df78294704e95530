/** Recipes of one's own worlds: settings refused by path, exact nulls, clipping, what runs share. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Json, JsonObject } from '#base/json.ts';
import { rngOf } from '#base/rng.ts';
import { mul, sub } from '#engine/ops/elementwise.ts';
import { sum } from '#engine/ops/layout.ts';
import { input } from '#engine/ops/sources.ts';
import { createLearner } from '#learning/learner.ts';
import type { ParameterSpec } from '#learning/nn/layers.ts';
import { labShelf } from '#recipes/lab-shelf.ts';
import { sharedWeights, weightsBytes, weightsFrom } from '#recipes/shared-weights.ts';
import { worldRecipe } from '#recipes/world-recipe.ts';
import { type Made, makeRun } from './make-run.ts';

const WEIGHT: ParameterSpec = { name: 'w', shape: [3], role: 'vector', initial: { kind: 'normal', std: 1 } };

/** Follows a target that the step's number and the data seed give. */
let labsMade = 0;
const recipe = worldRecipe({
  name: 'follow',
  semanticsVersion: 1,
  world: { size: 1 },
  read: (settings) => ({ size: settings.number('size', { min: 0 }) }),
  training: { steps: 8, learningRate: 0.1 },
  levels: { train: [1] },
  lossAxis: 'train',
  explodedAbove: 1e6,
  async createLab(_world, optimizer) {
    labsMade++;
    const error = sub(input('w', [3]), input('target', [3]));
    const fit = sum(mul(error, error), [0]);
    const learner = await createLearner({ parameters: [WEIGHT], loss: { fit }, optimizer });
    return {
      learner,
      reader: await learner.reader({ fit }),
      [Symbol.asyncDispose]: () => learner[Symbol.asyncDispose](),
    };
  },
  start({ learner, reader }, { size }, seeds) {
    learner.reset(new Map(), rngOf(seeds.init, 'start'));
    const targetOf = (name: string): Float32Array => {
      const rng = rngOf(seeds.data, name);
      return Float32Array.from({ length: 3 }, () => size * rng.normal());
    };
    return {
      axes: async () => ({ train: (await reader.read({ target: targetOf('probe') }))['fit']?.[0] ?? Number.NaN }),
      outcomes: async () => ({ first: learner.memory.get('w')?.[0] ?? Number.NaN }),
      batches: (step) => [{ target: targetOf(`step ${step}`) }],
    };
  },
});

const make = async (set: Readonly<Record<string, Json>> = {}, block = 3, resumeFrom?: Uint8Array): Promise<Made> =>
  makeRun(recipe, set, block, resumeFrom);

test('the same seed gives the same bits, and block, start and data seeds each give other ones', async () => {
  const plain = (await make()).points;
  assert.deepEqual((await make()).points, plain);
  for (const set of [{ 'seeds.init': 1 }, { 'seeds.data': 1 }]) assert.notDeepEqual((await make(set)).points, plain);
  assert.notDeepEqual((await make({}, 4)).points, plain);
  assert.deepEqual((await make({ 'seeds.init': 1, 'seeds.data': 1 })).points, (await make({}, 4)).points);
});

test('interrupt and resume is an exact null, whatever the run before on the same lab was', async () => {
  const whole = await make();
  for (const { state, recorded } of whole.checkpoints.slice(1, 6)) {
    assert.equal((await make({ learningRate: 1e30 })).end.kind, 'diverged');
    const rest = await make({}, 3, state);
    assert.deepEqual([...whole.points.slice(0, recorded), ...rest.points], whole.points);
  }
});

test('a run ends below its limit, and as diverged where training breaks', async () => {
  assert.ok((await make({ stopBelow: 1e9 })).points.length === 1);
  const { end } = await make({ 'world.size': 1e30 });
  assert.ok(end.kind === 'diverged' && end.reason === 'axis "train" is Infinity', JSON.stringify(end));
});

test('clipping bounds the step by the norm, and the schedule scales it', async () => {
  const sgd = { optimizer: { kind: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 }, steps: 1, learningRate: 1 };
  const moved = async (set: Readonly<Record<string, Json>>): Promise<number> => {
    const [before, after] = [await make({ ...sgd, learningRate: 0 }), await make({ ...sgd, ...set })];
    return Math.abs((after.points[1]?.outcomes?.['first'] ?? 0) - (before.points[1]?.outcomes?.['first'] ?? 0));
  };
  const free = await moved({});
  const clipped = await moved({ clip: { kind: 'globalNorm', max: 0.01 } });
  assert.ok(clipped < 0.0101 && clipped > 0 && free > 2 * clipped, `${clipped} of ${free}`);
  const warming = await moved({ schedule: { kind: 'constant', warmupSteps: 1 } });
  assert.ok(Math.abs(warming - free / 2) < 1e-6, `${warming} of ${free}`);
});

test('settings that make no sense are refused by their path', () => {
  const refused = (set: JsonObject, message: RegExp): void =>
    assert.throws(() => recipe.check({ ...recipe.defaults, ...set }), message);
  refused({ world: { size: 1, sise: 2 } }, /"world\.sise".*did you mean "size"/);
  refused({ world: { size: -1 } }, /"world\.size"/);
  refused({ clip: { kind: 'value' } }, /"clip\.kind": expected one of none, globalNorm/);
  refused({ measure: { levels: { heldOut: [1] } } }, /"measure\.levels\.train"/);
  refused({ steps: 0 }, /"steps"/);
});

test('labs of one world and optimizer are made once, and the ones unused for longest are disposed of', async () => {
  const before = labsMade;
  await make({ learningRate: 0.05 });
  await make({ steps: 3 });
  assert.ok(labsMade - before <= 1);
  const disposed: string[] = [];
  const shelf = labShelf<AsyncDisposable>(2);
  const ask = async (name: string): Promise<unknown> =>
    shelf({ name }, async () => ({ [Symbol.asyncDispose]: async () => void disposed.push(name) }));
  const first = await ask('a');
  await ask('b');
  assert.equal(await ask('a'), first);
  await ask('c');
  assert.deepEqual(disposed, ['b']);
  await assert.rejects(
    shelf({ name: 'd' }, async () => Promise.reject(new Error('no memory'))),
    /no memory/,
  );
  await shelf({ name: 'd' }, async () => ({ [Symbol.asyncDispose]: async () => {} }));
});

test('weights go through a file and a shared step unchanged, and others are refused by name', async () => {
  const specs = [WEIGHT, { name: 'm', shape: [2, 2] }];
  const weights = new Map([
    ['w', Float32Array.of(1, -2, 3)],
    ['m', Float32Array.of(0.1, 0.2, 0.3, 0.4)],
  ]);
  let made = 0;
  const kept = new Map<string, Uint8Array>();
  const context = {
    shared: async (name: string, _key: JsonObject, compute: () => Promise<Uint8Array>) => {
      const bytes = kept.get(name) ?? (await compute());
      kept.set(name, bytes);
      return bytes;
    },
  };
  const make = async () => {
    made++;
    return weights;
  };
  assert.deepEqual(await sharedWeights(context, 'base', {}, specs, make), weights);
  assert.deepEqual(await sharedWeights(context, 'base', {}, specs, make), weights);
  assert.equal(made, 1);
  assert.throws(() => weightsBytes([{ name: 'x', shape: [1] }], weights), /expected "x" of 1 values, found none/);
  const bytes = weightsBytes(specs, weights);
  await assert.rejects(
    weightsFrom([{ name: 'm', shape: [4, 1] }], bytes, 'base'),
    /base: expected "m" of shape \[4, 1\], found \[2, 2\]/,
  );
});
