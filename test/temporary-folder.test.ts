import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const WRITES = `
  const folder = require('node:fs').mkdtempSync(require('node:os').tmpdir() + '/left-behind-');
  require('node:fs').writeFileSync(folder + '/file', 'content');
  process.stdout.write(folder);
`;

test('What a test leaves in the temporary folder is gone when its process ends', () => {
  const preload = fileURLToPath(new URL('temporary-folder.ts', import.meta.url));
  const { stdout, status } = spawnSync(process.execPath, ['--import', preload, '-e', WRITES], { encoding: 'utf8' });
  assert.equal(status, 0);
  assert.match(stdout, /assay-test-\w+\/left-behind-/u);
  assert.equal(existsSync(stdout), false);
});
