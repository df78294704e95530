/** The guide's study, taken from the page itself, is accepted as it stands there. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { start } from './command.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

test('the study in docs/guide/01-first-study.md can be planned as it stands there', async () => {
  const page = readFileSync(join(ROOT, 'docs/guide/01-first-study.md'), 'utf8');
  const code = /```ts\n([\s\S]*?)```/.exec(page)?.[1] ?? assert.fail('the page has no study');
  const folder = mkdtempSync(join(ROOT, 'test/e2e/guide-'));
  try {
    writeFileSync(join(folder, 'decay.ts'), code);
    const { status, stdout } = await start(['plan', join(folder, 'decay.ts')]).ended;
    assert.equal(status, 0);
    assert.match(stdout, /Does weight decay change how far misalignment spreads/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
