/** SQLite's errors in words a user can act on. Codes: sqlite.org/rescode.html. */
import { AssayError, messageOf } from '#base/errors.ts';

const BUSY = 5;

/** What to do about damage. A new store clears away what it does not know, so nothing in the folder outlives the database. */
export const DAMAGE_ADVICE = 'Restore its whole folder from a copy, or move the folder away and run again.';

/** What happened and what to do, by primary result code. */
const MESSAGES: ReadonlyMap<number, string> = new Map([
  [BUSY, 'is in use by another process. Wait for it or use another --store.'],
  [8, 'cannot be written: the file or its folder is read-only. Make it writable or choose another --store.'],
  [
    10,
    'cannot be read or written: the disk is full, over its quota, or failing. Nothing committed was lost; free space and run again.',
  ],
  [11, `is damaged. ${DAMAGE_ADVICE}`],
  [13, 'cannot grow: the disk is full. Nothing committed was lost; free space and run again.'],
  [14, 'cannot be opened. Check that its folder exists and may be read and written, or choose another --store.'],
  [26, `is not a database: it is damaged or something else. ${DAMAGE_ADVICE}`],
]);

/** Whether SQLite refused because another process holds a lock. */
export function isBusy(error: unknown): boolean {
  return primaryCode(error) === BUSY;
}

/** The AssayError for anything SQLite threw about `path`; an AssayError passes unchanged. */
export function storeError(error: unknown, path: string): AssayError {
  if (error instanceof AssayError) return error;
  const advice = MESSAGES.get(primaryCode(error) ?? -1) ?? 'failed.';
  return new AssayError('store', `The store ${path} ${advice} (${messageOf(error)})`, { cause: error });
}

/** The low byte of SQLite's extended result code. */
function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}

/** The error where a store's files are not there any more, or others lie in their place. */
export function vanished(path: string): AssayError {
  return new AssayError(
    'store',
    `The store ${path} is gone: it was deleted, moved or replaced while it was in use. Put it back and run again; what was made since is lost.`,
  );
}
