/** Known answers: the planner against brute force, V* against lives, moods that cannot help, scales that change no bit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { contentHash, rngOf } from 'assay';

import { makeRun } from '../../test/recipes/make-run.ts';

import { lived, type Lives } from './being.ts';
import { type Being, bestEffort } from './forager.ts';
import { type Leaf, LEAVES, plansOf } from './planner.ts';
import { ENDLESS, moodAndPlanning } from './recipe.ts';
import { mean } from './tuning.ts';
import { CAP, COST, CUE, drawLuck, EFFECT, EXPOSURE, MEAL, STANDARD, START, TURNS } from './world.ts';

const POINTS = 801;
/** Linear interpolation of V between 801 beliefs, four times; with the 101 of the study it is .002. */
const GRID = 2e-4;
const LIVES = 20_000;
const ENERGIES = CAP + 1;

const perfect = plansOf([ENDLESS], 'nothing', 51).get(ENDLESS);
const short = plansOf([4], 'nothing').get(4);
const planner = (plan: typeof perfect, dials: Partial<Being> = {}): Being => ({
  scores: plan?.scores ?? new Float64Array(),
  memory: 'exact',
  scale: 1,
  g0: 0,
  g1: 0,
  rate: 0.1,
  ...dials,
});
const luck = drawLuck(rngOf(501, 'test'), LIVES);
const errorOf = (values: Float64Array): number => {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)) / values.length);
};

/** Steps survived at rest from an energy, one by one. */
function rested(energy: number): number {
  let [sum, alive] = [0, 1];
  for (let left = energy - 1; left > 0; left--) {
    alive *= 1 - STANDARD.danger;
    sum += alive;
  }
  return sum;
}

/**
 * V by enumeration of everything that can happen: the probabilities of "all that was seen, alive, and the season is s", for both s,
 * so that neither Bayes' rule nor a grid is used.
 */
function enumerated([bad, good]: readonly [number, number], energy: number, depth: number, leaf: Leaf): number {
  if (depth === 0) return leaf === 'nothing' ? 0 : (bad + good) * rested(energy);
  let sum = 0;
  for (const cue of [0, 1]) {
    const seen = [bad * (cue === 1 ? CUE[0] : 1 - CUE[0]), good * (cue === 1 ? CUE[1] : 1 - CUE[1])] as const;
    const efforts = [0, 1, 2].map((effort) => afterEffort(seen, energy, effort, depth, leaf));
    sum += Math.max(...efforts);
  }
  return sum;
}

function afterEffort(
  seen: readonly [number, number],
  energy: number,
  effort: number,
  depth: number,
  leaf: Leaf,
): number {
  let sum = 0;
  for (const found of [0, 1]) {
    const next = Math.min(CAP, energy - (COST[effort] ?? 0) + found * MEAL);
    if (next <= 0) continue;
    const alive = 1 - STANDARD.danger - (EXPOSURE[effort] ?? 0);
    const [b, g] = STANDARD.food.map((chance, s) => {
      const meal = chance * (EFFECT[effort] ?? 0);
      return (seen[s] ?? 0) * alive * (found === 1 ? meal : 1 - meal);
    });
    const [wasBad, wasGood] = [b ?? 0, g ?? 0];
    const turned = [wasBad * (1 - TURNS) + wasGood * TURNS, wasGood * (1 - TURNS) + wasBad * TURNS] as const;
    sum += wasBad + wasGood + enumerated(turned, next, depth - 1, leaf);
  }
  return sum;
}

test('a planner of four steps finds what enumerating all that can happen finds', () => {
  for (const leaf of LEAVES) {
    const { values = new Float64Array() } = plansOf([4], leaf, POINTS).get(4) ?? {};
    for (const energy of [1, 2, 5, 9, 20, 60]) {
      for (const belief of [0.05, 0.5, 0.9]) {
        const planned = values[Math.round(belief * (POINTS - 1)) * ENERGIES + energy] ?? Number.NaN;
        const found = enumerated([1 - belief, belief], energy, 4, leaf);
        assert.ok(
          Math.abs(planned - found) < GRID,
          `${leaf}, energy ${energy}, belief ${belief}: ${planned}, ${found}`,
        );
      }
    }
  }
});

test('lives under perfect planning are as long as V* says', () => {
  const expected = perfect?.values[25 * ENERGIES + START] ?? Number.NaN;
  const { steps } = lived(planner(perfect), STANDARD, luck);
  assert.ok(expected > 88 && expected < 89, `V* is ${expected}`);
  assert.ok(
    Math.abs(mean(steps) - expected) < 2 * errorOf(steps),
    `${mean(steps)} +- ${errorOf(steps)}, V* ${expected}`,
  );
});

test('no mood lengthens lives under perfect planning, and a strong one shortens them', () => {
  const { steps } = lived(planner(perfect), STANDARD, luck);
  for (const [g1, rate] of [
    [0.5, 0.1],
    [3, 0.2],
    [-1, 0.1],
    [20, 0.3],
  ] as const) {
    const moody = lived(planner(perfect, { g1, rate }), STANDARD, luck).steps;
    const gains = moody.map((life, i) => life - (steps[i] ?? 0));
    assert.ok(mean(gains) < 2 * errorOf(gains), `g1 ${g1}: ${mean(gains)} +- ${errorOf(gains)}`);
    if (g1 === 20) assert.ok(mean(gains) < -5);
  }
});

test('a mood felt 2^k times as strongly and read as much more weakly changes no bit, any other no action here', () => {
  const feel = (scale: number): Lives =>
    lived(planner(short, { g1: 0.237, rate: 0.202, scale }), STANDARD, luck, 500, 9999);
  const once = feel(1);
  assert.ok(new Set(once.moods).size > 1000 && new Set(once.done).size > 1);
  for (const scale of [2 ** 10, 2 ** -10, 2 ** 3]) {
    const scaled = feel(scale);
    assert.deepEqual(scaled.done, once.done);
    assert.deepEqual(scaled.steps, once.steps);
    assert.deepEqual(
      scaled.moods,
      once.moods.map((mood) => scale * mood),
    );
  }
  const thousandfold = feel(1000);
  assert.deepEqual(thousandfold.done, once.done);
  assert.notDeepEqual(
    thousandfold.moods,
    once.moods.map((mood) => 1000 * mood),
  );
});

test('a being that never makes an effort starves after nineteen steps, if it is not eaten', () => {
  const { steps, effortMean } = lived(planner(short, { g0: -1000 }), STANDARD, luck, 2000);
  assert.equal(effortMean, 0);
  assert.equal(Math.max(...steps), START - 1);
  assert.ok(Math.abs(mean(steps) - rested(START)) < 0.1);
});

test('with the same luck more danger never lengthens a life', () => {
  const [safe, dangerous] = [0.001, 0.01].map(
    (danger) => lived(planner(perfect), { ...STANDARD, danger }, luck, 2000).steps,
  );
  assert.ok(safe?.every((life, i) => life >= (dangerous?.[i] ?? Infinity)));
  assert.ok(mean(safe ?? [0]) > mean(dangerous ?? [Infinity]) + 10);
});

test('a just-noticeable step is the median change of mood that changes what is done', () => {
  const being = planner(short, { g1: 0.237, rate: 0.202 });
  assert.equal(lived({ ...being, g1: 0 }, STANDARD, luck, 50, 999).noticeable, Infinity);
  const [one, other] = [1, 1000].map((scale) => lived({ ...being, scale }, STANDARD, luck, 50, 999).noticeable);
  assert.ok(Math.abs((other ?? 0) / (one ?? 1) / 1000 - 1) < 1e-9);
  // Among equal scores the least effort is made.
  assert.equal(bestEffort(Float64Array.of(1, 1, 1), 0), 0);
  assert.equal(bestEffort(Float64Array.of(1, 0.9, 0.7), 0.15), 1);
  assert.equal(bestEffort(Float64Array.of(1, 0.9, 0.7), 0.25), 2);
});

test('dials are tuned once for all blocks, and a tuned mood reads the season for a planner of one step', async () => {
  const kept = new Map<string, Uint8Array>();
  const shared = async (name: string, key: object, compute: () => Promise<Uint8Array>): Promise<Uint8Array> => {
    const id = contentHash({ name, ...key });
    const bytes = kept.get(id) ?? (await compute());
    kept.set(id, bytes);
    return bytes;
  };
  const lifeOf = async (drive: string, block: number): Promise<number> => {
    const { points } = await makeRun(moodAndPlanning, { drive, memory: 'none', lives: 1000 }, block, undefined, shared);
    return points[0]?.outcomes?.['life'] ?? Number.NaN;
  };
  const [constant, mood, again] = [await lifeOf('constant', 601), await lifeOf('mood', 601), await lifeOf('mood', 602)];
  assert.equal(kept.size, 2);
  assert.ok(mood > constant + 20, `${mood} against ${constant}`);
  assert.ok(mood !== again && Math.abs(mood - again) < 15);
});

test('what is unknown is refused by name', async () => {
  await assert.rejects(makeRun(moodAndPlanning, { memory: 'perfect' }, 1), /memory.*exact, cue, none.*perfect/);
  await assert.rejects(makeRun(moodAndPlanning, { 'planner.depth': 4096 }, 1), /planner\.depth.*2048.*4096/);
});
