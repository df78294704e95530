/** One writing process a store, by a lock of the kernel's (kernel-lock.ts); readers are not hindered. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { AssayError } from '#base/errors.ts';

import { kernelLock } from './kernel-lock.ts';
import { storeError } from './sqlite-errors.ts';

const LOCK_FILE = 'writer.lock';
const HOLDER_FILE = 'writer.pid';

/**
 * Takes the lock of a store's folder; disposing gives it back.
 * @throws AssayError naming the process that holds it.
 */
export function lockForWriting(folder: string): Disposable {
  const path = join(folder, LOCK_FILE);
  let lock: Disposable | undefined;
  try {
    lock = kernelLock(path);
    if (lock !== undefined) {
      writeFileSync(join(folder, HOLDER_FILE), `${process.pid}\n`);
      return lock;
    }
  } catch (error) {
    lock?.[Symbol.dispose]();
    throw storeError(error, path);
  }
  throw new AssayError(
    'store',
    `The store ${folder} is in use by process ${holderOf(folder)}. Wait for it, stop it, or use another --store.`,
  );
}

function holderOf(folder: string): string {
  try {
    return readFileSync(join(folder, HOLDER_FILE), 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
