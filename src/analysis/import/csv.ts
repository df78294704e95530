/**
 * Reads separated values by RFC 4180: quoted fields, doubled quotes, line breaks inside quotes, LF, CRLF or CR. The
 * separator is the one of comma, semicolon and tab that the header uses; a first line `sep=;` says it, as Excel has it.
 * The apostrophe that keeps a spreadsheet from taking text for a formula is taken away (base/csv-cell.ts).
 */
import { readCell } from '#base/csv-cell.ts';
import { AssayError } from '#base/errors.ts';
import type { TableRow } from './table.ts';

/** One record with the line it starts on. */
interface SeparatedRecord {
  readonly line: number;
  readonly fields: readonly string[];
}

const SEPARATORS = [',', ';', '\t'] as const;
type Separator = (typeof SEPARATORS)[number];

/**
 * Rows of a separated text by column name; the first record is the header. Empty lines are skipped, and so is a first
 * column without a name: pandas writes its index there.
 * @throws AssayError naming file and line where a quote stays open, a record has another number of fields than the
 * header, or a column name is empty or repeated.
 */
export function readCsv(text: string, file: string): TableRow[] {
  const { body, separator } = separated(text.replace(/^\uFEFF/, ''));
  const [header, ...records] = recordsOf(body, separator, file);
  if (header === undefined) throw new AssayError('data', `${file}: expected a header line, found an empty file.`);
  const names = header.fields.map((name, i) => (i === 0 && name === '' && header.fields.length > 1 ? undefined : name));
  checkNames(names, header.line, file);
  return records.map(({ line, fields }) => {
    if (fields.length !== header.fields.length) {
      throw new AssayError(
        'data',
        `${file}:${line}: expected ${header.fields.length} fields as in the header, found ${fields.length}.`,
      );
    }
    const cells = names.flatMap((name, i) => (name === undefined ? [] : [[name, fields[i] ?? ''] as const]));
    const row = { line, cells: Object.fromEntries(cells) };
    return separator === ',' ? row : { ...row, isCommaDecimal: true };
  });
}

/** A text and what separates its fields. A line `sep=;` is emptied, so that lines keep their numbers. */
function separated(text: string): { body: string; separator: Separator } {
  const said = /^sep=([,;\t])(?=\r|\n)/i.exec(text);
  const named = SEPARATORS.find((one) => one === said?.[1]);
  if (said !== null && named !== undefined) return { body: text.slice(said[0].length), separator: named };
  const header = /^(?:"(?:[^"]|"")*"|[^"\r\n])*/.exec(text)?.[0].replaceAll(/"(?:[^"]|"")*"/g, '') ?? '';
  const counts = SEPARATORS.map((one) => ({ one, count: header.split(one).length }));
  const most = Math.max(...counts.map(({ count }) => count));
  return { body: text, separator: counts.find(({ count }) => count === most)?.one ?? ',' };
}

function checkNames(names: readonly (string | undefined)[], line: number, file: string): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (name === undefined) continue;
    if (name === '' || seen.has(name)) {
      const what = name === '' ? 'an empty one' : `"${name}" twice`;
      throw new AssayError('data', `${file}:${line}: expected distinct column names, found ${what}.`);
    }
    seen.add(name);
  }
}

function recordsOf(text: string, separator: Separator, file: string): SeparatedRecord[] {
  const records: SeparatedRecord[] = [];
  let [at, line] = [0, 1];
  while (at < text.length) {
    const fields: string[] = [];
    const start = line;
    for (;;) {
      const field = text[at] === '"' ? quotedField(text, at, file, line) : plainField(text, at, separator);
      fields.push(readCell(field.value));
      line += field.lines;
      at = field.end;
      if (text[at] !== separator) break;
      at++;
    }
    if (text[at] === '\r' && text[at + 1] === '\n') at++;
    if (at < text.length && text[at] !== '\n' && text[at] !== '\r') {
      throw new AssayError(
        'data',
        `${file}:${line}: expected a separator or a line end after a quote, found "${text[at]}".`,
      );
    }
    at++;
    line++;
    if (fields.length > 1 || fields[0] !== '') records.push({ line: start, fields });
  }
  return records;
}

interface Field {
  readonly value: string;
  readonly end: number;
  readonly lines: number;
}

function plainField(text: string, from: number, separator: Separator): Field {
  let end = from;
  while (end < text.length && text[end] !== separator && text[end] !== '\n' && text[end] !== '\r') end++;
  return { value: text.slice(from, end), end, lines: 0 };
}

function quotedField(text: string, from: number, file: string, line: number): Field {
  let end = from + 1;
  for (;;) {
    end = text.indexOf('"', end);
    if (end < 0) throw new AssayError('data', `${file}:${line}: expected a closing quote, found the end of the file.`);
    if (text[end + 1] !== '"') break;
    end += 2;
  }
  const raw = text.slice(from + 1, end);
  return { value: raw.replaceAll('""', '"'), end: end + 1, lines: raw.split('\n').length - 1 };
}
