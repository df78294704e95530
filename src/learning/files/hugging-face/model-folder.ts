/**
 * A folder with a model's files, read without ever leaving it.
 * Invariant: a file is opened only when, all links followed, it lies in the folder. One layout has links by design:
 * a snapshot in the Hugging Face cache links to the `blobs` folder of the same repository, and only there.
 */
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';

import { AssayError } from '#base/errors.ts';
import type { JsonObject } from '#base/json.ts';

import { allocateBytes, openFile } from '#learning/files/tensors/byte-source.ts';
import { checkModelPlace, type ModelKind } from '#learning/files/model-place.ts';
import { decodeUtf8, parseStrictObject } from '#base/strict-json.ts';

/** A folder whose files may be read. */
export interface ModelFolder {
  readonly path: string;
  /** The real path of a file, or undefined when there is none. @throws AssayError when it lies outside. */
  find(name: string): Promise<string | undefined>;
  /** The content of a file, or undefined when there is none. */
  bytes(name: string, maxBytes?: number): Promise<Uint8Array | undefined>;
  /** A JSON object in a file, or undefined when there is none. */
  json(name: string, maxBytes?: number): Promise<JsonObject | undefined>;
  /** The text of a file, or undefined when there is none. */
  text(name: string, maxBytes?: number): Promise<string | undefined>;
}

/** Small files (configs, templates) are refused beyond this. */
const MAX_SMALL_BYTES = 16 << 20;

/** Opens a folder. @param kind What it should hold, for messages. @throws AssayError when there is none at the path. */
export async function modelFolder(path: string, kind: ModelKind): Promise<ModelFolder> {
  checkModelPlace(path, kind);
  const root = await realpath(path);
  if (!(await stat(root)).isDirectory()) throw new AssayError('file', `Expected a folder at ${path}, found a file.`);
  const allowed = allowedRoots(root);
  const find = async (name: string): Promise<string | undefined> => {
    checkName(name, path);
    const real = await realpath(join(root, name)).catch(() => undefined);
    if (real === undefined || allowed.some((folder) => real.startsWith(folder + sep))) return real;
    throw new AssayError(
      'file',
      `${join(path, name)} is a link to ${real}, outside the model's folder. Copy the file instead.`,
    );
  };
  const bytes = async (name: string, maxBytes = MAX_SMALL_BYTES): Promise<Uint8Array | undefined> => {
    const file = await find(name);
    return file === undefined ? undefined : await wholeFile(file, maxBytes);
  };
  return {
    path,
    find,
    bytes,
    async json(name, maxBytes = MAX_SMALL_BYTES) {
      const content = await bytes(name, maxBytes);
      return content === undefined ? undefined : parseStrictObject(content, join(path, name));
    },
    async text(name, maxBytes = MAX_SMALL_BYTES) {
      const content = await bytes(name, maxBytes);
      return content === undefined ? undefined : decodeUtf8(content, join(path, name));
    },
  };
}

/** The folder itself and, for `<repository>/snapshots/<commit>` in a cache, `<repository>/blobs`. */
function allowedRoots(root: string): readonly string[] {
  const snapshots = dirname(root);
  const repository = dirname(snapshots);
  const isCached = basename(snapshots) === 'snapshots' && /^(models|datasets)--/.test(basename(repository));
  return isCached ? [root, join(repository, 'blobs')] : [root];
}

/** A file's name in a folder: no separators, no way up, nothing hidden in it. */
function checkName(name: string, folder: string): void {
  const isPlain = name !== '' && name.length <= 255 && !/[/\\:\p{Cc}]/u.test(name) && name !== '.' && name !== '..';
  if (isPlain) return;
  const found = JSON.stringify(name.slice(0, 100));
  throw new AssayError('file', `${folder}: expected the plain name of a file in this folder, found ${found}.`);
}

async function wholeFile(path: string, maxBytes: number): Promise<Uint8Array> {
  await using source = await openFile(path);
  if (source.size > maxBytes) {
    throw new AssayError('file', `${path}: expected at most ${maxBytes} bytes, found ${source.size}.`);
  }
  const bytes = allocateBytes(source.size, path);
  await source.read(bytes, 0);
  return bytes;
}
