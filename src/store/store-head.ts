/**
 * How far a store is, said outside its database: `store.head` beside it names the last commit that was promised.
 * SQLite drops a damaged or missing write-ahead log without a word, and the database is then an older one, whole in itself.
 * Invariant: the head is written after its commit, so the database is of that commit or a later one; less means that
 * commits were lost. Written in place and within one disk sector: a kill or a power cut leaves the old one or the new one.
 */
import { closeSync, existsSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { AssayError } from '#base/errors.ts';
import { sha256 } from '#base/json.ts';

import { DAMAGE_ADVICE } from './sqlite-errors.ts';

const HEAD_FILE = 'store.head';
const SEQUENCE_DIGITS = 16;
/** A reader may come while the writer writes; after so many looks what it sees is no half-written line. */
const LOOKS = 20;

/** The number of the last promised commit; undefined where there is no head. @throws AssayError where it is damaged. */
export function readHead(folder: string): number | undefined {
  const path = join(folder, HEAD_FILE);
  for (let look = 0; look < LOOKS; look++) {
    if (!existsSync(path)) return undefined;
    const text = readFileSync(path, 'latin1');
    const sequence = Number(/^assay store head (\d+) /.exec(text)?.[1] ?? Number.NaN);
    if (Number.isSafeInteger(sequence) && text === lineOf(sequence)) return sequence;
  }
  throw new AssayError('store', `The store's file ${path} is damaged. ${DAMAGE_ADVICE}`);
}

/** The writer's hold on the head. */
export interface StoreHead extends Disposable {
  /** Says that a commit is durable. */
  write(sequence: number): void;
}

/** Makes the head of a store that has none yet, at 0. */
export function makeHead(folder: string): void {
  const path = join(folder, HEAD_FILE);
  if (!existsSync(path)) writeFileSync(path, lineOf(0));
}

/** Opens the head of a folder for writing. */
export function openHead(folder: string): StoreHead {
  const descriptor = openSync(join(folder, HEAD_FILE), 'r+');
  return {
    write: (sequence) => void writeSync(descriptor, lineOf(sequence), 0, 'latin1'),
    [Symbol.dispose]: () => closeSync(descriptor),
  };
}

function lineOf(sequence: number): string {
  const said = `assay store head ${String(sequence).padStart(SEQUENCE_DIGITS, '0')}`;
  return `${said} ${sha256(said)}\n`;
}
