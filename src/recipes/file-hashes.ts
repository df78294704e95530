/** Hashes of the content of files and model folders, part of the identity of the runs that read them. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { AssayError, messageOf } from '#base/errors.ts';
import { contentHash } from '#base/json.ts';

/** Read at once while hashing. */
const CHUNK_BYTES = 1 << 22;
/** What of a model's folder can change what is computed. */
const MODEL_FILES = /\.(json|safetensors|jinja)$/;

/**
 * A function that hashes named files, or of folders what belongs to a model; unchanged files are hashed once.
 * @param ofFolder Which files of a folder count.
 * @throws AssayError on what cannot be read, or is neither file nor folder.
 */
export function contentHashes(
  ofFolder: RegExp = MODEL_FILES,
): (paths: Readonly<Record<string, string>>) => Readonly<Record<string, string>> {
  const known = new Map<string, string>();
  const hashOf = (path: string): string => {
    const info = statOf(path);
    if (!info.isFile()) {
      throw new AssayError('file', `Expected a regular file at ${path}, found something else there.`); // A pipe would hang.
    }
    // The time of the last change of the inode too: tools that copy keep the time of the last change of the content.
    const { size, mtimeMs, ctimeMs, ino } = info;
    const key = JSON.stringify([path, size, mtimeMs, ctimeMs, ino]);
    const hash = known.get(key) ?? fileHash(path);
    known.set(key, hash);
    return hash;
  };
  return (paths) =>
    Object.fromEntries(
      Object.entries(paths).map(([name, path]): [string, string] => [name, pathHash(path, hashOf, ofFolder)]),
    );
}

/** A file's hash, or that of a model's or adapter's folder. */
function pathHash(path: string, hashOf: (path: string) => string, ofFolder: RegExp): string {
  if (!statOf(path).isDirectory()) return hashOf(path);
  const names = readdirSync(path).filter((name) => ofFolder.test(name));
  return contentHash(Object.fromEntries(names.map((name) => [name, hashOf(join(path, name))])));
}

/** sha256 of a file of any size, in hex. */
function fileHash(path: string): string {
  const hash = createHash('sha256');
  const chunk = new Uint8Array(CHUNK_BYTES);
  const file = openSync(path, 'r');
  try {
    for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) hash.update(chunk.subarray(0, read));
  } finally {
    closeSync(file);
  }
  return hash.digest('hex');
}

/** What stands at a path. @throws AssayError where it cannot be looked at. */
export function statOf(path: string): ReturnType<typeof statSync> & object {
  return atPath(path, () => statSync(path));
}

function atPath<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw new AssayError('file', `Could not read ${path}: ${messageOf(thrown)}`, { cause: thrown });
  }
}
