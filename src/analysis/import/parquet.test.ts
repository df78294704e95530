import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { parquetWriteBuffer } from 'hyparquet-writer';

import { readParquet } from './parquet.ts';
import { cellText } from './readings.ts';

/** Tables that pyarrow and polars wrote (test/reference/parquet.py). */
function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../../../test/fixtures/parquet/${name}`, import.meta.url)));
}

/** Rows as texts, so that NaN, null and long integers are told apart. */
function textOf(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  return Number.isNaN(value) ? 'nan' : cellText(value);
}

for (const name of ['none', 'snappy', 'gzip', 'brotli', 'zstd', 'lz4', 'polars']) {
  test(`${name}.parquet is read to the last digit, NaN apart from null`, async () => {
    const expected: readonly Record<string, unknown>[] = JSON.parse(new TextDecoder().decode(fixture('rows.json')));
    const rows = await readParquet(fixture(`${name}.parquet`), name);
    assert.deepEqual(
      rows.map(({ line, cells }) => [line, ...['arm', 'seed', 'step', 'loss'].map((column) => textOf(cells[column]))]),
      expected.map((row, i) => [i + 1, ...['arm', 'seed', 'step', 'loss'].map((column) => textOf(row[column]))]),
    );
  });
}

test('a codec that is not read is named, and what is no Parquet file is not called one', async () => {
  const buffer = parquetWriteBuffer({
    columnData: [{ name: 'loss', data: [2, 1], type: 'DOUBLE' }],
    codec: 'LZO',
    compressors: { LZO: (bytes) => bytes },
  });
  const lzo = /x: is a Parquet file compressed with LZO, which is not read\. Write it with snappy or zstd\./;
  await assert.rejects(readParquet(new Uint8Array(buffer), 'x'), lzo);
  await assert.rejects(readParquet(new TextEncoder().encode('arm,loss\na,1\n'), 'x'), /x: expected a Parquet file/);
  await assert.rejects(readParquet(fixture('none.parquet'), 'x', 47), /x: has 48 cells, at most 47 are read at once/);
  const cut = fixture('zstd.parquet');
  cut.fill(0xff, 4, 200);
  await assert.rejects(readParquet(cut, 'x'), /x: expected a whole Parquet file, found one that cannot be read/);
});
