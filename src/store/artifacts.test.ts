import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { sha256 } from '#base/json.ts';

import { artifactsIn } from './artifacts.ts';

test('a file made in place is named by its content, found again, and told from a missing or damaged one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-artifacts-'));
  const artifacts = artifactsIn(folder);
  const file = await artifacts.putFile((path) => writeFile(path, 'weights'));
  assert.equal(file, sha256('weights'));
  assert.deepEqual(await artifacts.pathOf(file), { kind: 'found', path: join(folder, file) });
  assert.deepEqual(await artifacts.pathOf(sha256('other')), { kind: 'missing' });
  writeFileSync(join(folder, file), 'weighty');
  assert.deepEqual(await artifacts.pathOf(file), { kind: 'damaged' });
});

test('a file whose making fails leaves nothing behind', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-artifacts-'));
  const failing = async (path: string): Promise<void> => {
    await writeFile(path, 'half');
    throw new Error('no more');
  };
  await assert.rejects(artifactsIn(folder).putFile(failing), /Cannot write .* no more/);
  assert.deepEqual(readdirSync(folder), []);
});
