/** Where a store cannot keep what it is given, it says what could not be written, and what stands in the way. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { artifactsIn } from './artifacts.ts';
import { keepText, keptTexts } from './folder.ts';
import { prepareFolder } from './sqlite-open.ts';

const ROOT = mkdtempSync(join(tmpdir(), 'assay-store-folder-'));
const RUN = { arm: 'a', block: 0, measureId: '0'.repeat(64) };
const IN_THE_WAY = 'a file or a broken link stands at';

test('a store’s folder that cannot be made is refused with what stands in its place and what to do', () => {
  const file = join(ROOT, 'file');
  writeFileSync(file, '');
  for (const folder of [file, join(file, 'below/it')]) {
    assert.throws(() => prepareFolder(folder), {
      message: `Cannot write to the store folder ${folder}: ${IN_THE_WAY} ${file}, where a folder is needed. Make it a folder that can be written to, or choose another --store.`,
    });
  }
});

test('texts and bytes of runs that cannot be kept are named, with what stands in the way', async () => {
  const [store, taken] = [join(ROOT, 'store'), join(ROOT, 'taken')];
  mkdirSync(store);
  mkdirSync(taken);
  keepText(store, RUN, 'a.jsonl', 'said');
  assert.deepEqual(keptTexts(store, RUN), ['a.jsonl']);
  for (const name of ['replies', 'shared']) writeFileSync(join(taken, name), '');
  assert.throws(
    () => keepText(taken, RUN, 'a.jsonl', 'said'),
    new RegExp(`Cannot write ${taken}/replies/a-block0-0{12}/a\\.jsonl: ${IN_THE_WAY} ${taken}/replies,`),
  );
  assert.throws(
    () => artifactsIn(join(taken, 'shared')).put(Uint8Array.of(1)),
    new RegExp(
      `Cannot write .*${IN_THE_WAY} ${taken}/shared, where a folder is needed\\. Free space or choose another --store`,
    ),
  );
});
