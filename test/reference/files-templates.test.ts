import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { compareFamilies } from './families.ts';

const FAMILIES = join(import.meta.dirname, '../fixtures/chat/families.json');

test('published templates render what transformers renders, line ends of Windows in a template included', async () => {
  assert.deepEqual(compareFamilies(await readFile(FAMILIES, 'utf8')), { same: 248, bothRefuse: 16, different: [] });
});
