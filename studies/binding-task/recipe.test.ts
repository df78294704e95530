import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from 'assay/learn';

import { makeRun } from '../../test/recipes/make-run.ts';

import { toldFraction } from './addresses.ts';
import { additiveShare } from './contents.ts';
import { effectiveDimension, mapReads } from './dictionaries.ts';
import { createModel } from './model.ts';
import { bindingTaskRecipe } from './recipe.ts';
import { contextTokens, drawContext, feedsOf, layoutOf, placesOf, queryOf, type TaskWorld } from './world.ts';

const RELATIONS: TaskWorld = { task: 'relations', keys: 6, values: 8, relations: 5, objects: 4, fillers: 3 };
const SMALL = {
  'world.keys': 8,
  'world.values': 8,
  'world.fillers': 2,
  'model.dModel': 16,
  'model.steps': 60,
  'dictionary.dSae': 24,
  'dictionary.k': 2,
  'dictionary.steps': 10,
  'contexts.fit': 128,
  'contexts.measured': 64,
};
const OF_RELATIONS = { 'world.task': 'relations', 'world.fillers': 0, 'model.positions': 'rotary' };
const recipe = bindingTaskRecipe();

test('a context of relations needs key and relation: each is shared by two objects, together they tell one', () => {
  const context = drawContext(RELATIONS, rngOf(1));
  const pairs = context.keys.map((key, i) => `${key} ${context.marks[i]}`);
  assert.equal(new Set(pairs).size, 4);
  assert.deepEqual([new Set(context.keys).size, new Set(context.marks).size], [2, 2]);
});

test('tokens stand where places say, and every query is followed by the value of its object', () => {
  const context = drawContext(RELATIONS, rngOf(2));
  const { firstValue, firstMark, length, readAt } = layoutOf(RELATIONS);
  const tokens = contextTokens(RELATIONS, context);
  placesOf(RELATIONS, context).forEach(({ key, mark, value }, i) => {
    const seen = [tokens[key], tokens[mark ?? -1], tokens[value]];
    assert.deepEqual(seen, [
      context.keys[i],
      firstMark + (context.marks[i] ?? 0),
      firstValue + (context.values[i] ?? 0),
    ]);
  });
  const { tokens: fed, rows, labels } = feedsOf(RELATIONS, [context]);
  assert.equal(fed.length, length);
  assert.equal(rows[0], readAt);
  rows.forEach((row, query) => assert.equal(fed[row + 1], labels[query]));
  const first = queryOf(RELATIONS, context, context.asked[0] ?? 0);
  assert.deepEqual([...fed.subarray(readAt + 1 - first.length, readAt + 1)], first);
});

test('sums of a key and a relation are additive, products are not', () => {
  const rng = rngOf(3);
  const [keys, relations, d] = [4, 3, 5];
  const parts = Array.from({ length: keys + relations }, () => Array.from({ length: d }, () => rng.normal()));
  const rows = (of: (a: number, b: number) => number) =>
    Array.from({ length: 24 }, (_, i) => {
      const [key, mark] = [(i >> 1) % keys, Math.floor(i / 2 / keys) % relations];
      const values = Array.from({ length: d }, (_unused, a) => of(parts[key]?.[a] ?? 0, parts[keys + mark]?.[a] ?? 0));
      return { key, mark, values };
    });
  const world = { keys, relations };
  assert.ok(
    Math.abs(
      additiveShare(
        rows((a, b) => a + b),
        world,
        d,
      ) - 1,
    ) < 1e-9,
  );
  assert.ok(
    additiveShare(
      rows((a, b) => a * b),
      world,
      d,
    ) < 0.9,
  );
});

test('a map reads keys it was not fitted on where one map writes them, and guesses where none does', () => {
  const rng = rngOf(4);
  const [count, d] = [32, 16];
  const drawn = (length: number): Float64Array => Float64Array.from({ length }, () => rng.normal());
  const [ownKeys, map] = [drawn(count * d), drawn(d * d)];
  const keys = Float64Array.from(ownKeys, (_, i) => {
    const [row, b] = [Math.floor(i / d), i % d];
    return Array.from({ length: d }, (_unused, a) => (ownKeys[row * d + a] ?? 0) * (map[a * d + b] ?? 0)).reduce(
      (sum, value) => sum + value,
    );
  });
  assert.equal(mapReads({ ownKeys, keys }, d), 1);
  assert.ok(mapReads({ ownKeys, keys: drawn(count * d) }, d) < 0.3);
});

test('a label is told by a feature that fires for it and hardly elsewhere', () => {
  const labels = [0, 0, 1, 1];
  const fires = labels.map((label) => [label === 0, true]);
  assert.equal(toldFraction(fires, labels, 2), 0.5);
});

test('rows along one direction lie in one dimension, even ones in all', () => {
  const d = 4;
  const line = Float64Array.from({ length: 3 * d }, (_, i) => (1 + Math.floor(i / d)) * (i % d));
  assert.ok(Math.abs(effectiveDimension(line, d) - 1) < 1e-9);
  const identity = Float64Array.from({ length: d * d }, (_, i) => Number(i % (d + 1) === 0));
  assert.ok(Math.abs(effectiveDimension(identity, d) - d) < 1e-9);
  // Singular values 2 and 1.
  assert.ok(Math.abs(effectiveDimension(Float64Array.of(2, 0, 0, 1), 2) - 25 / 17) < 1e-9);
});

test('a start that is still guessing when it has been tried is given up for the next, and the last is kept', async () => {
  // 401 steps at a rate of 0 learn nothing, so every start is given up but the last.
  const never = { ...SMALL, 'model.steps': 401, 'model.learningRate': 0, dictionaries: false };
  const startsOf = async (starts: number): Promise<number | undefined> =>
    (await makeRun(recipe, { ...never, 'model.rows': 1, 'model.starts': starts }, 1)).points[0]?.outcomes?.['starts'];
  assert.equal(await startsOf(3), 3);
  assert.equal(await startsOf(1), 1);
});

test('a run records swaps at every depth, and is the same every time', async () => {
  const [first, again] = [await makeRun(recipe, SMALL, 1), await makeRun(recipe, SMALL, 1)];
  assert.deepEqual(first.points, again.points);
  assert.deepEqual(
    first.points.map(({ axes }) => axes['depth']),
    [0, 1, 2],
  );
});

test('the parts of relational retrieval are there: swapped addresses move a trained answer behind the first layer alone', async () => {
  const set = {
    ...SMALL,
    ...OF_RELATIONS,
    'model.dModel': 32,
    'model.steps': 500,
    'contexts.fit': 512,
    dictionaries: false,
  };
  const { points } = await makeRun(recipe, set, 2);
  const [before, behind, last] = points.map(({ outcomes = {} }) => outcomes);
  assert.ok((behind?.['right'] ?? 0) > 0.8, JSON.stringify(behind));
  assert.ok((behind?.['swapPartner'] ?? 0) > 0.8, JSON.stringify(behind));
  assert.ok((before?.['swapPartner'] ?? 1) < 0.3 && (last?.['swapPartner'] ?? 1) < 0.3, JSON.stringify([before, last]));
  assert.ok((behind?.['swapPosition'] ?? 1) < 0.3, JSON.stringify(behind));
});

test('MLPs are trained where a model has them, and such a model learns relations too', async () => {
  const world: TaskWorld = { ...RELATIONS, fillers: 0 };
  const model = {
    dModel: 16,
    layers: 2,
    heads: 1,
    positions: 'rotary',
    steps: 0,
    starts: 1,
    rows: 2,
    learningRate: 0,
  } as const;
  for (const mlps of [true, false]) {
    await using learner = await createModel(world, { ...model, mlps });
    assert.equal(learner.gradients.get('transformer.h.1.mlp.c_proj.weight') !== undefined, mlps);
  }
  const set = {
    ...SMALL,
    ...OF_RELATIONS,
    'model.dModel': 32,
    'model.steps': 400,
    'model.mlps': true,
    'model.learningRate': 0.01,
    'contexts.fit': 512,
    dictionaries: false,
  };
  const { outcomes = {} } = (await makeRun(recipe, set, 2)).points[1] ?? {};
  assert.ok((outcomes['right'] ?? 0) > 0.8, JSON.stringify(outcomes));
  assert.ok((outcomes['swapPartner'] ?? 0) > 0.6, JSON.stringify(outcomes));
});

test('what does not go together is refused', () => {
  const refused = (set: Readonly<Record<string, number | string>>, text: RegExp): Promise<void> =>
    assert.rejects(makeRun(recipe, { ...SMALL, ...set }, 1), text);
  return Promise.all([
    refused({ 'world.objects': 9 }, /objects.*at most 8/su),
    refused({ ...OF_RELATIONS, 'world.relations': 3 }, /two keys under two relations/u),
    refused({ 'model.steps': 10 }, /steps.*51/su),
  ]).then(() => undefined);
});
