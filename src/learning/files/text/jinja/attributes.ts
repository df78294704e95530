/**
 * What `value.name` and `value[key]` give. A method that Python has and this file does not is refused by name: it is
 * never taken for something that is not there. Methods that change a list or dictionary are refused as in the sandbox
 * of transformers.
 */
import { optionalWhole, place } from './arguments.ts';
import { itemAt } from './operators.ts';
import { repr } from './printing.ts';
import { formatMethod, type Method, TEXT_METHODS } from './text-methods.ts';
import type { Callable, Dict, Items, Value } from './values.ts';
import { equal, keyOf, list, tuple, typeName, undefinedValue } from './values.ts';

/** Public attributes of Python's types that are not built here. */
const NOT_BUILT: Readonly<Record<string, string>> = {
  str: 'casefold encode expandtabs format_map isidentifier isnumeric isprintable istitle maketrans swapcase translate',
  list: 'append clear extend insert pop remove reverse sort',
  dict: 'clear fromkeys pop popitem setdefault update',
  int: 'as_integer_ratio bit_count bit_length conjugate denominator from_bytes imag is_integer numerator real to_bytes',
  bool: 'as_integer_ratio bit_count bit_length conjugate denominator from_bytes imag is_integer numerator real to_bytes',
  float: 'as_integer_ratio conjugate fromhex hex imag is_integer real',
  dict_keys: 'isdisjoint mapping',
  dict_values: 'mapping',
  dict_items: 'isdisjoint mapping',
  range: 'count index start step stop',
  generator: 'close gi_code gi_frame gi_running gi_suspended gi_yieldfrom send throw',
  function: 'name arguments catch_kwargs catch_varargs caller explicit_caller',
  LoopContext: '',
};

const LIST_METHODS: ReadonlyMap<string, Method<Items>> = new Map(
  Object.entries({
    index: {
      parameters: ['/value', '/start', '/stop'],
      required: 1,
      run: (self, [wanted, start, stop]) => {
        const first = optionalWhole(start, 'index') ?? 0;
        const from = first < 0 ? Math.max(0, first + self.items.length) : first;
        const end = optionalWhole(stop, 'index') ?? self.items.length;
        const to = end < 0 ? end + self.items.length : end;
        const at = self.items.findIndex((item, i) => i >= from && i < to && equal(item, wanted ?? null));
        if (at === -1) throw new Error(`${repr(wanted ?? null)} is not in list`);
        return at;
      },
    },
    count: {
      parameters: ['/value'],
      required: 1,
      run: (self, [wanted]) => self.items.filter((item) => equal(item, wanted ?? null)).length,
    },
    copy: { parameters: [], required: 0, run: (self) => list(self.items) },
  } satisfies Record<string, Method<Items>>),
);

const DICT_METHODS: ReadonlyMap<string, Method<Dict>> = new Map(
  Object.entries({
    get: {
      parameters: ['/key', '/default'],
      required: 1,
      run: ({ entries }, [key, otherwise]) => {
        const entry = entries.get(keyOf(key ?? null));
        return entry === undefined ? (otherwise ?? null) : entry.value;
      },
    },
    keys: {
      parameters: [],
      required: 0,
      run: ({ entries }) => ({
        kind: 'view',
        name: 'dict_keys',
        items: Array.from(entries.values(), ({ key }) => key),
      }),
    },
    values: {
      parameters: [],
      required: 0,
      run: ({ entries }) => ({
        kind: 'view',
        name: 'dict_values',
        items: Array.from(entries.values(), ({ value }) => value),
      }),
    },
    items: {
      parameters: [],
      required: 0,
      run: ({ entries }) => ({
        kind: 'view',
        name: 'dict_items',
        items: Array.from(entries.values(), ({ key, value }) => tuple([key, value])),
      }),
    },
    copy: { parameters: [], required: 0, run: ({ entries }) => ({ kind: 'dict', entries }) },
  } satisfies Record<string, Method<Dict>>),
);

function bound<T>(name: string, self: T, { parameters, required, run }: Method<T>): Callable {
  return {
    kind: 'function',
    name,
    call: (args, named) => run(self, place(name, parameters, required, args, named)),
  };
}

/** A method or attribute of a value's type; undefined where Python's type has none by that name. */
function typeAttribute(of: Value, name: string): Value | undefined {
  const type = typeName(of);
  if (type === 'Markup') throw new Error(`${name} of safe text is not supported`);
  if (typeof of === 'string') {
    if (name === 'format') return { kind: 'function', name, call: (args, named) => formatMethod(of, args, named) };
    const method = TEXT_METHODS.get(name);
    if (method !== undefined) return bound(name, of, method);
  } else if (typeof of === 'object' && of !== null) {
    if (of.kind === 'namespace') return of.attributes.get(name);
    if (of.kind === 'loop') return of.attribute(name);
    const method = of.kind === 'list' || (of.kind === 'tuple' && name !== 'copy') ? LIST_METHODS.get(name) : undefined;
    if (method !== undefined && (of.kind === 'list' || of.kind === 'tuple')) return bound(name, of, method);
    const own = of.kind === 'dict' ? DICT_METHODS.get(name) : undefined;
    if (own !== undefined && of.kind === 'dict') return bound(name, of, own);
  }
  if (name.startsWith('_')) throw new Error(`access to attribute '${name}' of '${type}' object is unsafe.`);
  if (NOT_BUILT[type]?.split(' ').includes(name) === true) throw new Error(`${type}.${name} is not supported`);
  return undefined;
}

/** `of.name`: Python's attribute first, then the item. */
export function attribute(of: Value, name: string): Value {
  refuseUndefined(of);
  const own = typeAttribute(of, name);
  if (own !== undefined) return own;
  const found = itemAt(of, name);
  return found === undefined ? missing(of, name) : found;
}

/** `of[key]`: the item first, then Python's attribute. */
export function item(of: Value, key: Value): Value {
  refuseUndefined(of);
  if (typeof of === 'object' && of?.kind === 'markup') throw new Error('an index of safe text is not supported');
  const found = itemAt(of, key);
  if (found !== undefined) return found;
  const own = typeof key === 'string' ? typeAttribute(of, key) : undefined;
  return own === undefined ? missing(of, key) : own;
}

/** What is not there has no part and is no number. @throws Error saying what is not there. */
export function refuseUndefined(of: Value): void {
  if (typeof of === 'object' && of?.kind === 'undefined') throw new Error(of.hint);
}

/** What stands for an attribute or item that is not there, with the words of jinja2. */
export function missing(of: Value, key: Value): Value {
  const owner = of === null ? 'None' : `${typeName(of)} object`;
  if (typeof key === 'string') return undefinedValue(`'${owner}' has no attribute ${repr(key)}`);
  return undefinedValue(
    `${owner} has no element ${typeof key === 'object' && key?.kind === 'undefined' ? 'Undefined' : repr(key)}`,
  );
}
