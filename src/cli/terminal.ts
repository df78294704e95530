/** Where a command writes: its answer to stdout, everything else to stderr. */

import { plainText } from '#base/plain-text.ts';
import type { Audience } from '#desk/audience.ts';
import type { TableStyle } from '#report/terminal-lines.ts';

const DEFAULT_COLUMNS = 80;
/** Where nobody says how wide it is: a pipe, a file. */
const PIPED_COLUMNS = 100;
/** Narrower than this no table can be read. */
const MIN_COLUMNS = 40;

export interface Terminal extends Audience {
  /** The answer, one line. */
  out(line: string): void;
  /** Text to stderr as it is, for redrawing. */
  draw(text: string): void;
  /** The width of stderr, in characters. */
  readonly columns: number;
  /** The width of stdout, in characters, and whether it shows colours. */
  readonly page: TableStyle;
}

/** The terminal of this process. A reader that closes its pipe (`| head`, a closed window) ends neither a study nor this. */
export function processTerminal(): Terminal {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    });
  }
  return {
    out: (line) => void process.stdout.write(`${plainText(line)}\n`),
    note: (line) => void process.stderr.write(`${plainText(line)}\n`),
    draw: (text) => void process.stderr.write(text),
    isInteractive: process.stderr.isTTY && process.env['TERM'] !== 'dumb',
    columns: process.stderr.columns ?? DEFAULT_COLUMNS,
    page: {
      columns: Math.max(MIN_COLUMNS, process.stdout.columns ?? PIPED_COLUMNS),
      // https://no-color.org: any value but the empty one.
      isColoured: process.stdout.isTTY && process.env['TERM'] !== 'dumb' && (process.env['NO_COLOR'] ?? '') === '',
    },
    now: () => performance.now(),
  };
}

/** Rows as aligned columns, the first row being the head. */
export function tableOf(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
