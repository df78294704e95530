/** Runs of two stages on the shipped base: exact nulls, what resuming keeps, and what the parts of a run do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Json } from '#base/json.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';

import { type Made, makeRun } from '../../test/recipes/make-run.ts';
import { dataOrderRecipe } from './recipe.ts';

const recipe = dataOrderRecipe();
const BLOCK = 25;
/** The kept losses are float32, and a series is read between its probes. */
const ROUNDED = 1e-6;
const kept = new Map<string, Promise<Uint8Array>>();

/** Shared steps are made once, as a store does. */
const make = async (set: Readonly<Record<string, Json>>, resumeFrom?: Uint8Array): Promise<Made> =>
  makeRun(recipe, set, BLOCK, resumeFrom, async (name, key, compute) => {
    const id = `${name} ${JSON.stringify(key)}`;
    const bytes = kept.get(id) ?? compute();
    kept.set(id, bytes);
    return bytes;
  });

const last = ({ points }: Made): TrajectoryPoint => points.at(-1) ?? assert.fail('no points');
const outcome = (made: Made, name: string): number => last(made).outcomes?.[name] ?? assert.fail(`no ${name}`);
const ALONE = { order: 'firstOnly', steps: 80, probeEvery: 10, stopBelow: 0 };

test('a mixed run is at no distance from itself, and rows drawn the other way round change no bit of it', async () => {
  const mixed = await make({});
  assert.deepEqual((await make({ rows: 'reversed' })).points, mixed.points);
  for (const { outcomes } of mixed.points) if (outcomes !== undefined) assert.ok((outcomes['distance'] ?? 1) < ROUNDED);
  const again = await make({ seed: 1000 });
  assert.ok(outcome(again, 'distance') > 0.01, `distance of other rows ${outcome(again, 'distance')}`);
});

test('a staged run is recorded from where the two losses meet, and ends with both below the same level', async () => {
  for (const order of ['firstThenSecond', 'secondThenFirst']) {
    const made = await make({ order });
    const { first = 0, second = 0 } = made.points[0]?.axes ?? {};
    assert.ok(first > 0.08 && second > 0.08, `${order} starts at ${first} and ${second}`);
    assert.ok(Object.values(last(made).axes).every((loss) => loss < 0.045));
    const [earlier, later] = order === 'firstThenSecond' ? [first, second] : [second, first];
    assert.ok(later <= earlier, `${order}: the later stage ${later} has not met the earlier ${earlier}`);
    assert.ok(Math.abs(outcome(made, 'forgotten') - (earlier - 0.05)) < 1e-12);
  }
});

test('a staged run that is resumed goes on to the same bits', async () => {
  const whole = await make({ order: 'secondThenFirst' });
  const checkpoint = whole.checkpoints[Math.floor(whole.checkpoints.length / 2)] ?? assert.fail('no checkpoint');
  const rest = await make({ order: 'secondThenFirst' }, checkpoint.state);
  assert.deepEqual(rest.points, whole.points.slice(checkpoint.recorded));
});

test('a penalty holds harm down, and changes nothing after it is dropped but what it left', async () => {
  const [free, held] = [await make(ALONE), await make({ ...ALONE, 'penalty.weight': 4, 'penalty.steps': 80 })];
  assert.ok(outcome(free, 'harmful') > 0.8, `harm without a penalty ${outcome(free, 'harmful')}`);
  assert.ok(outcome(held, 'harmful') < 0.1, `harm with one ${outcome(held, 'harmful')}`);
  const dropped = await make({ ...ALONE, 'penalty.weight': 4, 'penalty.steps': 40 });
  const axesOf = ({ points }: Made) => points.slice(0, 5).map(({ axes }) => axes);
  assert.deepEqual(axesOf(dropped), axesOf(held));
  assert.notDeepEqual(last(dropped).axes, last(held).axes);
});

test('harmful answers elsewhere, at any weight, move the known cause in the known direction', async () => {
  const [mixed, nudged] = [await make({}), await make({ nudge: 0.05 })];
  assert.ok(outcome(nudged, 'harmful') > outcome(mixed, 'harmful') + 0.05);
});

test('an order that is not known is refused by name', async () => {
  await assert.rejects(make({ order: 'backwards' }), /"order": expected .*firstThenSecond.*backwards/);
  await assert.rejects(make({ batch: 40 }), /batch/);
});
