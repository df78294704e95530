/**
 * The SQLite file of a store: one table of sealed JSON records under one root.
 * Each record carries the sha256 of its kind, key and body, because SQLite finds damaged pages but not a flipped bit in a
 * value; the root (root.ts) ties them together, because a lost record has no seal to look at.
 */
import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

import { canonicalJson } from '#base/json.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';

import type { LookRecord, PlanMember, PlanRecord, SettledArm, StoredRun } from './records.ts';
import { type RootRecord, withoutRecord, withRecord } from './root.ts';
import { storeError, vanished } from './sqlite-errors.ts';
import { databasePath, openForReading, openForWriting, verifiedRoot, writeRoot } from './sqlite-open.ts';
import { checkPages, checkVersion, openedRow, sealOf } from './sqlite-rows.ts';
import { openHead, type StoreHead } from './store-head.ts';

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

/** The open file. Every method fails once the file is not where it was. */
export interface RecordFile extends Disposable {
  /** @throws AssayError if the record does not match its seal. */
  read<Kind extends RecordKind>(kind: Kind, key: string): RecordShapes[Kind] | undefined;
  /** The records whose key starts with `prefix`, in key order. */
  list<Kind extends RecordKind>(kind: Kind, prefix: string): RecordShapes[Kind][];
  /** What `work` reads is of one moment, whatever a writer commits meanwhile. */
  snapshot<Result>(work: () => Result): Result;
  /** Reads every page and every seal. */
  verify(): void;
}

/** The open file of the one who writes. */
export interface WritableFile extends RecordFile {
  /** All writes of `work` or none; durable once it returns. */
  transaction(work: (writes: Writes) => void): void;
}

/** What a transaction may change. */
export interface Writes {
  write<Kind extends RecordKind>(kind: Kind, key: string, record: RecordShapes[Kind]): void;
  remove(kind: RecordKind, prefix: string): void;
}

/**
 * Opens the file in `folder` for reading only, every record of it read and found whole.
 * @throws AssayError if it is absent, damaged or newer than this version.
 */
export function openRecordFile(folder: string): RecordFile {
  return atPath(folder, () => recordFileOf(openForReading(folder), folder));
}

/**
 * Opens the file in `folder` for writing, made if absent, every page and record of it read and found whole.
 * @throws AssayError if it is damaged, newer than this version, or missing where a store has been.
 */
export function openWritableFile(folder: string): WritableFile {
  return atPath(folder, () => {
    const database = openForWriting(folder);
    let head: StoreHead | undefined;
    try {
      checkPages(database, databasePath(folder));
      const root = verifiedRoot(database, folder);
      head = openHead(folder);
      return writableFileOf(database, folder, root, head);
    } catch (error) {
      head?.[Symbol.dispose]();
      database.close();
      throw error;
    }
  });
}

function atPath<Result>(folder: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw storeError(error, databasePath(folder));
  }
}

function recordFileOf(database: DatabaseSync, folder: string): RecordFile {
  const path = databasePath(folder);
  const guarded = guardedAt(folder);
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
    list: (kind, prefix) => guarded(() => selectMany.all(kind, prefix, endOf(prefix)).map((row) => opened(kind, row))),
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
    verify: () =>
      guarded(() => {
        checkPages(database, path);
        verifiedRoot(database, folder);
      }),
    [Symbol.dispose]: () => database.close(),
  };
}

type Guarded = <Result>(work: () => Result) => Result;

/** Does work on the database only while it is the file it was: SQLite itself goes on with one that was deleted or moved. */
function guardedAt(folder: string): Guarded {
  const path = databasePath(folder);
  const { dev, ino } = statSync(path);
  const check = (): void => {
    const now = statSync(path, { throwIfNoEntry: false });
    if (now?.dev !== dev || now.ino !== ino) throw vanished(path);
  };
  return (work) =>
    atPath(folder, () => {
      check();
      const result = work();
      check();
      return result;
    });
}

function writableFileOf(database: DatabaseSync, folder: string, opened: RootRecord, head: StoreHead): WritableFile {
  const guarded = guardedAt(folder);
  let root = opened;
  // A kill between a commit and its head leaves the head behind.
  head.write(root.sequence);
  const writes = writesTo(database, (change) => (root = change(root)));
  const file = recordFileOf(database, folder);
  return {
    ...file,
    transaction: (work) =>
      guarded(() => {
        const before = root;
        database.exec('BEGIN IMMEDIATE');
        try {
          work(writes);
          root = { ...root, sequence: root.sequence + 1 };
          writeRoot(database, root);
          database.exec('COMMIT');
        } catch (error) {
          root = before;
          // A full disk rolls back by itself; then there is nothing left to roll back.
          if (database.isTransaction) database.exec('ROLLBACK');
          throw error;
        }
        head.write(root.sequence);
      }),
    [Symbol.dispose]: () => {
      file[Symbol.dispose]();
      head[Symbol.dispose]();
    },
  };
}

/** Writes that change the root along with the records. */
function writesTo(database: DatabaseSync, changeRoot: (change: (root: RootRecord) => RootRecord) => void): Writes {
  const selectSeal = database.prepare('SELECT seal FROM records WHERE kind = ? AND key = ?');
  const selectSeals = database.prepare('SELECT seal FROM records WHERE kind = ? AND key >= ? AND key < ?');
  const replace = database.prepare('INSERT OR REPLACE INTO records (kind, key, body, seal) VALUES (?, ?, ?, ?)');
  const removeMany = database.prepare('DELETE FROM records WHERE kind = ? AND key >= ? AND key < ?');
  const forget = (row: Record<string, unknown>): void => changeRoot((root) => withoutRecord(root, String(row['seal'])));
  return {
    write: (kind, key, record) => {
      const text = canonicalJson(record);
      const seal = sealOf(kind, key, text);
      const former = selectSeal.get(kind, key);
      if (former !== undefined) forget(former);
      replace.run(kind, key, text, seal);
      changeRoot((root) => withRecord(root, seal));
    },
    remove: (kind, prefix) => {
      for (const row of selectSeals.all(kind, prefix, endOf(prefix))) forget(row);
      removeMany.run(kind, prefix, endOf(prefix));
    },
  };
}

/** Above every key that starts with a prefix. */
function endOf(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}
