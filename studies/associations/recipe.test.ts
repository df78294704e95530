/** The memory's known answers, on 32 classes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type Json, MUON_DEFAULTS, SGD_DEFAULTS, type TrajectoryPoint } from 'assay';

import { makeRun } from '../../test/recipes/make-run.ts';

import { associations } from './recipe.ts';
import { associativeMemory } from './world.ts';

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
  const { probabilities } = associativeMemory(32, 1, 'identity');
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
