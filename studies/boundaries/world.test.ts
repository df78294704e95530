/** What is known of the cues and clusters beforehand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ADAMW_DEFAULTS, type Json, SGD_DEFAULTS, type TrajectoryPoint } from 'assay';
import { rngOf } from 'assay/learn';

import { makeRun } from '../../test/recipes/make-run.ts';
import { boundaries } from './recipe.ts';
import { evenShare, rankedRightly, rowsOf, signedRightly } from './world.ts';

/** Of 4,096 rows, a fraction; three standard errors. */
const SAMPLED = 0.025;
/** Float32 products in another basis, through tens of steps. */
const TURNED = 2e-3;
/** A loss over 4,096 rows, in nats, three standard errors. */
const SAMPLED_LOSS = 0.03;

const ADAM = { optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 }, learningRate: 0.03 };
const SGD = { optimizer: { ...SGD_DEFAULTS, momentum: 0 }, learningRate: 0.5 };
const CLUSTERS = { 'world.weakCue': 'even', 'world.weak': 1, 'world.noise': 0.3, 'world.dimensions': 10 };

const points = async (set: Readonly<Record<string, Json>>): Promise<readonly TrajectoryPoint[]> =>
  (await makeRun(boundaries, set, 1)).points;
const last = (of: readonly TrajectoryPoint[], outcome: string): number => of.at(-1)?.outcomes?.[outcome] ?? Number.NaN;

test('a linear cue of 0.3 in noise 0.2 ranks rightly by Phi(1.5 sqrt 2) = .983 alone, an even one not at all', () => {
  const cues = { strong: 0, weak: 0.3, noise: 0.2, dimensions: 3 };
  const second = (weakCue: 'linear' | 'even'): number => {
    const { x, y } = rowsOf({ ...cues, weakCue }, 4096, rngOf(1));
    return rankedRightly(
      y.map((_, row) => x[3 * row + 1] ?? 0),
      y,
    );
  };
  assert.ok(Math.abs(second('linear') - 0.983) < SAMPLED);
  assert.ok(Math.abs(second('even') - 0.5) < SAMPLED);
});

test('ranks, signs and the even share are right on rows counted by hand', () => {
  const labels = Float32Array.of(1, -1, 1, -1);
  assert.equal(rankedRightly(Float32Array.of(4, 1, 2, 3), labels), 3 / 4);
  assert.equal(signedRightly(Float32Array.of(4, 1, -2, -3), labels), 1 / 2);
  // 3 and 1 at x and -x are 2 even and 1 odd.
  assert.equal(evenShare(Float32Array.of(3), Float32Array.of(1)), 4 / 9);
});

test('SGD sees no basis, and Adam does', async () => {
  const difference = async (set: Readonly<Record<string, Json>>): Promise<number> => {
    const [own, turned] = [await points(set), await points({ ...set, 'world.rotated': true })];
    return Math.abs(last(own, 'ranked') - last(turned, 'ranked'));
  };
  assert.ok((await difference({ ...SGD, steps: 40 })) < TURNED);
  assert.ok((await difference({ ...ADAM, steps: 40 })) > 0.1);
});

test('SGD weighs the cues by their size, so it ranks rightly by Phi(sqrt 2 weak^2 / (noise sqrt(1 + weak^2)))', async () => {
  // Phi(.610) and Phi(.862).
  assert.ok(Math.abs(last(await points({ ...SGD, steps: 20 }), 'ranked') - 0.729) < SAMPLED);
  assert.ok(Math.abs(last(await points({ ...SGD, steps: 20, 'world.weak': 0.36 }), 'ranked') - 0.806) < SAMPLED);
});

test('a linear classifier is not bent, cannot use an even cue, and stops at the linear floor', async () => {
  const run = await points({ ...CLUSTERS, ...SGD, 'world.strong': 0.3, steps: 200 });
  assert.equal(last(run, 'bent'), 0);
  assert.ok(Math.abs(last(run, 'ranked') - 0.5) < SAMPLED);
  // softplus(-2 (1 + z)) expected over normal z is .356.
  assert.ok(Math.abs((run.at(-1)?.axes['heldOut'] ?? 0) - 0.356) < SAMPLED_LOSS);
});

test('ReLU units go below the linear floor by the even cue', async () => {
  const network = { 'world.width': 64, 'world.start': 0.3, 'world.strong': 0.3 };
  const run = await points({ ...CLUSTERS, ...ADAM, ...network, learningRate: 0.1, steps: 150 });
  assert.ok((run.at(-1)?.axes['heldOut'] ?? 1) < 0.3);
  assert.ok(last(run, 'ranked') > 0.7 && last(run, 'bent') > 0.1);
});

test('hidden units that start at zero, and so learn nothing, are refused', async () => {
  await assert.rejects(
    points({ ...CLUSTERS, ...SGD, 'world.width': 64 }),
    /world\.start.*above 0 for 64 hidden units/s,
  );
});
