/** Known answers for the world, for what is read off a memory, and for exchanges; and that a run is its seed's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type Actor, createActor, drawnWeights, livedOn, newLives, type Rng, rngOf } from 'assay/learn';
import { CUE, EFFECT, STANDARD, START, TURNS } from 'assay/studies/mood-and-planning/world.ts';

import { makeRun } from '../../test/recipes/make-run.ts';

import { type Exchange, exchanged, randomDirection } from './exchange.ts';
import { type Forager, FORAGING } from './forager.ts';
import { columnsOf, coordinates, described, explained, fitted, principalAxis, said } from './latent.ts';
import { readStates, seasonRead } from './measures.ts';
import { createForager, foreseeable, isTrunk, MEMORY, POLICY, rewarded, trunkOf } from './networks.ts';
import { moodEmerges } from './recipe.ts';
import { crossed, statesAlong, streamOf } from './streams.ts';

const TRAINING = { rows: 8, steps: 4, updates: 3, learningRate: 0.01, entropy: 0.01, discount: 0.98 };
const EXACT = 1e-12;

/** Acts by a rule, and remembers what it is told to. */
function fakeActor(rows: number, memoryOf: (seen: Float32Array, before: Float32Array) => readonly number[]): Actor {
  return {
    policy: POLICY,
    rows,
    async act(observations, memory) {
      const after = new Float32Array(rows * MEMORY);
      for (let row = 0; row < rows; row++) {
        const seen = observations.subarray(row * 5, row * 5 + 5);
        after.set(memoryOf(seen, memory.subarray(row * MEMORY, (row + 1) * MEMORY)), row * MEMORY);
      }
      // Forages unless it is full, so that seasons feed.
      const probabilities = Float32Array.from({ length: rows * 3 }, (_, at) =>
        at % 3 === ((observations[Math.floor(at / 3) * 5 + 1] ?? 0) > 0.6 ? 0 : 1) ? 1 : 0,
      );
      return { probabilities, values: new Float32Array(rows), memory: after };
    },
  };
}

/** A slow trace of food, as a belief would leave it. */
const traced = ([, , found = 0, some = 0, hard = 0]: Float32Array, [before = 0]: Float32Array): number =>
  0.8 * before + (some + hard > 0 ? 0.4 * (found - 0.35) : 0);

test('the belief in a state is that of adding up all seasons there can have been, and resting starves', () => {
  const luck = rngOf(3);
  let state = FORAGING.start(luck);
  let both = [0.5, 0.5].map((one, s) => one * (state.cue ? (CUE[s] ?? 0) : 1 - (CUE[s] ?? 0)));
  for (let t = 0; t < 30; t++) {
    const [bad = 0, good = 0] = both;
    assert.ok(Math.abs(state.belief - good / (bad + good)) < EXACT, `step ${t}`);
    const effort = t % 3 === 0 ? 0 : 1;
    // Never dead, whatever happens.
    const next = FORAGING.step({ ...state, energy: 40 }, effort, luck).state;
    const eaten = both.map((one, s) => {
      const chance = (EFFECT[effort] ?? 0) * (STANDARD.food[s] ?? 0);
      return one * (next.found ? chance : 1 - chance);
    });
    both = eaten.map((one, s) => {
      const now = one * (1 - TURNS) + (eaten[1 - s] ?? 0) * TURNS;
      return now * (next.cue ? (CUE[s] ?? 0) : 1 - (CUE[s] ?? 0));
    });
    state = next;
  }
  let [resting, steps]: [Forager, number] = [FORAGING.start(rngOf(4)), 0];
  for (; ; steps++) {
    const { state: next, end, reward } = FORAGING.step(resting, 0, rngOf(5, `${steps}`));
    assert.equal(reward > 0, end === 'none');
    if (end === 'over') break;
    resting = next;
  }
  assert.equal(steps, START - 1);
});

test('the largest axis, lines and what they describe are those that were put in', () => {
  const rng = rngOf(6);
  const hidden = Float64Array.from({ length: 4000 }, () => rng.normal());
  const direction = randomDirection(rng);
  const states = Float64Array.from({ length: 4000 * MEMORY }, (_, at) => {
    return 2 + 3 * (hidden[Math.floor(at / MEMORY)] ?? 0) * (direction[at % MEMORY] ?? 0) + 0.5 * rng.normal();
  });
  const axis = principalAxis({ width: MEMORY, values: states });
  const cosine = axis.direction.reduce((sum, one, i) => sum + one * (direction[i] ?? 0), 0);
  assert.ok(Math.abs(Math.abs(cosine) - 1) < 0.01, `${cosine}`);
  // 9 along it and a quarter in each of 16 directions.
  assert.ok(Math.abs(axis.share - 9.25 / 13) < 0.02, `${axis.share}`);
  assert.ok(described(columnsOf(hidden), coordinates({ width: MEMORY, values: states }, axis)) > 0.95);
  const line = fitted(
    columnsOf(hidden),
    hidden.map((one) => 4 - 3 * one),
  );
  assert.ok(Math.abs((line[0] ?? 0) + 3) < 1e-4 && Math.abs((line[1] ?? 0) - 4) < 1e-4, line.join());
  assert.ok(
    explained(
      said(line, columnsOf(hidden)),
      hidden.map((one) => 4 - 3 * one),
    ) > 0.999,
  );
  assert.ok(
    explained(
      hidden.map(() => 1),
      hidden,
    ) < 0,
  );
});

test('an exchange moves what it says: nothing, all, a part along one axis, or as far along another', () => {
  const rng = rngOf(7);
  const memory = Float32Array.from({ length: 6 * MEMORY }, () => rng.normal());
  const [direction, along] = [randomDirection(rng), randomDirection(rng)];
  const moved = (exchange: Exchange): Float32Array =>
    exchanged(memory, 6, exchange).map((one, at) => one - (memory[at] ?? 0));
  const partner = (at: number): number => (memory[(at + 3 * MEMORY) % memory.length] ?? 0) - (memory[at] ?? 0);
  assert.deepEqual(exchanged(memory, 6, { kind: 'self' }), memory);
  const [whole, part, far] = [
    moved({ kind: 'whole' }),
    moved({ kind: 'along', direction }),
    moved({ kind: 'asFar', direction, along }),
  ];
  whole.forEach((one, at) => assert.ok(Math.abs(one - partner(at)) < 1e-6));
  for (let row = 0; row < 6; row++) {
    const of = (change: Float32Array): Float32Array => change.subarray(row * MEMORY, (row + 1) * MEMORY);
    const onto = (change: Float32Array, by: Float64Array): number =>
      by.reduce((sum, one, i) => sum + one * (of(change)[i] ?? 0), 0);
    const length = onto(whole, direction);
    assert.ok(Math.abs(onto(part, direction) - length) < 1e-5 && Math.abs(onto(far, along) - length) < 1e-5);
    for (const change of [part, far]) assert.ok(Math.abs(Math.hypot(...of(change)) - Math.abs(length)) < 1e-5);
  }
});

test('in crossed streams each life is shown the energy of another, and nothing else is changed', async () => {
  const actor = fakeActor(64, () => new Array<number>(MEMORY).fill(0));
  const stream = await streamOf(actor, 80, rngOf(8));
  const apart = crossed(stream);
  const r = (a: Float64Array, b: Float64Array): number => described(columnsOf(a), b);
  assert.ok(r(stream.belief, stream.energy) > 0.1, `together ${r(stream.belief, stream.energy)}`);
  assert.ok(r(apart.belief, apart.energy) < 0.02, `apart ${r(apart.belief, apart.energy)}`);
  for (const n of [0, 31, 32, 64 * 40 + 63]) {
    const other = n - (n % 64) + ((n + 32) % 64);
    assert.equal(apart.energy[n], stream.energy[other]);
    assert.equal(apart.observations[5 * n + 1], stream.observations[5 * other + 1]);
    for (const i of [0, 2, 3, 4]) assert.equal(apart.observations[5 * n + i], stream.observations[5 * n + i]);
  }
});

test('an axis of energy alone does not merge, one of energy and a trace of food does, and noise blurs both', async () => {
  const readOf = async (memoryOf: Parameters<typeof fakeActor>[1], noise = 0) => {
    const actor = fakeActor(96, (seen, before) => [
      ...memoryOf(seen, before),
      ...new Array<number>(MEMORY - 2).fill(0),
    ]);
    return (await readStates(actor, await streamOf(actor, 100, rngOf(9)), noise, rngOf(10))).read;
  };
  const hungry = await readOf((seen, before) => [0.05 * traced(seen, before), seen[1] ?? 0]);
  // The trace is kept where it is too small to count.
  const merging = await readOf((seen, [, kept = 0]) => {
    const trace = traced(seen, Float32Array.of(1000 * kept));
    return [trace + 0.3 * (seen[1] ?? 0), trace / 1000];
  });
  assert.ok(hungry.merged < 0.02 && hungry.hunger > 0.9, JSON.stringify(hungry));
  assert.ok(merging.merged > 0.1, JSON.stringify(merging));
  const blurred = await readOf((seen, before) => [traced(seen, before), seen[1] ?? 0], 2);
  const clear = await readOf((seen, before) => [traced(seen, before), seen[1] ?? 0]);
  assert.ok(blurred.season < clear.season - 0.03 && blurred.slow < clear.slow, `${blurred.season} ${clear.season}`);
  assert.ok(Math.abs(clear.seasonShuffled - 0.5) < 0.06, `${clear.seasonShuffled}`);
});

test('the season is read at a half where nothing is known, however often it is good', () => {
  const rng = rngOf(11);
  const good = Float64Array.from({ length: 8000 }, () => Number(rng.uniform() < 0.8));
  const blind = seasonRead(columnsOf(good.map(() => rng.normal())), good, 80);
  assert.ok(Math.abs(blind - 0.5) < 0.03, `${blind}`);
  assert.equal(seasonRead(columnsOf(good.map((one) => 3 * one)), good, 80), 1);
  // Half a standard deviation to each side of the middle: the normal distribution function at 1/2, if the frequent season pulls nothing.
  const faint = seasonRead(columnsOf(good.map((one) => one + rng.normal())), good, 80);
  assert.ok(Math.abs(faint - 0.6915) < 0.03, `${faint}`);
});

test('what is to be foreseen is what is seen next, and nothing after a death', async () => {
  const actor = fakeActor(4, () => new Array<number>(MEMORY).fill(0));
  const { rollout, lives } = await livedOn(FORAGING, actor, newLives(FORAGING, actor, rngOf(12)), 40, rngOf(13));
  const { next, weights } = foreseeable(rollout, lives);
  assert.ok(rollout.ended.includes(1));
  for (let n = 0; n < 156; n++) {
    const [cue = 0, energy, found] = rollout.observations.subarray(5 * (n + 4));
    assert.deepEqual([...next.subarray(3 * n, 3 * n + 3)], [(cue + 1) / 2, found, energy]);
    assert.equal(weights[n] === 0, rollout.ended[n] === 1);
  }
  const last = lives.states.map(({ cue, found }) => [Number(cue), Number(found)]);
  assert.deepEqual(
    last.map((_, row) => [...next.subarray(3 * (156 + row), 3 * (156 + row) + 2)]),
    last,
  );
});

test('heads are trained on a trunk that stays as it is, and a stream is read as it was lived', async () => {
  await using agent = await createForager(TRAINING, 'heads');
  const start = drawnWeights(POLICY.parameters, rngOf(14));
  const made = new Map([...trunkOf(start), ...(await rewarded(agent, TRAINING, start, rngOf(15)))]);
  for (const parameter of POLICY.parameters) {
    const { name } = parameter;
    const isSame = (made.get(name) ?? []).every((one, i) => one === start.get(name)?.[i]);
    // The value head's bias starts at 0 and is trained like the rest of the heads.
    assert.equal(isSame, isTrunk(parameter), name);
  }
  await using whole = await createForager(TRAINING, 'all');
  whole.learner.reset(made, rngOf(16));
  const actor = await createActor(whole.learner, POLICY, 6);
  const rng = (): Rng => rngOf(17);
  const { rollout } = await livedOn(FORAGING, actor, newLives(FORAGING, actor, rng()), 30, rng());
  const stream = await streamOf(actor, 30, rng());
  assert.ok(rollout.episodes.length > 0);
  assert.deepEqual(await statesAlong(actor, stream), rollout.memories);
});

const SMALL = {
  'training.updates': 3,
  'training.rows': 8,
  'training.steps': 4,
  headUpdates: 2,
  'evolving.generations': 2,
  'evolving.population': 4,
  'evolving.livesEach': 2,
  'evolving.steps': 30,
  'measure.lives': 16,
  'measure.steps': 40,
  'measure.streamSteps': 70,
};

test('a run is its seed: the same bits again and after others, the same streams for all kinds of a block', async () => {
  const recipe = moodEmerges();
  const pointOf = async (kind: string, block: number, of = recipe) => {
    const { end, points } = await makeRun(of, { ...SMALL, kind }, block);
    assert.deepEqual(end, { kind: 'finished' });
    return points[0]?.outcomes ?? assert.fail('no outcomes');
  };
  const all = [];
  for (const kind of ['rewarded', 'predictor', 'evolved', 'untrained']) all.push(await pointOf(kind, 3));
  const [first, second] = all;
  assert.deepEqual(await pointOf('predictor', 3, moodEmerges()), second);
  assert.notDeepEqual(await pointOf('rewarded', 4), first);
  for (const one of all) {
    assert.equal(one['seasonBelief'], first?.['seasonBelief']);
    assert.equal(one['lifeSelf'], one['life']);
  }
  assert.equal(new Set(all.map((one) => one['share'])).size, 4);
});

test('what is unknown is refused by name', async () => {
  await assert.rejects(
    makeRun(moodEmerges(), { kind: 'dreaming' }, 1),
    /kind.*rewarded, evolved, predictor, untrained.*dreaming/,
  );
  await assert.rejects(makeRun(moodEmerges(), { foresight: 'energy' }, 1), /foresight.*all, signs.*energy/);
});
