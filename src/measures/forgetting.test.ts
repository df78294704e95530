import assert from 'node:assert/strict';
import { test } from 'node:test';

import { forgetting } from './forgetting.ts';

test('forgetting is the rise above the lowest loss so far, and 0 where the present loss is the lowest', () => {
  assert.equal(forgetting([2, 0.5, 0.75, 1.5]), 1);
  assert.equal(forgetting([2, 1, 0.5]), 0);
  assert.equal(forgetting([3]), 0);
});

test('losses that are none are refused', () => {
  assert.throws(() => forgetting([]), /no losses/);
  assert.throws(() => forgetting([1, Infinity]), /loss 1 is Infinity/);
});
