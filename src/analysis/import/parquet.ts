/** Reads Parquet tables as rows: uncompressed, or with snappy, gzip, brotli, zstd or lz4. */
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

import { AssayError, messageOf } from '#base/errors.ts';
import type { TableRow } from './table.ts';

/** What a Parquet file begins and ends with. */
const MAGIC = 'PAR1';

/**
 * Rows of a Parquet file; `line` is the row's number from 1. Bytes made to do so can keep this at work for ever: what
 * comes from outside is read in a thread with limits.
 * @throws AssayError where the bytes are no Parquet file, are damaged, or use what is not read.
 */
export async function readParquet(bytes: Uint8Array, file: string): Promise<TableRow[]> {
  const marks = [bytes.subarray(0, MAGIC.length), bytes.subarray(-MAGIC.length)];
  if (!marks.every((mark) => new TextDecoder().decode(mark) === MAGIC)) {
    throw new AssayError(
      'data',
      `${file}: expected a Parquet file, found bytes that do not begin and end with ${MAGIC}.`,
    );
  }
  const buffer = new Uint8Array(bytes).buffer;
  const rows: readonly Record<string, unknown>[] = await parquetReadObjects({ file: buffer, compressors }).catch(
    (thrown: unknown) => {
      throw new AssayError('data', `${file}: ${refusalOf(messageOf(thrown))}`, { cause: thrown });
    },
  );
  return rows.map((cells, i) => ({ line: i + 1, cells }));
}

function refusalOf(message: string): string {
  const codec = /unsupported compression codec: (\S+)/.exec(message)?.[1];
  return codec === undefined
    ? `expected a whole Parquet file, found one that cannot be read (${message}). Write it again, or as CSV.`
    : `is a Parquet file compressed with ${codec}, which is not read. Write it with snappy or zstd.`;
}
