import assert from 'node:assert/strict';
import { test } from 'node:test';

import { admissibleRates, pilotScores, type PilotRun } from './admissible.ts';
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
