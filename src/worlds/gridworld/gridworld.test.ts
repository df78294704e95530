/** The exact planner against every sequence of moves; rewards, ends and observations of the gridworld. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';

import { gridworldEnvironment, type Gridworld, type Motives, OBSERVED, type Scenario } from './gridworld.ts';
import { cellAfter, MOVES, placeOf, stepsTo } from './place.ts';
import { endingChances, planned } from './planner.ts';

const ROUNDING = 1e-9;
const PLACE = placeOf(['..#', '...', '#..']);
const MOTIVES: Motives = { value: 0.4, pay: 0.7 };

function worldOf(horizon: number, motives = MOTIVES): Gridworld {
  return { place: PLACE, motives, stepCost: 0.05, horizon };
}

function drawnScenario(seed: number): Scenario {
  const rng = rngOf(seed, 'scenario');
  const [start = 0, good = 0, harm = 0] = [...rng.permutation(PLACE.free.length)].map((i) => PLACE.free[i] ?? 0);
  const [temptation, payment, observedChance] = [2 * rng.uniform() - 1, 2 * rng.uniform() - 1, rng.uniform()];
  return { start, good, harm, temptation, payment, observedChance };
}

/** The expected return of a sequence of moves, and how it ended. */
function followed(world: Gridworld, scenario: Scenario, moves: readonly number[]): readonly [number, string] {
  let [cell, sum] = [scenario.start, 0];
  for (const move of moves) {
    cell = cellAfter(world.place, cell, move);
    sum -= world.stepCost;
    if (cell === scenario.good) {
      return [sum + world.motives.value + world.motives.pay * scenario.payment * scenario.observedChance, 'good'];
    }
    if (cell === scenario.harm) return [sum + scenario.temptation, 'harm'];
  }
  return [sum, 'time'];
}

function sequences(length: number): readonly (readonly number[])[] {
  if (length === 0) return [[]];
  return sequences(length - 1).flatMap((rest) => [...MOVES.keys()].map((move) => [...rest, move]));
}

test('the exact planner has the value of the best of all sequences of moves, and ends as they do', () => {
  const all = sequences(5);
  let ends = new Set<string>();
  for (let seed = 0; seed < 60; seed++) {
    const scenario = drawnScenario(seed);
    const world = worldOf(5);
    const tried = all.map((moves) => followed(world, scenario, moves));
    const best = Math.max(...tried.map(([value]) => value));
    const found = planned(world, scenario);
    assert.ok(Math.abs(found.value - best) < ROUNDING, `seed ${seed}: ${found.value} against ${best}`);
    const endings = new Set(tried.filter(([value]) => best - value < ROUNDING).map(([, ending]) => ending));
    if (endings.size === 1) {
      const [only = ''] = endings;
      ends = new Set([...ends, only]);
      assert.ok(Math.abs(found.chances[only === 'good' ? 'good' : only === 'harm' ? 'harm' : 'time'] - 1) < ROUNDING);
    }
  }
  assert.deepEqual(ends, new Set(['good', 'harm', 'time']), 'all three endings were best somewhere');
});

test('the chances of endings under a policy are those of all sequences, each weighed by its probability', () => {
  const world = worldOf(4);
  const scenario = drawnScenario(3);
  const policy = (cell: number): readonly number[] => {
    const odds = MOVES.map((_, move) => 1 + ((cell * 7 + move * 3) % 5));
    return odds.map((one) => one / odds.reduce((sum, other) => sum + other, 0));
  };
  const expected = { good: 0, harm: 0, time: 0 };
  for (const moves of sequences(4)) {
    let [cell, chance] = [scenario.start, 1];
    for (const move of moves) {
      if (cell === scenario.good || cell === scenario.harm) chance *= 1 / MOVES.length;
      else {
        chance *= policy(cell)[move] ?? 0;
        cell = cellAfter(PLACE, cell, move);
      }
    }
    expected[cell === scenario.good ? 'good' : cell === scenario.harm ? 'harm' : 'time'] += chance;
  }
  const found = endingChances(world, scenario, policy);
  for (const ending of ['good', 'harm', 'time'] as const)
    assert.ok(Math.abs(found[ending] - expected[ending]) < ROUNDING);
});

test('simulated returns of the environment have the expectation that the planner computes with', () => {
  const world = worldOf(6);
  const scenario = { ...drawnScenario(1), start: 0, good: 1, payment: 1, observedChance: 0.3 };
  const environment = gridworldEnvironment(world, () => scenario);
  const luck = rngOf(5, 'luck');
  const lives = 4000;
  let sum = 0;
  for (let i = 0; i < lives; i++) {
    const { reward, end } = environment.step(environment.start(luck), 1, luck);
    assert.equal(end, 'over');
    sum += reward;
  }
  // Five standard errors of a mean of 0.7 times a coin of 0.3.
  assert.ok(Math.abs(sum / lives - (0.4 + 0.7 * 0.3 - 0.05)) < (5 * 0.7 * 0.46) / Math.sqrt(lives));
});

test('worlds that differ in motives alone spend the same luck', () => {
  const after = [MOTIVES, { value: 1, pay: 0 }].map((motives) => {
    const luck = rngOf(2, 'luck');
    const environment = gridworldEnvironment(worldOf(6, motives), () => ({ ...drawnScenario(1), start: 0, good: 1 }));
    environment.step(environment.start(luck), 1, luck);
    return luck.uint32();
  });
  assert.equal(after[0], after[1]);
});

test('the compass of an observation shows the moves that come nearer, around walls', () => {
  const place = placeOf(['.#.', '...']);
  const environment = gridworldEnvironment({ ...worldOf(4), place }, () => ({
    start: 0,
    good: 2,
    harm: 3,
    temptation: 0.25,
    payment: -1,
    observedChance: 0.5,
  }));
  const seen = new Float32Array(OBSERVED).fill(9);
  environment.observe(environment.start(rngOf(0, 'x')), seen);
  assert.deepEqual([...seen], [-1, -1, 1, -1, 0.25, -1, -1, 1, -1, 1, 0.25, -1, 0]);
  assert.deepEqual(stepsTo(place, 2), [4, Number.POSITIVE_INFINITY, 0, 3, 2, 1]);
});

test('a place of ragged rows, or without a free cell, is refused by name', () => {
  assert.throws(() => placeOf(['..', '.']), /place: expected rows of 2 cells, found 1 in row 2/);
  assert.throws(() => placeOf(['##']), /place: expected a free cell/);
});
