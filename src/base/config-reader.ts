/**
 * Reads a JSON config field by field into typed values; everything wrong is refused with its dotted path.
 * Invariant: after `done()` every key of the object was asked for, so unknown keys never pass silently.
 */
import { AssayError, nearestName } from '#base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '#base/json.ts';

export interface NumberBounds {
  readonly min?: number;
  readonly max?: number;
  /** An exact whole number: below 2^53, and not `-0`. */
  readonly integer?: boolean;
}

/** One object of a config. */
export interface ConfigReader {
  readonly path: string;
  has(name: string): boolean;
  number(name: string, bounds?: NumberBounds): number;
  boolean(name: string): boolean;
  oneOf<T extends string>(name: string, choices: readonly T[]): T;
  object(name: string): ConfigReader;
  numbers(name: string): readonly number[];
  /** Any JSON; the caller checks it. */
  json(name: string): Json;
  /** Refuses a field's value. @throws AssayError always. */
  refuse(name: string, expected: string, found: string): never;
  /** @throws AssayError on a key that was never read. */
  done(): void;
}

/** @param path Where the object stands, for messages; '' for the top. */
export function configReader(object: JsonObject, path = ''): ConfigReader {
  const read = new Set<string>();
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`);
  const json = (name: string): Json => {
    read.add(name);
    const value = object[name];
    if (value === undefined) throw refusal(at(name), 'a value', 'none');
    return value;
  };
  const number = (name: string, { min = -Infinity, max = Infinity, integer = false }: NumberBounds = {}): number => {
    const value = json(name);
    const fits = typeof value === 'number' && value >= min && value <= max && (!integer || isExactWhole(value));
    if (fits) return value;
    throw refusal(at(name), `${integer ? wholeName(value) : 'a number'}${rangeText(min, max)}`, textOf(value));
  };
  return {
    path,
    has(name) {
      read.add(name);
      return object[name] !== undefined;
    },
    number,
    boolean(name) {
      const value = json(name);
      if (typeof value === 'boolean') return value;
      throw refusal(at(name), 'true or false', JSON.stringify(value));
    },
    oneOf(name, choices) {
      const value = json(name);
      const choice = choices.find((one) => one === value);
      if (choice !== undefined) return choice;
      throw refusal(at(name), `one of ${choices.join(', ')}`, JSON.stringify(value));
    },
    object(name) {
      const value = json(name);
      if (isJsonObject(value)) return configReader(value, at(name));
      throw refusal(at(name), 'an object', JSON.stringify(value));
    },
    numbers(name) {
      const value = json(name);
      if (Array.isArray(value) && value.every((item): item is number => typeof item === 'number')) return value;
      throw refusal(at(name), 'a list of numbers', JSON.stringify(value));
    },
    json,
    refuse(name, expected, found) {
      throw refusal(at(name), expected, found);
    },
    done() {
      for (const name of Object.keys(object)) {
        if (!read.has(name))
          throw refusal(
            at(name),
            `one of ${[...read].join(', ')}`,
            `an unknown key; did you mean "${nearestName(name, [...read])}"?`,
          );
      }
    },
  };
}

/** Whether a number is whole and the only one of its value: from 2^53 on neighbours are rounded to one, and -0 is 0. */
export function isExactWhole(value: number): boolean {
  return Number.isSafeInteger(value) && !Object.is(value, -0);
}

function wholeName(value: Json): string {
  return typeof value === 'number' && Number.isInteger(value) && !isExactWhole(value)
    ? 'an exact whole number (below 2^53, and not -0)'
    : 'a whole number';
}

/** As JSON, which does not know -0. */
function textOf(value: Json): string {
  return Object.is(value, -0) ? '-0' : JSON.stringify(value);
}

function refusal(path: string, expected: string, found: string): AssayError {
  return new AssayError('config', `Config "${path}": expected ${expected}, found ${found}.`);
}

function rangeText(min: number, max: number): string {
  if (min > -Infinity && max < Infinity) return ` in [${min}, ${max}]`;
  if (min > -Infinity) return ` of at least ${min}`;
  return max < Infinity ? ` of at most ${max}` : '';
}
