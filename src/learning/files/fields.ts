/**
 * The settings of a file that is not trusted, read by name.
 * Invariant: `refuseRest` passes only when every setting was read or is known to change nothing; so a setting that
 * nobody here understands is refused by its name, never skipped.
 */
import { AssayError, nearestName } from '#base/errors.ts';

import { isCount } from './tensors/tensor-source.ts';

/** Checked access to the settings of one file, or of one object in it. */
export interface Fields {
  /** Named in errors, such as the file's path. */
  readonly where: string;
  /** Whether it is there and not null. */
  has(name: string): boolean;
  /** Whether it is there and null, where that says something else than being absent; it counts as read. */
  isNull(name: string): boolean;
  /** The value as it stands, null counting as absent; it counts as read. */
  value(name: string): unknown;
  /** Of several spellings of one setting the one that is given, the first where none is. @throws AssayError where two disagree. */
  spelling(...names: readonly [string, ...string[]]): string;
  /** A positive integer; null is no default, since no reader of such files takes it as one. */
  size(name: string, byDefault?: number): number;
  /** As `size`, where null says the default too. */
  optionalSize(name: string, byDefault: number): number;
  /** A positive finite number. */
  positive(name: string, byDefault?: number): number;
  /** True or false; null is false, as in Python. */
  flag(name: string, byDefault: boolean): boolean;
  /** A name, by a table of what the names mean. */
  oneOf<T>(name: string, meanings: ReadonlyMap<string, T>, byDefault?: string): T;
  /** Refuses any value but these; absent is fine. */
  only(name: string, allowed: readonly (string | number | boolean)[]): void;
  error(name: string, expected: string): AssayError;
  /** Refuses what was not read and `isIdle` does not know. @throws AssayError naming the first. */
  refuseRest(isIdle: (name: string) => boolean): void;
}

/** The fields of an object, or of a GGUF file's metadata behind `prefix`. */
export function fieldsOf(values: ReadonlyMap<string, unknown>, where: string, prefix = ''): Fields {
  const read = new Set<string>();
  const raw = (name: string): unknown => {
    read.add(name);
    return values.get(prefix + name);
  };
  const has = (name: string): boolean => (values.get(prefix + name) ?? null) !== null;
  const error = (name: string, expected: string): AssayError => {
    const found = textOf(values.get(prefix + name)).slice(0, 100);
    return new AssayError('file', `${where}: expected ${prefix}${name} to be ${expected}, found ${found}.`);
  };
  return {
    ...readersOf(raw, error),
    where,
    has,
    isNull: (name) => raw(name) === null,
    value: (name) => raw(name) ?? undefined,
    error,
    spelling(...names) {
      const [chosen = names[0], ...others] = names.filter(has);
      const said = (name: string): string => textOf(raw(name));
      const other = others.find((name) => said(name) !== said(chosen));
      if (other === undefined) return chosen;
      const both = [chosen, other].map((name) => `${prefix}${name} (${said(name).slice(0, 100)})`).join(' and ');
      throw new AssayError('file', `${where}: ${both} are one setting, and disagree. Remove the one that is wrong.`);
    },
    refuseRest(isIdle) {
      const own = [...values.keys()].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
      const unknown = own.find((name) => has(name) && !read.has(name) && !isIdle(name));
      if (unknown === undefined) return;
      const nearest = nearestName(unknown.slice(0, 200), [...read]) ?? 'none';
      const found = `${prefix}${unknown}`.slice(0, 200);
      const value = textOf(values.get(prefix + unknown)).slice(0, 100);
      const why = 'it may change what the model computes, so it is not skipped; remove it if it changes nothing';
      throw new AssayError(
        'file',
        `${where}: unknown key ${found} (${value}): ${why}. The nearest key that is read is ${prefix}${nearest}.`,
      );
    },
  };
}

type Readers = Pick<Fields, 'size' | 'optionalSize' | 'positive' | 'flag' | 'oneOf' | 'only'>;

function readersOf(raw: (name: string) => unknown, error: Fields['error']): Readers {
  const size = (name: string, byDefault?: number): number => {
    const value = raw(name);
    const number = value === undefined ? byDefault : value;
    if (isCount(number) && number > 0) return number;
    throw error(name, 'a positive integer');
  };
  return {
    size,
    optionalSize: (name, byDefault) => (raw(name) === null ? byDefault : size(name, byDefault)),
    positive(name, byDefault) {
      const value = raw(name);
      const number = value === undefined ? byDefault : value;
      if (typeof number === 'number' && number > 0 && Number.isFinite(number)) return number;
      throw error(name, 'a positive number');
    },
    flag(name, byDefault) {
      const value = raw(name);
      if (value === undefined) return byDefault;
      if (typeof value === 'boolean' || value === null) return value ?? false;
      throw error(name, 'true or false');
    },
    oneOf(name, meanings, byDefault) {
      const value = raw(name);
      const key = value === undefined ? byDefault : value;
      const meaning = typeof key === 'string' ? meanings.get(key) : undefined;
      if (meaning !== undefined) return meaning;
      throw error(name, `one of ${[...meanings.keys()].join(', ')}`);
    },
    only(name, allowed) {
      const value = raw(name) ?? null;
      if (value === null || allowed.some((item) => item === value)) return;
      const named = allowed.length === 0 ? 'absent' : allowed.map((item) => JSON.stringify(item)).join(' or ');
      throw error(name, `${named} (nothing else is supported)`);
    },
  };
}

/** The numbers of a list in a GGUF file; undefined for anything else. */
export function listedNumbers(value: unknown): number[] | undefined {
  if (value instanceof BigInt64Array || value instanceof BigUint64Array) return Array.from(value, Number);
  if (!ArrayBuffer.isView(value)) return undefined;
  const isNumbers = (view: ArrayBufferView): view is Uint8Array => 'length' in view; // of any width: read alike
  return isNumbers(value) ? Array.from(value) : undefined;
}

/** A value as JSON says it; a list of numbers by its start. */
function textOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'bigint') return String(value);
  return JSON.stringify(listedNumbers(value)?.slice(0, 100) ?? value);
}
