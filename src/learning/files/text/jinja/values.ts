/**
 * What a template computes with: the values of Python, in JavaScript. Whole numbers, floats, lists, tuples and what
 * can be read only once are told apart, because Python prints and tests them differently.
 * Source: the Python language reference, jinja2 3.1 (`runtime.py`).
 */

import type { Json } from '#base/json.ts';

/** A float; whole numbers are plain JavaScript numbers. */
export interface Float {
  readonly kind: 'float';
  readonly value: number;
}

/** A list or a tuple. */
export interface Items {
  readonly kind: 'list' | 'tuple';
  readonly items: readonly Value[];
}

/** A dictionary: entries by `keyOf` of their key, in order. */
export interface Dict {
  readonly kind: 'dict';
  readonly entries: Map<string, { readonly key: Value; readonly value: Value }>;
}

/** What `keys`, `values` and `items` of a dictionary give, and `range`: has a length, is no list. */
export interface View {
  readonly kind: 'view';
  readonly name: 'dict_keys' | 'dict_values' | 'dict_items' | 'range';
  readonly items: readonly Value[];
  /** As Python prints it, for a range. */
  readonly printed?: string;
}

/** A generator: read once, always true, without a length. */
export interface Once {
  readonly kind: 'once';
  readonly source: Iterator<Value>;
}

/** Text that the filter `safe` made: what is added to it is escaped; most else that is done to it is refused. */
export interface Markup {
  readonly kind: 'markup';
  readonly text: string;
}

/** What is not there; most uses of it are errors that say `hint`. */
export interface Undefined {
  readonly kind: 'undefined';
  readonly hint: string;
}

/** What can be called. */
export interface Callable {
  readonly kind: 'function';
  readonly name: string;
  readonly call: (args: readonly Value[], named: Named) => Value;
}

/** A `namespace`, whose attributes a template may set. */
export interface Namespace {
  readonly kind: 'namespace';
  readonly attributes: Map<string, Value>;
}

/** The `loop` of a `for`. */
export interface Loop {
  readonly kind: 'loop';
  readonly attribute: (name: string) => Value | undefined;
  readonly call?: (args: readonly Value[]) => Value;
}

export type Value =
  | null
  | boolean
  | number
  | string
  | Float
  | Items
  | Dict
  | View
  | Once
  | Markup
  | Undefined
  | Callable
  | Namespace
  | Loop;

/** Arguments by name. */
export type Named = ReadonlyMap<string, Value>;

/** No text or list of a conversation is longer, so that a template cannot fill the memory. */
export const LARGEST = 1 << 26;

export const list = (items: readonly Value[]): Items => ({ kind: 'list', items });
export const tuple = (items: readonly Value[]): Items => ({ kind: 'tuple', items });
export const float = (value: number): Float => ({ kind: 'float', value });
export const undefinedValue = (hint: string): Undefined => ({ kind: 'undefined', hint });
export const once = (source: Iterator<Value>): Once => ({ kind: 'once', source });

/** A whole number. @throws Error beyond what JavaScript holds exactly. */
export function whole(value: number): number {
  if (Number.isSafeInteger(value)) return value + 0;
  throw new Error(`the number ${value} is too large`);
}

/** Text of a length that is allowed. */
export function text(value: string): string {
  if (value.length <= LARGEST) return value;
  throw new Error(`a text of ${value.length} characters is too long`);
}

/** A dictionary from pairs; of equal keys the last value counts, at the first one's place. */
export function dict(pairs: Iterable<readonly [Value, Value]>): Dict {
  const entries: Dict['entries'] = new Map();
  for (const [key, value] of pairs) {
    const hash = keyOf(key);
    entries.set(hash, { key: entries.get(hash)?.key ?? key, value });
  }
  return { kind: 'dict', entries };
}

/** JSON as Python's `json.loads` gives it; `undefined` is None. */
export function fromJson(json: Json | undefined): Value {
  if (json === null || json === undefined || typeof json === 'boolean' || typeof json === 'string') return json ?? null;
  if (typeof json === 'number') return Number.isSafeInteger(json) ? json : float(json);
  if (isList(json)) return list(json.map(fromJson));
  return dict(Object.entries(json).map(([key, value]) => [key, fromJson(value)] as const));
}

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}

/** What equal keys of a dictionary have in common. @throws Error on a value that is no key. */
export function keyOf(value: Value): string {
  if (value === null) return 'None';
  if (typeof value === 'string') return `s${value}`;
  const number = numberOf(value);
  if (number !== undefined) return `n${number}`;
  if (typeof value === 'object' && value.kind === 'tuple') return JSON.stringify(value.items.map(keyOf));
  throw new Error(`unhashable type: '${typeName(value)}'`);
}

/** The number of a whole number, a float or a boolean. */
export function numberOf(value: Value): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'object' && value?.kind === 'float' ? value.value : undefined;
}

/** Whether a number is a float, which makes the result of most operations one. */
export function isFloat(value: Value): value is Float {
  return typeof value === 'object' && value?.kind === 'float';
}

/** As Python names a type. */
export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  if (typeof value === 'string') return 'str';
  if (typeof value === 'number') return 'int';
  if (typeof value === 'boolean') return 'bool';
  return value.kind === 'view' ? value.name : (TYPE_NAMES[value.kind] ?? value.kind);
}

/** Names of types that differ from the kinds here. */
const TYPE_NAMES: Readonly<Partial<Record<string, string>>> = {
  once: 'generator',
  undefined: 'Undefined',
  namespace: 'Namespace',
  loop: 'LoopContext',
  markup: 'Markup',
};

/** Whether a value counts as true. */
export function truth(value: Value): boolean {
  if (value === null || typeof value === 'boolean') return value === true;
  if (typeof value === 'string') return value !== '';
  if (typeof value === 'number') return value !== 0;
  switch (value.kind) {
    case 'float':
      return value.value !== 0;
    case 'list':
    case 'tuple':
    case 'view':
      return value.items.length > 0;
    case 'dict':
      return value.entries.size > 0;
    case 'markup':
      return value.text !== '';
    case 'undefined':
      return false;
    case 'once':
    case 'function':
    case 'namespace':
    case 'loop':
      return true;
    default:
      return value satisfies never;
  }
}

/** The items of a value, as a `for` gets them. @throws Error where there are none. */
export function iterate(value: Value): Iterator<Value> {
  if (typeof value === 'string') return value[Symbol.iterator]();
  if (typeof value === 'object' && value !== null) {
    switch (value.kind) {
      case 'list':
      case 'tuple':
      case 'view':
        return value.items[Symbol.iterator]();
      case 'dict':
        return Array.from(value.entries.values(), ({ key }) => key)[Symbol.iterator]();
      case 'once':
        return value.source;
      case 'undefined':
        return [][Symbol.iterator]();
      case 'float':
      case 'markup':
      case 'function':
      case 'namespace':
      case 'loop':
        break;
      default:
        return value satisfies never;
    }
  }
  throw new Error(`'${typeName(value)}' object is not iterable`);
}

/** All items of a value. */
export function itemsOf(value: Value): Value[] {
  const source = iterate(value);
  const items: Value[] = [];
  for (let step = source.next(); step.done !== true; step = source.next()) items.push(step.value);
  return items;
}

/** Characters of a text, as Python counts them. */
export function characters(value: string): readonly string[] {
  return Array.from(value);
}

/** Python's `len`. @throws Error on what has no length. */
export function lengthOf(value: Value): number {
  if (typeof value === 'string') return /[\uD800-\uDFFF]/.test(value) ? characters(value).length : value.length;
  if (typeof value === 'object' && value !== null) {
    if (value.kind === 'list' || value.kind === 'tuple' || value.kind === 'view') return value.items.length;
    if (value.kind === 'dict') return value.entries.size;
    if (value.kind === 'undefined') return 0;
  }
  throw new Error(`object of type '${typeName(value)}' has no len()`);
}

/** Python's ==. */
export function equal(a: Value, b: Value): boolean {
  if (typeof a === 'object' && a?.kind === 'markup') return equal(a.text, b);
  if (typeof b === 'object' && b?.kind === 'markup') return equal(a, b.text);
  const [left, right] = [numberOf(a), numberOf(b)];
  if (left !== undefined || right !== undefined) return left === right;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if ((a.kind === 'list' || a.kind === 'tuple') && a.kind === b.kind) return equalItems(a.items, b.items);
  if (a.kind === 'view' && b.kind === 'view' && a.name === b.name) {
    if (a.name === 'range') return equalItems(a.items, b.items);
    throw new Error(`comparing ${a.name} is not supported`);
  }
  if (a.kind === 'dict' && b.kind === 'dict') {
    const other = b.entries;
    const same = (hash: string, value: Value): boolean => {
      const entry = other.get(hash);
      return entry !== undefined && equal(value, entry.value);
    };
    return a.entries.size === other.size && [...a.entries].every(([hash, { value }]) => same(hash, value));
  }
  return a === b || (a.kind === 'undefined' && b.kind === 'undefined');
}

function equalItems(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((item, i) => equal(item, b[i] ?? null));
}

/** Negative, 0 or positive as a comes before, with or after b. @throws Error on what has no order. */
export function compare(a: Value, b: Value, sign = '<'): number {
  const [left, right] = [numberOf(a), numberOf(b)];
  if (left !== undefined && right !== undefined) return left - right;
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  const [lists, others] = [itemsOrNone(a), itemsOrNone(b)];
  if (lists !== undefined && others !== undefined && typeName(a) === typeName(b)) {
    const at = lists.findIndex((item, i) => i < others.length && !equal(item, others[i] ?? null));
    return at === -1 ? lists.length - others.length : compare(lists[at] ?? null, others[at] ?? null, sign);
  }
  if (typeof a === 'object' && a?.kind === 'undefined') throw new Error(a.hint);
  if (typeof b === 'object' && b?.kind === 'undefined') throw new Error(b.hint);
  throw new Error(`'${sign}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`);
}

function itemsOrNone(value: Value): readonly Value[] | undefined {
  return typeof value === 'object' && (value?.kind === 'list' || value?.kind === 'tuple') ? value.items : undefined;
}

/** By code points: JavaScript's own order puts surrogates before the end of the first plane. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  if (at > 0 && /[\uDC00-\uDFFF]/.test(`${a[at] ?? ''}${b[at] ?? ''}`)) at--;
  return (a.codePointAt(at) ?? -1) - (b.codePointAt(at) ?? -1);
}
