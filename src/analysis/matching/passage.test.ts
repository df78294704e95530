import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { curveOf, passagesOf, valueAt } from '#analysis/matching/passage.ts';
import type { Axis } from '#study/study.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';

const LOSS: Axis = {
  name: 'loss',
  label: 'Loss',
  unit: 'nats',
  role: 'train',
  levels: [1.5, 1],
  maxGap: 0.5,
  direction: 'falls',
};

const ROUNDING = 1e-12;

const path = (...values: number[]): TrajectoryPoint[] =>
  values.map((loss, step) => ({ step, axes: { loss }, outcomes: { y: 10 * loss } }));

test('a level is taken where the run passes it, interpolated in the axis', () => {
  const points = path(2, 1.75, 1.35, 1.6, 1.4, 0.95);
  const [at] = passagesOf(points, LOSS);
  assert.ok(at?.kind === 'crossed' && at.before === 1 && at.after === 2);
  assert.ok(Math.abs(at.fraction - 0.625) < ROUNDING);
  const curve = curveOf({ arm: 'a', block: 0, status: 'finished', points }, [LOSS]);
  // The outcome is linear in the loss, so that its value at the level is known.
  assert.ok(Math.abs((valueAt(curve, at, (point) => point.outcomes?.['y']) ?? 0) - 15) < ROUNDING);
});

test('of several crossings the one of the isotonic fit is taken: a dip long before the fall does not count', () => {
  const [at] = passagesOf(path(2, 1.4, 1.9, 1.8, 1.45, 1.2), LOSS);
  assert.ok(at?.kind === 'crossed' && at.before === 3 && at.after === 4);
  const [bounced] = passagesOf(path(2, 1.8, 1.45, 1.3, 1.55, 1.2), LOSS);
  assert.ok(bounced?.kind === 'crossed' && bounced.before === 1 && bounced.after === 2);
});

test('denser probes of a noisy axis do not move the place where a level is passed', () => {
  // The true loss falls evenly; the first crossing would come earlier the denser the probes.
  const placeOf = (density: number, seed: number): number => {
    const rng = rngOf(seed, `density ${density}`);
    const truths = Array.from({ length: 20 * density }, (_, i) => 2 - i / (10 * density));
    const points = truths.map((truth, step) => ({
      step,
      axes: { loss: truth + 0.05 * rng.normal() },
      outcomes: { y: truth },
    }));
    const [at] = passagesOf(points, LOSS);
    assert.ok(at?.kind === 'crossed');
    return (truths[at.before] ?? 0) + at.fraction * ((truths[at.after] ?? 0) - (truths[at.before] ?? 0));
  };
  const biasOf = (density: number): number =>
    Array.from({ length: 200 }, (_, seed) => placeOf(density, seed) - 1.5).reduce((sum, one) => sum + one, 0) / 200;
  // Standard error .004 at most; the first crossing is off by .05 with eight probes for one.
  for (const density of [1, 8]) assert.ok(Math.abs(biasOf(density)) < 0.015, `${density}x: ${biasOf(density)}`);
});

test('nothing is extrapolated: a level above the start, below the end, or across a wide gap is missed', () => {
  const reasons = (points: TrajectoryPoint[]): string[] =>
    passagesOf(points, LOSS).map((passage) => (passage.kind === 'missed' ? passage.reason : 'crossed'));
  assert.deepEqual(reasons(path(1.4, 1.2)), ['starts beyond', 'not reached']);
  assert.deepEqual(reasons(path(2, 1.4, 0.8)), ['gap too wide', 'gap too wide']);
  assert.deepEqual(reasons(path(1.9, 1.5, 1)), ['crossed', 'crossed']);
});

test('an axis that rises is crossed upwards', () => {
  const reward: Axis = { ...LOSS, levels: [1, 1.5], direction: 'rises' };
  const [low, high] = passagesOf(path(0.8, 1.2, 1.1, 1.6), reward);
  assert.ok(low?.kind === 'crossed' && low.after === 1);
  assert.ok(high?.kind === 'crossed' && high.after === 3);
});

test('with untilBest nothing after the best value counts', () => {
  const axis: Axis = { ...LOSS, levels: [1.1], untilBest: true };
  const curve = curveOf({ arm: 'a', block: 0, status: 'finished', points: path(2, 1.6, 1.2, 1.7, 1.3) }, [axis]);
  assert.equal(curve.lastCounted, 2);
  assert.deepEqual(curve.passages[0], [{ kind: 'missed', reason: 'not reached' }]);
});

test('probes without the axis are passed over, outcomes missing at a bracket give no value', () => {
  const points: TrajectoryPoint[] = [
    { step: 0, axes: { loss: 1.7 }, outcomes: { y: 1 } },
    { step: 1, axes: {} },
    { step: 2, axes: { loss: 1.4 } },
  ];
  const curve = curveOf({ arm: 'a', block: 0, status: 'finished', points }, [LOSS]);
  const at = curve.passages[0]?.[0];
  assert.ok(at?.kind === 'crossed' && at.before === 0 && at.after === 2);
  assert.equal(
    valueAt(curve, at, (point) => point.outcomes?.['y']),
    undefined,
  );
});
