/** The methods of Python's `str`. */
import type { Placed } from './arguments.ts';
import { optionalText, optionalWhole, textArgument, wholeArgument } from './arguments.ts';
import { LINE_END, SPACE } from './lexer.ts';
import { str } from './printing.ts';
import type { Value } from './values.ts';
import { characters, itemsOf, LARGEST, lengthOf, list, text, tuple, typeName } from './values.ts';

/** A method: its parameters (those that take no argument by name begin with a slash), how many must be given, and what it does. */
export interface Method<T> {
  readonly parameters: readonly string[];
  readonly required: number;
  readonly run: (self: T, given: Placed) => Value;
}

const EDGES = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, 'g');
const START = new RegExp(`^[${SPACE}]+`);
const END = new RegExp(`[${SPACE}]+$`);
const GAPS = new RegExp(`[${SPACE}]+`);

/** `strip`, `lstrip`, `rstrip`. @param set Characters to take away; white space when undefined. */
export function strip(value: string, set: string | undefined, side: 'both' | 'left' | 'right'): string {
  if (set === undefined) return value.replace(side === 'both' ? EDGES : side === 'left' ? START : END, '');
  const all = characters(value);
  const unwanted = new Set(characters(set));
  let [from, to] = [0, all.length];
  if (side !== 'right') while (from < to && unwanted.has(all[from] ?? '')) from++;
  if (side !== 'left') while (to > from && unwanted.has(all[to - 1] ?? '')) to--;
  return all.slice(from, to).join('');
}

/** `replace`. @param most Replacements at most; negative for all. */
export function replace(value: string, old: string, by: string, most = -1): string {
  if (most < 0)
    return text(
      old === ''
        ? `${by}${characters(value)
            .map((one) => one + by)
            .join('')}`
        : value.split(old).join(by),
    );
  const parts = old === '' ? ['', ...characters(value), ''] : value.split(old);
  const joints = parts.slice(1).map((part, i) => (i < most ? by : old) + part);
  return text((parts[0] ?? '') + joints.join(''));
}

function split(value: string, separator: string | undefined, most: number, fromRight: boolean): readonly string[] {
  if (separator === '') throw new Error('empty separator');
  if (separator !== undefined) {
    const parts = value.split(separator);
    if (most < 0 || parts.length <= most + 1) return parts;
    if (fromRight)
      return [parts.slice(0, -most || undefined).join(separator), ...(most === 0 ? [] : parts.slice(-most))];
    return [...parts.slice(0, most), parts.slice(most).join(separator)];
  }
  const trimmed = strip(value, undefined, 'both');
  if (most < 0) return trimmed === '' ? [] : trimmed.split(GAPS);
  return fromRight ? splitWordsRight(value, most) : splitWords(value, most);
}

function splitWords(value: string, most: number): readonly string[] {
  const words: string[] = [];
  let rest = value.replace(START, '');
  while (rest !== '') {
    const gap = words.length < most ? GAPS.exec(rest) : null;
    if (gap === null) {
      words.push(rest);
      break;
    }
    words.push(rest.slice(0, gap.index));
    rest = rest.slice(gap.index + gap[0].length);
  }
  return words;
}

function splitWordsRight(value: string, most: number): readonly string[] {
  const mirrored = splitWords(characters(value).toReversed().join(''), most);
  return mirrored.map((word) => characters(word).toReversed().join('')).toReversed();
}

function splitLines(value: string, keepEnds: boolean): readonly string[] {
  const lines: string[] = [];
  let rest = value;
  while (rest !== '') {
    const end = LINE_END.exec(rest);
    const [length, ending] = end === null ? [rest.length, ''] : [end.index, end[0]];
    lines.push(rest.slice(0, length) + (keepEnds ? ending : ''));
    rest = rest.slice(length + ending.length);
  }
  return lines;
}

function capitalized(value: string): string {
  const [first = '', ...others] = characters(value);
  return titleCase(first) + lower(others.join(''));
}

/** One character as the first of a word; the few that have a form of their own for it are refused. */
function titleCase(character: string): string {
  if (
    /[\u01C4-\u01CC\u01F1-\u01F3\u00DF\u0149\u01F0\u0390\u03B0\u0587\u1E96-\u1E9A\u1F50-\u1FFF\uFB00-\uFB17]/.test(
      character,
    )
  ) {
    throw new Error(`the title form of ${character} is not supported`);
  }
  return character.toUpperCase();
}

function lower(value: string): string {
  return value.toLowerCase();
}

/** `title` of str: each run of letters begins with a capital. */
function titled(value: string): string {
  return value.replaceAll(/[\p{Lu}\p{Ll}\p{Lt}]+/gu, (word) => capitalized(word));
}

function affix(given: Placed, self: string, test: (part: string, affix: string) => boolean, what: string): boolean {
  const [wanted, start, end] = given;
  const isTuple = typeof wanted === 'object' && wanted?.kind === 'tuple';
  const options = isTuple ? wanted.items : [wanted];
  const part =
    start === undefined && end === undefined
      ? self
      : characters(self)
          .slice(optionalWhole(start, what) ?? 0, optionalWhole(end, what))
          .join('');
  return options.some((option) => test(part, textArgument(option, what)));
}

function find(self: string, given: Placed, fromRight: boolean): number {
  const wanted = characters(textArgument(given[0], 'find'));
  const all = characters(self);
  const from = optionalWhole(given[1], 'find') ?? 0;
  const to = optionalWhole(given[2], 'find') ?? all.length;
  const clamp = (at: number): number => Math.max(0, Math.min(all.length, at < 0 ? at + all.length : at));
  const places = Array.from(
    { length: Math.max(0, clamp(to) - clamp(from) - wanted.length + 1) },
    (_, i) => clamp(from) + i,
  );
  const fits = (at: number): boolean => wanted.every((character, i) => all[at + i] === character);
  return (fromRight ? places.findLast(fits) : places.find(fits)) ?? -1;
}

function found(at: number): number {
  if (at === -1) throw new Error('substring not found');
  return at;
}

function partition(self: string, given: Placed, fromRight: boolean): Value {
  const separator = textArgument(given[0], 'partition');
  if (separator === '') throw new Error('empty separator');
  const at = fromRight ? self.lastIndexOf(separator) : self.indexOf(separator);
  if (at === -1) return tuple(fromRight ? ['', '', self] : [self, '', '']);
  return tuple([self.slice(0, at), separator, self.slice(at + separator.length)]);
}

/** Text made longer on one side or both. */
export function padded(self: string, width: number, fill: string, side: 'left' | 'right' | 'both'): string {
  const missing = Math.max(0, width - lengthOf(self));
  if (missing > LARGEST || lengthOf(fill) !== 1)
    throw new Error('expected a fill of one character and a width that is no larger than a text may be');
  // Python's `center` puts the odd one left where the width is odd too.
  const left = side === 'left' ? missing : side === 'right' ? 0 : Math.floor(missing / 2) + (missing & width & 1);
  return fill.repeat(left) + self + fill.repeat(missing - left);
}

const PLAIN_FIELD = /\{\{|\}\}|\{([^{}]*)\}|[{}]/g;

/** `format` with fields that are empty, a number or a name; forms after a colon are refused. */
function format(form: string, args: readonly Value[], named: ReadonlyMap<string, Value>): string {
  let next = 0;
  return text(
    form.replaceAll(PLAIN_FIELD, (whole, field?: string) => {
      if (whole === '{{' || whole === '}}') return whole.slice(1);
      if (field === undefined || !/^\w*$/.test(field)) throw new Error(`the format ${whole} is not supported`);
      const value = field === '' ? args[next++] : /^\d+$/.test(field) ? args[Number(field)] : named.get(field);
      if (value === undefined) throw new Error(`the format ${whole} has no argument`);
      return str(value);
    }),
  );
}

/** `'...'.format(...)`. */
export const formatMethod = format;

type TextMethod = Method<string>;
const NONE: Pick<TextMethod, 'parameters' | 'required'> = { parameters: [], required: 0 };
const plain = (run: (self: string) => Value): TextMethod => ({ ...NONE, run });
const matches = (pattern: RegExp): TextMethod => plain((self) => pattern.test(self));
const stripper = (side: 'both' | 'left' | 'right'): TextMethod => ({
  parameters: ['/chars'],
  required: 0,
  run: (self, [set]) => strip(self, optionalText(set, 'strip'), side),
});
const splitter = (fromRight: boolean): TextMethod => ({
  parameters: ['sep', 'maxsplit'],
  required: 0,
  run: (self, [separator, most]) =>
    list(
      split(self, optionalText(separator, 'split'), most === undefined ? -1 : wholeArgument(most, 'split'), fromRight),
    ),
});
const finder = (fromRight: boolean, isStrict: boolean): TextMethod => ({
  parameters: ['/sub', '/start', '/end'],
  required: 1,
  run: (self, given) => (isStrict ? found(find(self, given, fromRight)) : find(self, given, fromRight)),
});
const affixed = (what: string, test: (part: string, affix: string) => boolean): TextMethod => ({
  parameters: ['/prefix', '/start', '/end'],
  required: 1,
  run: (self, given) => affix(given, self, test, what),
});
const filler = (side: 'left' | 'right' | 'both'): TextMethod => ({
  parameters: ['/width', '/fillchar'],
  required: 1,
  run: (self, [width, fill]) =>
    padded(self, wholeArgument(width, 'width'), optionalText(fill, 'fillchar') ?? ' ', side),
});

/** The methods that are here; `format` takes any arguments and is apart. */
export const TEXT_METHODS: ReadonlyMap<string, TextMethod> = new Map(
  Object.entries({
    strip: stripper('both'),
    lstrip: stripper('left'),
    rstrip: stripper('right'),
    split: splitter(false),
    rsplit: splitter(true),
    splitlines: {
      parameters: ['keepends'],
      required: 0,
      run: (self, [keep]) => list(splitLines(self, keep === true || keep === 1)),
    },
    startswith: affixed('startswith', (part, start) => part.startsWith(start)),
    endswith: affixed('endswith', (part, end) => part.endsWith(end)),
    replace: {
      parameters: ['/old', '/new', '/count'],
      required: 2,
      run: (self, [old, by, most]) =>
        replace(self, textArgument(old, 'replace'), textArgument(by, 'replace'), optionalWhole(most, 'replace')),
    },
    upper: plain((self) => self.toUpperCase()),
    lower: plain(lower),
    title: plain(titled),
    capitalize: plain(capitalized),
    find: finder(false, false),
    rfind: finder(true, false),
    index: finder(false, true),
    rindex: finder(true, true),
    count: {
      parameters: ['/sub'],
      required: 1,
      run: (self, [sub]) => {
        const wanted = textArgument(sub, 'count');
        return wanted === '' ? lengthOf(self) + 1 : self.split(wanted).length - 1;
      },
    },
    join: {
      parameters: ['/iterable'],
      required: 1,
      run: (self, [items]) =>
        text(
          itemsOf(items ?? null)
            .map(joinable)
            .join(self),
        ),
    },
    partition: { parameters: ['/sep'], required: 1, run: (self, given) => partition(self, given, false) },
    rpartition: { parameters: ['/sep'], required: 1, run: (self, given) => partition(self, given, true) },
    removeprefix: {
      parameters: ['/prefix'],
      required: 1,
      run: (self, [start]) => {
        const wanted = textArgument(start, 'removeprefix');
        return self.startsWith(wanted) ? self.slice(wanted.length) : self;
      },
    },
    removesuffix: {
      parameters: ['/suffix'],
      required: 1,
      run: (self, [end]) => {
        const wanted = textArgument(end, 'removesuffix');
        return wanted !== '' && self.endsWith(wanted) ? self.slice(0, -wanted.length) : self;
      },
    },
    ljust: filler('right'),
    rjust: filler('left'),
    center: filler('both'),
    zfill: {
      parameters: ['/width'],
      required: 1,
      run: (self, [width]) => {
        const sign = /^[-+]/.exec(self)?.[0] ?? '';
        return sign + padded(self.slice(sign.length), wholeArgument(width, 'width') - sign.length, '0', 'left');
      },
    },
    isdigit: matches(/^[\p{Nd}\u00B2\u00B3\u00B9\u2070\u2074-\u2079\u2080-\u2089]+$/u),
    isdecimal: matches(/^\p{Nd}+$/u),
    isalpha: matches(/^\p{L}+$/u),
    isalnum: matches(/^[\p{L}\p{N}]+$/u),
    isspace: matches(new RegExp(`^[${SPACE}]+$`)),
    isupper: plain((self) => /\p{Lu}/u.test(self) && self.toUpperCase() === self),
    islower: plain((self) => /\p{Ll}/u.test(self) && self.toLowerCase() === self),
    isascii: plain((self) => /^[\0-\x7F]*$/.test(self)),
  } satisfies Record<string, TextMethod>),
);

function joinable(item: Value): string {
  if (typeof item === 'string') return item;
  throw new Error(`sequence item: expected str instance, ${typeName(item)} found`);
}
