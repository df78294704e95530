/**
 * Activations on disk: collected chunk by chunk, read in shuffled order as a stream.
 * Invariant: a chunk appears under its name only when it is whole, and is a function of its number, so that a collection that was
 * killed goes on where it was; and a step's rows are a function of its number, so that a training does.
 * Layout: `activations.json` (what the rows are of), and for each site a folder of `00000.f32`, ...: rows of D little-endian float32.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { AssayError, nearestName } from '#base/errors.ts';
import { makeFolder } from '#base/make-folder.ts';
import type { Rng } from '#base/rng.ts';
import { checkWhole } from '#base/whole-number.ts';
import type { ActivationStream } from '#learning/sae/train-saes.ts';
import { parseStrictObject } from '#base/strict-json.ts';
import { finite } from '#learning/files/tensors/tensor-source.ts';

/** Where rows come from: a model over sequences (`modelActivations`), or anything else that comes in chunks. */
export interface ActivationSource {
  /** D. */
  readonly dIn: number;
  readonly sites: readonly string[];
  readonly chunks: number;
  /** What the rows are of: a folder of another source is not added to. */
  readonly identity: string;
  /** The rows of every site in a chunk, [n, D] each; a function of its number. One at a time. */
  chunk(index: number): Promise<ReadonlyMap<string, Float32Array>>;
}

const DESCRIPTION = 'activations.json';
const BYTES_PER_FLOAT = 4;

/**
 * Collects what is missing in a folder.
 * @param onChunk Called after each chunk that was written.
 * @throws AssayError where the folder holds rows of another source, and where a chunk lacks a site or holds what is no row of finite numbers.
 */
export async function collectActivations(
  source: ActivationSource,
  folder: string,
  onChunk?: (index: number) => void,
): Promise<void> {
  const { dIn, sites, chunks, identity } = source;
  await describeFolder(folder, { dIn, sites: [...sites], chunks, identity });
  for (const site of sites) makeFolder(join(folder, folderOf(site)));
  for (let index = 0; index < chunks; index++) {
    const paths = sites.map((site) => join(folder, folderOf(site), chunkName(index)));
    const there = await Promise.all(paths.map(exists));
    if (there.every((one) => one)) continue;
    const rows = await source.chunk(index);
    const checked = sites.map((site) => checkedRows(rows.get(site), dIn, `${folder}: chunk ${index}, site "${site}"`));
    for (const [i, values] of checked.entries()) await writeWhole(paths[i] ?? '', values);
    onChunk?.(index);
  }
}

function checkedRows(rows: Float32Array | undefined, dIn: number, where: string): Float32Array {
  if (rows?.length !== undefined && rows.length % dIn === 0) return finite(rows, where);
  const found = rows === undefined ? 'none' : `${rows.length} numbers`;
  throw new AssayError('data', `${where}: expected whole rows of ${dIn} numbers, found ${found}.`);
}

/** How stored rows are read. */
export interface StoredOrder {
  readonly site: string;
  /** B. */
  readonly batchRows: number;
  /** The order's stream; only split, never advanced. */
  readonly rng: Rng;
  /** Which chunks, [from, to); all where left out. What is measured on should be others than what is trained on. */
  readonly chunks?: readonly [from: number, to: number];
}

/** Rows of a folder, pass after pass, each in a random order of its own over all its rows. */
export interface StoredActivations extends ActivationStream, Disposable {
  /** Rows in the chunks that are read. */
  readonly rowCount: number;
}

/** Opens a folder that is collected. @throws AssayError where it is not, or not whole; and on a site it does not have. */
export async function storedActivations(
  folder: string,
  { site, batchRows, rng, chunks: range }: StoredOrder,
): Promise<StoredActivations> {
  const { dIn, sites, chunks } = await readDescription(folder);
  if (!sites.includes(site)) {
    const nearest = nearestName(site, sites);
    throw new AssayError(
      'config',
      `${folder}: expected one of ${sites.join(', ')}, found "${site}"; did you mean "${nearest}"?`,
    );
  }
  checkWhole(`${folder}, batchRows`, batchRows);
  const [from, to] = range ?? [0, chunks];
  if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from < to && to <= chunks)) {
    throw new AssayError('config', `${folder}: expected chunks within 0 to ${chunks}, found ${from} to ${to}.`);
  }
  const paths = Array.from({ length: to - from }, (_, i) => join(folder, folderOf(site), chunkName(from + i)));
  const starts = await rowStarts(paths, dIn);
  const rowCount = starts.at(-1) ?? 0;
  if (rowCount === 0) throw new AssayError('data', `${folder}: expected rows of "${site}", found none.`);
  const files = paths.map((path) => openSync(path, 'r'));
  const orderOf = passes(rowCount, rng);
  const rows = new Float32Array(batchRows * dIn);
  return {
    dIn,
    batchRows,
    rowCount,
    rows(step) {
      checkWhole(`${folder}, step`, step, 0);
      for (let i = 0; i < batchRows; i++) {
        const row = orderOf(step * batchRows + i);
        const file = starts.findLastIndex((start) => start <= row);
        const target = rows.subarray(i * dIn, (i + 1) * dIn);
        readSync(files[file] ?? -1, target, 0, target.byteLength, (row - (starts[file] ?? 0)) * dIn * BYTES_PER_FLOAT);
      }
      return rows;
    },
    [Symbol.dispose]: () => files.forEach((file) => closeSync(file)),
  };
}

/** The row at a place of an endless sequence of passes, each a permutation of its own; the last two are kept. */
function passes(rowCount: number, rng: Rng): (place: number) => number {
  const kept = new Map<number, Uint32Array>();
  return (place) => {
    const pass = Math.floor(place / rowCount);
    let order = kept.get(pass);
    if (order === undefined) {
      order = rng.split(`pass ${pass}`).permutation(rowCount);
      for (const other of kept.keys()) if (Math.abs(other - pass) > 1) kept.delete(other);
      kept.set(pass, order);
    }
    return order[place % rowCount] ?? 0;
  };
}

/** The first row of each chunk, and how many rows there are in all. */
async function rowStarts(paths: readonly string[], dIn: number): Promise<readonly number[]> {
  const starts = [0];
  for (const path of paths) {
    const size = await stat(path).then(
      ({ size: bytes }) => bytes,
      () => undefined,
    );
    const rows = size === undefined ? Number.NaN : size / (dIn * BYTES_PER_FLOAT);
    if (!Number.isInteger(rows)) {
      const found = size === undefined ? 'none' : `${size} bytes`;
      throw new AssayError(
        'file',
        `${path}: expected whole rows of ${dIn} numbers, found ${found}. Collect the folder again.`,
      );
    }
    starts.push((starts.at(-1) ?? 0) + rows);
  }
  return starts;
}

interface Description {
  readonly dIn: number;
  readonly sites: readonly string[];
  readonly chunks: number;
  readonly identity: string;
}

async function describeFolder(folder: string, description: Description): Promise<void> {
  makeFolder(folder);
  const path = join(folder, DESCRIPTION);
  if (!(await exists(path))) {
    await writeWhole(path, new TextEncoder().encode(`${JSON.stringify(description, null, 2)}\n`));
    return;
  }
  const found = await readDescription(folder);
  const differs = JSON.stringify(found) !== JSON.stringify(description);
  if (differs) {
    throw new AssayError(
      'store',
      `${path}: expected rows of the source ${description.identity.slice(0, 12)}, found those of another (${found.identity.slice(0, 12)}), or other sites. Use another folder.`,
    );
  }
}

async function readDescription(folder: string): Promise<Description> {
  const path = join(folder, DESCRIPTION);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new AssayError('file', `${path}: expected collected activations, found none.`, { cause });
  });
  const { dIn, sites, chunks, identity } = parseStrictObject(bytes, path);
  const names = Array.isArray(sites) ? sites.filter((site) => typeof site === 'string') : [];
  if (typeof dIn !== 'number' || typeof chunks !== 'number' || typeof identity !== 'string' || names.length === 0) {
    throw new AssayError('file', `${path}: expected dIn, sites, chunks and identity. Collect the folder again.`);
  }
  return { dIn, sites: names, chunks, identity };
}

/** Writes a file that appears only when it is whole. */
async function writeWhole(path: string, values: Float32Array | Uint8Array): Promise<void> {
  const partial = `${path}.partial`;
  const file = await open(partial, 'w');
  try {
    await file.writeFile(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(partial, path);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function chunkName(index: number): string {
  return `${String(index).padStart(5, '0')}.f32`;
}

/** A site as the name of a folder. */
function folderOf(site: string): string {
  return encodeURIComponent(site);
}
