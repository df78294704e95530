import assert from 'node:assert/strict';
import { test } from 'node:test';

import { analyse } from '#analysis/analyse.ts';
import { curveOf } from '#analysis/matching/passage.ts';
import { planeNoiseVariance } from '#analysis/matching/plane-noise.ts';
import { BASE, DELTA, simulate, WORLD_STUDY, type World } from '#analysis/validation/world.ts';
import { rngOf } from '#base/rng.ts';

const [TRAIN, HELD_OUT] = WORLD_STUDY.matchOn;

function deviationOf(world: World): number {
  assert.ok(TRAIN && HELD_OUT);
  const frame = simulate(world, 8, rngOf(2, 'plane-noise.test'));
  const curves = frame.runs.map((run) => curveOf(run, WORLD_STUDY.matchOn));
  return Math.sqrt(planeNoiseVariance(curves, TRAIN, HELD_OUT) ?? Number.NaN);
}

test('the scatter across the path is found, and a bent path without noise has next to none', () => {
  const noise = 0.02;
  // Across a path of slope .7 the noise of both losses adds up to this.
  const across = noise * Math.sqrt(1 + 0.7 ** 2);
  const found = deviationOf({ ...BASE, lossNoise: noise });
  assert.ok(Math.abs(found / across - 1) < 0.15, `${found} against ${across}`);
  assert.ok(deviationOf({ ...BASE, arm: { ...BASE.arm, bend: 1.2 } }) < 0.001);
  assert.ok(deviationOf({ ...BASE, probes: 14, arm: { ...BASE.arm, bend: 1.2 } }) < 0.02);
});

test('runs with fewer than five probes leave the noise unknown', () => {
  assert.ok(TRAIN && HELD_OUT);
  const points = [2, 1.5, 1].map((train, step) => ({ step, axes: { train, heldOut: train } }));
  const curve = curveOf({ arm: 'a', block: 0, status: 'finished', points }, WORLD_STUDY.matchOn);
  assert.equal(planeNoiseVariance([curve], TRAIN, HELD_OUT), undefined);
});

test('with losses too noisy to tell runs apart no effect beyond loss is claimed', () => {
  const arm = { ...BASE.arm, gap: 0.42 };
  const noisy: World = { ...BASE, arm, lossNoise: 0.05, effect: () => 3 * DELTA };
  const [verdict] = analyse(WORLD_STUDY, simulate(noisy, 8, rngOf(1, 'noisy'))).verdicts;
  assert.equal(verdict?.verdict, 'undecided');
  assert.match(verdict.reason, /joint not testable \(the losses are too noisy/);
});
