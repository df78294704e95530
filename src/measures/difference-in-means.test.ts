import assert from 'node:assert/strict';
import { test } from 'node:test';

import { differenceInMeans } from './difference-in-means.ts';

test('the direction leads from the mean of one set to the mean of the other, whatever their sizes', () => {
  const from = { values: Float32Array.of(1, 2, 3, 4), width: 2 };
  const to = { values: Float32Array.of(0, 9, 4, 9, 2, 0), width: 2 };
  assert.deepEqual([...differenceInMeans(from, to)], [0, 3]);
  assert.deepEqual([...differenceInMeans(from, from)], [0, 0]);
});

test('sets of two sites, of half a row, or with a broken value are refused', () => {
  const fine = { values: Float32Array.of(1, 2), width: 2 };
  assert.throws(() => differenceInMeans(fine, { values: Float32Array.of(1), width: 1 }), /widths 2 and 1/);
  assert.throws(() => differenceInMeans(fine, { values: Float32Array.of(1, 2, 3), width: 2 }), /3 values of width 2/);
  assert.throws(() => differenceInMeans({ values: Float32Array.of(1, NaN), width: 2 }, fine), /all finite/);
});
