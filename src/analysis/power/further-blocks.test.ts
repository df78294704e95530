import assert from 'node:assert/strict';
import { test } from 'node:test';

import { analyse } from '#analysis/analyse.ts';
import { runStudies } from '#analysis/validation/run-world.ts';
import { BASE, DELTA, simulate, WORLD_STUDY, type World } from '#analysis/validation/world.ts';
import { rngOf } from '#base/rng.ts';

const QUIET: World = { ...BASE, rates: 1, sigma: DELTA };
const STUDIES = 30;

/** Share of simulated studies that decide with 8 blocks, or when they go on to so many. */
function powerOf(world: World, blocks: number): number {
  const one = { name: 'power.test', world, design: { kind: 'continued' as const, looks: [8, blocks] }, checks: [] };
  return 1 - (runStudies(one, 0, STUDIES).verdicts['undecided'] ?? 0) / STUDIES;
}

test('the further blocks asked for are about those that decide in simulation', () => {
  const asked = Array.from({ length: 9 }, (_, i) => {
    const frame = simulate(QUIET, 8, rngOf(i, 'power.test'));
    return analyse(WORLD_STUDY, frame).verdicts[0]?.furtherBlocks ?? Infinity;
  }).toSorted((a, b) => a - b);
  const median = 8 + (asked[4] ?? 0);
  // With 8 blocks the spread itself is known to a quarter, so the number is known to a factor of about two.
  assert.ok(powerOf(QUIET, Math.ceil(median * 1.5)) >= 0.8, `${median} blocks`);
  assert.ok(powerOf(QUIET, Math.floor(median / 2)) < 0.8, `${median} blocks`);
});

test('of arms that run different rates no number of blocks is promised where not every pair of rates shows the effect', () => {
  // Two delta on average and each rate above the other arm's average, but nothing between the arm's lower and the reference's higher rate.
  const rateEffect = (rate: number): number => (rate === 0 ? -DELTA : DELTA);
  const world: World = { ...BASE, rates: 2, sigma: DELTA / 2, effect: () => 2 * DELTA, rateEffect };
  const { runs } = simulate(world, 8, rngOf(5, 'effect of a rate'));
  const renamed = runs.map((run) =>
    run.arm === 'arm' ? { ...run, learningRate: 100 + (run.learningRate ?? 0) } : run,
  );
  const [verdict] = analyse(WORLD_STUDY, { runs: renamed }).verdicts;
  assert.equal(verdict?.verdict, 'undecided');
  assert.equal(verdict.furtherBlocks, undefined);
});

test('where no number of blocks would decide, the reason says so', () => {
  // So near to delta that neither an effect of delta nor its absence can be shown, in any number of blocks.
  const near: World = { ...BASE, sigma: DELTA / 3, effect: () => 0.97 * DELTA };
  const [verdict] = analyse(WORLD_STUDY, simulate(near, 8, rngOf(4, 'near delta'))).verdicts;
  assert.equal(verdict?.verdict, 'undecided');
  assert.equal(verdict.furtherBlocks, undefined);
  assert.match(verdict.reason, /96 blocks in all do not give 80% power/);
});
