/**
 * Shapes: what a value that may be anything has to look like, and everything in which it does not, each with its path.
 * A study file is code that nobody's compiler need have seen, so its default export is unknown until it was held against one.
 */
import { nearestName } from '#base/errors.ts';

/** Something in which a value is not as expected. */
export interface Misfit {
  readonly path: string;
  /** What was expected and what was found. */
  readonly what: string;
  /** Whether the value is of the right type all the same, so that others can be checked against it. */
  readonly isTyped: boolean;
}

/** Says what is wrong with a value that stands at a path; nothing where it is as expected. */
export type Shape = (value: unknown, path: string) => Misfit[];

function refused(path: string, expected: string, value: unknown, isTyped = false): Misfit {
  return { path, what: `expected ${expected}, found ${shown(value)}`, isTyped };
}

/** Text that is not empty. */
export const text: Shape = (value, path) =>
  typeof value === 'string' && value.trim() !== '' ? [] : [refused(path, 'text', value, typeof value === 'string')];

/** Text, which may be empty. */
export const word: Shape = (value, path) => (typeof value === 'string' ? [] : [refused(path, 'text', value)]);

/** A finite number. */
export const finite: Shape = numberThat('a finite number', () => true);

/** A number above 0. */
export const positive: Shape = numberThat('a number above 0', (value) => value > 0);

/** A number of at least 0. */
export const notNegative: Shape = numberThat('a number of at least 0', (value) => value >= 0);

/** A whole number above 0. */
export const count: Shape = numberThat('a whole number above 0', (value) => Number.isSafeInteger(value) && value > 0);

/** A whole number. */
export const whole: Shape = numberThat('a whole number', Number.isSafeInteger);

function numberThat(expected: string, fits: (value: number) => boolean): Shape {
  return (value, path) =>
    typeof value === 'number' && Number.isFinite(value) && fits(value)
      ? []
      : [refused(path, expected, value, Number.isFinite(value))];
}

/** True or false. */
export const flag: Shape = (value, path) => (typeof value === 'boolean' ? [] : [refused(path, 'true or false', value)]);

/** A function. */
export const callable: Shape = (value, path) =>
  typeof value === 'function' ? [] : [refused(path, 'a function', value)];

/** One of some words. */
export function oneOf(...words: readonly string[]): Shape {
  const expected = words.map((one) => JSON.stringify(one)).join(' or ');
  return (value, path) => {
    if (typeof value === 'string' && words.includes(value)) return [];
    const { what } = refused(path, expected, value);
    return [{ path, what: `${what}${nearestOf(value, words)}`, isTyped: false }];
  };
}

/** A list of at least so many items. */
export function listOf(item: Shape, least: 0 | 1 = 0): Shape {
  return (value, path) => {
    if (!Array.isArray(value)) return [refused(path, 'a list', value)];
    if (value.length < least) return [{ path, what: 'expected at least one, found none', isTyped: true }];
    // A hole of a sparse list is undefined.
    return Array.from(value, (one, i) => item(one, `${path}[${i}]`)).flat();
  };
}

/** An object whose keys are names and whose values are alike. */
export function recordOf(item: Shape): Shape {
  return (value, path) =>
    isRecord(value)
      ? Object.entries(value).flatMap(([key, one]) => item(one, `${path}[${JSON.stringify(key)}]`))
      : [refused(path, 'an object', value)];
}

/** Any JSON: no undefined, no function, no number that is not finite, nothing that contains itself. */
export const json: Shape = (value, path) => jsonProblems(value, path, []);

/** An object of dotted config paths and JSON values. */
export const settings: Shape = (value, path) =>
  isRecord(value) ? jsonProblems(value, path, []) : [refused(path, 'an object of config paths and values', value)];

/** An object of these keys and no others. Keys that stand there as undefined count as left out. */
export function objectOf(
  needed: Readonly<Record<string, Shape>>,
  possible: Readonly<Record<string, Shape>> = {},
): Shape {
  const shapes = { ...needed, ...possible };
  return (value, path) => {
    if (!isRecord(value)) return [refused(path, 'an object', value)];
    const at = (key: string): string => (path === '' ? key : `${path}.${key}`);
    const unknown = Object.keys(value).filter((key) => value[key] !== undefined && !Object.hasOwn(shapes, key));
    return [
      ...unknown.map((key) => {
        return { path: at(key), what: `unknown key${nearestOf(key, Object.keys(shapes))}`, isTyped: true };
      }),
      ...Object.entries(shapes).flatMap(([key, shape]) => {
        const own = value[key];
        if (own !== undefined) return shape(own, at(key));
        return Object.hasOwn(needed, key) ? [{ path: at(key), what: 'missing', isTyped: false }] : [];
      }),
    ];
  };
}

/** An object that is one of several kinds. @param kinds What each kind needs and may have beside `kind`. */
export function kindOf(
  kinds: Readonly<
    Record<string, readonly [needed: Readonly<Record<string, Shape>>, possible?: Readonly<Record<string, Shape>>]>
  >,
): Shape {
  const names = Object.keys(kinds);
  return (value, path) => {
    if (!isRecord(value)) return [refused(path, 'an object', value)];
    const kind = value['kind'];
    const own = typeof kind === 'string' && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
    if (own === undefined) return oneOf(...names)(kind, `${path}.kind`);
    return objectOf({ kind: oneOf(...names), ...own[0] }, own[1])(value, path);
  };
}

/** Whether a value is an object with keys. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function jsonProblems(value: unknown, path: string, inside: readonly unknown[]): Misfit[] {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return [];
  if (inside.includes(value)) {
    return [{ path, what: 'expected JSON, found an object that contains itself', isTyped: false }];
  }
  if (Array.isArray(value)) {
    return Array.from(value, (one, i) => jsonProblems(one, `${path}[${i}]`, [...inside, value])).flat();
  }
  const prototype: unknown = isRecord(value) ? Object.getPrototypeOf(value) : undefined;
  if (!isRecord(value) || (prototype !== null && prototype !== Object.prototype)) return [refused(path, 'JSON', value)];
  return Object.entries(value).flatMap(([key, one]) =>
    one === undefined ? [] : jsonProblems(one, `${path}[${JSON.stringify(key)}]`, [...inside, value]),
  );
}

function nearestOf(value: unknown, known: readonly string[]): string {
  const nearest = typeof value === 'string' ? nearestName(value, known) : undefined;
  return nearest === undefined ? '' : `; the nearest known is "${nearest}"`;
}

const MOST_SHOWN = 60;

/** A value as a message shows it. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (typeof value === 'boolean' || value === null) return `${value}`;
  if (!isRecord(value)) return typeof value;
  const keys = Object.keys(value).join(', ');
  return `an object${keys === '' ? ' without keys' : ` of ${keys.length > MOST_SHOWN ? `${keys.slice(0, MOST_SHOWN)} ...` : keys}`}`;
}
