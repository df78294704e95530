/**
 * The SQLite file of a store: one table of sealed JSON records.
 * Each record carries the sha256 of its kind, key and body, because SQLite finds damaged pages but not a flipped bit in a value.
 */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

import { AssayError } from '#base/errors.ts';
import { canonicalJson, isJsonObject, type Json, type JsonObject, sha256 } from '#base/json.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';

import { fileSystemOf } from './file-system.ts';
import type { LookRecord, PlanMember, PlanRecord, SettledArm, StoredRun } from './records.ts';
import { changedKinds, SCHEMA_VERSION, upgraded } from './schema.ts';
import { storeError } from './sqlite-errors.ts';

const DATABASE_FILE = 'store.sqlite';
/** "assa" in ASCII: tells our files from other SQLite files. */
const APPLICATION_ID = 0x61737361;
/** How long a reader waits for the writer's short exclusive moments (recovery, WAL reset). */
const BUSY_TIMEOUT_MS = 5000;

const SCHEMA = `
  CREATE TABLE records (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    seal TEXT NOT NULL,
    PRIMARY KEY (kind, key)
  ) WITHOUT ROWID, STRICT;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** The kinds of records and what each holds; a key is unique within its kind. */
export interface RecordShapes {
  readonly plan: PlanRecord & { readonly sequence: number };
  readonly member: PlanMember;
  readonly settled: SettledArm;
  readonly run: StoredRun;
  readonly points: { readonly points: readonly TrajectoryPoint[] };
  readonly shared: { readonly name: string; readonly file: string };
  readonly look: LookRecord;
  /** What ties a study's looks to it: how many there are, and the hash chain over them. */
  readonly looks: { readonly count: number; readonly hash: string };
}

export type RecordKind = keyof RecordShapes;

/** The open file. */
export interface RecordFile extends Disposable {
  /** @throws AssayError if the record does not match its seal. */
  read<Kind extends RecordKind>(kind: Kind, key: string): RecordShapes[Kind] | undefined;
  /** The records whose key starts with `prefix`, in key order. */
  list<Kind extends RecordKind>(kind: Kind, prefix: string): RecordShapes[Kind][];
  write<Kind extends RecordKind>(kind: Kind, key: string, record: RecordShapes[Kind]): void;
  remove(kind: RecordKind, prefix: string): void;
  /** What `work` reads is of one moment, whatever a writer commits meanwhile. */
  snapshot<Result>(work: () => Result): Result;
  /** All writes of `work` or none. */
  transaction(work: () => void): void;
  /** Reads every page and every seal. */
  verify(): void;
}

/**
 * Opens the file in `folder`, for writing (made if absent) or for reading only.
 * @throws AssayError if it is absent, damaged, newer than this version, or on a network file system.
 */
export function openRecordFile(folder: string, mode: 'read' | 'write'): RecordFile {
  const path = join(folder, DATABASE_FILE);
  try {
    const database = mode === 'write' ? openForWriting(folder, path) : openForReading(folder, path);
    return recordFileOf(database, path);
  } catch (error) {
    throw storeError(error, path);
  }
}

/** Whether a folder holds a store at all. */
export function hasDatabase(folder: string): boolean {
  return existsSync(join(folder, DATABASE_FILE));
}

/**
 * Makes a store's folder and refuses one where SQLite's locks do not hold.
 * @throws AssayError where it cannot be made or lies on a network file system.
 */
export function prepareFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new AssayError(
      'store',
      `Cannot write to the store folder ${folder}. Make it writable or choose another --store.`,
      {
        cause: error,
      },
    );
  }
  const system = fileSystemOf(folder);
  if (system.kind === 'network') {
    throw new AssayError(
      'store',
      `The store folder ${folder} is on a network file system (${system.type}), where SQLite can lose data. Choose a local disk with --store.`,
    );
  }
}

function openForWriting(folder: string, path: string): DatabaseSync {
  prepareFolder(folder);
  const database = new DatabaseSync(path);
  try {
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    if (isEmpty(database)) {
      database.exec('PRAGMA journal_mode = WAL');
      database.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT`);
    }
    const version = checkVersion(database, path);
    if (version < SCHEMA_VERSION) migrate(database, path, version);
    // FULL: a commit is fsynced, so it survives a power cut, not only a kill.
    database.exec('PRAGMA synchronous = FULL');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function openForReading(folder: string, path: string): DatabaseSync {
  if (!existsSync(path)) {
    throw new AssayError(
      'store',
      `There is no store in ${folder}. Make one with "assay run", or name it with --store.`,
    );
  }
  const database = new DatabaseSync(isFrozen(folder, path) ? frozenUrl(path) : path, { readOnly: true });
  try {
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    checkVersion(database, path);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Whether nobody can be writing: the folder is read-only and no write-ahead log lies beside the file. */
function isFrozen(folder: string, path: string): boolean {
  if (existsSync(`${path}-wal`)) return false;
  try {
    accessSync(folder, constants.W_OK);
    return false;
  } catch {
    return true;
  }
}

/** A WAL file can be read in a read-only folder only when SQLite is told that it does not change. */
function frozenUrl(path: string): URL {
  const url = pathToFileURL(path);
  url.searchParams.set('immutable', '1');
  return url;
}

function isEmpty(database: DatabaseSync): boolean {
  return numberOf(database, 'SELECT count(*) AS value FROM sqlite_schema') === 0;
}

/** The version of a store's records. @throws AssayError where it is no store, or newer than this code. */
function checkVersion(database: DatabaseSync, path: string): number {
  if (numberOf(database, 'PRAGMA application_id') !== APPLICATION_ID) {
    throw new AssayError('store', `${path} is a SQLite file, but not a store of Assay. Choose another --store.`);
  }
  const version = numberOf(database, 'PRAGMA user_version');
  if (version > SCHEMA_VERSION) {
    throw new AssayError(
      'store',
      `The store ${path} was made by a later version of Assay: expected schema version ${SCHEMA_VERSION} at most, found schema version ${version}. Use the version of Assay that made it, or another --store.`,
    );
  }
  if (version >= 1) return version;
  throw new AssayError('store', `The store ${path} is damaged: it has no schema version. Restore it from a copy.`);
}

/** Brings an older store's records to today's version: all of them or none, and only once every seal was found whole. */
function migrate(database: DatabaseSync, path: string, version: number): void {
  verifyAll(database, path, version);
  const kinds = changedKinds(version);
  const select = database.prepare('SELECT kind, key, body, seal FROM records WHERE kind = ?');
  const replace = database.prepare('UPDATE records SET body = ?, seal = ? WHERE kind = ? AND key = ?');
  database.exec('BEGIN IMMEDIATE');
  try {
    for (const kind of kinds) {
      for (const row of select.all(kind)) {
        const { key, body } = openedRow(kind, row, path, version);
        const text = canonicalJson(body);
        replace.run(text, sealOf(kind, key, text), kind, key);
      }
    }
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** A row whose seal was found whole, its body as today's version holds it. @throws AssayError where the seal does not match. */
function openedRow(
  kind: string,
  row: Record<string, unknown>,
  path: string,
  version: number,
): { readonly key: string; readonly body: JsonObject } {
  const { key, body, seal } = row;
  if (typeof key === 'string' && typeof body === 'string' && sealOf(kind, key, body) === seal) {
    const parsed: Json = JSON.parse(body);
    if (isJsonObject(parsed)) return { key, body: upgraded(kind, parsed, version) };
  }
  throw new AssayError(
    'store',
    `The store ${path} is damaged: its ${kind} record ${JSON.stringify(key)} does not match its seal. Restore it from a copy, or move it away and run again; artifacts beside it are kept and used.`,
  );
}

/** Reads every page and every seal. */
function verifyAll(database: DatabaseSync, path: string, version: number): void {
  checkPages(database, path);
  for (const row of database.prepare('SELECT kind, key, body, seal FROM records').iterate()) {
    openedRow(String(row['kind']), row, path, version);
  }
}

function numberOf(database: DatabaseSync, query: string): number {
  return Number(Object.values(database.prepare(query).get() ?? {})[0]);
}

function recordFileOf(database: DatabaseSync, path: string): RecordFile {
  const guarded = <Result>(work: () => Result): Result => {
    try {
      return work();
    } catch (error) {
      throw storeError(error, path);
    }
  };
  const selectOne = database.prepare('SELECT key, body, seal FROM records WHERE kind = ? AND key = ?');
  // Keys are text in ASCII, so "prefix" is the range up to the prefix with the highest character added.
  const selectMany = database.prepare(
    'SELECT key, body, seal FROM records WHERE kind = ? AND key >= ? AND key < ? ORDER BY key',
  );
  const version = checkVersion(database, path);
  // The parse boundary: a sealed record is what `write` wrote, brought to today's version from that of the store.
  const opened = <Kind extends RecordKind>(kind: Kind, row: Record<string, unknown>): RecordShapes[Kind] =>
    openedRow(kind, row, path, version).body as unknown as RecordShapes[Kind];
  return {
    read: (kind, key) =>
      guarded(() => {
        const row = selectOne.get(kind, key);
        return row === undefined ? undefined : opened(kind, row);
      }),
    list: (kind, prefix) =>
      guarded(() => selectMany.all(kind, prefix, `${prefix}\u{10ffff}`).map((row) => opened(kind, row))),
    snapshot: (work) =>
      guarded(() => {
        if (database.isTransaction) return work();
        database.exec('BEGIN');
        try {
          return work();
        } finally {
          database.exec('COMMIT');
        }
      }),
    verify: () => guarded(() => verifyAll(database, path, version)),
    ...writesTo(database, guarded),
    [Symbol.dispose]: () => database.close(),
  };
}

type Guarded = <Result>(work: () => Result) => Result;

function writesTo(database: DatabaseSync, guarded: Guarded): Pick<RecordFile, 'write' | 'remove' | 'transaction'> {
  const replace = database.prepare('INSERT OR REPLACE INTO records (kind, key, body, seal) VALUES (?, ?, ?, ?)');
  const removeMany = database.prepare('DELETE FROM records WHERE kind = ? AND key >= ? AND key < ?');
  return {
    write: (kind, key, record) =>
      guarded(() => {
        const text = canonicalJson(record);
        replace.run(kind, key, text, sealOf(kind, key, text));
      }),
    remove: (kind, prefix) => guarded(() => void removeMany.run(kind, prefix, `${prefix}\u{10ffff}`)),
    transaction: (work) =>
      guarded(() => {
        database.exec('BEGIN IMMEDIATE');
        try {
          work();
          database.exec('COMMIT');
        } catch (error) {
          // A full disk rolls back by itself; then there is nothing left to roll back.
          if (database.isTransaction) database.exec('ROLLBACK');
          throw error;
        }
      }),
  };
}

function checkPages(database: DatabaseSync, path: string): void {
  const first = Object.values(database.prepare('PRAGMA integrity_check(1)').get() ?? {})[0];
  if (first === 'ok') return;
  throw new AssayError(
    'store',
    `The store ${path} is damaged: ${String(first)}. Restore it from a copy, or move it away and run again; artifacts beside it are kept and used.`,
  );
}

function sealOf(kind: string, key: string, body: string): string {
  return sha256(`${kind}\n${key}\n${body}`);
}
