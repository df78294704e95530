/**
 * One blob for all processes that want it at once: the first downloads it, the others wait and then use it.
 * Who downloads holds a lock of the kernel's, which goes with its process: after a kill the next goes on where it stopped. A
 * holder that shows no sign of life (stopped, or its disk hangs) and a file system without locks keep nobody waiting: the
 * blob is then fetched to a file of one's own, and comes whole under its name, whoever is first.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { makeFolder } from '#base/make-folder.ts';

import { kernelLock } from '#store/kernel-lock.ts';

import { downloadFile, type RemoteFile, type Transfer } from './hub-download.ts';

/** How long is waited, in ms. */
export interface LockTimes {
  /** Between two looks at the lock, and two signs of life of its holder. */
  readonly lookMs: number;
  /** A holder without a sign of life for so long is not waited for. */
  readonly silentMs: number;
}

const TIMES: LockTimes = { lookMs: 500, silentMs: 30_000 };

/** Where a blob goes, and who is told. */
export interface SharedPlace {
  readonly blob: string;
  /** The lock's file; its folder is made. */
  readonly lock: string;
  /** Told once, where another process downloads the blob: its id. */
  onWait?(holder: string): void;
  readonly times?: LockTimes;
}

/** Puts a file at its blob's path: by downloading it, or by waiting for the process that does. @throws AssayError as `downloadFile`. */
export async function downloadShared(file: RemoteFile, place: SharedPlace, transfer: Transfer): Promise<void> {
  const { blob, times = TIMES } = place;
  makeFolder(dirname(place.lock));
  const turn = await turnOf(place, times, transfer);
  if (turn === 'there') return;
  if (turn === 'alone') {
    const own = `${blob}.${hostname()}.${process.pid}.incomplete`;
    try {
      await downloadFile(file, blob, transfer, own);
    } finally {
      await rm(own, { force: true });
    }
    return;
  }
  using _held = turn;
  const alive = setInterval(() => void sayAlive(place.lock), times.lookMs);
  try {
    if (!(await isThere(blob))) await downloadFile(file, blob, transfer);
  } finally {
    clearInterval(alive);
  }
}

/** The lock, once it is ours; or that the blob came meanwhile, or that it is fetched without one. */
async function turnOf(
  place: SharedPlace,
  times: LockTimes,
  { signal }: Transfer,
): Promise<Disposable | 'there' | 'alone'> {
  let [seen, sinceMs] = [await signOf(place), performance.now()];
  for (let isFirst = true; ; isFirst = false) {
    const lock = lockAt(place.lock);
    if (lock !== undefined) return lock;
    if (await isThere(place.blob)) return 'there';
    if (isFirst) place.onWait?.(holderOf(place.lock));
    await sleep(times.lookMs, undefined, signal === undefined ? {} : { signal }).catch(() => {});
    signal?.throwIfAborted();
    const now = await signOf(place);
    if (now !== seen) [seen, sinceMs] = [now, performance.now()];
    // Compared with what was seen before, not with a clock: another machine's may be wrong.
    else if (performance.now() - sinceMs > times.silentMs) return 'alone';
  }
}

function lockAt(path: string): Disposable | 'alone' | undefined {
  try {
    const lock = kernelLock(path);
    if (lock !== undefined) writeFileSync(`${path}.pid`, `${process.pid} on ${hostname()}\n`);
    return lock;
  } catch {
    return 'alone';
  }
}

/** What changes while a holder is at work: the time of its lock and what has arrived. */
async function signOf({ lock, blob }: SharedPlace): Promise<string> {
  const [beat, arrived] = await Promise.all(
    [lock, `${blob}.incomplete`].map(async (path) => stat(path).catch(() => {})),
  );
  return `${beat?.mtimeMs} ${arrived?.size}`;
}

async function sayAlive(path: string): Promise<void> {
  const now = new Date(performance.timeOrigin + performance.now());
  await utimes(path, now, now).catch(() => {});
}

function holderOf(path: string): string {
  try {
    return readFileSync(`${path}.pid`, 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
