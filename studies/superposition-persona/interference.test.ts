/** What is known of interference beforehand, and the recipe on a base of a few steps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from 'assay/learn';

import { makeRun } from '../../test/recipes/make-run.ts';

import { directionsBehindNorm, interferenceOf, lawsOf, participation, touchedBy } from './interference.ts';
import { superpositionPersona } from './recipe.ts';

const WIDTH = 8;

/** Random features, all of them behind a norm whose gain is one. */
function drawn(features: number) {
  const rng = rngOf(1, 'features');
  const dictionary = Float32Array.from({ length: features * WIDTH }, () => rng.normal());
  return directionsBehindNorm(dictionary, new Float32Array(WIDTH).fill(1));
}

test('behind a norm a feature pushes by its gain and not along the mean', () => {
  const { values } = directionsBehindNorm(Float32Array.of(1, 2, 3, 5, 5, 5), Float32Array.of(1, 1, 2));
  const length = Math.sqrt(1 + 0 + 4);
  assert.deepEqual([...values], [-1 / length, 0, 2 / length, 0, 0, 0]);
});

test('touched are as many features as hold the energy evenly; untouched never fire there and do elsewhere', () => {
  assert.equal(participation(Float64Array.of(2, 2, 2, 0)), 3);
  assert.equal(participation(new Float64Array(3)), 0);
  const { touched, untouched } = touchedBy(Float64Array.of(0, 9, 1, 0, 8), Float64Array.of(0.1, 0.5, 0.1, 0, 0));
  // (18)^2 / (81 + 1 + 64) = 2.2: three of them.
  assert.deepEqual(touched, [1, 4, 2]);
  assert.deepEqual(untouched, [0]);
});

test('an update that reads touched features alone interferes by squared cosines, and the span law knows it', () => {
  const directions = drawn(40);
  const at = (j: number) => directions.values.subarray(j * WIDTH, (j + 1) * WIDTH);
  const cosine = (a: number, b: number) => at(a).reduce((sum, value, i) => sum + value * (at(b)[i] ?? 0), 0);
  const features = { touched: [3], untouched: [0, 1, 2] };
  const update = Float32Array.from([...at(3), ...at(3).map((value) => -2 * value)]);
  const known = (cosine(0, 3) ** 2 + cosine(1, 3) ** 2 + cosine(2, 3) ** 2) / 3;
  assert.ok(Math.abs(interferenceOf(update, directions, features) / known - 1) < 1e-5);
  const laws = lawsOf(directions, features, Float32Array.from(at(3)), 40);
  assert.ok(Math.abs(laws.span / known - 1) < 1e-5);
  assert.ok(Math.abs(laws.overlap / known - 1) < 1e-12);
  assert.equal(laws.toy, (40 - WIDTH) / (39 * WIDTH));
  assert.throws(() => interferenceOf(new Float32Array(WIDTH), directions, features), /found none/);
});

test('a random update interferes as much as it changes', () => {
  const rng = rngOf(2, 'update');
  const update = Float32Array.from({ length: 4000 * WIDTH }, () => rng.normal());
  const seen = interferenceOf(update, drawn(40), { touched: [0, 1, 2], untouched: [10, 11, 12, 13] });
  assert.ok(Math.abs(seen - 1) < 0.05, `${seen}`);
});

const TINY = {
  'base.dModel': 16,
  'base.nLayers': 2,
  'base.nHeads': 2,
  'base.steps': 20,
  'base.documents': 8,
  'features.features': 64,
  'features.k': 4,
  'features.steps': 40,
  'features.documents': 40,
  steps: 2,
  stopBelow: 0,
};

test('a run records interference and its lines, the same after a resume, at either matrix and under an adapter', async () => {
  const recipe = superpositionPersona();
  const lora = { kind: 'lora', rank: 2, alpha: 4, scaling: 'alphaOverRank', modules: 'all' };
  for (const set of [{}, { matrix: 'attention', method: lora }, { update: 'random' }]) {
    const settings = { ...TINY, ...set, learningRate: 0.01, 'measure.levels.train': [4] };
    const { end, points, checkpoints } = await makeRun(recipe, settings, 1);
    assert.deepEqual(end, { kind: 'finished' });
    const [middle] = checkpoints.slice(1);
    const resumed = await makeRun(recipe, settings, 1, middle?.state);
    assert.deepEqual([...points.slice(0, middle?.recorded), ...resumed.points], points);
    const last = points.at(-1)?.outcomes ?? {};
    for (const name of ['interference', 'toy', 'overlap', 'span', 'fvu']) {
      assert.ok((last[name] ?? 0) > 0 && (last[name] ?? 0) < 5, `${name} ${last[name]}`);
    }
  }
});

test('a config that has no meaning is refused by name', () => {
  const recipe = superpositionPersona();
  for (const [wrong, said] of [
    [{ update: 'none' }, /update/],
    [{ matrix: 'head' }, /matrix/],
    [{ features: { features: 8, k: 2, steps: 1, documents: 41, seed: 0 } }, /documents/],
  ] as const) {
    assert.throws(() => recipe.check?.({ ...recipe.defaults, ...wrong }), said);
  }
});
