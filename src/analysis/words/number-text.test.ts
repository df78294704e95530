import assert from 'node:assert/strict';
import { test } from 'node:test';

import { chosen, plain } from './number-text.ts';

test('a level that is a whole number is named to its last digit, others as numbers are', () => {
  assert.deepEqual([chosen(2048), chosen(-10_001), chosen(0)], ['2048', '-10001', '0']);
  assert.deepEqual([chosen(0.30000000000000004), chosen(0.000025)], [plain(0.3), plain(0.000025)]);
});
