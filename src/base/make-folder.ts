/** Making folders, for everything that writes. */
import { accessSync, constants, lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

import { messageOf } from '#base/errors.ts';

/**
 * Makes a folder and those above it that are missing; returns the outermost that was made, undefined where there was none.
 * One by one: Node's own recursive calls never come back where the system answers that a folder cannot be, as in /proc.
 * @throws Error of the file system.
 */
export function makeFolder(path: string): string | undefined {
  if (isFolder(path)) return undefined;
  const above = makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process may have made it meanwhile.
    if (isFolder(path)) return above ?? path;
    throw isTaken(path)
      ? new Error(`a file or a broken link stands at ${path}, where a folder is needed`, { cause: error })
      : error;
  }
  return above ?? path;
}

/** Whether a folder stands there; where the system cannot say, as of links that lead round, none does. */
export function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    return false;
  }
}

/** Whether anything stands there: a link whatever it stands for. */
export function isTaken(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** Whether this process may write into a folder. */
export function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The path with links followed, as far as it exists. */
export function existingPart(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    const parent = dirname(path);
    if (parent === path || !/ENOENT/.test(messageOf(error))) return path;
    const real = existingPart(parent);
    return path.replace(parent, () => real);
  }
}
