/** The door `assay/learn`: names do not leave it unnoticed, and the guide's own world runs as it stands on the page. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import * as learn from 'assay/learn';

import { assay, guideStudy, newFolder } from './command.ts';

test('every name that was promised is there', () => {
  const promised = readFileSync(new URL('../golden/learn-door.txt', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  const names = new Set(Object.keys(learn));
  assert.deepEqual(
    promised.filter((name) => !names.has(name)),
    [],
  );
  assert.ok(promised.length > 80);
});

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
