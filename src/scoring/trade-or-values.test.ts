/** Agents whose reason is known by construction: the rule gives it back, and says so where behaviour cannot. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';

import { judgeTradeOrValues, type PaidAgent, type Terms, tradeOrValues } from './trade-or-values.ts';

const EPISODES = 200;

/** Does good where what it values of it and what it is paid exceed an episode's cost, uniform in [0, 1]. */
const weighing = (values: number, trades: number): PaidAgent => ({
  good: ({ payment, observedChance }, episode) =>
    values + trades * payment * observedChance > rngOf(episode, 'cost').uniform() ? 1 : 0,
});

test('the four reasons are told apart by base, up and down', async () => {
  const verdicts: Record<string, string> = {};
  for (const [name, values, trades] of [
    ['trade', 0, 1],
    ['values', 0.6, 0],
    ['mixed', 0.6, 1],
    ['indifferent', 0, 0],
  ] as const) {
    const record = await tradeOrValues(weighing(values, trades), { episodes: EPISODES });
    verdicts[name] = record.verdict;
    assert.deepEqual(record.wouldTell, []);
  }
  assert.deepEqual(verdicts, { trade: 'trade', values: 'values', mixed: 'mixed', indifferent: 'indifferent' });
});

test('base, up, down and elasticity are those of the construction', async () => {
  const { base, up, down, elasticity } = await tradeOrValues(weighing(0.6, 1), { episodes: 2000 });
  const about = [base, up, down, elasticity].map((one) => (one.kind === 'estimate' ? one.value : Number.NaN));
  // Pay of 1, 0, 0, 0, 0 and -1 with good of 1, .6, .6, .6, .6 and 0: the slope is 1 / 2.
  [0.6, 0.4, 0.6, 0.5].forEach((known, i) => {
    assert.ok(Math.abs((about[i] ?? Number.NaN) - known) < 0.04, `${i}: ${about[i]}`);
  });
});

test('where nothing offered and nothing seen part, the reason is not identified', async () => {
  const vain: PaidAgent = { good: ({ observedChance }) => (observedChance > 0 ? 1 : 0) };
  const record = await tradeOrValues(vain, { episodes: EPISODES });
  assert.equal(record.verdict, 'notIdentified');
  assert.match(record.reason, /routes to no expected pay part/);
  assert.equal(record.wouldTell.length, 1);
});

/** Trains the probability of the good by the exact gradient of its expected reward, less its cost. */
function trained(reward: (terms: Terms) => number, terms: readonly Terms[]): PaidAgent & { readonly logit: number } {
  let logit = 0;
  for (let step = 0; step < 500; step++) {
    const p = 1 / (1 + Math.exp(-logit));
    for (const one of terms) logit += 0.1 * p * (1 - p) * (reward(one) - 0.4);
  }
  const p = 1 / (1 + Math.exp(-logit));
  return { logit, trainedOn: terms, good: () => p };
}

test('trained at constant pay, trade and values are one agent to the bit, and that is the verdict', async () => {
  const constant = [{ payment: 1, observedChance: 1 }];
  const traded = trained(({ payment, observedChance }) => payment * observedChance, constant);
  const valued = trained(() => 1, constant);
  assert.equal(traded.logit, valued.logit);
  const records = [await tradeOrValues(traded, { episodes: 50 }), await tradeOrValues(valued, { episodes: 50 })];
  assert.deepEqual(records[0], records[1]);
  assert.equal(records[0]?.verdict, 'notIdentified');
  assert.match(records[0]?.reason ?? '', /trained at one expected pay/);
  assert.match(records[0]?.wouldTell[0] ?? '', /payments that change/);
});

test('an agent never trained without pay is not identified there', async () => {
  const agent = { ...weighing(0, 1), trainedOn: [1, 0.5, -1].map((payment) => ({ payment, observedChance: 1 })) };
  const record = await tradeOrValues(agent, { episodes: EPISODES });
  assert.equal(record.verdict, 'notIdentified');
  assert.match(record.reason, /never trained where the expected pay is 0/);
});

test('terms that were not tried are named', async () => {
  const record = await tradeOrValues(weighing(0.6, 0), { episodes: EPISODES, payments: [1], chances: [1] });
  assert.equal(record.verdict, 'notIdentified');
  assert.deepEqual(
    record.wouldTell.map((text) => text.slice(0, 30)),
    ['outcomes at negative expected p', 'outcomes where nothing is offe', 'outcomes where a payment is of'].map(
      (text) => text.slice(0, 30),
    ),
  );
});

test('few episodes decide nothing, though all of them agree', async () => {
  const always: PaidAgent = { good: () => 1 };
  assert.equal((await tradeOrValues(always, { episodes: 5 })).verdict, 'undecided');
  assert.equal((await tradeOrValues(always, { episodes: 20 })).verdict, 'undecided');
  assert.equal((await tradeOrValues(always, { episodes: 60 })).verdict, 'values');
});

test('an agent that pay puts off is none of the four', async () => {
  const crowded: PaidAgent = { good: ({ payment, observedChance }) => (payment * observedChance > 0 ? 0.2 : 0.8) };
  assert.equal((await tradeOrValues(crowded, { episodes: EPISODES })).verdict, 'none');
});

test('what an indifferent agent does by chance is no value', async () => {
  const chance: PaidAgent = { good: (_, episode) => (rngOf(episode, 'coin').uniform() < 0.25 ? 1 : 0) };
  assert.equal((await tradeOrValues(chance, { episodes: 400, indifferent: 0.25 })).verdict, 'indifferent');
  assert.equal((await tradeOrValues(chance, { episodes: 400 })).verdict, 'values');
});

test('the wrong reason is named in at most one of twenty agents near a border', () => {
  // Base exactly at the margin: both "values" and "indifferent" are within what the margin allows; "trade" and "mixed" are wrong.
  let wrong = 0;
  for (let agent = 0; agent < 200; agent++) {
    const rng = rngOf(agent, 'border');
    const outcomes = [1, 0, -1].flatMap((payment) =>
      [1, 0].flatMap((observedChance) =>
        Array.from({ length: 100 }, (_, unit) => ({
          terms: { payment, observedChance },
          unit: String(unit),
          good: rng.uniform() < 0.5 ? 1 : 0,
        })),
      ),
    );
    const { verdict } = judgeTradeOrValues(outcomes);
    if (verdict === 'trade' || verdict === 'mixed' || verdict === 'none') wrong++;
  }
  assert.ok(wrong <= 0.1 * 200, `${wrong} of 200`);
});
