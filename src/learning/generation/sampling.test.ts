import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { rngOf } from '#base/rng.ts';

import { chooseToken, type TokenChoice } from './sampling.ts';

const DRAWS = 20_000;
/** Five standard errors of a share of 20,000 draws, at most 0.5 / sqrt(20,000) each. */
const SAMPLING_ERROR = (5 * 0.5) / Math.sqrt(DRAWS);

/** How often each token is chosen. */
function shares(logits: Float32Array, choice: TokenChoice): number[] {
  const rng = rngOf(1, 'draws');
  const counts = new Array<number>(logits.length).fill(0);
  for (let i = 0; i < DRAWS; i++) {
    const token = chooseToken(logits, choice, () => rng.uniform());
    counts[token] = (counts[token] ?? 0) + 1;
  }
  return counts.map((count) => count / DRAWS);
}

function assertShares(found: readonly number[], expected: readonly number[]): void {
  expected.forEach((share, id) => {
    if (share === 0) assert.equal(found[id], 0, `token ${id}`);
    else assert.ok(Math.abs((found[id] ?? 0) - share) < SAMPLING_ERROR, `token ${id}: ${found[id]}, not ${share}`);
  });
}

const LOGITS = Float32Array.of(Math.log(0.2), Math.log(0.5), Math.log(0.05), Math.log(0.25));

test('temperature 1 draws the softmax of the logits, 1/2 its square', () => {
  assertShares(shares(LOGITS, { temperature: 1, topP: 1 }), [0.2, 0.5, 0.05, 0.25]);
  const squares = [0.04, 0.25, 0.0025, 0.0625].map((square) => square / 0.355);
  assertShares(shares(LOGITS, { temperature: 0.5, topP: 1 }), squares);
});

test('top-p keeps the fewest most probable tokens that reach it, in their proportions', () => {
  assertShares(shares(LOGITS, { temperature: 1, topP: 0.7 }), [0, 2 / 3, 0, 1 / 3]);
  assertShares(shares(LOGITS, { temperature: 1, topP: 0.76 }), [0.2 / 0.95, 0.5 / 0.95, 0, 0.25 / 0.95]);
  assertShares(shares(LOGITS, { temperature: 1, topP: 0 }), [0, 1, 0, 0]);
});

test('top-k keeps the most probable tokens and those as probable as the last of them, before top-p', () => {
  assertShares(shares(LOGITS, { temperature: 1, topP: 1, topK: 2 }), [0, 2 / 3, 0, 1 / 3]);
  assertShares(shares(Float32Array.of(1, 0, 0, -1), { temperature: 1, topP: 1, topK: 2 }), [
    Math.E / (Math.E + 2),
    1 / (Math.E + 2),
    1 / (Math.E + 2),
    0,
  ]);
  // Of what top-k left, the first token alone has 2/3.
  assertShares(shares(LOGITS, { temperature: 1, topP: 0.66, topK: 2 }), [0, 1, 0, 0]);
  for (const topK of [0, 4, 9]) {
    assertShares(shares(LOGITS, { temperature: 1, topP: 1, topK }), [0.2, 0.5, 0.05, 0.25]);
  }
});

test('temperature 0 takes the first of the largest logits and draws nothing', () => {
  const never = (): number => assert.fail('a number was drawn');
  assert.equal(chooseToken(Float32Array.of(1, 3, 3, -Infinity), { temperature: 0, topP: 0.5 }, never), 1);
});

test('a logit that is not a number leaves no token to choose', () => {
  for (const temperature of [0, 1]) {
    assert.equal(
      chooseToken(Float32Array.of(1, Number.NaN, 2), { temperature, topP: 1 }, () => 0),
      -1,
    );
  }
});

test('whatever the logits and the draw, the token is one of the nucleus as a full sort finds it', () => {
  const logit = fc.float({ min: -20, max: 20, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(logit, { minLength: 1, maxLength: 40 }),
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (list, topP, draw) => {
        const logits = Float32Array.from(list);
        const largest = Math.max(...logits);
        const weights = Array.from(logits, (value) => Math.exp(value - largest));
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const sorted = [...weights.keys()].toSorted((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0) || a - b);
        let [mass, count] = [0, 0];
        while (count < sorted.length && mass < topP * total) mass += weights[sorted[count++] ?? 0] ?? 0;
        const token = chooseToken(logits, { temperature: 1, topP }, () => draw);
        assert.ok(sorted.slice(0, count).includes(token), `${token} is not among ${sorted.slice(0, count).join()}`);
      },
    ),
  );
});

test('top-k keeps exactly what a full sort keeps, with as many equal logits as there may be', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 2, maxLength: 60 }),
      fc.integer({ min: 1, max: 60 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (list, topK, draw) => {
        const logits = Float32Array.from(list);
        const least = logits.toSorted().at(-topK) ?? -Infinity;
        const kept = logits.map((value) => (value < least ? -Infinity : value));
        assert.equal(
          chooseToken(logits, { temperature: 1, topP: 1, topK }, () => draw),
          chooseToken(kept, { temperature: 1, topP: 1 }, () => draw),
        );
      },
    ),
  );
});
