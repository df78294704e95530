import assert from 'node:assert/strict';
import { test } from 'node:test';

import { countedRates, meanOverRates, type Grid } from './grid.ts';

/** One level, two rates, ten blocks; the second rate is missing in the last block. */
const GRID: Grid = {
  rates: [0.1, 0.2],
  values: Float64Array.from({ length: 20 }, (_, i) => i),
  present: Uint8Array.from({ length: 20 }, (_, i) => (i === 19 ? 0 : 1)),
};

test('a block averages over the rates that count, and one that lacks a counted rate has no value', () => {
  const counted = countedRates(GRID, new Uint8Array(10).fill(1), 1);
  assert.deepEqual([...counted], [1, 1]);
  assert.equal(meanOverRates(GRID, counted, 0, 0, 1), 0.5);
  assert.equal(meanOverRates(GRID, counted, 8, 0, 1), 16.5);
  assert.equal(meanOverRates(GRID, counted, 9, 0, 1), undefined);
});
