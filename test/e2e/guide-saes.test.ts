/** The program in docs/guide/06-sparse-autoencoders.md, as it stands there. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

import { guideStudy } from './command.ts';

const MODEL = join(import.meta.dirname, '../fixtures/models/llama');

test('the program in docs/guide/06-sparse-autoencoders.md trains, measures, saves and loads as it stands there', async () => {
  const folder = mkdtempSync(join(import.meta.dirname, 'guide-'));
  try {
    writeFileSync(join(folder, 'features.ts'), guideStudy('06-sparse-autoencoders.md'));
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ['features.ts', MODEL, '40'], { cwd: folder });
    const lines = stdout.trim().split('\n').map(parsed);
    assert.deepEqual(
      lines.map(({ kind }) => kind),
      ['topK', 'jumpRelu', undefined],
    );
    const [topK, jumpRelu, again] = lines;
    for (const one of [topK, jumpRelu]) {
      assert.ok((one?.fvu ?? Number.NaN) < 1 && (one?.recovered ?? Number.NaN) > 0.5, JSON.stringify(one));
    }
    assert.equal(again?.hookName, 'blocks.1.hook_resid_post');
    assert.ok((topK?.l0 ?? Number.NaN) <= 4);
    assert.ok(Math.abs((again?.again ?? Number.NaN) - (topK?.fvu ?? Number.NaN)) < 1e-6);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

interface Line {
  readonly kind?: string;
  readonly l0?: number;
  readonly fvu?: number;
  readonly recovered?: number;
  readonly again?: number;
  readonly hookName?: string;
}

function parsed(line: string): Line {
  const value: Line = JSON.parse(line);
  return value;
}
