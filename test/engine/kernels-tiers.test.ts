/** Kernels give the same bits however V8 compiles them: each lane's arithmetic is that of IEEE 754 in all of its compilers (ADR 0195). */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const DIGEST = join(import.meta.dirname, 'kernels-digest.ts');
/** Optimized before the first call; `--no-wasm-dynamic-tiering` alone would leave V8 to look for counts of calls that nobody made. */
const OPTIMIZED = ['--no-liftoff', '--no-wasm-dynamic-tiering', '--no-wasm-lazy-compilation'];
const TIERS = { 'as compiled first': ['--liftoff-only'], 'as optimized, in 256 bits where the processor has them': OPTIMIZED };

async function digestUnder(flags: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, DIGEST]);
  assert.match(stdout, /^[0-9a-f]{64}\n$/);
  return stdout;
}

test('every kernel gives the same bits as V8 compiles it first and as it optimizes it, 256 bits wide', async () => {
  const digests = await Promise.all(Object.values(TIERS).map(digestUnder));
  assert.equal(new Set(digests).size, 1, digests.join(''));
});
