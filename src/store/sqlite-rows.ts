/**
 * The rows of a store's database, and what shows that they are all there and as they were written: every record's seal,
 * their order, and the root that they add up to.
 */
import type { DatabaseSync } from 'node:sqlite';

import { AssayError } from '#base/errors.ts';
import { isJsonObject, type Json, type JsonObject, sha256 } from '#base/json.ts';

import { disagreement, EMPTY_ROOT, ROOT_KIND, rootOf, type RootRecord, withRecord } from './root.ts';
import { ROOT_VERSION, SCHEMA_VERSION, upgraded } from './schema.ts';
import { DAMAGE_ADVICE } from './sqlite-errors.ts';

/** "assa" in ASCII: tells our files from other SQLite files. */
const APPLICATION_ID = 0x61737361;

const TABLE = `CREATE TABLE records (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    seal TEXT NOT NULL,
    PRIMARY KEY (kind, key)
  ) WITHOUT ROWID, STRICT`;

/** Makes an empty database a store's, its root yet to be written. */
export const SCHEMA = `
  ${TABLE};
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** The seal of a record: the sha256 of its kind, key and body. */
export function sealOf(kind: string, key: string, body: string): string {
  return sha256(`${kind}\n${key}\n${body}`);
}

/** The version of a store's records. @throws AssayError where it is no store, or newer than this code. */
export function checkVersion(database: DatabaseSync, path: string): number {
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
  throw damaged(path, 'it has no schema version');
}

/** A number that a query gives. */
export function numberOf(database: DatabaseSync, query: string): number {
  return Number(Object.values(database.prepare(query).get() ?? {})[0]);
}

/** A row whose seal was found whole, its body as today's version holds it. @throws AssayError where the seal does not match. */
export function openedRow(
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
  throw damaged(path, `its ${kind} record ${JSON.stringify(key)} does not match its seal`);
}

/** Reads every page. @throws AssayError at the first that SQLite finds damaged. */
export function checkPages(database: DatabaseSync, path: string): void {
  const first = Object.values(database.prepare('PRAGMA integrity_check(1)').get() ?? {})[0];
  if (first !== 'ok') throw damaged(path, String(first));
}

/**
 * Reads every record, inside a transaction of the caller's, and returns their root; of a store older than roots, the root
 * that it will have.
 * @param head The last commit that was promised, read before the transaction began; undefined where nothing says it.
 * @throws AssayError at the first damage: a record, the table itself, records that do not add up, or commits lost.
 */
export function checkRecords(database: DatabaseSync, path: string, head: number | undefined): RootRecord {
  const version = checkVersion(database, path);
  checkTable(database, path);
  let found = EMPTY_ROOT;
  let root: RootRecord | undefined;
  let before = ['', ''];
  for (const row of database.prepare('SELECT kind, key, body, seal FROM records').iterate()) {
    const kind = String(row['kind']);
    const { key, body } = openedRow(kind, row, path, version);
    // Searches rely on the order, so it is part of what was written. Kinds and keys are compared as SQLite compares them.
    if (!isAfter([kind, key], before)) throw damaged(path, `its ${kind} record ${JSON.stringify(key)} is out of order`);
    before = [kind, key];
    if (kind === ROOT_KIND) root = rootOf(body);
    else found = withRecord(found, String(row['seal']));
  }
  if (version < ROOT_VERSION) {
    if (root === undefined && (head ?? 0) === 0) return found;
    throw damaged(path, `it says schema version ${version} of itself, and has what only later versions have`);
  }
  return agreed(root, found, head, path);
}

/** The root, once records and head agree with it. */
function agreed(root: RootRecord | undefined, found: RootRecord, head: number | undefined, path: string): RootRecord {
  if (root === undefined) throw damaged(path, 'it has no root record');
  const lacks = disagreement(root, found);
  if (lacks !== undefined) throw damaged(path, lacks);
  if (head === undefined) throw damaged(path, 'the file store.head beside it is missing');
  if (root.sequence >= head) return root;
  throw damaged(
    path,
    `it ends at commit ${root.sequence}, but ${head} were made: its write-ahead log (store.sqlite-wal) is damaged or missing`,
  );
}

/** The table is the one that was made. */
function checkTable(database: DatabaseSync, path: string): void {
  const found = database.prepare('SELECT sql FROM sqlite_schema').all();
  const text = found.map(({ sql }) => String(sql)).join(';');
  if (plain(text) !== plain(TABLE)) throw damaged(path, 'it has other tables than it was made with');
}

function plain(sql: string): string {
  return sql.replaceAll(/\s+/g, ' ').trim();
}

/** Whether one place comes after another, by the bytes of their UTF-8. */
function isAfter(
  [kind = '', key = '']: readonly string[],
  [otherKind = '', otherKey = '']: readonly string[],
): boolean {
  const byKind = Buffer.compare(Buffer.from(kind), Buffer.from(otherKind));
  return byKind > 0 || (byKind === 0 && Buffer.compare(Buffer.from(key), Buffer.from(otherKey)) > 0);
}

/** The error for a store in which something is not as it was written. */
export function damaged(path: string, what: string): AssayError {
  return new AssayError('store', `The store ${path} is damaged: ${what}. ${DAMAGE_ADVICE}`);
}
