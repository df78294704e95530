/**
 * Random access to the bytes of a file, or of an array in memory, by range.
 * Invariant: no read reaches outside [0, size), and the number of bytes asked for is what is delivered or an error.
 */
import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';

import { AssayError, messageOf } from '#base/errors.ts';

/** Bytes that are read by range; close it (or `await using`) when done. */
export interface ByteSource extends AsyncDisposable {
  /** Where the bytes come from, for messages. */
  readonly path: string;
  /** Length in bytes, fixed when the source was opened. */
  readonly size: number;
  /** Fills `target` with the bytes from `position` on. @throws AssayError when the range leaves the source. */
  read(target: Uint8Array, position: number): Promise<void>;
  close(): Promise<void>;
}

/** One read call moves at most this many bytes (the kernel's own limit is a little under 2 GiB). */
const READ_STEP_BYTES = 1 << 30;

/**
 * Opens a regular file for ranged reads; pipes, devices and folders are refused (a pipe would hang).
 * @throws AssayError when the path is missing, unreadable, no regular file, or holds what stands in for a file.
 */
export async function openFile(path: string): Promise<ByteSource> {
  const info = await stat(path).catch((thrown: unknown) => {
    throw new AssayError('file', `Expected a file at ${path}: ${messageOf(thrown)}`, { cause: thrown });
  });
  if (!info.isFile()) throw new AssayError('file', `Expected a regular file at ${path}, found something else there.`);
  const handle = await open(path, constants.O_RDONLY).catch((thrown: unknown) => {
    throw new AssayError('file', `Could not open ${path}: ${messageOf(thrown)}`, { cause: thrown });
  });
  const { size } = await handle.stat();
  const read = async (target: Uint8Array, position: number): Promise<void> => {
    checkRange(path, size, position, target.byteLength);
    for (let done = 0; done < target.byteLength;) {
      const length = Math.min(READ_STEP_BYTES, target.byteLength - done);
      const { bytesRead } = await handle.read(target, done, length, position + done);
      if (bytesRead === 0) throw new AssayError('file', `${path} became shorter while it was read.`);
      done += bytesRead;
    }
  };
  const close = (): Promise<void> => handle.close();
  try {
    const start = new Uint8Array(Math.min(size, STAND_IN_BYTES));
    await read(start, 0);
    refuseStandIn(start, path);
  } catch (thrown) {
    await close();
    throw thrown;
  }
  return { path, size, read, close, [Symbol.asyncDispose]: close };
}

/** So much of a file tells what stands in for it. */
const STAND_IN_BYTES = 256;

/** What is found in the place of a file that did not arrive, by how it starts. */
const STAND_INS: readonly (readonly [RegExp, string])[] = [
  [/^$/, 'is empty: its download or copy did not finish. Fetch it again'],
  [
    /^version https:\/\/git-lfs\.github\.com\//,
    'is a Git LFS pointer, not the file: run "git lfs pull" in its repository, or download the file itself',
  ],
  [/^\s*(?:<!doctype html|<html)/i, 'is an HTML page, not the file (what a failed download leaves). Download it again'],
  [/^\s*<\?xml/i, 'is an XML page, not the file (what a failed download leaves). Download it again'],
];

/** Refuses a file whose start says that it is not the one that was meant. @param start Its first bytes, or all of it. */
export function refuseStandIn(start: Uint8Array, path: string): void {
  const text = Buffer.from(start.subarray(0, STAND_IN_BYTES))
    .toString('latin1')
    .replace(/^\u00EF\u00BB\u00BF/, '');
  const [, found] = STAND_INS.find(([pattern]) => pattern.test(text)) ?? [];
  if (found !== undefined) throw new AssayError('file', `${path} ${found}.`);
}

/** A source over bytes in memory; nothing is copied until it is read. */
export function bytesSource(bytes: Uint8Array, path = 'bytes in memory'): ByteSource {
  const close = async (): Promise<void> => {};
  return {
    path,
    size: bytes.byteLength,
    async read(target, position) {
      checkRange(path, bytes.byteLength, position, target.byteLength);
      target.set(bytes.subarray(position, position + target.byteLength));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * A new array of `length` bytes, or an error a user can act on when this machine cannot hold it.
 * Call it only after `length` was checked against the size of the file that asks for it.
 */
export function allocateBytes(length: number, forWhat: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (thrown) {
    throw new AssayError('file', `Not enough memory for ${forWhat}: ${length} bytes.`, { cause: thrown });
  }
}

function checkRange(path: string, size: number, position: number, length: number): void {
  const inside = Number.isSafeInteger(position) && position >= 0 && position + length <= size;
  if (!inside) {
    const asked = `bytes ${position} to ${position + length}`;
    throw new AssayError('file', `${path} is truncated or corrupt: ${asked} were asked for, it has ${size}.`);
  }
}
