/**
 * What a cell of a log says of a measurement: nothing, a number, or that a number was logged and is not finite. Every
 * import reads its cells here, so that "broken" and "not measured" are never one thing.
 *
 * | spelling (any case, spaces around) | reading |
 * |---|---|
 * | empty, `null`, `none`, `na`, `n/a`, `<na>`, `#n/a` | absent |
 * | a number | finite; broken where it is beyond the range of doubles, as `1e999` |
 * | `inf`, `infinity` with any sign, `-nan`, `nan(ind)`, `1.#qnan` and their like | broken |
 * | `nan` | `nan`: broken, unless the table fills what was not logged with it (broken-runs.ts) |
 */

/** What a cell says. `nan` is settled by the cells around it, see `broken-runs.ts`. */
export type Reading =
  | { readonly kind: 'absent' }
  | { readonly kind: 'finite'; readonly value: number }
  | { readonly kind: 'broken' }
  | { readonly kind: 'nan' }
  | { readonly kind: 'unreadable'; readonly text: string };

const ABSENT: Reading = { kind: 'absent' };
const BROKEN: Reading = { kind: 'broken' };
const NAN: Reading = { kind: 'nan' };

const ABSENT_TEXTS = new Set(['', 'null', 'none', 'na', 'n/a', '<na>', '#n/a']);
/** What C, Python, JavaScript and Fortran write for numbers that are not finite, but for the plain `nan`. */
const BROKEN_TEXT = /^(?:[+-]?(?:inf|infinity|∞)|-nan|[+-]?nan\([^)]*\)|[+-]?1\.#(?:inf|ind|qnan|snan|nan)\d*)$/;
const DECIMAL_COMMA = /^[+-]?\d*,\d+(?:e[+-]?\d+)?$/;

/** How numbers are written in a table. */
export interface NumberForm {
  /** Whether `2,5` is a number: in tables whose columns are not separated by commas. */
  readonly isCommaDecimal?: boolean;
}

/** Reads a cell. */
export function readingOf(cell: unknown, { isCommaDecimal = false }: NumberForm = {}): Reading {
  if (typeof cell === 'object' && cell !== null) return { kind: 'unreadable', text: 'a list, a date or an object' };
  const text = cellText(cell);
  const lower = text.toLowerCase();
  if (ABSENT_TEXTS.has(lower)) return ABSENT;
  if (lower === 'nan' || lower === '+nan') return NAN;
  if (BROKEN_TEXT.test(lower)) return BROKEN;
  const value = Number(isCommaDecimal && DECIMAL_COMMA.test(lower) ? text.replace(',', '.') : text);
  if (Number.isNaN(value)) return { kind: 'unreadable', text };
  return Number.isFinite(value) ? { kind: 'finite', value } : BROKEN;
}

/** A cell as text, without the spaces around it; empty for what is no text, number or truth value. */
export function cellText(cell: unknown): string {
  if (typeof cell === 'string') return cell.trim();
  return typeof cell === 'number' || typeof cell === 'bigint' || typeof cell === 'boolean' ? String(cell) : '';
}

/** Whether a cell is empty, or filled with a spelling of "nothing" (`nan` included). */
export function isBlank(cell: unknown): boolean {
  const { kind } = readingOf(cell);
  return kind === 'absent' || kind === 'nan';
}

/** A whole number in a cell, as its digits, or why it is none. */
export type WholeText =
  | { readonly kind: 'whole'; readonly digits: string }
  | { readonly kind: 'none'; readonly expected: string };

/**
 * The whole number of at least 0 in a cell, to its last digit however long: `3`, `3.0` (as tables with gaps write it),
 * `9007199254740993`. Not exact, and so refused: floating numbers from 2^53 on, exponents, `-0`.
 */
export function wholeTextOf(cell: unknown): WholeText {
  const text = cellText(cell);
  const [, digits, fraction] = /^\+?0*(\d+)(\.0*)?$/.exec(text) ?? [];
  if (digits === undefined || Object.is(cell, -0)) return { kind: 'none', expected: 'a whole number' };
  const isFloat = typeof cell === 'number' || fraction !== undefined;
  if (isFloat && !Number.isSafeInteger(Number(digits))) {
    return { kind: 'none', expected: 'an exact whole number (a floating one from 2^53 on has lost its last digits)' };
  }
  return { kind: 'whole', digits };
}
