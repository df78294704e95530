/** The doors `assay` and `assay/learn`: no name leaves or enters unnoticed, and the guide's own world runs as it stands on the page. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import * as assayDoor from 'assay';
import * as learn from 'assay/learn';

import { assay, guideStudy, newFolder } from './command.ts';

for (const [file, door] of Object.entries({ 'door.txt': assayDoor, 'learn-door.txt': learn })) {
  test(`test/golden/${file} has every name of its door and no other: none leaves or enters unnoticed`, () => {
    const golden = new URL(`../golden/${file}`, import.meta.url);
    const names = Object.keys(door).toSorted();
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, `${names.join('\n')}\n`);
    const promised = readFileSync(golden, 'utf8').trim().split('\n');
    const left = promised.filter((name) => !names.includes(name));
    const entered = names.filter((name) => !promised.includes(name));
    // One that left breaks what others wrote. One that entered: UPDATE_GOLDEN=1 node --test test/e2e/learn-door.test.ts
    assert.deepEqual({ left, entered }, { left: [], entered: [] });
  });
}

test('the world in docs/guide/05-your-own-model-and-world.md runs as it stands there, and answers as the page says', async () => {
  const folder = mkdtempSync(join(import.meta.dirname, 'learn-'));
  const store = newFolder('learn-store');
  try {
    writeFileSync(join(folder, 'cues.ts'), guideStudy('05-your-own-model-and-world.md'));
    const { status, stdout, stderr } = await assay('run', join(folder, 'cues.ts'), '--store', store, '--json');
    assert.equal(status, 0, stderr);
    const line = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as {
      readonly runs: object;
      readonly controls: readonly { readonly passed: boolean }[];
      readonly verdicts: readonly { readonly verdict: string }[];
    };
    assert.deepEqual(line.runs, { finished: 32, diverged: 0, failed: 0 });
    assert.ok(line.controls.every(({ passed }) => passed));
    assert.deepEqual(
      line.verdicts.map(({ verdict }) => verdict),
      ['affects'],
    );
  } finally {
    rmSync(folder, { recursive: true });
    rmSync(store, { recursive: true });
  }
});
