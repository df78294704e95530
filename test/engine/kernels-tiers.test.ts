/** Kernels give the same bits however V8 compiles them: each lane's arithmetic is that of IEEE 754 in all of its compilers (ADR 0195). */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

import { WIDE } from '#engine/kernels/kernels.ts';

const DIGEST = join(import.meta.dirname, 'kernels-digest.ts');
/** Flags of V8: only its first compiler; only its optimizing one, before any call. */
const TIERS = [['--liftoff-only'], ['--no-liftoff', '--no-wasm-dynamic-tiering', '--no-wasm-lazy-compilation']];

async function digestUnder(flags: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, DIGEST]);
  assert.match(stdout, /^[0-9a-f]{64}\n$/);
  return stdout;
}

test('every kernel gives the same bits as V8 compiles it first and as it optimizes it, 256 bits wide', async () => {
  const digests = await Promise.all(TIERS.map(digestUnder));
  assert.equal(new Set(digests).size, 1, digests.join(''));
});

test('the version of Node whose wide kernels are compared is the one that runs, and it knows the flag', async () => {
  assert.equal(process.versions.node, WIDE.node, 'compare the bits under the new version, then name it in kernels.ts');
  await promisify(execFile)(process.execPath, [WIDE.flag, '--version']);
});
