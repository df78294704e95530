import assert from 'node:assert/strict';
import { test } from 'node:test';

import { signFlipMaxT } from '#analysis/stats/sign-flip.ts';
import { rngOf } from '#base/rng.ts';

const rng = rngOf(1);
const blocks = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

test('the smallest p is 2 / 2^n whatever the size of the family', () => {
  const strong = { blocks: blocks(8), contrasts: [1, 1.1, 0.9, 1.2, 1, 0.95, 1.05, 1.15] };
  const family = Array.from({ length: 20 }, () => strong);
  assert.deepEqual(signFlipMaxT(family, rng).adjusted, new Array(20).fill(2 / 256));
});

test('equal contrasts are compared exactly: constant gives the smallest p, all zero gives 1', () => {
  const constant = { blocks: blocks(6), contrasts: new Array(6).fill(0.1) };
  const zero = { blocks: blocks(6), contrasts: new Array(6).fill(0) };
  const { adjusted } = signFlipMaxT([constant, zero], rng);
  assert.equal(adjusted[0], 2 / 64);
  assert.equal(adjusted[1], 1);
});

test('relabelling the arms of every member changes no p', () => {
  const values = [0.3, -0.1, 0.4, 0.2, 0.05, -0.2, 0.6, 0.1];
  const [plain, flipped] = [values, values.map((x) => -x)].map((contrasts) =>
    signFlipMaxT([{ blocks: blocks(8), contrasts }], rng),
  );
  assert.deepEqual(plain?.single, flipped?.single);
});

test('above 14 blocks 10,000 draws come close to the t test', () => {
  const values = Array.from({ length: 20 }, (_, i) => 0.2 + Math.sin(7 * i));
  const { single, exact } = signFlipMaxT([{ blocks: blocks(20), contrasts: values }], rngOf(5));
  assert.equal(exact, false);
  const [p] = single;
  // The t test gives p = .1240 (scipy); the standard error of 10,000 draws is .003, and the two nulls differ by about as much.
  assert.ok(p !== undefined && Math.abs(p - 0.124) < 0.015, `p = ${p}`);
});
