import assert from 'node:assert/strict';
import { test } from 'node:test';

import { analyse, type AnalysedStudy } from '#analysis/analyse.ts';
import type { Analysis, Description } from '#analysis/records/analysis-record.ts';
import type { Frame } from '#analysis/frame.ts';
import { BASE, DELTA, simulate, WORLD_STUDY, type World } from '#analysis/validation/world.ts';
import { rngOf } from '#base/rng.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';

const frameOf = (world: World, blocks = 8): Frame => simulate(world, blocks, rngOf(4, 'description.test'));
const EFFECT = frameOf({ ...BASE, effect: () => 2 * DELTA });
const ROUNDING = 1e-9;

function described(analysis: Analysis): Description {
  const [description] = analysis.descriptions;
  assert.ok(description);
  return description;
}

test('the heat map holds the verdict at the study’s delta, an effect at small ones and none at large ones', () => {
  const analysis = analyse(WORLD_STUDY, EFFECT);
  const map = described(analysis).heatMap;
  assert.ok(map);
  assert.equal(map.verdicts[map.deltas.indexOf(DELTA)], analysis.verdicts[0]?.verdict);
  assert.equal(map.verdicts[0], 'affects');
  assert.equal(map.verdicts.at(-1), 'noEffect');
  const train = map.cells.filter((cell) => cell.matching === 'train');
  // All levels and each of five, for the average and for each of two rates of both arms.
  assert.equal(train.length, 6 * 5);
  assert.deepEqual(train[0]?.byDelta.at(0), 'effect');
  assert.deepEqual(train[0]?.byDelta.at(-1), 'equivalent');
});

test('variance shares sum to one, and the arm’s share is where the effect is', () => {
  const shares = described(analyse(WORLD_STUDY, EFFECT)).decomposition;
  const none = described(analyse(WORLD_STUDY, frameOf(BASE))).decomposition;
  assert.ok(shares.kind === 'estimated' && none.kind === 'estimated');
  const sum = shares.axesFraction + shares.factorFraction + shares.blockFraction + shares.restFraction;
  assert.ok(Math.abs(sum - 1) < ROUNDING);
  assert.ok(shares.factorFraction > 0.3 && none.factorFraction < 0.05);
});

test('ANCOVA finds a linear effect and says why it is no verdict', () => {
  const ancova = described(analyse(WORLD_STUDY, EFFECT)).ancova;
  assert.ok(ancova.kind === 'estimated');
  assert.ok(ancova.ci95[0] < 2 * DELTA && 2 * DELTA < ancova.ci95[1]);
  assert.match(ancova.warning, /noise in a measured loss biases it/);
});

test('exploratory outcomes are screened, never judged', () => {
  const copy = (point: TrajectoryPoint): TrajectoryPoint =>
    point.outcomes === undefined ? point : { ...point, outcomes: { ...point.outcomes, other: point.step } };
  const runs = EFFECT.runs.map((run) => Object.assign({}, run, { points: run.points.map(copy) }));
  const study: AnalysedStudy = {
    ...WORLD_STUDY,
    outcomes: [
      ...WORLD_STUDY.outcomes,
      { name: 'other', label: 'Other', unit: 'steps', delta: 1, role: 'exploratory' },
      { name: 'never', label: 'Never measured', unit: 'points', delta: 1, role: 'exploratory' },
    ],
  };
  const analysis = analyse(study, { runs });
  assert.deepEqual(
    analysis.verdicts.map((verdict) => verdict.outcome),
    ['behaviour'],
  );
  const [other, never] = analysis.exploratory;
  assert.ok(other?.p !== null && other?.q === other?.p);
  assert.deepEqual([never?.p, never?.q], [null, null]);
});

test('what lies past the best held-out loss is counted apart', () => {
  const rise = (point: TrajectoryPoint): TrajectoryPoint[] => [
    point,
    { step: point.step + 1, axes: { train: 0.3, heldOut: (point.axes['heldOut'] ?? 0) + 0.25 } },
  ];
  const runs = EFFECT.runs.map((run) =>
    run.arm === 'arm'
      ? Object.assign({}, run, { points: [...run.points.slice(0, -1), ...run.points.slice(-1).flatMap(rise)] })
      : run,
  );
  const found = analyse(WORLD_STUDY, { runs }).pastBest;
  assert.deepEqual(
    found.map((one) => [one.arm, one.runs, one.runsPastBest]),
    [
      ['arm', 16, 16],
      ['reference', 16, 0],
      ['positive', 16, 0],
    ],
  );
  assert.ok(Math.abs((found[0]?.meanWorsening ?? 0) - 0.25) < ROUNDING);
});
