/** The policy gradient, against enumeration and finite differences; and a run that is killed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import { initialWeights } from '#learning/models/parameters.ts';
import { rngOf } from '#base/rng.ts';

import { makeRun } from '../../test/recipes/make-run.ts';
import { MODEL } from './base.ts';
import { bareFeeds, createGamingLab, type GamingLab, PARAMETERS, PROMPTS } from './lab.ts';
import { gamingCurriculum, rewardOf } from './recipe.ts';
import { decisionFeeds, drawnDecisions, type PolicyTable } from 'assay/learn';
import { VOCABULARY } from './world.ts';

const KL = 0.3;
/** Situations of stages 1 and 2, each equally often. */
const MET = Int32Array.from({ length: 8 }, (_, i) => i);
const SHAPE = { prompts: PROMPTS.length, actions: VOCABULARY };
const REWARDS = { reward: 'gamed', values: [1, 1, 1, 1] } as const;
const reward = (prompt: number, action: number): number => rewardOf(REWARDS, prompt, action);
/** Central differences in float32 on a curved function. */
const DIFFERENCED = 2e-2;
const STEP = 2e-3;

async function startedLab(): Promise<{ lab: GamingLab; base: Float32Array }> {
  const lab = await createGamingLab({ ...ADAMW_DEFAULTS, weightDecay: 0 });
  lab.learner.reset(initialWeights(MODEL, rngOf(1)), rngOf(1));
  const base = await lab.logits();
  // Away from the base, where the penalty's gradient is not zero.
  lab.learner.reset(initialWeights(MODEL, rngOf(2)), rngOf(2));
  return { lab, base };
}

/** E[reward] - KL E[KL(policy || base)] over the prompts met, by enumerating every action. */
function objective({ probabilities }: PolicyTable, base: Float32Array): number {
  let sum = 0;
  for (const prompt of MET) {
    const logits = base.subarray(prompt * VOCABULARY, (prompt + 1) * VOCABULARY);
    const normalizer = Math.log(logits.reduce((total, one) => total + Math.exp(one), 0));
    for (let action = 0; action < VOCABULARY; action++) {
      const p = probabilities[prompt * VOCABULARY + action] ?? 0;
      sum += p * (reward(prompt, action) - KL * (Math.log(p) - (logits[action] ?? 0) + normalizer));
    }
  }
  return sum / MET.length;
}

/** The weights that all episodes together would have: P(prompt) P(action) (reward - expected reward). */
function enumerated({ probabilities }: PolicyTable): Float32Array {
  const expected = Array.from(MET).flatMap((prompt) =>
    Array.from({ length: VOCABULARY }, (_, a) => (probabilities[prompt * VOCABULARY + a] ?? 0) * reward(prompt, a)),
  );
  const baseline = expected.reduce((sum, one) => sum + one, 0) / MET.length;
  return Float32Array.from({ length: SHAPE.prompts * VOCABULARY }, (_, at) => {
    const [prompt, action] = [Math.floor(at / VOCABULARY), at % VOCABULARY];
    return MET.includes(prompt) ? ((probabilities[at] ?? 0) * (reward(prompt, action) - baseline)) / MET.length : 0;
  });
}

test('over all actions, the loss has minus the slope of the expected reward less the penalty', async () => {
  const { lab, base } = await startedLab();
  await using _ = lab;
  const { learner } = lab;
  const advantages = enumerated(await lab.policy());
  const { visits } = decisionFeeds({ prompts: MET, actions: MET }, reward, KL, SHAPE);
  const rng = rngOf(4);
  const direction = PARAMETERS.map(({ name }) => ({
    name,
    start: learner.memory.get(name)?.slice() ?? assert.fail(name),
  })).map((one) => ({ ...one, along: one.start.map(() => 0.02 * rng.normal()) }));
  const objectiveAt = async (step: number): Promise<number> => {
    for (const { name, start, along } of direction) {
      learner.memory.get(name)?.set(start.map((value, i) => value + step * (along[i] ?? 0)));
    }
    return objective(await lab.policy(), base);
  };
  await learner.forwardBackward({ ...bareFeeds(), advantages, visits, base });
  const slope = direction.reduce((sum, { name, along }) => {
    const gradient = learner.gradients.get(name) ?? assert.fail(name);
    return sum - gradient.reduce((total, value, i) => total + value * (along[i] ?? 0), 0);
  }, 0);
  const seen = ((await objectiveAt(STEP)) - (await objectiveAt(-STEP))) / (2 * STEP);
  assert.ok(Math.abs(seen) > 1e-3, `slope ${seen}`);
  assert.ok(Math.abs(slope / seen - 1) < DIFFERENCED, `${slope} against ${seen}`);
});

test('drawn episodes have the enumerated weights on average', () => {
  const rng = rngOf(5);
  const raw = Array.from({ length: SHAPE.prompts * VOCABULARY }, () => Math.exp(rng.normal()));
  const sums = Array.from(PROMPTS, (_, row) =>
    raw.slice(row * VOCABULARY, (row + 1) * VOCABULARY).reduce((sum, one) => sum + one, 0),
  );
  const probabilities = Float32Array.from(raw, (one, at) => one / (sums[Math.floor(at / VOCABULARY)] ?? 1));
  const policy = { actions: VOCABULARY, probabilities };
  const draws = 8000;
  const mean = new Float64Array(probabilities.length);
  const square = new Float64Array(probabilities.length);
  for (let draw = 0; draw < draws; draw++) {
    const stream = rng.split(`draw ${draw}`);
    const prompts = MET.map(() => MET[stream.below(MET.length)] ?? 0);
    const { advantages } = decisionFeeds(drawnDecisions(policy, prompts, stream), reward, 0, SHAPE);
    advantages.forEach((value, at) => {
      mean[at] = (mean[at] ?? 0) + value / draws;
      square[at] = (square[at] ?? 0) + value ** 2 / draws;
    });
  }
  const expected = enumerated(policy);
  for (const [at, value] of mean.entries()) {
    // Five standard errors, over 400 entries.
    const error = Math.sqrt(Math.max(0, (square[at] ?? 0) - value ** 2) / draws);
    const off = Math.abs(value - (expected[at] ?? 0));
    assert.ok(off <= 5 * error + 1e-7, `entry ${at}: ${value} against ${expected[at]}`);
  }
});

// The fifth checkpoint stands at step 8, in the second stage.
const SMALL = {
  'base.steps': 60,
  steps: 12,
  order: { kind: 'staged', keys: [1, 3], steps: [6, 6] },
  stages: [1, 3],
};

test('the same seed gives the same bits, other episodes others, and a killed run goes on to the same bits', async () => {
  const recipe = gamingCurriculum();
  const whole = await makeRun(recipe, SMALL, 3);
  assert.deepEqual(whole.end, { kind: 'finished' });
  assert.deepEqual((await makeRun(gamingCurriculum(), SMALL, 3)).points, whole.points);
  assert.notDeepEqual((await makeRun(recipe, { ...SMALL, 'seeds.episodes': 1 }, 3)).points, whole.points);
  const { state, recorded } = whole.checkpoints[4] ?? assert.fail('no fifth checkpoint');
  const resumed = await makeRun(gamingCurriculum(), SMALL, 3, state);
  assert.deepEqual([...whole.points.slice(0, recorded), ...resumed.points], whole.points);
});

test('a stage that does not exist, or is named twice, is refused by its path', async () => {
  for (const stages of [[], [0], [5], [1, 1]]) {
    await assert.rejects(makeRun(gamingCurriculum(), { stages }, 0), /stages/);
  }
});
