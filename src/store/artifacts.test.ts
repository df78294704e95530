import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { bytesAt } from '#base/bytes.ts';
import { sha256 } from '#base/json.ts';

import { artifactsIn } from './artifacts.ts';

const ROOT = mkdtempSync(join(tmpdir(), 'assay-artifacts-'));
after(() => rmSync(ROOT, { recursive: true }));

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

test('pieces become the file that they are as one, which is read part by part', async () => {
  const artifacts = artifactsIn(mkdtempSync(join(tmpdir(), 'assay-artifacts-')));
  const file = artifacts.put([Uint8Array.of(1, 2), new Uint8Array(), Uint8Array.of(3)]);
  assert.equal(file, sha256(Uint8Array.of(1, 2, 3)));
  assert.deepEqual(artifacts.get(file), { kind: 'found', bytes: Uint8Array.of(1, 2, 3) });
  const found = await artifacts.sourceOf(file);
  assert.ok(found.kind === 'found');
  assert.deepEqual([found.source.length, ...bytesAt(found.source, 1, 2)], [3, 2, 3]);
  assert.throws(() => bytesAt(found.source, 2, 2), RangeError);
});

test('a file is only a source once all of it was read and is what its name says', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-artifacts-'));
  const artifacts = artifactsIn(folder);
  const file = artifacts.put(Uint8Array.of(1, 2, 3));
  writeFileSync(join(folder, file), Uint8Array.of(1, 2, 4));
  assert.deepEqual(await artifacts.sourceOf(file), { kind: 'damaged' });
  assert.deepEqual(await artifacts.sourceOf(sha256('other')), { kind: 'missing' });
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

test('clearing away leaves alone what is not ours: other names, folders, and all that lies behind links', () => {
  const [folder, elsewhere] = [join(ROOT, 'clearing'), join(ROOT, 'elsewhere')];
  const artifacts = artifactsIn(folder);
  const kept = artifacts.put(new Uint8Array([1]));
  const left = artifacts.put(new Uint8Array([2]));
  const foreign = ['model.safetensors', `${left}.txt`, 'notes.partial'];
  for (const name of foreign) writeFileSync(join(folder, name), 'of the user');
  mkdirSync(join(folder, 'a'.repeat(64)));
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, 'b'.repeat(64)), 'of the user');
  symlinkSync(join(elsewhere, 'b'.repeat(64)), join(folder, 'c'.repeat(64)));
  artifacts.keepOnly(new Set([kept]));
  const expected = [kept, ...foreign, 'a'.repeat(64), 'c'.repeat(64)];
  assert.deepEqual(readdirSync(folder).toSorted(), expected.toSorted());
  symlinkSync(elsewhere, join(ROOT, 'linked'));
  artifactsIn(join(ROOT, 'linked')).keepOnly(new Set());
  assert.deepEqual(readdirSync(elsewhere), ['b'.repeat(64)]);
});
