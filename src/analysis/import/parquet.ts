/** Reads Parquet tables as rows: uncompressed, or with snappy, gzip, brotli, zstd or lz4. */
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

import { AssayError, messageOf } from '#base/errors.ts';
import type { TableRow } from './table.ts';

/** What a Parquet file begins and ends with. */
const MAGIC = 'PAR1';

/**
 * Rows of a Parquet file; `line` is the row's number from 1. Bytes made to do so can keep this at work for ever: what
 * comes from outside is read in a thread with limits.
 * @param mostCells How many cells are read at most, rows times columns.
 * @throws AssayError where the bytes are no Parquet file, are damaged, use what is not read, or hold more.
 */
export async function readParquet(bytes: Uint8Array, file: string, mostCells = Infinity): Promise<TableRow[]> {
  const marks = [bytes.subarray(0, MAGIC.length), bytes.subarray(-MAGIC.length)];
  if (!marks.every((mark) => new TextDecoder().decode(mark) === MAGIC)) {
    throw new AssayError(
      'data',
      `${file}: expected a Parquet file, found bytes that do not begin and end with ${MAGIC}.`,
    );
  }
  const rows = await parquetRows(new Uint8Array(bytes).buffer, file, mostCells);
  return rows.map((cells, i) => ({ line: i + 1, cells }));
}

async function parquetRows(
  buffer: ArrayBuffer,
  file: string,
  mostCells: number,
): Promise<readonly Record<string, unknown>[]> {
  try {
    const metadata = parquetMetadata(buffer);
    const cells = Number(metadata.num_rows) * Math.max(1, metadata.schema.length - 1);
    if (cells <= mostCells) return await parquetReadObjects({ file: buffer, metadata, compressors });
    const text = `has ${cells} cells, at most ${Math.floor(mostCells)} are read at once. Keep the columns and rows that are asked about.`;
    throw new AssayError('data', `${file}: ${text}`);
  } catch (thrown) {
    if (thrown instanceof AssayError) throw thrown;
    throw new AssayError('data', `${file}: ${refusalOf(messageOf(thrown))}`, { cause: thrown });
  }
}

function refusalOf(message: string): string {
  const codec = /unsupported compression codec: (\S+)/.exec(message)?.[1];
  return codec === undefined
    ? `expected a whole Parquet file, found one that cannot be read (${message}). Write it again, or as CSV.`
    : `is a Parquet file compressed with ${codec}, which is not read. Write it with snappy or zstd.`;
}
