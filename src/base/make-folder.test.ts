import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { isFolder, isTaken, makeFolder } from './make-folder.ts';

test('A folder is made with those above it, and the outermost is named', () => {
  const root = mkdtempSync(join(tmpdir(), 'assay-folder-'));
  assert.equal(makeFolder(join(root, 'a/b/c')), join(root, 'a'));
  assert.equal(makeFolder(join(root, 'a/b/c')), undefined);
  assert.ok(isFolder(join(root, 'a/b/c')));
});

test('Where a file or a broken link stands, no folder is made', () => {
  const root = mkdtempSync(join(tmpdir(), 'assay-folder-'));
  writeFileSync(join(root, 'file'), '');
  symlinkSync(join(root, 'nowhere/at/all'), join(root, 'link'));
  symlinkSync(join(root, 'round'), join(root, 'round'));
  assert.throws(() => makeFolder(join(root, 'round')), /a file or a broken link stands at .*round, where/);
  assert.throws(() => makeFolder(join(root, 'file')), /a file or a broken link stands at .*, where a folder is needed/);
  assert.throws(
    () => makeFolder(join(root, 'file/below/it')),
    new RegExp(`a file or a broken link stands at ${join(root, 'file')}, where`),
  );
  assert.deepEqual([isFolder(join(root, 'file/below')), isTaken(join(root, 'file/below'))], [false, false]);
  assert.deepEqual([isTaken(join(root, 'link')), isTaken(join(root, 'file')), isTaken(root)], [true, true, true]);
  assert.throws(() => makeFolder(join(root, 'link')), /a file or a broken link stands at .*, where a folder is needed/);
});

test('A folder that the system does not let be is refused, and not tried for ever', () => {
  const call = "import('#base/make-folder.ts').then(({ makeFolder }) => makeFolder('/proc/assay/below'))";
  const { status, stderr } = spawnSync(process.execPath, ['-e', call], { timeout: 20_000, encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /ENOENT/);
});
