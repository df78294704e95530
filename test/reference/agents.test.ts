/** Returns and advantages against stable-baselines3 (agents.py). */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { discountedReturns, generalizedAdvantages } from '#learning/agents/returns.ts';

import reference from './agents.json' with { type: 'json' };

/** The reference adds up in float32. */
const ROUNDING = 2e-6;
const near = (found: Float32Array, expected: readonly number[]): void => {
  assert.equal(found.length, expected.length);
  found.forEach((one, at) =>
    assert.ok(Math.abs(one - (expected[at] ?? Number.NaN)) < ROUNDING, `${at}: ${one}, ${expected[at]}`),
  );
};

for (const one of reference.cases) {
  test(`advantages at discount ${one.discount}, lambda ${one.lambda} are those of stable-baselines3`, () => {
    const rewarded = {
      rows: one.rows,
      rewards: Float32Array.from(one.rewards),
      ended: Uint8Array.from(one.over, (over, at) => over + (one.cut[at] ?? 0)),
      beyond: Float32Array.from(one.beyond),
      last: Float32Array.from(one.last),
      values: Float32Array.from(one.values),
    };
    const advantages = generalizedAdvantages(rewarded, one);
    near(advantages, one.advantages);
    near(
      advantages.map((advantage, at) => advantage + (rewarded.values[at] ?? 0)),
      one.returns,
    );
    if (one.lambda === 1) near(discountedReturns(rewarded, one.discount), one.returns);
  });
}
