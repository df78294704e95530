/** The memory's known answers, on 32 classes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  type Json,
  LION_DEFAULTS,
  MUON_DEFAULTS,
  rngOf,
  SGD_DEFAULTS,
  SHAMPOO_DEFAULTS,
  SIGN_DEFAULTS,
  SOAP_DEFAULTS,
  type TrajectoryPoint,
} from 'assay';

import { makeRun } from '../../test/recipes/make-run.ts';

import { associations } from './recipe.ts';
import { associativeMemory, drawnEmbeddings, turnedBasis } from './world.ts';

/** Adam's epsilon against the gradient of the rarest class, and float32. */
const BALANCED = 2e-3;
/** Float32 products in another basis, through tens of steps (Newton-Schulz among them). */
const ROTATED = 2e-3;

async function run(set: Readonly<Record<string, Json>>): Promise<readonly TrajectoryPoint[]> {
  const levels = { total: [0.5, 0.3, 0.1], head: [0.3, 0.1] };
  const all = { 'world.classes': 32, 'measure.levels': levels, ...set };
  const { end, points } = await makeRun(associations, all, 1);
  assert.deepEqual(end, { kind: 'finished' });
  return points;
}

/** Tail and total loss of every probe that measured both. */
function tails(points: readonly TrajectoryPoint[]): readonly (readonly [total: number, tail: number])[] {
  const measured = points.flatMap(({ axes, outcomes }) =>
    outcomes === undefined ? [] : [[axes['total'] ?? Number.NaN, outcomes['tail'] ?? Number.NaN] as const],
  );
  assert.ok(measured.length >= 4, `${measured.length} measured probes`);
  return measured;
}

test('guessing costs log K in every class, and class k is k times as rare as the first', async () => {
  const [first] = await run({});
  assert.ok(Math.abs((first?.axes['total'] ?? 0) - 1) < 1e-6 && Math.abs((first?.axes['head'] ?? 0) - 1) < 1e-6);
  const { probabilities } = associativeMemory({ classes: 32, exponent: 1, embeddings: 'identity' });
  assert.ok(Math.abs(probabilities.reduce((sum, p) => sum + p, 0) - 1) < 1e-6);
  assert.ok(Math.abs((probabilities[0] ?? 0) / (probabilities[3] ?? 1) - 4) < 1e-6);
});

test('with one-hot keys Adam learns all classes alike', async () => {
  for (const [total, tail] of tails(await run({ 'world.embeddings': 'identity' }))) {
    assert.ok(Math.abs(tail - total) < BALANCED, `tail ${tail} at total ${total}`);
  }
});

test('Muon and SGD give the same numbers in any basis, and Adam does not', async () => {
  const differences = async (set: Readonly<Record<string, Json>>): Promise<number> => {
    const [rotated, oneHot] = [await run(set), await run({ ...set, 'world.embeddings': 'identity' })];
    const at = (points: readonly TrajectoryPoint[], i: number): number => points[i]?.axes['head'] ?? Number.NaN;
    return Math.max(...rotated.slice(0, 15).map((_, i) => Math.abs(at(rotated, i) - at(oneHot, i))));
  };
  assert.ok((await differences({ optimizer: MUON_DEFAULTS, learningRate: 0.1 })) < ROTATED);
  assert.ok((await differences({ optimizer: { ...SGD_DEFAULTS, momentum: 0 }, learningRate: 5 })) < ROTATED);
  assert.ok((await differences({})) > 0.02);
});

test('at equal total loss Muon leaves the rare half a smaller loss than Adam', async () => {
  const lowest = async (set: Readonly<Record<string, Json>>): Promise<number> => {
    const near = tails(await run(set)).filter(([total]) => total < 0.35 && total > 0.25);
    return Math.min(...near.map(([, tail]) => tail));
  };
  assert.ok((await lowest({ optimizer: MUON_DEFAULTS, learningRate: 0.05 })) < (await lowest({})) - 0.2);
});

/** Products of rows of one matrix. */
function products(rows: Float32Array, size: number): readonly number[] {
  return Array.from({ length: size * size }, (_, at) => {
    const [i, j] = [Math.floor(at / size), at % size];
    return Array.from({ length: size }, (__, d) => (rows[i * size + d] ?? 0) * (rows[j * size + d] ?? 0)).reduce(
      (sum, value) => sum + value,
      0,
    );
  });
}

test('turned embeddings stay orthonormal, and each has exactly the angle to its unit vector', () => {
  const world = { classes: 32, exponent: 1, embeddings: 'turned', angle: 30 } as const;
  const keys =
    drawnEmbeddings(associativeMemory(world).fixed, world, rngOf(3, 'turned')).get('keys') ?? new Float32Array();
  for (const [at, value] of products(keys, 32).entries()) {
    assert.ok(Math.abs(value - Number(at % 33 === 0)) < 1e-6, `${at}: ${value}`);
  }
  for (let k = 0; k < 32; k++) assert.ok(Math.abs((keys[k * 33] ?? 0) - Math.cos(Math.PI / 6)) < 1e-6);
  assert.ok(turnedBasis(keys, 32, 0).every((value, at) => value === Number(at % 33 === 0)));
});

test('keys and values are turned apart, and Gaussian ones overlap', () => {
  const world = { classes: 32, exponent: 1, embeddings: 'turned', angle: 90 } as const;
  const turned = drawnEmbeddings(associativeMemory(world).fixed, world, rngOf(3, 'turned'));
  assert.notDeepEqual(turned.get('keys'), turned.get('values'));
  const gaussian = { ...world, embeddings: 'gaussian' } as const;
  const drawn = drawnEmbeddings(associativeMemory(gaussian).fixed, gaussian, rngOf(3, 'gaussian')).get('keys');
  const overlaps = products(drawn ?? new Float32Array(), 32).filter((_, at) => at % 33 !== 0);
  const spread = Math.sqrt(overlaps.reduce((sum, value) => sum + value * value, 0) / overlaps.length);
  assert.ok(spread > 0.1 && spread < 0.3, `${spread}`);
});

test('with one-hot keys sign descent and Lion are balanced too', async () => {
  for (const optimizer of [SIGN_DEFAULTS, LION_DEFAULTS]) {
    for (const [total, tail] of tails(await run({ 'world.embeddings': 'identity', optimizer, learningRate: 0.02 }))) {
      assert.ok(Math.abs(tail - total) < BALANCED, `${optimizer.kind}: tail ${tail} at total ${total}`);
    }
  }
});

test('Shampoo and SOAP balance all classes in any basis', async () => {
  for (const [optimizer, learningRate] of [
    [SHAMPOO_DEFAULTS, 0.1],
    [SOAP_DEFAULTS, 0.05],
  ] as const) {
    for (const [total, tail] of tails(await run({ optimizer, learningRate }))) {
      assert.ok(Math.abs(tail - total) < 0.02, `${optimizer.kind}: tail ${tail} at total ${total}`);
    }
  }
});

test('an odd number of classes cannot be turned', async () => {
  const set = { 'world.embeddings': 'turned', 'world.classes': 31 };
  await assert.rejects(makeRun(associations, set, 1), /classes.*an even number.*31/);
});
