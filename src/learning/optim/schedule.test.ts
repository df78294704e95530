import assert from 'node:assert/strict';
import { test } from 'node:test';

import { learningRateAt, type Schedule } from './schedule.ts';

const PEAK = 0.5;
const TOTAL = 100;
const SCHEDULES: readonly Schedule[] = [
  { kind: 'constant', warmupSteps: 10 },
  { kind: 'cosine', warmupSteps: 10, finalFraction: 0.1 },
  { kind: 'linear', warmupSteps: 10, finalFraction: 0.1 },
  { kind: 'wsd', warmupSteps: 10, decayFraction: 0.2, finalFraction: 0.1 },
];
/** A few roundings of float64. */
const ROUNDING = 1e-15;

function ratesOf(schedule: Schedule): readonly number[] {
  return Array.from({ length: TOTAL }, (_, step) => learningRateAt(schedule, PEAK, step, TOTAL));
}

function assertNear(found: number | undefined, expected: number): void {
  assert.ok(found !== undefined && Math.abs(found - expected) <= ROUNDING, `${found} is not ${expected}`);
}

test('every schedule warms up in equal steps above zero and reaches the peak once warm', () => {
  for (const schedule of SCHEDULES) {
    const rates = ratesOf(schedule);
    for (let step = 0; step <= 10; step++) assertNear(rates[step], (PEAK * (step + 1)) / 11);
    assert.equal(Math.max(...rates), PEAK);
    assert.equal(learningRateAt({ ...schedule, warmupSteps: 0 }, PEAK, 0, TOTAL), PEAK);
  }
});

test('after warmup no schedule rises, and all stay at or above the final fraction', () => {
  for (const schedule of SCHEDULES) {
    const rates = ratesOf(schedule).slice(10);
    for (const [i, rate] of rates.entries()) {
      assert.ok(rate <= (rates[i - 1] ?? PEAK) + ROUNDING && rate >= 0.1 * PEAK, `${schedule.kind} ${i}: ${rate}`);
    }
  }
});

test('cosine and linear are halfway between peak and final rate halfway through the decay', () => {
  for (const kind of ['cosine', 'linear'] as const) {
    assertNear(learningRateAt({ kind, warmupSteps: 10, finalFraction: 0.1 }, PEAK, 55, TOTAL), 0.55 * PEAK);
  }
  const quarter = learningRateAt({ kind: 'cosine', warmupSteps: 0, finalFraction: 0 }, PEAK, 25, TOTAL);
  assertNear(quarter, (PEAK * (1 + Math.SQRT1_2)) / 2);
  assertNear(learningRateAt({ kind: 'linear', warmupSteps: 0, finalFraction: 0 }, PEAK, 99, TOTAL), PEAK / 100);
});

test('warmup-stable-decay holds the peak until its last fifth, then falls in a line', () => {
  const rates = ratesOf({ kind: 'wsd', warmupSteps: 10, decayFraction: 0.2, finalFraction: 0.1 });
  assert.ok(rates.slice(10, 81).every((rate) => rate === PEAK));
  assertNear(rates[90], 0.55 * PEAK);
});

test('steps outside the training and fractions that make no sense are refused', () => {
  const cosine: Schedule = { kind: 'cosine', warmupSteps: 10, finalFraction: 0.1 };
  assert.throws(() => learningRateAt(cosine, PEAK, 100, TOTAL), /expected a step in \[0, 100\), found 100/);
  assert.throws(() => learningRateAt(cosine, PEAK, 0.5, TOTAL), /found 0\.5/);
  assert.throws(() => learningRateAt({ ...cosine, warmupSteps: 101 }, PEAK, 0, TOTAL), /warmupSteps.*\[0, 100\]/);
  assert.throws(() => learningRateAt({ ...cosine, finalFraction: 1.5 }, PEAK, 0, TOTAL), /finalFraction/);
  const wsd: Schedule = { kind: 'wsd', warmupSteps: 90, decayFraction: 0.2, finalFraction: 0 };
  assert.throws(() => learningRateAt(wsd, PEAK, 0, TOTAL), /warmupSteps.*\[0, 80\].*found 90/);
  assert.throws(() => learningRateAt({ ...wsd, decayFraction: 2 }, PEAK, 0, TOTAL), /decayFraction/);
});
