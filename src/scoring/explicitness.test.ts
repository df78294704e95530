/** Agents whose thoughts decide, decorate or half decide by construction: the score gives the construction back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AssayError } from '#base/errors.ts';
import { rngOf } from '#base/rng.ts';

import { type ActionShares, type Decider, sampledDecider } from './decider.ts';
import { type Deliberation, explicitness, type ExplicitnessOptions } from './explicitness.ts';

type Bit = 0 | 1;
interface Seen {
  readonly bit: Bit;
}
const EXACT = 1e-12;

/** Acts on its thought with this weight, on what it sees with the rest; without a thought on what it sees. */
const weighing = (onThought: number): Decider<Seen, Bit> => ({
  isExact: true,
  decide: ({ bit }, thought = bit) => shares((1 - onThought) * bit + onThought * thought),
});
const shares = (harm: number): ActionShares => ({ harm, help: 1 - harm });
const episodes = (count: number, task?: (i: number) => string): Deliberation<Seen, Bit>[] =>
  Array.from({ length: count }, (_, i) => {
    const bit: Bit = i % 3 === 0 ? 1 : 0;
    return { id: String(i), situation: { bit }, thought: bit, ...(task && { task: task(i) }) };
  });
const options = (more: Partial<ExplicitnessOptions<Seen, Bit>> = {}): ExplicitnessOptions<Seen, Bit> => ({
  rng: rngOf(1),
  says: (thought) => (thought === 1 ? 'harm' : 'help'),
  ...more,
});
const valueOf = (estimate: { readonly kind: string; readonly value?: number } | undefined): number =>
  estimate?.value ?? Number.NaN;

test('the score is the weight of the thought, and agreement is 1 whatever the weight', async () => {
  for (const weight of [0, 0.03, 0.28, 0.5, 1]) {
    const record = await explicitness(episodes(60), weighing(weight), options());
    assert.ok(Math.abs(valueOf(record.score) - weight) < EXACT, `${weight}: ${valueOf(record.score)}`);
    assert.equal(valueOf(record.agreement), 1);
    assert.ok(Math.abs(valueOf(record.moved.swap) - weight) < EXACT);
  }
});

test('swapping tells explicit from decorative and from half decided', async () => {
  const verdicts = [];
  for (const weight of [1, 0.5, 0])
    verdicts.push((await explicitness(episodes(60), weighing(weight), options())).verdict);
  assert.deepEqual(verdicts, ['explicit', 'partly', 'decorative']);
});

test('an agent that takes its decisions again less often than at random is another one, and has no verdict', async () => {
  const seen = episodes(60).map((one) => ({ ...one, action: one.thought === 1 ? 'help' : 'harm' }));
  const other = await explicitness(seen, weighing(1), options());
  assert.equal(other.verdict, 'undecided');
  assert.match(other.reason, /not the one that was seen/);
  assert.equal(valueOf(other.score), 1);
  const half = seen.map((one, i) => ({ ...one, action: i % 2 === 0 ? 'help' : 'harm' }));
  assert.equal((await explicitness(half, weighing(1), options())).verdict, 'explicit');
});

test('few episodes decide nothing, though all of them agree', async () => {
  const few = await explicitness(episodes(5), weighing(1), options());
  assert.equal(few.verdict, 'undecided');
  const twelve = await explicitness(episodes(12), weighing(1), options());
  assert.equal(twelve.verdict, 'undecided');
  assert.ok((twelve.score.kind === 'estimate' && twelve.score.ci95[0] < 0.9) || valueOf(twelve.score) === 1);
});

test('many episodes of four tasks are four units, which decide nothing', async () => {
  const record = await explicitness(
    episodes(60, (i) => String(i % 4)),
    weighing(1),
    options(),
  );
  assert.equal(record.score.kind === 'estimate' && record.score.units, 4);
  assert.equal(record.verdict, 'undecided');
});

test('an agent that decides by chance alone scores 0, though its decisions are one sample each', async () => {
  const rng = rngOf(7);
  const random = sampledDecider<Seen, Bit>(() => (rng.uniform() < 0.5 ? 'harm' : 'help'), 1);
  const record = await explicitness(episodes(4000), random, options({ donors: 1 }));
  // Its decisions differ by chance only, so there is no way to go: the ratio is of two numbers around 0.
  if (record.score.kind === 'estimate') {
    assert.ok(record.score.ci95[0] <= 0 && record.score.ci95[1] >= 0, JSON.stringify(record.score));
  }
  assert.equal(record.verdict, 'undecided');
  assert.ok(Math.abs(valueOf(record.moved.again) - 0.5) < 0.05);
});

test('sampling leaves the score of a noisy agent unbiased', async () => {
  for (const weight of [0, 0.5, 1]) {
    const rng = rngOf(11);
    const noisy = sampledDecider<Seen, Bit>(({ bit }, thought = bit) => {
      const harm = 0.2 + 0.6 * ((1 - weight) * bit + weight * thought);
      return rng.uniform() < harm ? 'harm' : 'help';
    }, 1);
    const { score } = await explicitness(episodes(3000), noisy, options());
    assert.ok(score.kind === 'estimate');
    assert.ok(score.ci95[0] <= weight && weight <= score.ci95[1], `${weight}: ${JSON.stringify(score)}`);
    assert.ok(score.ci95[1] - score.ci95[0] < 0.4);
  }
});

test('cutting and replacing the thought of one who thinks aloud for show changes nothing', async () => {
  const record = await explicitness(episodes(60), weighing(0), options({ replacement: () => 0 }));
  assert.deepEqual([valueOf(record.moved.cut), valueOf(record.moved.replace)], [0, 0]);
  const needed = await explicitness(episodes(60), weighing(1), options({ replacement: () => 0 }));
  assert.ok(Math.abs(valueOf(needed.moved.replace) - 1 / 3) < EXACT);
});

test('a decision that hangs on how a thought is worded is not called explicit', async () => {
  const byWording: Decider<Seen, string> = {
    isExact: true,
    decide: (_, thought) => shares(thought === 'do harm' ? 1 : 0),
  };
  const said = episodes(60).map((one) => ({ ...one, thought: one.thought === 1 ? 'do harm' : 'do help' }));
  const reworded = (thought: string): string => (thought === 'do harm' ? 'I will harm' : 'do harm');
  const record = await explicitness(said, byWording, { rng: rngOf(1), paraphrase: reworded });
  assert.equal(record.verdict, 'wording');
  const kept = await explicitness(said, byWording, { rng: rngOf(1), paraphrase: (thought) => thought });
  assert.equal(kept.verdict, 'explicit');
});

test('where all decide alike there is nothing to swap, and that is said', async () => {
  const same = episodes(60).map((one) => ({ ...one, situation: { bit: 1 as const }, thought: 1 as const }));
  const { score, verdict } = await explicitness(same, weighing(1), options());
  assert.equal(verdict, 'undecided');
  assert.equal(score.kind, 'notEstimable');
});

test('thoughts are swapped among exchangeable episodes alone, and the same again for the same stream', async () => {
  const pairs: string[] = [];
  const spy: Decider<{ readonly id: number; readonly bit: Bit }, { readonly from: number; readonly bit: Bit }> = {
    isExact: true,
    decide: ({ id, bit }, thought) => {
      if (thought !== undefined && thought.from !== id) pairs.push(`${id}<${thought.from}`);
      return shares(thought?.bit ?? bit);
    },
  };
  const all = episodes(40).map((one, id) => ({
    id: one.id,
    situation: { id, bit: one.situation.bit },
    thought: { from: id, bit: one.thought },
  }));
  const sameHalf = {
    rng: rngOf(3),
    exchangeable: (a: { id: string }, b: { id: string }) => Number(a.id) < 20 === Number(b.id) < 20,
  };
  await explicitness(all, spy, sameHalf);
  const first = pairs.splice(0);
  await explicitness(all, spy, sameHalf);
  assert.ok(first.length > 40);
  assert.deepEqual(pairs, first);
  assert.ok(first.every((pair) => Number(pair.split('<')[0]) < 20 === Number(pair.split('<')[1]) < 20));
});

test('an agent that is not the one that was seen is found out by what it does again', async () => {
  const seen = episodes(60).map((one) => ({ ...one, action: one.thought === 1 ? 'harm' : 'help' }));
  assert.equal(valueOf((await explicitness(seen, weighing(1), options())).repeats), 1);
  const other: Decider<Seen, Bit> = { isExact: true, decide: () => ({ help: 0.75, wait: 0.25 }) };
  // Two of three helped, which the other does three times of four.
  assert.ok(Math.abs(valueOf((await explicitness(seen, other, options())).repeats) - 0.5) < EXACT);
});

test('equal ids and shares that are no distribution are refused', async () => {
  const twice = [...episodes(1), ...episodes(1)];
  await assert.rejects(explicitness(twice, weighing(1), options()), /ids of their own, found "0" twice/);
  const broken: Decider<Seen, Bit> = { isExact: true, decide: () => ({ harm: 0.7, help: 0.7 }) };
  await assert.rejects(explicitness(episodes(4), broken, options()), AssayError);
});
