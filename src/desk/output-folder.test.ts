import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { writeOutputs } from './output-folder.ts';

const ROOT = mkdtempSync(join(tmpdir(), 'assay-output-'));
after(() => rmSync(ROOT, { recursive: true }));

const folder = (name: string): { path: string; isForced: boolean } => ({ path: join(ROOT, name), isForced: false });
const text = (name: string, file: string): string => readFileSync(join(ROOT, name, file), 'utf8');

test('files written before are written again; one that is not ours stops everything and stays as it was', () => {
  writeOutputs(folder('a'), [{ name: 'runs.csv', content: 'one' }]);
  writeOutputs(folder('a'), [{ name: 'runs.csv', content: 'two' }]);
  assert.equal(text('a', 'runs.csv'), 'two');
  writeFileSync(join(ROOT, 'a', 'report.html'), 'of the user');
  const files = [
    { name: 'runs.csv', content: 'three' },
    { name: 'report.html', content: 'ours' },
  ];
  assert.throws(() => writeOutputs(folder('a'), files), /report\.html: expected no file there.*--force/);
  assert.equal(text('a', 'report.html'), 'of the user');
  assert.equal(text('a', 'runs.csv'), 'two', 'all or nothing');
  writeOutputs({ ...folder('a'), isForced: true }, files);
  assert.equal(text('a', 'report.html'), 'ours');
});

test('a file of ours that somebody changed is not overwritten unasked', () => {
  writeOutputs(folder('b'), [{ name: 'report.html', content: 'ours' }]);
  writeFileSync(join(ROOT, 'b', 'report.html'), 'ours, with a note');
  assert.throws(() => writeOutputs(folder('b'), [{ name: 'report.html', content: 'newer' }]), /--force/);
});

test('a manifest that names no such content, or that is damaged, makes nothing ours', () => {
  for (const manifest of ['{"files":{"runs.csv":["0"]}}', '{"files":{"runs.csv":7}}', 'broken', '[]']) {
    rmSync(join(ROOT, 'c'), { recursive: true, force: true });
    writeOutputs(folder('c'), [{ name: 'other', content: '' }]);
    writeFileSync(join(ROOT, 'c', 'runs.csv'), 'of the user');
    writeFileSync(join(ROOT, 'c', 'assay-files.json'), manifest);
    assert.throws(() => writeOutputs(folder('c'), [{ name: 'runs.csv', content: 'ours' }]), /--force/, manifest);
  }
});

test('what was left by a killed process between two files is ours still', () => {
  writeOutputs(folder('d'), [
    { name: 'one', content: 'old' },
    { name: 'two', content: 'old' },
  ]);
  // As if killed after the first of two renames.
  const manifest = JSON.parse(text('d', 'assay-files.json')) as { files: Record<string, string[]> };
  writeOutputs({ ...folder('e') }, [
    { name: 'one', content: 'new' },
    { name: 'two', content: 'new' },
  ]);
  const newer = JSON.parse(text('e', 'assay-files.json')) as { files: Record<string, string[]> };
  const both = Object.fromEntries(
    Object.entries(manifest.files).map(([name, own]) => [name, [...own, ...(newer.files[name] ?? [])]]),
  );
  writeFileSync(join(ROOT, 'd', 'assay-files.json'), JSON.stringify({ files: both }));
  writeFileSync(join(ROOT, 'd', 'one'), 'new');
  writeOutputs(folder('d'), [
    { name: 'one', content: 'newest' },
    { name: 'two', content: 'newest' },
  ]);
  assert.equal(text('d', 'two'), 'newest');
  assert.deepEqual(
    readdirSync(join(ROOT, 'd')).filter((name) => name.endsWith('.partial')),
    [],
  );
});

test('of a set, files that are no longer in it go, but for what somebody changed or put there', () => {
  const set = { ...folder('set'), isSet: true };
  writeOutputs(
    set,
    ['a', 'b', 'c'].map((name) => ({ name, content: name })),
  );
  writeFileSync(join(ROOT, 'set', 'b'), 'with a note');
  writeFileSync(join(ROOT, 'set', 'mine'), 'of the user');
  writeOutputs(set, [{ name: 'a', content: 'newer' }]);
  assert.deepEqual(readdirSync(join(ROOT, 'set')).toSorted(), ['a', 'assay-files.json', 'b', 'mine']);
});

test('a folder under the name of a file is said, forced or not, and nothing is written', () => {
  for (const [i, name] of ['runs.csv', 'assay-files.json'].entries()) {
    const path = join(ROOT, `taken-${i}`);
    mkdirSync(join(path, name), { recursive: true });
    for (const isForced of [false, true]) {
      const files = [
        { name: 'a.csv', content: 'a' },
        { name: 'runs.csv', content: 'ours' },
      ];
      assert.throws(
        () => writeOutputs({ path, isForced }, files),
        new RegExp(`${name}: expected no file there.*found a folder`),
      );
      assert.deepEqual(readdirSync(path), [name]);
    }
  }
});

test('a folder that took the place of a file of the set stays', () => {
  const set = { ...folder('grown'), isSet: true };
  writeOutputs(set, [
    { name: '0.png', content: 'one' },
    { name: '1.png', content: 'two' },
  ]);
  rmSync(join(ROOT, 'grown', '1.png'));
  mkdirSync(join(ROOT, 'grown', '1.png'));
  writeOutputs(set, [{ name: '0.png', content: 'three' }]);
  assert.deepEqual(readdirSync(join(ROOT, 'grown')).toSorted(), ['0.png', '1.png', 'assay-files.json']);
});

test('a path that is a file, lies in one, or can hold no folder is said, and nothing hangs', () => {
  writeFileSync(join(ROOT, 'file'), 'of the user');
  for (const path of ['file', 'file/inside', 'file/inside/deep']) {
    assert.throws(() => writeOutputs(folder(path), [{ name: 'a', content: 'a' }]), /Cannot write to .*file/);
  }
  assert.equal(readFileSync(join(ROOT, 'file'), 'utf8'), 'of the user');
  if (existsSync('/proc/self')) {
    const nowhere = { path: '/proc/no-folder/inside', isForced: false };
    assert.throws(() => writeOutputs(nowhere, [{ name: 'a', content: 'a' }]), /Cannot write to \/proc\/no-folder/);
  }
});
