import assert from 'node:assert/strict';
import { test } from 'node:test';

import { updateNorm } from './update.ts';

const BASE = new Map([
  ['a', Float32Array.of(3, 0)],
  ['b', Float32Array.of(0, 4, 0)],
]);

test('the update is measured over all weights together, and relative to the base', () => {
  const tuned = new Map([
    ['a', Float32Array.of(3, 6)],
    ['b', Float32Array.of(0, 4, 8)],
    ['adapter', Float32Array.of(100)],
  ]);
  assert.deepEqual(updateNorm(BASE, tuned), { absolute: 10, relative: 2 });
  assert.deepEqual(updateNorm(BASE, tuned, ['a']), { absolute: 6, relative: 2 });
  assert.deepEqual(updateNorm(BASE, BASE), { absolute: 0, relative: 0 });
});

test('relative to nothing is unknown, and weights that do not match are refused by name', () => {
  const zeros = new Map([['a', new Float32Array(2)]]);
  assert.deepEqual(updateNorm(zeros, BASE), { absolute: 3, relative: undefined });
  assert.throws(() => updateNorm(BASE, zeros), /"b" has 3 values in the base and none tuned/);
});
