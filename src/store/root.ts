/**
 * The root of a store: one sealed record over all others, so that a record that is missing, put in or moved is found as a
 * changed one is. It holds their number, the sum of their seals modulo 2^256, which a write changes by what it writes, and
 * the number of the commit. The sum stands against chance and failing disks, not against somebody who forges stores.
 */
import type { JsonObject } from '#base/json.ts';

/** The kind of the root's record; its key is empty. */
export const ROOT_KIND = 'root';

const MODULUS = 1n << 256n;
const HEX_DIGITS = 64;

/** What the root's record holds. */
export interface RootRecord {
  readonly records: number;
  /** Sum of the records' seals, in hex. */
  readonly sum: string;
  /** Commits so far; counted since the store has a root. */
  readonly sequence: number;
}

/** The root of a store without records. */
export const EMPTY_ROOT: RootRecord = { records: 0, sum: hexOf(0n), sequence: 0 };

/** The root with a record more, by its seal. */
export function withRecord(root: RootRecord, seal: string): RootRecord {
  return { ...root, records: root.records + 1, sum: hexOf(numberOf(root.sum) + numberOf(seal)) };
}

/** The root with a record less. */
export function withoutRecord(root: RootRecord, seal: string): RootRecord {
  return { ...root, records: root.records - 1, sum: hexOf(numberOf(root.sum) - numberOf(seal) + MODULUS) };
}

/** A root's record as its sealed body says it; undefined where it is none. */
export function rootOf({ records, sum, sequence }: JsonObject): RootRecord | undefined {
  if (typeof records !== 'number' || typeof sum !== 'string' || typeof sequence !== 'number') return undefined;
  return { records, sum, sequence };
}

/** Why records do not add up to their root; undefined where they do. */
export function disagreement(root: RootRecord, found: RootRecord): string | undefined {
  if (root.records !== found.records) return `expected ${root.records} records, found ${found.records}`;
  return root.sum === found.sum ? undefined : `its ${root.records} records are not those that were written`;
}

function numberOf(hex: string): bigint {
  return BigInt(`0x${hex}`);
}

function hexOf(sum: bigint): string {
  return (sum % MODULUS).toString(16).padStart(HEX_DIGITS, '0');
}
