import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { ownFolder } from './compile-cache.ts';

const ROOT = mkdtempSync(join(tmpdir(), 'assay-cache-'));
const { uid } = userInfo();

after(() => rmSync(ROOT, { recursive: true }));

function parentOf(name: string): string {
  const parent = join(ROOT, name);
  mkdirSync(parent);
  return parent;
}

test('compiled code is kept in a folder that its user alone can write', () => {
  const parent = parentOf('fresh');
  const folder = ownFolder(parent, uid);
  assert.equal(folder, join(parent, `assay-compiled-${uid}`));
  assert.equal(statSync(folder ?? '').mode & 0o777, 0o700);
  assert.equal(ownFolder(parent, uid), folder, 'and found again');
});

test('a folder, link or file that somebody else may have put there is not used', () => {
  const name = `assay-compiled-${uid}`;
  const open = parentOf('open');
  mkdirSync(join(open, name));
  for (const mode of [0o777, 0o770, 0o702, 0o755]) {
    chmodSync(join(open, name), mode);
    assert.equal(ownFolder(open, uid), undefined, mode.toString(8));
  }
  const linked = parentOf('linked');
  mkdirSync(join(linked, 'target'), { mode: 0o700 });
  symlinkSync(join(linked, 'target'), join(linked, name));
  assert.equal(ownFolder(linked, uid), undefined, 'a link');
  const file = parentOf('file');
  writeFileSync(join(file, name), '');
  assert.equal(ownFolder(file, uid), undefined, 'a file');
  const others = parentOf('others');
  mkdirSync(join(others, `assay-compiled-${uid + 1}`), { mode: 0o700 });
  assert.equal(ownFolder(others, uid + 1), undefined, 'a folder of another user');
  assert.equal(ownFolder(join(ROOT, 'none'), uid), undefined, 'no place at all');
});
