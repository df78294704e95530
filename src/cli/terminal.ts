/** Where a command writes: its answer to stdout, everything else to stderr. */

import type { Audience } from '#desk/audience.ts';

const DEFAULT_COLUMNS = 80;

export interface Terminal extends Audience {
  /** The answer, one line. */
  out(line: string): void;
  /** Text to stderr as it is, for redrawing. */
  draw(text: string): void;
  /** The width of stderr, in characters. */
  readonly columns: number;
}

/** The terminal of this process; a reader that closes its pipe early (`| head`) ends the output, not with an error. */
export function processTerminal(): Terminal {
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  return {
    out: (line) => void process.stdout.write(`${line}\n`),
    note: (line) => void process.stderr.write(`${line}\n`),
    draw: (text) => void process.stderr.write(text),
    isInteractive: process.stderr.isTTY && process.env['TERM'] !== 'dumb',
    columns: process.stderr.columns ?? DEFAULT_COLUMNS,
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
