/**
 * Node's own cache of compiled modules, for this process and its workers: starting takes a third of the CPU time.
 * Invariant: what lies in the cache is run as code, so it lies where only this user can write, or there is none.
 */
import { lstatSync, mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** Whether others may do anything there. */
const OTHERS = 0o077;

/** Turns the cache on; where there can be none, Node goes on without. A folder the user named, or a ban, is respected. */
export function cacheCompiledCode(): void {
  const folder = process.env['NODE_COMPILE_CACHE'] ?? ownFolder(tmpdir(), userInfo().uid);
  if (folder === undefined) return;
  // A worker's modules are loaded before any code of its own could turn the cache on, so it is told by its environment.
  process.env['NODE_COMPILE_CACHE'] = folder;
  enableCompileCache(folder);
}

/**
 * A folder in `parent` that this user made and nobody else can write, or undefined where somebody was there first.
 * @param uid The user's number; -1 on Windows, where the temporary folder is the user's own.
 */
export function ownFolder(parent: string, uid: number): string | undefined {
  const folder = join(parent, `assay-compiled-${uid}`);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch {
    // There already, or it cannot be made: what is there decides.
  }
  const info = lstatSync(folder, { throwIfNoEntry: false }); // Not through links: anybody may make one there.
  if (info?.isDirectory() !== true) return undefined;
  return uid === -1 || (info.uid === uid && (info.mode & OTHERS) === 0) ? folder : undefined;
}
