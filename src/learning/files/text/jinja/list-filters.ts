/** The filters of jinja2 that put items in order or choose among them. */
import type { Placed } from './arguments.ts';
import { wholeArgument } from './arguments.ts';
import { item } from './attributes.ts';
import type { Value } from './values.ts';
import { compare, itemsOf, keyOf, list, once, truth, tuple, undefinedValue } from './values.ts';

/** A filter: its parameters beside the value, how many must be given, and what it does. */
export interface Filter {
  readonly parameters: readonly string[];
  readonly required?: number;
  readonly run: (value: Value, given: Placed) => Value;
}

/** A path of names and numbers into a value, as `attribute=` gives it; `otherwise` stands for what is not there. */
export function getter(path: Value, otherwise?: Value): (value: Value) => Value {
  const steps: readonly Value[] =
    typeof path === 'string'
      ? path.split('.').map((part): Value => (/^\d+$/.test(part) ? Number(part) : part))
      : [wholeArgument(path, 'attribute')];
  return (value) => {
    let at = value;
    for (const step of steps) {
      at = item(at, step);
      if (otherwise !== undefined && typeof at === 'object' && at?.kind === 'undefined') at = otherwise;
    }
    return at;
  };
}

/** What items are compared by: parts of them, in small letters unless case counts. */
function keyBy(path: Value | undefined, isCaseSensitive: Value | undefined): (value: Value) => Value {
  const read = path === undefined || path === null ? (one: Value): Value => one : getter(path);
  const folds = isCaseSensitive === undefined || !truth(isCaseSensitive);
  return (value) => {
    const key = read(value);
    return folds && typeof key === 'string' ? key.toLowerCase() : key;
  };
}

function sorted(items: readonly Value[], key: (value: Value) => Value, isReversed: boolean): Value[] {
  const keyed = items.map((one) => ({ one, key: key(one) }));
  return keyed.toSorted((a, b) => (isReversed ? compare(b.key, a.key) : compare(a.key, b.key))).map(({ one }) => one);
}

function sort(value: Value, [isReversed, isCaseSensitive, path]: Placed): Value {
  const paths = typeof path === 'string' ? path.split(',') : [path];
  const keys = paths.map((one) => keyBy(one, isCaseSensitive));
  const [only] = keys;
  const key =
    keys.length === 1 && only !== undefined ? only : (one: Value): Value => list(keys.map((part) => part(one)));
  return list(sorted(itemsOf(value), key, isReversed !== undefined && truth(isReversed)));
}

function unique(value: Value, [isCaseSensitive, path]: Placed): Value {
  const key = keyBy(path, isCaseSensitive);
  const seen = new Set<string>();
  const kept = itemsOf(value).filter((one) => {
    const hash = keyOf(key(one));
    const isNew = !seen.has(hash);
    seen.add(hash);
    return isNew;
  });
  return once(kept[Symbol.iterator]());
}

function extreme(sign: 1 | -1): Filter['run'] {
  return (value, [isCaseSensitive, path]) => {
    const key = keyBy(path, isCaseSensitive);
    const [start, ...others] = itemsOf(value);
    if (start === undefined) return undefinedValue('No aggregated item, sequence was empty.');
    return others.reduce((best, one) => (sign * compare(key(one), key(best)) > 0 ? one : best), start);
  };
}

function sortedPairs(value: Value, [isCaseSensitive, by = 'key', isReversed]: Placed): Value {
  if (typeof value !== 'object' || value?.kind !== 'dict') throw new Error('dictsort expects a mapping');
  if (by !== 'key' && by !== 'value') throw new Error('You can only sort by either "key" or "value"');
  const pairs = Array.from(value.entries.values(), ({ key, value: one }) => tuple([key, one]));
  const key = keyBy(by === 'key' ? 0 : 1, isCaseSensitive);
  return list(sorted(pairs, key, isReversed !== undefined && truth(isReversed)));
}

function batches(value: Value, [size, fill]: Placed): Value {
  const width = wholeArgument(size, 'batch');
  if (width < 1) throw new Error('batch expects a size of at least 1');
  const items = itemsOf(value);
  const parts: Value[] = [];
  for (let from = 0; from < items.length; from += width) {
    const part = items.slice(from, from + width);
    const missing = fill === undefined || fill === null ? 0 : width - part.length;
    parts.push(list([...part, ...Array.from({ length: missing }, () => fill ?? null)]));
  }
  return once(parts[Symbol.iterator]());
}

/** The filters by name. */
export const LIST_FILTERS: readonly (readonly [string, Filter])[] = [
  ['sort', { parameters: ['reverse', 'case_sensitive', 'attribute'], run: sort }],
  ['unique', { parameters: ['case_sensitive', 'attribute'], run: unique }],
  ['min', { parameters: ['case_sensitive', 'attribute'], run: extreme(-1) }],
  ['max', { parameters: ['case_sensitive', 'attribute'], run: extreme(1) }],
  ['dictsort', { parameters: ['case_sensitive', 'by', 'reverse'], run: sortedPairs }],
  ['batch', { parameters: ['linecount', 'fill_with'], required: 1, run: batches }],
];
