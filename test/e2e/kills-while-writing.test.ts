/** A report, an export and a download that are killed while they write leave whole files or none, and end to the same bytes. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { rngOf } from '#base/rng.ts';

import { assay, MAIN, newFolder, TOY } from './command.ts';
import { killWhileWriting, started } from './kill-while-writing.ts';
import { smallHub } from './small-hub.ts';

const ROOT = newFolder('kills-while-writing');
const KILLS = 3;

after(() => rmSync(ROOT, { recursive: true }));

test('reports and exports that are killed are there whole or not at all', async () => {
  const store = join(ROOT, 'store');
  assert.equal((await assay('run', TOY, '--store', store, '--set', 'spins=10', '--seeds', '5')).status, 0);
  for (const command of ['report', 'export']) {
    const folder = join(ROOT, command);
    const { kills, faults } = await killWhileWriting(
      {
        start: () => started([MAIN, command, TOY, '--store', store, '--out', folder]),
        folder,
        isOwn: (name) => name.includes('.partial') || name === 'assay-files.json',
      },
      KILLS,
      rngOf(1, command),
    );
    assert.equal(kills, KILLS);
    assert.deepEqual(faults, []);
  }
});

test('a download that is killed leaves no damaged file, and goes on to the end', async () => {
  await using hub = await smallHub();
  const folder = join(ROOT, 'cache');
  const child = join(import.meta.dirname, 'hub-child.ts');
  const { kills, faults } = await killWhileWriting(
    {
      start: () => started([child, hub.url, folder, '20', '5000']),
      folder,
      isOwn: (name) => /\.(incomplete|partial|assay\.lock)/.test(name),
    },
    KILLS,
    rngOf(1, 'download'),
  );
  assert.equal(kills, KILLS);
  assert.deepEqual(faults, []);
});
