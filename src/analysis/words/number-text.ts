/** Numbers as a reader meets them, the same in sentences, tables and pictures: as many digits as their use deserves. */
import type { Interval } from '#analysis/records/verdict-record.ts';

/** Numbers below this are written with an exponent. */
const SMALL = 1e-3;
/** p values below this are only said to be. */
const SMALLEST_P = 1e-3;

/** A number as plain text without trailing noise: 3 significant digits, small ones as `2.5e-5`. */
export function plain(value: number): string {
  if (!Number.isFinite(value)) return 'unknown';
  const rounded = Number(value.toPrecision(3));
  return rounded !== 0 && Math.abs(rounded) < SMALL ? rounded.toExponential() : String(rounded);
}

/** A number that somebody chose, such as a level: whole ones to the last digit. */
export function chosen(value: number): string {
  return Number.isSafeInteger(value) ? String(value) : plain(value);
}

/** A number, or several, with its unit; a unit may be empty, for what has none. */
export function inUnit(number: string, unit: string): string {
  return unit === '' ? number : `${number} ${unit}`;
}

/** What a control that did not pass was expected to show, such as ", expected 0.05 points or more below"; nothing for one that passed. */
export function missedText(isPassed: boolean, what: string): string {
  return isPassed ? '' : `, expected ${what}`;
}

/** Of a difference that is large enough as it stands and yet not found: the evidence that is missing. */
export function lackingText(few: boolean, alpha: number): string {
  return few ? ', with one sign in every block' : `, with p < ${plain(alpha)}`;
}

/** A label with its unit in brackets; alone where there is none. */
export function withUnit(label: string, unit: string): string {
  return unit === '' ? label : `${label} (${unit})`;
}

/** An estimate with its sign and the decimals that `delta` deserves, such as `+0.120`; the minus is a true minus. */
export function signed(value: number, delta: number): string {
  if (!Number.isFinite(value)) return 'unknown';
  const digits = Math.abs(value).toFixed(decimalsFor(delta));
  return Number(digits) === 0 ? digits : `${value < 0 ? '−' : '+'}${digits}`;
}

/** Decimals that show a fiftieth of the smallest effect of interest. */
function decimalsFor(delta: number): number {
  if (!(delta > 0) || !Number.isFinite(delta)) return 3;
  return Math.min(6, Math.max(0, Math.ceil(-Math.log10(delta / 50) - 1e-9)));
}

/** `[+0.09, +0.15]`. */
export function intervalText([low, high]: Interval, delta: number): string {
  return `[${signed(low, delta)}, ${signed(high, delta)}]`;
}

/** A p value with three decimals at most; `none` where there is none. */
export function pText(p: number | null): string {
  if (p === null || !Number.isFinite(p)) return 'none';
  return p < SMALLEST_P ? `<${SMALLEST_P}` : p.toFixed(3);
}

/** `p = 0.008`, or `p < 0.001`. */
export function pPhrase(p: number): string {
  return p < SMALLEST_P ? `p < ${SMALLEST_P}` : `p = ${pText(p)}`;
}
