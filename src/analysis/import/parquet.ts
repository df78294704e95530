/** Reads Parquet tables (uncompressed or snappy) as rows. */
import { parquetReadObjects } from 'hyparquet';

import { AssayError, messageOf } from '#base/errors.ts';
import type { TableRow } from './table.ts';

/**
 * Rows of a Parquet file; `line` is the row's number from 1.
 * @throws AssayError where the bytes are no Parquet file.
 */
export async function readParquet(bytes: Uint8Array, file: string): Promise<TableRow[]> {
  const buffer = new Uint8Array(bytes).buffer;
  const rows: readonly Record<string, unknown>[] = await parquetReadObjects({ file: buffer }).catch(
    (thrown: unknown) => {
      throw new AssayError('data', `${file}: expected a Parquet file, found ${messageOf(thrown)}.`, { cause: thrown });
    },
  );
  return rows.map((cells, i) => ({ line: i + 1, cells }));
}
