import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { boundedParquet } from './bounded-parquet.ts';

function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../../../test/fixtures/parquet/${name}`, import.meta.url)));
}

test('a file made to be read for ever is given up, and the reader’s thread with it', async () => {
  // Of a table of two rows one byte of a page's header was changed.
  await assert.rejects(
    boundedParquet(fixture('endless.parquet'), 'endless.parquet', 3000),
    /endless\.parquet: expected a Parquet file that can be read within 3 seconds, found one that cannot/,
  );
});

test('other files come back as they are, and refusals with their reason', async () => {
  const rows = await boundedParquet(fixture('zstd.parquet'), 'zstd.parquet');
  assert.deepEqual(rows[1], { line: 2, cells: { arm: 'adamw', seed: 9007199254740992n, step: 10, loss: Number.NaN } });
  await assert.rejects(boundedParquet(new Uint8Array(8), 'x.parquet'), /x\.parquet: expected a Parquet file/);
});
