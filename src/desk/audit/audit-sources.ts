/**
 * Where an audit's rows come from: tables (CSV, Parquet), or files of one run each, found by a pattern such as
 * `runs/{arm}-seed{block}/trainer_state.json` or named in a JSON list with the arm and block of each.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';

import { readCsv } from '#analysis/import/csv.ts';
import { decodedTable } from '#analysis/import/table-text.ts';
import {
  disagreementOf,
  labelCells,
  lastStepOf,
  parsedTrainerState,
  rowsFromTrainerState,
  type RunLabel,
} from '#analysis/import/run-logs.ts';
import { isRunPattern, partPattern, runPattern } from '#analysis/import/run-pattern.ts';
import type { TableRow } from '#analysis/import/table.ts';
import { AssayError, messageOf } from '#base/errors.ts';
import { configReader } from '#base/config-reader.ts';
import { blockIn } from './audit-map.ts';
import { isJsonObject, sha256 } from '#base/json.ts';
import { boundedParquet } from './bounded-parquet.ts';
import { mostTextBytes } from './table-limits.ts';

/** Tables as text; what separates their columns stands in the header. */
const TEXT_FORMATS = new Set(['.csv', '.tsv']);
const MIB = 2 ** 20;

/** Rows as they were found. */
export interface AuditSource {
  /** What errors and the scope call it. */
  readonly name: string;
  readonly tables: readonly { readonly name: string; readonly rows: readonly TableRow[] }[];
  /** Whether rows carry the arm, block and rate of their run already. */
  readonly isLabelled: boolean;
  /** sha256 of the bytes read. */
  readonly hash: string;
}

interface RunFile {
  readonly path: string;
  readonly label: RunLabel;
}

interface ReadFile extends RunFile {
  readonly bytes: Uint8Array;
  readonly rows: readonly TableRow[];
}

/** Reads what the words of the command name. @throws AssayError where a file is missing, or of no known kind. */
export async function auditSource(words: readonly string[]): Promise<AuditSource> {
  const [first = ''] = words;
  const files = words.length === 1 ? runFilesOf(first) : undefined;
  if (files !== undefined) return sourceOfRuns(first, files);
  const tables = words.map((word) => {
    if (isRunPattern(word)) throw new AssayError('usage', `Expected one pattern alone, found "${word}" among others.`);
    return { path: resolve(word), bytes: bytesOf(resolve(word)) };
  });
  const read = tables.map(async ({ path, bytes }) => ({
    name: basename(path),
    rows: await tableRows(bytes, path),
  }));
  const hashes = tables.map(({ bytes }) => sha256(bytes));
  return {
    name: tables.map(({ path }) => basename(path)).join(', '),
    tables: await Promise.all(read),
    isLabelled: false,
    hash: hashes.length === 1 ? (hashes[0] ?? '') : sha256(hashes.join('\n')),
  };
}

/** The files of single runs that a word names: by pattern, or in a JSON list; undefined for a table. */
function runFilesOf(word: string): RunFile[] | undefined {
  if (isRunPattern(word)) return filesByPattern(word);
  return extname(word).toLowerCase() === '.json' ? listedFiles(resolve(word)) : undefined;
}

function filesByPattern(text: string): RunFile[] {
  const pattern = runPattern(text);
  const files = pathsLike(text).flatMap((path) => {
    const label = pattern.labelOf(path);
    return label === undefined ? [] : [{ path, label }];
  });
  if (files.length > 0) return files;
  throw new AssayError('file', `Expected files like ${text}, found none.`);
}

/** Existing files whose path fits, in the order of their names. */
function pathsLike(text: string): string[] {
  const isRooted = text.startsWith('/');
  const parts = text.split('/').filter((part, i) => part !== '' || i > 0);
  let found = [isRooted ? '/' : ''];
  for (const part of parts) {
    const isOpen = isRunPattern(part) || part.includes('*');
    const fits = isOpen ? partPattern(part) : undefined;
    found = found.flatMap((folder) => {
      const names = fits === undefined ? [part] : namesIn(folder).filter((name) => fits.test(name));
      return names.map((name) => (folder === '' || folder === '/' ? `${folder}${name}` : `${folder}/${name}`));
    });
  }
  return found.filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}

function namesIn(folder: string): string[] {
  const path = folder === '' ? '.' : folder;
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(path).toSorted() : [];
}

/** A list of runs, `[{ "file": ..., "arm": ..., "block": ... }]`; files relative to the list. */
function listedFiles(path: string): RunFile[] {
  const file = basename(path);
  const list: unknown = parsedTrainerState(textOf(path), file);
  if (!Array.isArray(list)) {
    const hint = 'A trainer_state.json alone does not say its arm and seed: give a pattern.';
    throw new AssayError('usage', `Expected a list of runs in ${file}, found another value. ${hint}`);
  }
  const items: unknown[] = list;
  return items.map((item, i) => {
    if (!isJsonObject(item)) throw new AssayError('data', `${file}: expected an object as item ${i}, found another.`);
    const reader = configReader(item, String(i));
    const textAt = (name: string): string => {
      const value = reader.json(name);
      return typeof value === 'string' ? value : reader.refuse(name, 'a text', JSON.stringify(value));
    };
    const label = { arm: textAt('arm'), block: blockIn(reader) };
    const rate = reader.has('learningRate') ? { learningRate: reader.number('learningRate') } : {};
    const own = join(dirname(path), textAt('file'));
    reader.done();
    return { path: own, label: { ...label, ...rate } };
  });
}

async function sourceOfRuns(name: string, files: readonly RunFile[]): Promise<AuditSource> {
  const read = await Promise.all(
    files.map(async ({ path, label }): Promise<ReadFile> => {
      const bytes = bytesOf(path);
      return { path, label, bytes, rows: await runRows(bytes, path, label) };
    }),
  );
  const counted = newestOfEach(read);
  return {
    name,
    tables: [{ name, rows: counted.flatMap(({ rows }) => rows) }],
    isLabelled: true,
    hash: sha256(counted.map(({ path, bytes }) => `${path} ${sha256(bytes)}`).join('\n')),
  };
}

/**
 * Trainer leaves its whole history in every checkpoint's state: of a run's states the longest counts, and the others must
 * say the same. @throws AssayError where two states of one label are those of different runs.
 */
function newestOfEach(files: readonly ReadFile[]): ReadFile[] {
  const isState = ({ path }: ReadFile): boolean => extname(path).toLowerCase() === '.json';
  const states = Map.groupBy(files.filter(isState), ({ label }) => JSON.stringify(label));
  const newest = new Set([...states.values()].flatMap(longestState));
  return files.filter((file) => !isState(file) || newest.has(file));
}

function longestState(same: readonly ReadFile[]): ReadFile[] {
  const longest = Math.max(...same.map(({ rows }) => lastStepOf(rows)));
  const newest = same.find(({ rows }) => lastStepOf(rows) === longest);
  if (newest === undefined) return [];
  for (const other of same) {
    const difference = disagreementOf(other.rows, newest.rows);
    if (difference === undefined) continue;
    const { arm, block } = other.label;
    throw new AssayError(
      'data',
      `Expected the states of one run with the label ${arm}, block ${block}, found two runs: in ${other.path} and ${newest.path}, ${difference}. Let the pattern tell them apart, or leave one out.`,
    );
  }
  return [newest];
}

async function runRows(bytes: Uint8Array, path: string, label: RunLabel): Promise<readonly TableRow[]> {
  if (extname(path).toLowerCase() === '.json') {
    const state = parsedTrainerState(decodedTable(bytes, path), path);
    return rowsFromTrainerState(state, label, path);
  }
  const rows = await tableRows(bytes, path);
  return rows.map((row) => ({ ...row, file: path, cells: { ...row.cells, ...labelCells(label) } }));
}

async function tableRows(bytes: Uint8Array, path: string): Promise<TableRow[]> {
  const file = basename(path);
  const format = extname(path).toLowerCase();
  if (format === '.parquet') return boundedParquet(bytes, file);
  if (TEXT_FORMATS.has(format)) return readCsv(decodedTable(bytes, file), file);
  throw new AssayError('usage', `Expected a .csv, .tsv or .parquet file, found "${file}".`);
}

/** A file's bytes. @throws AssayError where it cannot be read, or is larger than what fits into memory as rows. */
export function bytesOf(path: string): Uint8Array {
  const info = statSync(path, { throwIfNoEntry: false });
  if (info?.isDirectory() === true) {
    throw new AssayError(
      'file',
      `Cannot read ${path}: expected a file, found a folder. Name a file in it, or several by a pattern in quotes, such as '${path}/*.csv'.`,
    );
  }
  if (info !== undefined && !info.isFile()) {
    // A pipe would wait for ever, and a device never ends.
    throw new AssayError('file', `Cannot read ${path}: expected a regular file, found a pipe, device or socket.`);
  }
  const bytes = info?.size ?? 0;
  // How much a Parquet file holds is known once its end is read.
  const most = extname(path).toLowerCase() === '.parquet' ? Infinity : mostTextBytes();
  if (bytes > most) {
    throw new AssayError(
      'file',
      `Cannot read ${path}: it has ${Math.ceil(bytes / MIB)} MiB, at most ${Math.floor(most / MIB)} fit into the memory of this process. Keep the columns and rows that are asked about, write Parquet, or allow more: NODE_OPTIONS=--max-old-space-size=MIB.`,
    );
  }
  try {
    return readFileSync(path);
  } catch (error) {
    throw new AssayError('file', `Cannot read ${path}: ${messageOf(error)}.`, { cause: error });
  }
}

/** A file's text. @throws AssayError where it cannot be read. */
export function textOf(path: string): string {
  return decodedTable(bytesOf(path), basename(path));
}
