/**
 * One file from a model hub to disk: resumed where it stopped, and under its final name only when its checksum is right.
 * The name of the blob is its checksum: sha256 for large files, git's own sha1 for the others, as in the cache of
 * huggingface_hub.
 */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { open, rename, rm, stat } from 'node:fs/promises';

import { AssayError, messageOf } from '#base/errors.ts';

/** What is to be downloaded. */
export interface RemoteFile {
  readonly url: string;
  /** Size in bytes, as the hub lists it. */
  readonly size: number;
  /** 64 hex digits: sha256 of the content; 40: sha1 of git's blob (with its header). */
  readonly checksum: string;
}

/** How to reach the hub. */
export interface Transfer {
  readonly token: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** Told how many bytes of this file are there, each time some arrive. */
  onBytes(doneBytes: number): void;
}

/** A broken connection is taken up again this often before giving up; what arrived is kept. */
const MAX_ATTEMPTS = 4;

/** Pause before the second attempt; each further one waits four times as long. */
const FIRST_PAUSE_MS = 100;

/** Thrown inside for faults that another attempt may cure. */
class TransferFault extends Error {
  override readonly name = 'TransferFault';
}

/**
 * Downloads a file to `path`, going on from the partial file when there is one. One process at a time (shared-download.ts).
 * @throws AssayError when the hub refuses, the connection keeps breaking, or the content has another checksum (what
 * arrived is then deleted, since going on from it would never end well).
 */
export async function downloadFile(
  file: RemoteFile,
  path: string,
  transfer: Transfer,
  partial = `${path}.incomplete`,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await receive(file, partial, transfer);
      break;
    } catch (thrown) {
      transfer.signal?.throwIfAborted();
      if (!(thrown instanceof TransferFault)) throw thrown;
      if (attempt < MAX_ATTEMPTS) {
        await setTimeout(FIRST_PAUSE_MS * 4 ** (attempt - 1));
        continue;
      }
      const kept = 'What arrived is kept: run again to go on.';
      throw new AssayError(
        'file',
        `${file.url}: the download broke off ${attempt} times (${thrown.message}). ${kept}`,
        {
          cause: thrown,
        },
      );
    }
  }
  const found = await checksumOf(partial, file.checksum.length);
  if (found !== file.checksum) {
    await rm(partial, { force: true });
    const expected = `checksum ${file.checksum}, found ${found}`;
    throw new AssayError(
      'file',
      `${file.url}: the download is corrupt: expected ${expected}. It was deleted: run again.`,
    );
  }
  await rename(partial, path);
}

/** Appends what is missing to the partial file. */
async function receive(file: RemoteFile, partial: string, transfer: Transfer): Promise<void> {
  const present = await sizeOf(partial);
  const from = present > file.size ? 0 : present;
  transfer.onBytes(from);
  if (from === file.size && present === from) {
    if (from === 0) await (await open(partial, 'w')).close();
    return;
  }
  const response = await request(file, from, transfer);
  const resumes = response.status === 206 && startsAt(response.headers.get('content-range')) === from;
  if (response.status === 206 && !resumes) throw new TransferFault('the hub sent another range than was asked for');
  const handle = await open(partial, resumes ? 'a' : 'w');
  try {
    await append(response, handle, resumes ? from : 0, file, transfer);
  } finally {
    await handle.close();
  }
}

async function request(file: RemoteFile, from: number, { token, signal }: Transfer): Promise<Response> {
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (from > 0) headers['range'] = `bytes=${from}-`;
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`; // dropped by fetch on a redirect elsewhere
  const response = await fetch(file.url, { headers, ...(signal === undefined ? {} : { signal }) }).catch(
    (thrown: unknown) => {
      throw new TransferFault(messageOf(thrown), { cause: thrown });
    },
  );
  if (response.ok) return response;
  await response.body?.cancel();
  if (response.status >= 500 || response.status === 429) throw new TransferFault(`the hub answered ${response.status}`);
  throw new AssayError('file', `${file.url}: expected the file, the hub answered ${response.status}.`);
}

async function append(
  response: Response,
  handle: FileHandle,
  from: number,
  file: RemoteFile,
  transfer: Transfer,
): Promise<void> {
  let done = from;
  try {
    for await (const chunk of response.body ?? []) {
      if (done + chunk.byteLength > file.size) {
        throw new AssayError('file', `${file.url}: expected ${file.size} bytes, the hub sends more.`);
      }
      await handle.writeFile(chunk);
      done += chunk.byteLength;
      transfer.onBytes(done);
    }
  } catch (thrown) {
    if (thrown instanceof AssayError) throw thrown;
    throw new TransferFault(messageOf(thrown), { cause: thrown });
  }
  if (done < file.size) throw new TransferFault(`${done} of ${file.size} bytes arrived`);
}

/** The first byte of a `content-range: bytes 5-9/10` header. */
function startsAt(contentRange: string | null): number {
  return Number(/^bytes (\d+)-/.exec(contentRange ?? '')?.[1] ?? Number.NaN);
}

async function sizeOf(path: string): Promise<number> {
  const info = await stat(path).catch(() => undefined);
  return info?.size ?? 0;
}

/** The checksum of a file, of the kind that has `digits` hex digits. */
export async function checksumOf(path: string, digits: number): Promise<string> {
  const hash: Hash = digits === 40 ? createHash('sha1').update(`blob ${await sizeOf(path)}\0`) : createHash('sha256');
  for await (const chunk of createReadStream(path)) if (chunk instanceof Uint8Array) hash.update(chunk);
  return hash.digest('hex');
}
