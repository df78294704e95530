/**
 * One cell of comma-separated values (RFC 4180) that no spreadsheet takes for a formula: text that begins like one gets an
 * apostrophe before it, which spreadsheets read as "this is text"; reading takes it away again. Numbers stay as they are.
 * Source: owasp.org/www-community/attacks/CSV_Injection. Invariant: `readCell` of what `csvCell` wrote is the text given.
 */

/** What spreadsheets take for a formula; apostrophes before it are text of its own that must survive. */
const FORMULA = /^'*[=+\-@\t\r\n]/;
const GUARDED = /^'+[=+\-@\t\r\n]/;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** The cell as it is written, in quotes where it needs them; nothing for `undefined` and numbers that are not finite. */
export function csvCell(cell: string | number | undefined): string {
  if (cell === undefined) return '';
  if (typeof cell === 'number') return Number.isFinite(cell) ? String(cell) : '';
  const text = FORMULA.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The text of a cell, its quotes taken away already. */
export function readCell(text: string): string {
  return GUARDED.test(text) && !NUMBER.test(text.slice(1)) ? text.slice(1) : text;
}
