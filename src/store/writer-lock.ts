/**
 * One writing process a store. The lock is an exclusive transaction on a small SQLite file of its own: the operating
 * system drops it when its process dies in any way, so there is no stale lock to recover; readers are not hindered.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { AssayError } from '#base/errors.ts';

import { isBusy, storeError } from './sqlite-errors.ts';

const LOCK_FILE = 'writer.lock';
const HOLDER_FILE = 'writer.pid';

/**
 * Takes the lock of a store's folder; disposing gives it back.
 * @throws AssayError naming the process that holds it.
 */
export function lockForWriting(folder: string): Disposable {
  const path = join(folder, LOCK_FILE);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
    writeFileSync(join(folder, HOLDER_FILE), `${process.pid}\n`);
  } catch (error) {
    database?.close();
    if (!isBusy(error)) throw storeError(error, path);
    throw new AssayError(
      'store',
      `The store ${folder} is in use by process ${holderOf(folder)}. Wait for it, stop it, or use another --store.`,
      { cause: error },
    );
  }
  const held = database;
  return { [Symbol.dispose]: () => held.close() };
}

function holderOf(folder: string): string {
  try {
    return readFileSync(join(folder, HOLDER_FILE), 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
