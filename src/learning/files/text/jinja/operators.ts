/** Python's operators, indexing and slicing. */
import { str } from './printing.ts';
import type { BinaryOperator, Comparison } from './syntax.ts';
import type { Value } from './values.ts';
import {
  characters,
  compare,
  equal,
  float,
  isFloat,
  itemsOf,
  keyOf,
  LARGEST,
  list,
  numberOf,
  text,
  tuple,
  typeName,
  whole,
} from './values.ts';

/** `left operator right`. @throws Error on types that do not go together. */
export function binary(operator: BinaryOperator, left: Value, right: Value): Value {
  refuseUndefined(left, right);
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== undefined && b !== undefined) return arithmetic(operator, a, b, isFloat(left) || isFloat(right));
  if (operator === '+') return joined(left, right);
  if (operator === '*') {
    if (b !== undefined && !isFloat(right)) return repeated(left, b);
    if (a !== undefined && !isFloat(left)) return repeated(right, a);
  }
  if (operator === '%' && typeof left === 'string') return percent(left, right);
  throw unsupported(operator, left, right);
}

function refuseUndefined(...values: readonly Value[]): void {
  for (const value of values) {
    if (typeof value === 'object' && value?.kind === 'undefined') throw new Error(value.hint);
  }
}

function unsupported(operator: string, left: Value, right: Value): Error {
  return new Error(`unsupported operand type(s) for ${operator}: '${typeName(left)}' and '${typeName(right)}'`);
}

function arithmetic(operator: BinaryOperator, a: number, b: number, givesFloat: boolean): Value {
  const result = (value: number): Value => (givesFloat ? float(value) : whole(value));
  switch (operator) {
    case '+':
      return result(a + b);
    case '-':
      return result(a - b);
    case '*':
      return result(a * b);
    case '/':
      if (b === 0) throw new Error('division by zero');
      return float(a / b);
    case '//':
      if (b === 0) throw new Error('division by zero');
      return result(givesFloat ? Math.round((a - remainder(a, b)) / b) : (a - remainder(a, b)) / b);
    case '%':
      if (b === 0) throw new Error('division by zero');
      return result(remainder(a, b));
    case '**':
      if (a < 0 && !Number.isInteger(b)) throw new Error('complex numbers are not supported');
      if (a === 0 && b < 0) throw new Error('0.0 cannot be raised to a negative power');
      return b < 0 ? float(a ** b) : result(a ** b);
    default:
      return operator satisfies never;
  }
}

/** With the sign of the divisor. */
function remainder(a: number, b: number): number {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

function joined(left: Value, right: Value): Value {
  if (typeof left === 'string' && typeof right === 'string') return text(left + right);
  if (typeof left === 'object' && typeof right === 'object' && left !== null && right !== null) {
    if (left.kind === 'markup' && right.kind === 'markup')
      return { kind: 'markup', text: text(left.text + right.text) };
    if (left.kind === 'list' && right.kind === 'list') return list(sized([left.items, right.items]));
    if (left.kind === 'tuple' && right.kind === 'tuple') return tuple(sized([left.items, right.items]));
  }
  if (typeof left === 'object' && left?.kind === 'markup' && typeof right === 'string') {
    return { kind: 'markup', text: text(left.text + escaped(right)) };
  }
  if (typeof right === 'object' && right?.kind === 'markup' && typeof left === 'string') {
    return { kind: 'markup', text: text(escaped(left) + right.text) };
  }
  if (typeof left === 'string') throw new Error(`can only concatenate str (not "${typeName(right)}") to str`);
  throw unsupported('+', left, right);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&#39;',
  '"': '&#34;',
};

/** Text as it is added to safe text, where it is escaped. */
function escaped(plain: string): string {
  return plain.replaceAll(/[&<>'"]/g, (character) => ESCAPES[character] ?? character);
}

function sized(parts: readonly (readonly Value[])[]): readonly Value[] {
  if (parts.reduce((sum, part) => sum + part.length, 0) > LARGEST / 64) throw new Error('a list is too long');
  return parts.flat();
}

function repeated(value: Value, times: number): Value {
  const count = Math.max(0, times);
  if (typeof value === 'string') {
    if (value.length * count > LARGEST) throw new Error('a text is too long');
    return value.repeat(count);
  }
  if (typeof value === 'object' && (value?.kind === 'list' || value?.kind === 'tuple')) {
    if (value.items.length * count > LARGEST / 64) throw new Error('a list is too long');
    return { kind: value.kind, items: Array.from({ length: count }, () => value.items).flat() };
  }
  throw unsupported('*', value, times);
}

/** `%s` and `%d`, the forms templates use. */
export function percent(form: string, value: Value): string {
  const given = typeof value === 'object' && value?.kind === 'tuple' ? [...value.items] : [value];
  const written = form.replaceAll(/%(.?)/gs, (whole_, code: string) => {
    if (code === '%') return '%';
    if (code !== 's' && code !== 'd') throw new Error(`the format ${whole_} is not supported`);
    const next = given.shift();
    if (next === undefined) throw new Error('not enough arguments for format string');
    if (code === 's') return str(next);
    const number = numberOf(next);
    if (number === undefined) throw new Error(`%d format: a real number is required, not ${typeName(next)}`);
    return String(whole(Math.trunc(number)));
  });
  const isMapping = typeof value === 'object' && value?.kind === 'dict';
  if (given.length > 0 && !isMapping) throw new Error('not all arguments converted during string formatting');
  return text(written);
}

/** `left comparison right`. */
export function compares(operator: Comparison, left: Value, right: Value): boolean {
  switch (operator) {
    case '==':
      return equal(left, right);
    case '!=':
      return !equal(left, right);
    case '<':
      return compare(left, right, '<') < 0;
    case '<=':
      return compare(left, right, '<=') <= 0;
    case '>':
      return compare(left, right, '>') > 0;
    case '>=':
      return compare(left, right, '>=') >= 0;
    case 'in':
      return contains(right, left);
    case 'not in':
      return !contains(right, left);
    default:
      return operator satisfies never;
  }
}

function contains(container: Value, item: Value): boolean {
  if (typeof container === 'string') {
    if (typeof item === 'string') return container.includes(item);
    if (typeof item === 'object' && item?.kind === 'undefined') throw new Error(item.hint);
    throw new Error(`'in <string>' requires string as left operand, not ${typeName(item)}`);
  }
  if (typeof container === 'object' && container?.kind === 'dict') return container.entries.has(keyOf(item));
  return itemsOf(container).some((one) => equal(one, item));
}

/** The item at an index or key, or undefined where there is none. */
export function itemAt(of: Value, key: Value): Value | undefined {
  if (typeof of === 'object' && of?.kind === 'dict') return isKey(key) ? of.entries.get(keyOf(key))?.value : undefined;
  const items = sequenceOf(of);
  const index = isFloat(key) ? undefined : numberOf(key);
  return items === undefined || index === undefined ? undefined : items.at(index);
}

function isKey(value: Value): boolean {
  return value === null || typeof value !== 'object' || value.kind === 'tuple' || value.kind === 'float';
}

/** What can be indexed by number. */
function sequenceOf(value: Value): readonly Value[] | undefined {
  if (typeof value === 'string') return characters(value);
  if (typeof value !== 'object' || value === null) return undefined;
  if (value.kind === 'list' || value.kind === 'tuple') return value.items;
  return value.kind === 'view' && value.name === 'range' ? value.items : undefined;
}

/** `of[start:stop:step]`, or undefined for what cannot be sliced. */
export function slice(of: Value, bounds: readonly (Value | undefined)[]): Value | undefined {
  const items = sequenceOf(of);
  if (items === undefined) return undefined;
  const [start, stop, step = 1] = bounds.map(bound);
  if (step === 0) throw new Error('slice step cannot be zero');
  const [lowest, highest] = step > 0 ? [0, items.length] : [-1, items.length - 1];
  const place = (at: number | undefined, otherwise: number): number => {
    if (at === undefined) return otherwise;
    return Math.min(Math.max(at < 0 ? at + items.length : at, lowest), highest);
  };
  const [from, to] = [place(start, step > 0 ? lowest : highest), place(stop, step > 0 ? highest : lowest)];
  const chosen: Value[] = [];
  for (let at = from; step > 0 ? at < to : at > to; at += step) chosen.push(items[at] ?? null);
  if (typeof of === 'string') return chosen.map(str).join('');
  if (typeof of === 'object' && of?.kind === 'tuple') return tuple(chosen);
  if (typeof of === 'object' && of?.kind === 'view') throw new Error('slicing a range is not supported');
  return list(chosen);
}

function bound(value: Value | undefined): number | undefined {
  if (value === undefined || value === null) return undefined;
  const number = numberOf(value);
  if (number === undefined || isFloat(value)) throw new Error('slice indices must be integers or None');
  return number;
}
