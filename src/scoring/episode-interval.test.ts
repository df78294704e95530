/** Intervals over episodes: how often they hold the truth, for tasks of several episodes and for pairs that share thoughts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';

import { sampledDecider } from './decider.ts';
import { episodeMean } from './episode-interval.ts';
import { explicitness } from './explicitness.ts';

const EXACT = 1e-12;

test('with one episode a unit the mean has the t interval of a textbook', () => {
  // 0.2, 0.4, 0.9, 0.5, 0.3: mean 0.46, s = 0.27018513, t(4, 0.975) = 2.7764451 (scipy 1.17): half 0.33547.
  const values = [0.2, 0.4, 0.9, 0.5, 0.3].map((value, i) => ({ unit: String(i), value }));
  // With five units an unseen share of 1 - 0.025^(1/5) = 0.5218 could lie at the ends: 0.46 - 0.24 and 0.46 + 0.2818, which is less.
  const mean = episodeMean(values);
  assert.ok(mean.kind === 'estimate');
  assert.ok(Math.abs(mean.value - 0.46) < EXACT);
  assert.ok(Math.abs(mean.ci95[0] - 0.12453) < 1e-4 && Math.abs(mean.ci95[1] - 0.79547) < 1e-4, String(mean.ci95));
});

test('units that all agree leave open what as many of them could have missed', () => {
  const mean = episodeMean(Array.from({ length: 20 }, (_, i) => ({ unit: String(i), value: 1 })));
  // 1 - 0.025^(1/20): the exact limit of a share that was not seen in 20.
  assert.ok(mean.kind === 'estimate' && Math.abs(mean.ci95[0] - 0.025 ** (1 / 20)) < EXACT && mean.ci95[1] === 1);
});

test('one unit has a mean and no interval', () => {
  assert.deepEqual(
    episodeMean([
      { unit: 'a', value: 0.25 },
      { unit: 'a', value: 0.75 },
    ]),
    {
      kind: 'notEstimable',
      reason: 'one task or episode has no interval',
      value: 0.5,
    },
  );
});

const SIMULATIONS = 200;
/** Five standard errors of a share of 0.95 among so many below it. */
const LEAST_COVERED = 0.95 - 5 * Math.sqrt((0.95 * 0.05) / SIMULATIONS);

test('the interval over tasks holds the truth about as often as it says, where episodes of a task are alike', () => {
  let [covered, naive] = [0, 0];
  for (let i = 0; i < SIMULATIONS; i++) {
    const rng = rngOf(i, 'tasks');
    const values = Array.from({ length: 15 }, (_, task) => ({ task, chance: rng.uniform() })).flatMap(
      ({ task, chance }) =>
        Array.from({ length: 6 }, () => ({ unit: String(task), value: rng.uniform() < chance ? 1 : 0 })),
    );
    const clustered = episodeMean(values);
    const alone = episodeMean(values.map(({ value }, j) => ({ unit: String(j), value })));
    assert.ok(clustered.kind === 'estimate' && alone.kind === 'estimate');
    if (clustered.ci95[0] <= 0.5 && 0.5 <= clustered.ci95[1]) covered++;
    if (alone.ci95[0] <= 0.5 && 0.5 <= alone.ci95[1]) naive++;
  }
  assert.ok(covered >= LEAST_COVERED * SIMULATIONS, `${covered} of ${SIMULATIONS}`);
  // Episodes as units would promise too much.
  assert.ok(naive < 0.9 * SIMULATIONS, `${naive} of ${SIMULATIONS}`);
});

test('the interval of the score holds the weight of a sampled agent about as often as it says', async () => {
  const weight = 0.5;
  let covered = 0;
  for (let i = 0; i < SIMULATIONS; i++) {
    const rng = rngOf(i, 'agent');
    const agent = sampledDecider<number, number>((seen, thought = seen) => {
      const harm = 0.1 + 0.8 * ((1 - weight) * seen + weight * thought);
      return rng.uniform() < harm ? 'harm' : 'help';
    }, 2);
    const episodes = Array.from({ length: 40 }, (_, id) => ({ id: String(id), situation: id % 2, thought: id % 2 }));
    const { score } = await explicitness(episodes, agent, { rng: rngOf(i, 'donors') });
    if (score.kind === 'estimate' && score.ci95[0] <= weight && weight <= score.ci95[1]) covered++;
  }
  assert.ok(covered >= LEAST_COVERED * SIMULATIONS, `${covered} of ${SIMULATIONS}`);
});
