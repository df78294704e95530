import assert from 'node:assert/strict';
import { test } from 'node:test';

import { matchPair } from '#analysis/matching/match.ts';
import {
  blockContrasts,
  overallEstimate,
  type MatchedTable,
  type Unmatched,
} from '#analysis/matching/matched-table.ts';
import { indexCurves, pairOf } from '#analysis/matching/pair.ts';
import { BASE, simulate, WORLD_STUDY, type World } from '#analysis/validation/world.ts';
import { rngOf } from '#base/rng.ts';

/** Noise-free arms that keep a small distance in held-out loss, on the same side in every block. */
const APART: World = {
  ...BASE,
  sigma: 0,
  seedSpread: 0,
  rates: 1,
  arm: { ...BASE.arm, gap: 0.31 },
  reference: { ...BASE.reference, gap: 0.28 },
};
/** Runs are interpolated between probes .03 nats apart. */
const INTERPOLATED = 0.01;

function matched(change: Partial<World>): ReturnType<typeof matchPair> {
  const { runs } = simulate({ ...APART, ...change }, 8, rngOf(1, 'bounded-joint.test'));
  return matchPair(pairOf(indexCurves({ runs }, WORLD_STUDY.matchOn), 'arm', 'reference'), WORLD_STUDY, 'behaviour');
}

function meanOf(table: MatchedTable | Unmatched | undefined): number {
  assert.ok(table?.kind === 'matched');
  return overallEstimate(blockContrasts(table))?.mean ?? Number.NaN;
}

test('an effect without any slope keeps its size, and says which slope would be needed', () => {
  const { joint, singles } = matched({ effect: () => 0.2 });
  assert.ok(joint?.kind === 'matched' && joint.bound);
  const { bound } = joint;
  assert.ok(Math.abs(meanOf(joint) - meanOf(singles[0])) < INTERPOLATED);
  assert.ok(bound.mismatch > 0.015 && bound.mismatch < 0.03, String(bound.mismatch));
  assert.ok(Math.abs(bound.needed * bound.mismatch - 0.2) < INTERPOLATED);
  assert.ok(bound.seen < 0.01);
});

test('what the slope seen explains is taken off', () => {
  // Behaviour falls by 1 per nat of held-out loss: along the gap the runs fall faster, which is what may explain most.
  const { joint, singles } = matched({ effect: () => -0.3, behaviour: (_, heldOut) => -heldOut });
  assert.ok(joint?.kind === 'matched' && joint.bound);
  assert.ok(joint.bound.seen > 1);
  const [rest, whole] = [Math.abs(meanOf(joint)), Math.abs(meanOf(singles[0]))];
  assert.ok(Math.abs(whole - rest - joint.bound.seen * joint.bound.mismatch) < 2 * INTERPOLATED, `${whole} ${rest}`);
});

test('a function of held-out loss, or of the gap alone, leaves nothing', () => {
  for (const behaviour of [
    (_: number, heldOut: number) => -3 * heldOut,
    (train: number, heldOut: number) => 4 * (heldOut - train),
  ]) {
    const { joint } = matched({ behaviour });
    assert.ok(joint?.kind === 'notEstimable');
    assert.match(joint.reason, /would need a slope of at least .* per nat to explain this; the steepest seen is/);
  }
});

test('a function that is level along every run is seen between the learning rates of an arm', () => {
  // Its slope at equal training loss is 3; along the runs it shows less than 1.
  const { joint } = matched({
    behaviour: (train, heldOut) => 3 * (heldOut - 0.7 * train),
    rates: 2,
    rateSpread: 0.09,
    arm: { ...BASE.arm, gap: 0.34 },
  });
  const seen = joint?.kind === 'matched' ? joint.bound?.seen : 3;
  assert.ok(seen !== undefined && seen > 1.5, `seen ${seen}`);
});

test('arms further apart than the caliper are not bounded', () => {
  const { joint } = matched({ effect: () => 0.2, arm: { ...BASE.arm, gap: 0.45 } });
  assert.ok(joint?.kind === 'notEstimable');
  assert.match(joint.reason, /nats on average, too far for a bound/);
});
