import assert from 'node:assert/strict';
import { test } from 'node:test';

import { commonStretch } from '#analysis/matching/joint-matching.ts';

const line = (slope: number, ...at: number[]): { at: number; value: number }[] =>
  at.map((x) => ({ at: x, value: slope * x }));
const ROUNDING = 1e-12;
const MAX_GAP = 0.4;
const CALIPER = 0.1;

test('one function of held-out loss gives no difference over the common stretch', () => {
  const found = commonStretch(line(3, 1, 1.3), line(3, 1.1, 1.25, 1.5), MAX_GAP, CALIPER);
  assert.ok(found);
  assert.ok(Math.abs(found.arm - found.reference) < ROUNDING);
  assert.equal(found.mismatch, 0);
  assert.ok(Math.abs(found.at - 1.2) < ROUNDING);
});

test('a shift of one arm is found whole', () => {
  const shifted = line(3, 1.05, 1.2).map((point) => ({ at: point.at, value: point.value + 0.5 }));
  const found = commonStretch(shifted, line(3, 1, 1.3), MAX_GAP, CALIPER);
  assert.ok(found);
  assert.ok(Math.abs(found.arm - found.reference - 0.5) < ROUNDING);
});

test('a run that lies between two others is compared where it is', () => {
  const found = commonStretch([{ at: 1.1, value: 7 }], line(2, 1, 1.2), MAX_GAP, CALIPER);
  assert.ok(found);
  assert.equal(found.arm, 7);
  assert.ok(Math.abs(found.reference - 2.2) < ROUNDING);
});

test('stretches that miss each other keep their signed mismatch, and are not compared across more than the caliper', () => {
  const near = commonStretch(line(1, 1.05, 1.2), line(1, 0.8, 1), MAX_GAP, CALIPER);
  assert.ok(near && Math.abs(near.mismatch - 0.05) < ROUNDING);
  const below = commonStretch(line(1, 0.8, 1), line(1, 1.05, 1.2), MAX_GAP, CALIPER);
  assert.ok(below && Math.abs(below.mismatch + 0.05) < ROUNDING);
  assert.equal(commonStretch(line(1, 1.2, 1.3), line(1, 0.8, 1), MAX_GAP, CALIPER), undefined);
});

test('nothing is interpolated between runs further apart than the gap', () => {
  assert.equal(commonStretch(line(1, 1, 1.5), line(1, 1.1, 1.3), MAX_GAP, CALIPER), undefined);
});
