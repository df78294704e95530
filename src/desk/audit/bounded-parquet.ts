/**
 * Reads Parquet files from anywhere: in a thread with limits of time and memory, because a few hundred bytes can be made
 * that keep a reader at work for ever.
 */
import { Worker } from 'node:worker_threads';

import type { TableRow } from '#analysis/import/table.ts';
import { AssayError, messageOf } from '#base/errors.ts';
import { mostCells } from './table-limits.ts';

/** Reading takes well below a second a MiB on a slow machine; counted from where it begins, however long the thread takes to start. */
const LIMIT_MS = 3000;
const LIMIT_MS_PER_MIB = 2000;
const HEAP_MIB = 4096;
const MIB = 2 ** 20;

/** What the thread says: that it begins, and then what it found. */
type Said = 'begun' | Answered;
type Answered = { readonly rows: TableRow[] } | { readonly refusal: string };

/**
 * Rows of a Parquet file, as `readParquet` gives them.
 * @param limitMs After how long the file is given up.
 * @throws AssayError where the file cannot be read, or not within the limits.
 */
export async function boundedParquet(
  bytes: Uint8Array,
  file: string,
  limitMs = LIMIT_MS + (LIMIT_MS_PER_MIB * bytes.length) / MIB,
): Promise<TableRow[]> {
  const thread = new Worker(new URL(import.meta.resolve('#desk/audit/parquet-thread.ts')), {
    workerData: { bytes, file, mostCells: mostCells() },
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
  });
  try {
    const answered = await answerOf(thread, file, limitMs);
    if ('rows' in answered) return answered.rows;
    throw new AssayError('data', answered.refusal);
  } finally {
    await thread.terminate();
  }
}

async function answerOf(thread: Worker, file: string, limitMs: number): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const refuse = (what: string, cause?: unknown): void =>
      reject(
        new AssayError(
          'data',
          `${file}: expected a Parquet file that can be read ${what}. It may be damaged; write it again, or as CSV.`,
          { cause },
        ),
      );
    let timer: NodeJS.Timeout | undefined;
    const late = (): void => refuse(`within ${Math.ceil(limitMs / 1000)} seconds, found one that cannot`);
    thread.on('message', (said: Said) => {
      if (said === 'begun') {
        timer = setTimeout(late, limitMs);
        return;
      }
      clearTimeout(timer);
      resolve(said);
    });
    thread.on('error', (error) => {
      clearTimeout(timer);
      refuse(`within ${HEAP_MIB} MiB of memory, found one that cannot (${messageOf(error)})`, error);
    });
  });
}
