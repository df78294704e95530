/** Known answers of small adapters on the persona base: what a direction takes out, what a penalty holds, and that runs repeat. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Json, JsonObject } from '#base/json.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';
import { settingsOf, withSettings } from '#study/settings.ts';

import { donorOf, LAYERS, MATRICES, methodOf, readAdapterConfig, siteOf } from './config.ts';
import { cosine, minimalAdapter, OUTCOMES } from './recipe.ts';
import { taskOfBlock } from './world.ts';

const recipe = minimalAdapter();
/** A few steps at a high rate are enough for an adapter that writes. */
const SHORT = { steps: 24, probeEvery: 8, learningRate: 2e-2, 'measure.nulls': 2 } as const;
/** Float32 sums in another order. */
const ROUNDING = 1e-5;

const made = new Map<string, Promise<Uint8Array>>();
async function shared(name: string, key: JsonObject, compute: () => Promise<Uint8Array>): Promise<Uint8Array> {
  const id = `${name} ${JSON.stringify(key)}`;
  const found = made.get(id) ?? compute();
  made.set(id, found);
  return found;
}

async function run(set: Readonly<Record<string, Json>>, block = 1): Promise<readonly TrajectoryPoint[]> {
  const config = withSettings(recipe.defaults, settingsOf({ ...SHORT, ...set }, 'test'));
  recipe.check(config);
  const points: TrajectoryPoint[] = [];
  const end = await recipe.run({
    config,
    block,
    resumeFrom: undefined,
    record: (point) => void points.push(point),
    checkpoint: async () => {},
    progress: () => {},
    shared,
    signal: new AbortController().signal,
  });
  assert.deepEqual(end, { kind: 'finished' });
  const known = new Set<string>(Object.values(OUTCOMES).flat());
  for (const { outcomes = {} } of points)
    assert.deepEqual(
      Object.keys(outcomes).filter((name) => !known.has(name)),
      [],
    );
  return points;
}

function end(points: readonly TrajectoryPoint[], name: string): number {
  const value = points.at(-1)?.outcomes?.[name];
  assert.ok(value !== undefined, `no outcome "${name}"`);
  return value;
}

const at = (layer: number, matrix: (typeof MATRICES)[number]): Readonly<Record<string, Json>> => ({
  'adapter.layers': [layer],
  'adapter.matrices': [matrix],
  'direction.layer': layer,
  'direction.matrix': matrix,
});

test('without the one direction that it writes, an adapter of an out matrix is the base without that direction', async () => {
  for (const layer of Array.from({ length: LAYERS }, (_, i) => i)) {
    for (const matrix of ['attention out', 'MLP out'] as const) {
      const points = await run(at(layer, matrix));
      const harmful = points.map(({ outcomes }) => outcomes?.['harmful']);
      assert.notEqual(harmful.at(-1), harmful[0], 'the adapter changes answers');
      assert.ok(Math.abs(end(points, 'ablatedOwn') - end(points, 'baseWithoutOwn')) < ROUNDING, `${layer} ${matrix}`);
    }
  }
});

test('an adapter of an in matrix writes more than one direction, which the same measure sees', async () => {
  const points = await run({ ...at(0, 'attention in'), steps: 48 });
  assert.ok(Math.abs(end(points, 'ablatedOwn') - end(points, 'baseWithoutOwn')) > 0.05);
});

test('an adapter behind the site writes nothing there, and has neither a direction nor an ablation of its own', async () => {
  const points = await run({ ...at(1, 'MLP out'), 'direction.layer': 0 });
  assert.deepEqual(new Set(points.map(({ outcomes }) => outcomes?.['cosine'])), new Set([0]));
  assert.equal(points.at(-1)?.outcomes?.['ablatedOwn'], undefined);
});

test('the same run has the same bits, whatever ran before, and other seeds other ones', async () => {
  const first = await run(at(0, 'MLP out'));
  await run(at(1, 'attention out'), 2);
  assert.deepEqual(await run(at(0, 'MLP out')), first);
  assert.notDeepEqual(await run({ ...at(0, 'MLP out'), 'seeds.init': 1 }), first);
});

test('a penalty keeps the other domains at the base, for as long as it has steps', async () => {
  const rank1 = { 'adapter.layers': [0, 1, 2], 'adapter.matrices': [...MATRICES], steps: 32 };
  const free = await run(rank1);
  const kept = await run({ ...rank1, 'penalty.weight': 4, 'penalty.steps': 32 });
  const released = await run({ ...rank1, 'penalty.weight': 4, 'penalty.steps': 16 });
  assert.ok(end(kept, 'harmful') < end(free, 'harmful') / 2, `${end(kept, 'harmful')} of ${end(free, 'harmful')}`);
  assert.deepEqual(released.slice(0, 2), kept.slice(0, 2).map(withCosineOf(released)));
  assert.equal(end(released, 'narrow'), released[2]?.outcomes?.['harmful']);
  assert.notEqual(end(released, 'harmful'), end(kept, 'harmful'));
});

/** A cosine to the final direction depends on how a run ends; everything else of a shared beginning is equal. */
function withCosineOf(other: readonly TrajectoryPoint[]): (point: TrajectoryPoint, i: number) => TrajectoryPoint {
  return (point, i) => {
    const cosineThere = other[i]?.outcomes?.['cosine'] ?? Number.NaN;
    return { ...point, outcomes: { ...point.outcomes, cosine: cosineThere } };
  };
}

test('a donor is another seed at rank 1 without a penalty, and its direction is taken out', async () => {
  const set = { ...at(0, 'MLP out'), 'direction.steps': 24, 'penalty.weight': 4, 'penalty.steps': 8 };
  const config = readAdapterConfig(withSettings(recipe.defaults, settingsOf({ ...SHORT, ...set }, 'test')));
  const donor = donorOf(config);
  assert.deepEqual([donor.adapter.rank, donor.penalty.weight, donor.steps], [1, 0, 24]);
  assert.notDeepEqual(donor.seeds, config.seeds);
  const points = await run(set);
  const likeness = end(points, 'likeness');
  assert.ok(likeness > 0 && likeness < 1, `${likeness}`);
  assert.notEqual(end(points, 'ablated'), end(points, 'harmful'));
});

test('every matrix has its module and the site behind it', () => {
  const modules = MATRICES.map((matrix) => methodOf({ rank: 1, alpha: 1, layers: [0], matrices: [matrix] }).modules);
  assert.deepEqual(modules, [['attn.c_attn'], ['attn.c_proj'], ['mlp.c_fc'], ['mlp.c_proj']]);
  assert.deepEqual(
    MATRICES.map((matrix) => siteOf({ layer: 1, matrix })),
    ['afterAttention', 'afterAttention', 'out', 'out'].map((site) => `transformer.h.1.${site}`),
  );
});

test('blocks take turns at the eight domains, and never train on what is held out', () => {
  assert.deepEqual(taskOfBlock(9).probe, taskOfBlock(1).probe);
  assert.notDeepEqual(taskOfBlock(2).probe, taskOfBlock(1).probe);
  assert.equal(taskOfBlock(0).trained, 36);
});

test('a cosine has the sign of its angle, and is 0 where a vector has no length', () => {
  assert.ok(Math.abs(cosine([1, 1], [1, 0]) - Math.SQRT1_2) < 1e-12);
  assert.equal(cosine([2, 0], [-3, 0]), -1);
  assert.equal(cosine([0, 0], [1, 0]), 0);
});

test('a config that cannot be meant is refused with its path', () => {
  const refuse = (set: Readonly<Record<string, Json>>, message: RegExp): void =>
    assert.throws(() => recipe.check(withSettings(recipe.defaults, settingsOf(set, 'test'))), message);
  refuse({ 'adapter.layers': [3] }, /"adapter\.layers": expected some of 0 to 2, found \[3\]/);
  refuse({ 'adapter.matrices': ['MLP'] }, /"adapter\.matrices": expected a list of some of attention in/);
  refuse({ 'penalty.weight': 4 }, /"penalty\.steps": expected steps above 0/);
  refuse({ 'penalty.weight': 4, 'penalty.steps': 15 }, /"penalty\.steps": expected at most all 400 steps, at a probe/);
});
