/**
 * The filters of jinja2 3.1 (`filters.py`) that chat templates use, `tojson` as transformers has it. Those that make
 * HTML safe (`escape`, `safe`, ...) or choose at random are refused by name.
 */
import type { Placed } from './arguments.ts';
import { optionalText, optionalWhole, place, textArgument, wholeArgument } from './arguments.ts';
import { attribute, refuseUndefined } from './attributes.ts';
import { type Filter, getter, LIST_FILTERS } from './list-filters.ts';
import { binary, percent } from './operators.ts';
import { dumps, str } from './printing.ts';
import { LINE_END, SPACE } from './lexer.ts';
import { passes } from './tests.ts';
import { padded, replace, strip, TEXT_METHODS } from './text-methods.ts';
import type { Named, Value } from './values.ts';
import {
  characters,
  float,
  isFloat,
  iterate,
  itemsOf,
  lengthOf,
  list,
  numberOf,
  once,
  text,
  truth,
  tuple,
  typeName,
  undefinedValue,
  whole,
} from './values.ts';

const isUndefined = (value: Value): boolean => typeof value === 'object' && value?.kind === 'undefined';
const yes = (value: Value | undefined): boolean => value !== undefined && truth(value);
const plain = (run: (value: Value) => Value): Filter => ({ parameters: [], run });
const method = (name: string): Filter => plain((value) => TEXT_METHODS.get(name)?.run(str(value), []) ?? str(value));

function byDefault(value: Value, [otherwise = '', also]: Placed): Value {
  return isUndefined(value) || (yes(also) && !truth(value)) ? otherwise : value;
}

function first(value: Value): Value {
  const { done, value: one } = iterate(value).next();
  return done === true ? undefinedValue('No first item, sequence was empty.') : one;
}

function last(value: Value): Value {
  if (typeof value === 'object' && value?.kind === 'once') throw new Error(`'generator' object is not reversible`);
  const one = itemsOf(value).at(-1);
  return one === undefined ? undefinedValue('No last item, sequence was empty.') : one;
}

function reversed(value: Value): Value {
  if (typeof value === 'string') return characters(value).toReversed().join('');
  return once(itemsOf(value).toReversed()[Symbol.iterator]());
}

function join(value: Value, [between = '', path]: Placed): Value {
  const read = path === undefined || path === null ? (one: Value): Value => one : getter(path);
  return text(
    itemsOf(value)
      .map((one) => str(read(one)))
      .join(str(between)),
  );
}

const WORD_START = new RegExp(`([-${SPACE}({[<]+)`);

/** Each word begins with a capital; words are parted by spaces, hyphens and opening brackets. */
function title(value: Value): Value {
  const capitalize = TEXT_METHODS.get('capitalize');
  const parts = str(value).split(WORD_START);
  return text(parts.map((part) => (part === '' ? '' : str(capitalize?.run(part, []) ?? part))).join(''));
}

function indent(value: Value, [width = 4, firstLine, blank]: Placed): Value {
  const space = typeof width === 'string' ? width : ' '.repeat(Math.max(0, wholeArgument(width, 'indent')));
  const lines = `${str(value)}\n`.split(LINE_END);
  if (lines.at(-1) === '') lines.pop();
  const [start = '', ...others] = lines;
  const rest = others.map((line) => (line === '' && !yes(blank) ? '' : space + line));
  return text((yes(firstLine) ? space : '') + [start, ...rest].join('\n'));
}

const WHOLE = /^[-+]?\d+(?:_\d+)*$/;
const DECIMAL = /^[-+]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[-+]?\d+)?$/i;

function toWhole(value: Value, [otherwise = 0, base = 10]: Placed): Value {
  if (base !== 10) throw new Error('the filter int with a base is not supported');
  const number = numberOf(value);
  if (number !== undefined) return Number.isFinite(number) ? whole(Math.trunc(number)) : otherwise;
  refuseUndefined(value);
  const given = typeof value === 'string' ? strip(value, undefined, 'both') : '';
  if (WHOLE.test(given)) return whole(Number(given.replaceAll('_', '')));
  return DECIMAL.test(given) ? whole(Math.trunc(Number(given.replaceAll('_', '')))) : otherwise;
}

function toFloat(value: Value, [otherwise = float(0)]: Placed): Value {
  const number = numberOf(value);
  if (number !== undefined) return float(number);
  refuseUndefined(value);
  const given = typeof value === 'string' ? strip(value, undefined, 'both') : '';
  return DECIMAL.test(given) ? float(Number(given.replaceAll('_', ''))) : otherwise;
}

/** As many decimals as JavaScript writes: enough to see an exact half. */
const EXACT = 100;

/** To a number of decimals; an exact half goes to the even neighbour, as Python has it. */
function round(value: Value, [precision = 0, form = 'common']: Placed): Value {
  const number = numberOf(value);
  if (number === undefined) throw new Error(`type ${typeName(value)} doesn't define __round__ method`);
  const places = wholeArgument(precision, 'round');
  if (places < 0 || places > 20) throw new Error(`rounding to ${places} places is not supported`);
  const scale = 10 ** places;
  if (form === 'ceil') return float(Math.ceil(number * scale) / scale);
  if (form === 'floor') return float(Math.floor(number * scale) / scale);
  if (form !== 'common') throw new Error('method must be common, ceil or floor');
  if (!isFloat(value)) return whole(number);
  const exact = Math.abs(number).toFixed(EXACT);
  const tail = exact.length - EXACT + places;
  const isHalf = /^50*$/.test(exact.slice(tail));
  const below = Number(exact.slice(0, tail));
  const isEven = Number(exact.slice(0, tail).replace('.', '').at(-1)) % 2 === 0;
  return float(isHalf && isEven ? Math.sign(number) * below : Number(number.toFixed(places)));
}

function toJson(value: Value, [ensureAscii, indentation, separators, sortKeys]: Placed): Value {
  const isPretty = indentation !== undefined && indentation !== null;
  const given = separators === undefined || separators === null ? undefined : itemsOf(separators).map(str);
  return dumps(value, {
    ensureAscii: yes(ensureAscii),
    indent: isPretty
      ? typeof indentation === 'string'
        ? indentation
        : ' '.repeat(wholeArgument(indentation, 'indent'))
      : undefined,
    itemSeparator: given?.[0] ?? (isPretty ? ',' : ', '),
    keySeparator: given?.[1] ?? ': ',
    sortKeys: yes(sortKeys),
  });
}

function pairs(value: Value): Value {
  if (isUndefined(value)) return once([][Symbol.iterator]());
  if (typeof value !== 'object' || value?.kind !== 'dict') throw new Error('Can only get item pairs from a mapping.');
  return once(Array.from(value.entries.values(), (entry) => tuple([entry.key, entry.value]))[Symbol.iterator]());
}

function truncate(value: Value, [length = 255, killWords, end = '...', leeway = 5]: Placed): Value {
  const all = characters(str(value));
  const [most, ending] = [wholeArgument(length, 'truncate'), textArgument(end, 'truncate')];
  if (all.length <= most + wholeArgument(leeway, 'truncate')) return all.join('');
  const cut = all.slice(0, most - lengthOf(ending)).join('');
  return (yes(killWords) ? cut : cut.replace(/ [^ ]*$/, '')) + ending;
}

const FILTERS: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ...LIST_FILTERS,
  ...Object.entries({
    abs: plain((value) => {
      const number = numberOf(value);
      if (number === undefined) throw new Error(`bad operand type for abs(): '${typeName(value)}'`);
      return isFloat(value) ? float(Math.abs(number)) : Math.abs(number);
    }),
    attr: { parameters: ['name'], required: 1, run: (value, [name]) => attribute(value, textArgument(name, 'attr')) },
    capitalize: method('capitalize'),
    center: {
      parameters: ['width'],
      run: (value, [width = 80]) => padded(str(value), wholeArgument(width, 'center'), ' ', 'both'),
    },
    default: { parameters: ['default_value', 'boolean'], run: byDefault },
    d: { parameters: ['default_value', 'boolean'], run: byDefault },
    first: plain(first),
    last: plain(last),
    float: { parameters: ['default'], run: toFloat },
    int: { parameters: ['default', 'base'], run: toWhole },
    indent: { parameters: ['width', 'first', 'blank'], run: indent },
    items: plain(pairs),
    join: { parameters: ['d', 'attribute'], run: join },
    length: plain(lengthOf),
    count: plain(lengthOf),
    list: plain((value) => list(itemsOf(value))),
    lower: method('lower'),
    upper: method('upper'),
    replace: {
      parameters: ['old', 'new', 'count'],
      required: 2,
      run: (value, [old = '', by = '', most]) => replace(str(value), str(old), str(by), optionalWhole(most, 'replace')),
    },
    reverse: plain(reversed),
    round: { parameters: ['precision', 'method'], run: round },
    safe: plain((value) => (isMarkup(value) ? value : { kind: 'markup', text: str(value) })),
    string: plain((value) => (isMarkup(value) ? value : str(value))),
    sum: {
      parameters: ['attribute', 'start'],
      run: (value, [path, start = 0]) => {
        const read = path === undefined || path === null ? (one: Value): Value => one : getter(path);
        return itemsOf(value).reduce<Value>((sum, one) => binary('+', sum, read(one)), start);
      },
    },
    title: plain(title),
    tojson: { parameters: ['ensure_ascii', 'indent', 'separators', 'sort_keys'], run: toJson },
    trim: { parameters: ['chars'], run: (value, [set]) => strip(str(value), optionalText(set, 'trim'), 'both') },
    truncate: { parameters: ['length', 'killwords', 'end', 'leeway'], run: truncate },
    wordcount: plain((value) => str(value).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0),
  } satisfies Record<string, Filter>),
]);

/** What becomes of one item: a value, or nothing where it is left out. */
type PerItem = (item: Value) => Value | undefined;
type OverItems = (args: readonly Value[], named: Named) => PerItem;

/** As jinja2 does it: nothing is looked at, the arguments neither, before the first item is asked for. */
function* overItems(value: Value, perItem: () => PerItem): Generator<Value, undefined> {
  if (!truth(value)) return undefined;
  const [items, change] = [iterate(value), perItem()];
  for (let next = items.next(); next.done !== true; next = items.next()) {
    const changed = change(next.value);
    if (changed !== undefined) yield changed;
  }
  return undefined;
}

const map: OverItems = (args, named) => {
  const [name, ...rest] = args;
  const path = named.get('attribute');
  if (name === undefined && path !== undefined) {
    const unknown = [...named.keys()].find((key) => key !== 'attribute' && key !== 'default');
    if (unknown !== undefined) throw new Error(`Unexpected keyword argument '${unknown}'`);
    return getter(path, named.get('default'));
  }
  if (name === undefined) throw new Error('map requires a filter argument');
  return (item) => applyFilter(textArgument(name, 'map'), item, rest, named);
};

/** `select`, `reject` and, for a part of each item, `selectattr`, `rejectattr`. */
function choosing(keeps: boolean, isByAttribute: boolean): OverItems {
  return (args, named) => {
    if (named.size > 0) throw new Error('a choice of items takes no arguments by name');
    const [path, name, ...rest] = isByAttribute ? args : [null, ...args];
    if (path === undefined) throw new Error('Missing parameter for attribute name');
    const read = isByAttribute ? getter(path) : (item: Value): Value => item;
    const holds = (item: Value): boolean =>
      name === undefined ? truth(item) : passes(textArgument(name, 'select'), item, rest);
    return (item) => (holds(read(item)) === keeps ? item : undefined);
  };
}

const OVER_ITEMS: ReadonlyMap<string, OverItems> = new Map([
  ['map', map],
  ['select', choosing(true, false)],
  ['reject', choosing(false, false)],
  ['selectattr', choosing(true, true)],
  ['rejectattr', choosing(false, true)],
]);

const isMarkup = (value: Value): boolean => typeof value === 'object' && value?.kind === 'markup';
/** The filters that take safe text as it is; the others would have to keep it safe. */
const FOR_MARKUP = new Set(['safe', 'string', 'default', 'd', 'tojson']);

/** What a filter makes of a value. @throws Error on a filter that is not known or wrong arguments. */
export function applyFilter(name: string, value: Value, args: readonly Value[], named: Named): Value {
  if (args.some(isMarkup) || (isMarkup(value) && !FOR_MARKUP.has(name))) {
    throw new Error(`the filter ${name} on safe text is not supported`);
  }
  if (name === 'format') {
    if (args.length > 0 && named.size > 0)
      throw new Error("can't handle positional and keyword arguments at the same time");
    if (named.size > 0) throw new Error('the filter format with names is not supported');
    return percent(str(value), tuple(args));
  }
  const over = OVER_ITEMS.get(name);
  if (over !== undefined) return once(overItems(value, () => over(args, named)));
  const filter = FILTERS.get(name);
  if (filter === undefined) throw new Error(`the filter ${name} is not supported`);
  return filter.run(value, place(name, filter.parameters, filter.required ?? 0, args, named));
}
