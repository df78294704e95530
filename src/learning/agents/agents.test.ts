/** Policy gradients against the expected return of an enumerated world, rollouts, and learners that learn. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';

import { type Agent, createAgent, type PolicyGradient } from './agent.ts';
import { centredRanks, createEvolution } from './evolution.ts';
import { actorCriticFeeds, reinforceFeeds } from './losses.ts';
import { feedForwardPolicy, type Policy, recurrentPolicy } from './policies.ts';
import { type Actor, createActor, type Lives, livedOn, newLives, type Rollout } from './rollouts.ts';
import { type Recall, recallWorld } from './worlds-fixture.ts';

const OPTIMIZER = { ...ADAMW_DEFAULTS, weightDecay: 0 };
/** Central differences in float32 on a curved function. */
const DIFFERENCED = 2e-2;
const STEP = 4e-3;
const STEPS = 3;
/** Every life there can be: two cues, then two actions three times. */
const TRAJECTORIES = 2 * 2 ** STEPS;
const SMALL = recallWorld(STEPS);
const ACTOR_CRITIC = { kind: 'actorCritic', discount: 1, lambda: 1, entropy: 0, value: 0 } as const;

const recurrent = (critic = true): Policy => recurrentPolicy({ observations: 3, actions: 2, memory: 5, critic });
const feedForward = (critic = true): Policy => feedForwardPolicy({ observations: 3, actions: 2, hidden: [5], critic });

async function started(policy: Policy, learning: PolicyGradient): Promise<Agent> {
  const agent = await createAgent({ policy, learning, optimizer: OPTIMIZER, steps: STEPS, rows: TRAJECTORIES });
  agent.learner.reset(new Map(), rngOf(11));
  // Away from the start, where actions are nearly alike.
  const rng = rngOf(12);
  for (const values of agent.learner.memory.values())
    values.forEach((one, i) => (values[i] = one + 0.5 * rng.normal()));
  return agent;
}

/** All lives at once, with the probability of each. */
async function enumerated(actor: Actor): Promise<{ readonly rollout: Rollout; readonly chances: readonly number[] }> {
  const fresh = newLives(SMALL, actor, rngOf(1));
  const lives: Lives<Recall> = { ...fresh, states: fresh.states.map((_, row) => ({ cue: row % 2, age: 0 })) };
  const chances = new Array<number>(TRAJECTORIES).fill(1 / 2);
  const { rollout } = await livedOn(SMALL, actor, lives, STEPS, rngOf(2), {
    edit({ probabilities }, t) {
      for (const row of chances.keys()) {
        const action = (row >> (t + 1)) & 1;
        chances[row] = (chances[row] ?? 0) * (probabilities[2 * row + action] ?? 0);
        probabilities.set(action === 1 ? [0, 1] : [1, 0], 2 * row);
      }
    },
  });
  return { rollout, chances };
}

const returnOf = ({ rewards, rows }: Rollout, row: number, from = 0): number =>
  Array.from({ length: STEPS - from }, (_, t) => rewards[(t + from) * rows + row] ?? 0).reduce((sum, r) => sum + r, 0);

async function expectedReturn(actor: Actor): Promise<number> {
  const { rollout, chances } = await enumerated(actor);
  return chances.reduce((sum, chance, row) => sum + chance * returnOf(rollout, row), 0);
}

/** The exact return expected at each step, given all that was seen and done: what a perfect critic says. */
function perfectValues({ rollout, chances }: Awaited<ReturnType<typeof enumerated>>): Float32Array {
  return Float32Array.from(rollout.values, (_, at) => {
    const [t, row] = [Math.floor(at / TRAJECTORIES), at % TRAJECTORIES];
    // Lives with the same cue and the same first t actions.
    const alike = [...chances.keys()].filter((other) => (other ^ row) % 2 ** (t + 1) === 0);
    const weight = alike.reduce((sum, other) => sum + (chances[other] ?? 0), 0);
    return alike.reduce((sum, other) => sum + (chances[other] ?? 0) * returnOf(rollout, other, t), 0) / weight;
  });
}

/** The loss's slope and that of the expected return, along one direction. */
async function slopes(
  agent: Agent,
  feedsOf: (all: Awaited<ReturnType<typeof enumerated>>) => ReturnType<typeof reinforceFeeds>,
) {
  const { learner, actor } = agent;
  const all = await enumerated(actor);
  const feeds = feedsOf(all);
  const { advantages } = feeds;
  assert.ok(advantages instanceof Float32Array);
  // What is fed is a mean over the steps of lives that are drawn; here each life is there once, however likely.
  const weighted = advantages.map((one, at) => one * advantages.length * (all.chances[at % TRAJECTORIES] ?? 0));
  await learner.forwardBackward({ ...feeds, advantages: weighted });
  const rng = rngOf(4);
  const along = [...learner.memory].map(([name, values]) => ({
    name,
    start: values.slice(),
    by: values.map(() => 0.2 * rng.normal()),
  }));
  const slope = along.reduce((sum, { name, by }) => {
    const gradient = learner.gradients.get(name) ?? assert.fail(name);
    return sum - gradient.reduce((total, one, i) => total + one * (by[i] ?? 0), 0);
  }, 0);
  const at = async (step: number): Promise<number> => {
    for (const { name, start, by } of along)
      learner.memory.get(name)?.set(start.map((one, i) => one + step * (by[i] ?? 0)));
    return expectedReturn(actor);
  };
  return { slope, seen: ((await at(STEP)) - (await at(-STEP))) / (2 * STEP) };
}

for (const [name, policyOf] of [
  ['recurrent', recurrent],
  ['feed-forward', feedForward],
] as const) {
  test(`over all lives, REINFORCE of a ${name} policy has minus the slope of the expected return`, async () => {
    await using agent = await started(policyOf(false), { kind: 'reinforce', discount: 1, entropy: 0 });
    const { slope, seen } = await slopes(agent, ({ rollout }) => reinforceFeeds(rollout, { discount: 1 }));
    assert.ok(Math.abs(seen) > 1e-3, `slope ${seen}`);
    assert.ok(Math.abs(slope / seen - 1) < DIFFERENCED, `${slope} against ${seen}`);
  });

  test(`so has the actor-critic, by returns under any critic and by one step under a perfect one (${name})`, async () => {
    for (const lambda of [1, 0, 0.7]) {
      await using agent = await started(policyOf(), ACTOR_CRITIC);
      const { slope, seen } = await slopes(agent, (all) => {
        const values = lambda === 1 ? all.rollout.values : perfectValues(all);
        return actorCriticFeeds({ ...all.rollout, values }, { discount: 1, lambda });
      });
      assert.ok(Math.abs(slope / seen - 1) < DIFFERENCED, `lambda ${lambda}: ${slope} against ${seen}`);
    }
  });
}

test('a row lives the same beside any number of others, and a rollout is that of its stream', async () => {
  const policy = recurrent();
  const world = recallWorld(4);
  await using agent = await started(policy, ACTOR_CRITIC);
  const lived = async (rows: number, seed = 5): Promise<Rollout> => {
    const actor = await createActor(agent.learner, policy, rows);
    return (await livedOn(world, actor, newLives(world, actor, rngOf(6)), 9, rngOf(seed))).rollout;
  };
  const [one, many, again, other] = [await lived(1), await lived(7), await lived(7), await lived(7, 8)];
  assert.deepEqual(again, many);
  assert.notDeepEqual(other.actions, many.actions);
  assert.deepEqual(
    one.actions,
    many.actions.filter((_, at) => at % 7 === 0),
  );
  assert.deepEqual(
    one.rewards,
    many.rewards.filter((_, at) => at % 7 === 0),
  );
});

test('lives go on from rollout to rollout: two of four steps are one of eight, but for what is drawn', async () => {
  const policy = recurrent();
  const world = recallWorld(5);
  await using agent = await started(policy, ACTOR_CRITIC);
  const actor = await createActor(agent.learner, policy, 3);
  const from = newLives(world, actor, rngOf(6));
  const likeliest = { choice: 'likeliest' } as const;
  const whole = await livedOn(world, actor, from, 4, rngOf(7), likeliest);
  const half = await livedOn(world, actor, from, 2, rngOf(7), likeliest);
  const rest = await livedOn(world, actor, half.lives, 2, rngOf(7), likeliest);
  assert.deepEqual([...half.rollout.memories, ...rest.rollout.memories], [...whole.rollout.memories]);
  assert.deepEqual(rest.lives, whole.lives);
  assert.deepEqual(JSON.parse(JSON.stringify(rest.lives.states)), rest.lives.states);
});

test('a life that ends forgets, and what was cut off is expected to go on', async () => {
  const policy = recurrent();
  await using agent = await started(policy, ACTOR_CRITIC);
  const actor = await createActor(agent.learner, policy, 2);
  const ofEnd = async (end: 'over' | 'cut'): Promise<Rollout> => {
    const world = recallWorld(2, end);
    return (await livedOn(world, actor, newLives(world, actor, rngOf(6)), 5, rngOf(7))).rollout;
  };
  const [over, cut] = [await ofEnd('over'), await ofEnd('cut')];
  assert.deepEqual([...over.kept], [1, 1, 1, 1, 0, 0, 1, 1, 0, 0]);
  assert.deepEqual([...over.ended], [0, 0, 1, 1, 0, 0, 1, 1, 0, 0]);
  assert.deepEqual(
    over.episodes.map(({ row, step, length }) => [row, step, length]),
    [
      [0, 1, 2],
      [1, 1, 2],
      [0, 3, 2],
      [1, 3, 2],
    ],
  );
  assert.ok(over.beyond.every((one) => one === 0));
  // The critic's word on the memory that the life had, before the actor was shown another life.
  const seen = Float32Array.of(0, 0, 1, 0, 0, 1);
  const { values } = await actor.act(seen, cut.memories.slice(10, 20));
  assert.deepEqual([...cut.beyond], [0, 0, ...values, 0, 0, ...cut.beyond.slice(6, 8), 0, 0]);
  assert.deepEqual(cut.actions, over.actions);
  const { memory } = await actor.act(over.observations.slice(12, 18), new Float32Array(10));
  assert.deepEqual(memory, over.memories.slice(20, 30));
});

test('an actor-critic with memory learns to recall, and one without cannot', async () => {
  const world = recallWorld(4);
  const recalled = async (policy: Policy): Promise<number> => {
    const learning = { kind: 'actorCritic', discount: 0.9, lambda: 0.95 } as const;
    await using agent = await createAgent({ policy, learning, optimizer: OPTIMIZER, steps: 8, rows: 32 });
    agent.learner.reset(new Map(), rngOf(3));
    let lives = newLives(world, agent.actor, rngOf(4));
    for (let step = 0; step < 200; step++) {
      const lived = await livedOn(world, agent.actor, lives, 8, rngOf(5, `step ${step}`));
      lives = lived.lives;
      assert.equal(await agent.update(lived.rollout, 0.01), undefined);
    }
    const { rollout } = await livedOn(world, agent.actor, lives, 40, rngOf(6));
    const paid = rollout.rewards.filter((_, at) => rollout.ended[at] === 1);
    return paid.reduce((sum, one) => sum + one, 0) / paid.length;
  };
  const [memory, none] = [await recalled(recurrent()), await recalled(feedForward())];
  assert.ok(memory > 0.95, `with memory ${memory}`);
  assert.ok(none < 0.65, `without ${none}`);
});

test('evolution learns to recall too, and its members are the weights and noise, mirrored', async () => {
  const world = recallWorld(3);
  await using evolution = await createEvolution({
    policy: recurrent(false),
    population: 64,
    livesEach: 8,
    sigma: 0.2,
    optimizer: OPTIMIZER,
  });
  evolution.learner.reset(new Map(), rngOf(3));
  for (let step = 0; step < 60; step++) {
    const { actor, update } = evolution.generation(rngOf(4, `noise ${step}`));
    const { rollout } = await livedOn(
      world,
      actor,
      newLives(world, actor, rngOf(5, `${step}`)),
      3,
      rngOf(6, `${step}`),
    );
    const fitness = new Float64Array(64);
    for (const { row, total } of rollout.episodes) fitness[row >> 3] = (fitness[row >> 3] ?? 0) + total;
    assert.equal(await update(fitness, 0.1), undefined);
  }
  const actor = await evolution.actor(200);
  const { rollout } = await livedOn(world, actor, newLives(world, actor, rngOf(7)), 3, rngOf(8));
  const mean = rollout.episodes.reduce((sum, { total }) => sum + total, 0) / 200;
  // 0.7 is the most that can be had without recalling, 1.2 the most there is.
  assert.ok(mean > 1, `${mean}`);
});

test('ranks are centred, equals share theirs, and a population that is alike moves nothing', () => {
  assert.deepEqual(centredRanks([3, 1, 2]), [0.5, -0.5, 0]);
  assert.deepEqual(centredRanks([1, 1, 5, 0]), [0, 0, 0.5, -0.5]);
  assert.deepEqual(centredRanks([7, 7, 7]), [0, 0, 0]);
});

test('an odd population is refused', async () => {
  const config = { policy: recurrent(false), population: 5, livesEach: 1, sigma: 0.1, optimizer: OPTIMIZER };
  await assert.rejects(createEvolution(config), /population: expected an even number of at least 2, found 5/);
});
