/**
 * A lock that the operating system drops when its process dies in any way, so there is no stale lock to recover: an exclusive
 * transaction on a small SQLite file of its own. The file stays; who deletes it may delete another's lock.
 */
import { DatabaseSync } from 'node:sqlite';

import { isBusy } from './sqlite-errors.ts';

/**
 * Takes the lock at a path whose folder exists; disposing gives it back. Undefined where another process has it.
 * @throws what SQLite throws where the file system has no such locks or the file cannot be made.
 */
export function kernelLock(path: string): Disposable | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  const held = database;
  return { [Symbol.dispose]: () => held.close() };
}
