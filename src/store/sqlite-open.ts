/** Opens a store's database: for reading as it lies, for writing made if absent and upgraded if older; damage is refused first. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

import { AssayError, messageOf } from '#base/errors.ts';
import { canonicalJson } from '#base/json.ts';
import { isWritable, makeFolder } from '#base/make-folder.ts';

import { isUsed } from './folder.ts';
import { fileSystemOf } from './file-system.ts';
import { EMPTY_ROOT, ROOT_KIND, type RootRecord } from './root.ts';
import { changedKinds, ROOT_VERSION, SCHEMA_VERSION } from './schema.ts';
import { storeError } from './sqlite-errors.ts';
import { checkPages, checkRecords, checkVersion, damaged, numberOf, openedRow, SCHEMA, sealOf } from './sqlite-rows.ts';
import { makeHead, readHead } from './store-head.ts';

const DATABASE_FILE = 'store.sqlite';
/** How long a reader waits for the writer's short exclusive moments (recovery, WAL reset). */
const BUSY_TIMEOUT_MS = 5000;

/** Where a folder's database is. */
export function databasePath(folder: string): string {
  return join(folder, DATABASE_FILE);
}

/** Whether a folder holds a store at all. */
export function hasDatabase(folder: string): boolean {
  return existsSync(databasePath(folder));
}

/**
 * Makes a store's folder and refuses one where SQLite's locks do not hold.
 * @throws AssayError where it cannot be made or lies on a network file system.
 */
export function prepareFolder(folder: string): void {
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new AssayError(
      'store',
      `Cannot write to the store folder ${folder}: ${messageOf(error)}. Make it a folder that can be written to, or choose another --store.`,
      { cause: error },
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

/** Opens for writing. @throws AssayError where the store is damaged, newer, or was used and has no database. */
export function openForWriting(folder: string): DatabaseSync {
  const path = databasePath(folder);
  const wal = sizeOf(`${path}-wal`);
  if (sizeOf(path) === 0) refuseUsed(folder, wal);
  // Whoever closes a database for writing clears its log away, so a damaged one is found before.
  else if (wal > 0) openForReading(folder).close();
  const database = new DatabaseSync(path);
  try {
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    if (hasNoTable(database)) {
      refuseUsed(folder, 0);
      makeHead(folder);
      database.exec('PRAGMA journal_mode = WAL');
      database.exec(`BEGIN IMMEDIATE; ${SCHEMA}`);
      writeRoot(database, EMPTY_ROOT);
      database.exec('COMMIT');
    }
    const version = checkVersion(database, path);
    if (version < ROOT_VERSION) makeHead(folder);
    if (version < SCHEMA_VERSION) migrate(database, folder, version);
    // FULL: a commit is fsynced, so it survives a power cut, not only a kill.
    database.exec('PRAGMA synchronous = FULL');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Opens for reading, once every record was read and found whole. @throws AssayError where there is no store, or a damaged one. */
export function openForReading(folder: string): DatabaseSync {
  const path = databasePath(folder);
  if (sizeOf(path) === 0) {
    refuseUsed(folder, sizeOf(`${path}-wal`));
    throw new AssayError(
      'store',
      `There is no store in ${folder}. Make one with "assay run", or name it with --store.`,
    );
  }
  const database = new DatabaseSync(isFrozen(folder, path) ? frozenUrl(path) : path, { readOnly: true });
  try {
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    if (hasNoTable(database)) refuseUsed(folder, 0);
    verifiedRoot(database, folder);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Reads every record at one moment, and gives the root they add up to. @throws AssayError at the first damage. */
export function verifiedRoot(database: DatabaseSync, folder: string): RootRecord {
  // The head first: a commit that comes between the two is one more in the database, not one less.
  const head = readHead(folder);
  database.exec('BEGIN');
  try {
    return checkRecords(database, databasePath(folder), head);
  } finally {
    if (database.isTransaction) database.exec('COMMIT');
  }
}

/** Writes the root's record. */
export function writeRoot(database: DatabaseSync, root: RootRecord): void {
  const body = canonicalJson(root);
  database
    .prepare('INSERT OR REPLACE INTO records (kind, key, body, seal) VALUES (?, ?, ?, ?)')
    .run(ROOT_KIND, '', body, sealOf(ROOT_KIND, '', body));
}

/** @throws AssayError where a folder without a database is not that of a new store. */
function refuseUsed(folder: string, walBytes: number): void {
  if (walBytes === 0 && (readHead(folder) ?? 0) === 0 && !isUsed(folder)) return;
  throw damaged(databasePath(folder), 'it is empty or missing, but beside it lies what a store left there');
}

function hasNoTable(database: DatabaseSync): boolean {
  return numberOf(database, 'SELECT count(*) AS value FROM sqlite_schema') === 0;
}

/** The size of a file in bytes; 0 where there is none. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Whether nobody can be writing: the folder is read-only and no write-ahead log lies beside the file. */
function isFrozen(folder: string, path: string): boolean {
  return !existsSync(`${path}-wal`) && !isWritable(folder);
}

/** A WAL file can be read in a read-only folder only when SQLite is told that it does not change. */
function frozenUrl(path: string): URL {
  const url = pathToFileURL(path);
  url.searchParams.set('immutable', '1');
  return url;
}

/** Brings an older store's records to today's version: all of them or none, and only once every seal was found whole. */
function migrate(database: DatabaseSync, folder: string, version: number): void {
  const path = databasePath(folder);
  checkPages(database, path);
  const select = database.prepare('SELECT kind, key, body, seal FROM records WHERE kind = ?');
  const replace = database.prepare('UPDATE records SET body = ?, seal = ? WHERE kind = ? AND key = ?');
  const head = readHead(folder);
  database.exec('BEGIN IMMEDIATE');
  try {
    checkRecords(database, path, head);
    for (const kind of changedKinds(version)) {
      for (const row of select.all(kind)) {
        const { key, body } = openedRow(kind, row, path, version);
        const text = canonicalJson(body);
        replace.run(text, sealOf(kind, key, text), kind, key);
      }
    }
    writeRoot(database, checkRecords(database, path, head));
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw storeError(error, path);
  }
}
