import assert from 'node:assert/strict';
import { test } from 'node:test';

import { admissibleRates, pilotScores, type PilotRun, stopOf } from './admissible.ts';
import type { Axis, PilotRule } from './study.ts';

const LOSS: Axis = {
  name: 'loss',
  label: 'Loss',
  unit: 'nats',
  role: 'heldOut',
  levels: [1],
  maxGap: 1,
  direction: 'falls',
};
const RULE: PilotRule = { blocks: 1, axis: 'loss', margin: 0.1, maxRates: 3 };

function pilot(learningRate: number, values: readonly number[], end: PilotRun['end'] = { kind: 'finished' }): PilotRun {
  return { learningRate, end, points: values.map((loss, step) => ({ step, axes: { loss } })) };
}

test('rates within the margin of the best are admissible, in ascending order', () => {
  const pilots = [pilot(0.1, [3, 1.05]), pilot(0.01, [3, 1.2]), pilot(0.03, [3, 1, 2])];
  assert.deepEqual(admissibleRates(RULE, LOSS, pilots), { kind: 'admissible', rates: [0.03, 0.1] });
});

test('at most maxRates are kept, best first', () => {
  const pilots = [pilot(1, [1]), pilot(2, [1.03]), pilot(3, [1.02]), pilot(4, [1.01])];
  assert.deepEqual(admissibleRates({ ...RULE, maxRates: 2 }, LOSS, pilots), { kind: 'admissible', rates: [1, 4] });
});

test('a rate that diverged in one pilot block is out, however low its loss was', () => {
  const pilots = [
    pilot(1, [0.1], { kind: 'diverged', step: 1, reason: 'NaN' }),
    pilot(1, [0.1]),
    pilot(2, [1]),
    pilot(2, [1]),
  ];
  assert.deepEqual(admissibleRates(RULE, LOSS, pilots), { kind: 'admissible', rates: [2] });
});

test('the mean over pilot blocks decides', () => {
  const pilots = [pilot(1, [1]), pilot(1, [2]), pilot(2, [1.45]), pilot(2, [1.45])];
  assert.deepEqual(admissibleRates({ ...RULE, margin: 0.04 }, LOSS, pilots), { kind: 'admissible', rates: [2] });
});

test('a rising axis is best at its top', () => {
  const pilots = [pilot(1, [0, 5]), pilot(2, [0, 9])];
  assert.deepEqual(admissibleRates(RULE, { ...LOSS, direction: 'rises' }, pilots), { kind: 'admissible', rates: [2] });
});

test('no rate left is an outcome with its reason', () => {
  const pilots = [pilot(1, [1], { kind: 'diverged', step: 0, reason: 'NaN' }), pilot(2, [])];
  const outcome = admissibleRates(RULE, LOSS, pilots);
  assert.equal(outcome.kind, 'none');
  assert.match(outcome.kind === 'none' ? outcome.reason : '', /all 2 pilot runs diverged or never recorded "loss"/);
});

test('the order of the pilots does not matter', () => {
  const pilots = [pilot(1, [1]), pilot(2, [1]), pilot(3, [1]), pilot(4, [1])];
  assert.deepEqual(admissibleRates(RULE, LOSS, pilots), admissibleRates(RULE, LOSS, pilots.toReversed()));
});

test('scores are mean best values in the axis unit, and absent where a pilot diverged', () => {
  const pilots = [pilot(2, [3, 1]), pilot(2, [3, 2, 9]), pilot(1, [1], { kind: 'diverged', step: 0, reason: 'NaN' })];
  assert.deepEqual(pilotScores(LOSS, pilots), [{ learningRate: 1 }, { learningRate: 2, best: 1.5 }]);
  assert.deepEqual(pilotScores({ ...LOSS, direction: 'rises' }, [pilot(1, [3, 9, 4])]), [{ learningRate: 1, best: 9 }]);
});

const STOP = 0.5;
/** A pilot that is ended once its loss is below the stop. */
const ended = (learningRate: number, ...values: number[]): PilotRun => ({ ...pilot(learningRate, values), stop: STOP });

test('where runs end at a value of the pilot’s own axis, steps decide and not how far below it a run came', () => {
  // By best value alone 1 and 2 would be taken: they overshoot.
  const pilots = [ended(1, 3, 2, 1, 0.6, 0.01), ended(2, 3, 2, 1, 0.2), ended(3, 3, 1, 0.4), ended(4, 3, 0.49)];
  assert.deepEqual(admissibleRates({ ...RULE, margin: 1, maxRates: 2 }, LOSS, pilots), {
    kind: 'admissible',
    rates: [3, 4],
  });
  assert.deepEqual(
    pilotScores(LOSS, pilots).map(({ learningRate, best, steps }) => [learningRate, best, steps]),
    [
      [1, 0.01, 4],
      [2, 0.2, 3],
      [3, 0.4, 2],
      [4, 0.49, 1],
    ],
  );
});

test('a rate that does not get to the end in every pilot block comes after those that do, within the margin', () => {
  const pilots = [ended(1, 3, 0.4), ended(1, 3, 0.55), ended(2, 3, 2, 0.1), ended(2, 3, 2, 0.1), ended(3, 3, 0.9)];
  assert.deepEqual(admissibleRates(RULE, LOSS, pilots), { kind: 'admissible', rates: [1, 2] });
  assert.deepEqual(admissibleRates({ ...RULE, maxRates: 1 }, LOSS, pilots), { kind: 'admissible', rates: [2] });
});

test('a rule that ends runs on another axis leaves the scores as they are', () => {
  const recipe = { stopRule: { axis: 'train', path: 'stop.below', multiples: ['trainOfBase'] } };
  const config = { stop: { below: 0.5 } };
  const points = [
    { step: 0, axes: { train: 4, trainOfBase: 1, loss: 9 } },
    { step: 1, axes: { train: 0.4, trainOfBase: 0.1, loss: 8 } },
  ];
  assert.equal(stopOf(recipe, 'train', config, points), 0.5);
  assert.equal(stopOf(recipe, 'trainOfBase', config, points), 0.125);
  assert.equal(stopOf(recipe, 'loss', config, points), undefined);
  assert.equal(stopOf({}, 'train', config, points), undefined);
});
