/**
 * Files named by the sha256 of their content: a file under its name is complete, and reading verifies it.
 * Written as a temporary file, fsync, rename, fsync of the folder; so a kill leaves a whole file or none.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  type Dirent,
  existsSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { bytesAt, type ByteSource, lengthOf, type Pieces, piecesOf, sha256Of, slicesOf } from '#base/bytes.ts';
import { AssayError, messageOf } from '#base/errors.ts';
import { sha256 } from '#base/json.ts';
import { isFolder, makeFolder } from '#base/make-folder.ts';

import { vanished } from './sqlite-errors.ts';

const TEMPORARY_SUFFIX = '.partial';
const IDENTITY = /^[0-9a-f]{64}$/;
const OWN_FILE = /^([0-9a-f]{64}(\.\d+\.partial)?|file\.\d+\.\d+\.partial)$/;
/** Read at once while hashing. */
const CHUNK_BYTES = 1 << 20;

/** A file as it was found. */
export type Artifact =
  | { readonly kind: 'found'; readonly bytes: Uint8Array }
  | { readonly kind: 'missing' }
  | { readonly kind: 'damaged' };

/** A file's path, once its content was verified. */
export type ArtifactPath =
  | { readonly kind: 'found'; readonly path: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'damaged' };

/** A file to be read part by part, once its content was verified. */
export type ArtifactSource =
  | { readonly kind: 'found'; readonly source: ByteSource }
  | { readonly kind: 'missing' }
  | { readonly kind: 'damaged' };

/** The artifacts of one folder. */
export interface Artifacts {
  /** Writes bytes durably, pieces as they lie, and returns their sha256. @throws AssayError where the disk is full or read-only. */
  put(bytes: Uint8Array | Pieces): string;
  /** Reads and verifies. @throws AssayError where the file exists but cannot be read. */
  get(file: string): Artifact;
  /** As `put`, for content that `write` makes at the path it is given; never held in memory. */
  putFile(write: (path: string) => Promise<void>): Promise<string>;
  /** Verifies, for content that is read where it is needed. @throws AssayError where it cannot be read. */
  sourceOf(file: string): Promise<ArtifactSource>;
  /** Verifies and gives the path, for content too large to hold. @throws AssayError where it cannot be read. */
  pathOf(file: string): Promise<ArtifactPath>;
  /** Deletes every artifact not in `kept`, temporary ones included; what it did not name itself it leaves alone. */
  keepOnly(kept: ReadonlySet<string>): void;
}

/** The artifacts under `folder`, which is made on the first write; but not `within`, the store it belongs to. */
export function artifactsIn(folder: string, within?: string): Artifacts {
  let filesMade = 0;
  const makeRoom = (): void => {
    if (within !== undefined && !existsSync(within)) throw vanished(within);
    makeFolder(folder);
  };
  const put = (bytes: Uint8Array | Pieces): string => {
    const pieces = piecesOf(bytes);
    const file = sha256Of(pieces);
    // The process id keeps two workers that write the same content apart.
    const temporary = join(folder, `${file}.${process.pid}${TEMPORARY_SUFFIX}`);
    try {
      makeRoom();
      writeDurably(temporary, pieces);
      renameSync(temporary, join(folder, file));
      syncFolder(folder);
    } catch (error) {
      forget(folder, temporary);
      throw writeError(error, `${lengthOf(pieces)} bytes to ${folder}`);
    }
    return file;
  };
  const putFile = async (write: (path: string) => Promise<void>): Promise<string> => {
    const temporary = join(folder, `file.${process.pid}.${filesMade++}${TEMPORARY_SUFFIX}`);
    try {
      makeRoom();
      await write(temporary);
      syncFile(temporary);
      const file = (await hashIfThere(temporary)) ?? '';
      renameSync(temporary, join(folder, file));
      syncFolder(folder);
      return file;
    } catch (error) {
      forget(folder, temporary);
      throw writeError(error, `to ${folder}`);
    }
  };
  const pathOf = async (file: string): Promise<ArtifactPath> => {
    const path = join(folder, file);
    const found = await hashIfThere(path);
    if (found === undefined) return { kind: 'missing' };
    return found === file ? { kind: 'found', path } : { kind: 'damaged' };
  };
  const verifiedSource = async (file: string): Promise<ArtifactSource> => {
    const found = await pathOf(file);
    return found.kind === 'found' ? { kind: 'found', source: fileSource(found.path) } : found;
  };
  const get = (file: string): Artifact => {
    const bytes = readIfThere(join(folder, file));
    if (bytes === undefined) return { kind: 'missing' };
    return sha256(bytes) === file ? { kind: 'found', bytes } : { kind: 'damaged' };
  };
  const keepOnly = (kept: ReadonlySet<string>): void => {
    for (const name of ownNamesIn(folder)) {
      if (!kept.has(name)) rmSync(join(folder, name), { force: true });
    }
  };
  return { put, get, putFile, pathOf, sourceOf: verifiedSource, keepOnly };
}

/** Takes a file away that was not written whole; below what is no folder there is none, and the error of the write is the one to tell. */
function forget(folder: string, temporary: string): void {
  if (isFolder(folder)) rmSync(temporary, { force: true });
}

/** The error of a write that failed; one that says itself what to do passes. */
function writeError(error: unknown, what: string): AssayError {
  if (error instanceof AssayError) return error;
  return new AssayError(
    'store',
    `Cannot write ${what}: ${messageOf(error)}. Free space or choose another --store; then run again.`,
    { cause: error },
  );
}

/** The artifacts in a folder, whole or partial: files of ours by their names. Never what lies behind a link. */
function ownNamesIn(folder: string): string[] {
  return entriesIn(folder).flatMap((entry) => (entry.isFile() && OWN_FILE.test(entry.name) ? [entry.name] : []));
}

/** Whether artifacts are in a folder, whole or partial. */
export function hasArtifacts(folder: string): boolean {
  return ownNamesIn(folder).length > 0;
}

/** The names of folders in a folder that are identities, such as those of runs. Never what lies behind a link. */
export function identitiesIn(folder: string): string[] {
  return foldersIn(folder).filter((name) => IDENTITY.test(name));
}

/** The names of folders in a folder. */
export function foldersIn(folder: string): string[] {
  return entriesIn(folder).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}

/** The names of the files in a folder, in their order. */
export function filesIn(folder: string): string[] {
  return entriesIn(folder)
    .flatMap((entry) => (entry.isFile() ? [entry.name] : []))
    .sort();
}

/** What is in a folder; nothing where it does not exist, or is a link to elsewhere. */
function entriesIn(folder: string): Dirent[] {
  try {
    return lstatSync(folder).isDirectory() ? readdirSync(folder, { withFileTypes: true }) : [];
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function writeDurably(path: string, pieces: Pieces): void {
  const descriptor = openSync(path, 'w');
  try {
    for (const slice of slicesOf(pieces)) writeFileSync(descriptor, slice);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function syncFile(path: string): void {
  const descriptor = openSync(path, 'r+');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** sha256 of a file of any size, in hex; undefined where there is none. */
async function hashIfThere(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
      if (chunk instanceof Uint8Array) hash.update(chunk);
    }
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new AssayError('store', `Cannot read ${path}: ${messageOf(error)}.`, { cause: error });
  }
  return hash.digest('hex');
}

/** Makes a rename durable; Windows has no such call on folders and needs none. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    const source = fileSource(path);
    return bytesAt(source, 0, source.length);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new AssayError('store', `Cannot read ${path}: ${messageOf(error)}.`, { cause: error });
  }
}

/** A file as a source; opened for each reading, so nothing stays open. */
function fileSource(path: string): ByteSource {
  const { size } = statSync(path);
  return {
    length: size,
    read(offset, target) {
      const descriptor = openSync(path, 'r');
      try {
        let at = offset;
        for (const slice of slicesOf([target])) {
          for (let read = 0; read < slice.length;) {
            const count = readSync(descriptor, slice, read, slice.length - read, at);
            if (count === 0) throw new RangeError(`${path} ends at ${at}`);
            read += count;
            at += count;
          }
        }
      } finally {
        closeSync(descriptor);
      }
    },
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
