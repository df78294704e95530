/** Comma-separated values as in RFC 4180: the text of a figure's data. */

/** One cell; `undefined` and numbers that are not finite become an empty cell, never a zero. */
export type CsvCell = string | number | undefined;

/** The table as text: a header line, then the rows; cells with commas, quotes or line ends are quoted. */
export function csvText(header: readonly string[], rows: readonly (readonly CsvCell[])[]): string {
  return `${[header, ...rows].map((row) => row.map(cellText).join(',')).join('\n')}\n`;
}

function cellText(cell: CsvCell): string {
  if (cell === undefined) return '';
  if (typeof cell === 'number') return Number.isFinite(cell) ? String(cell) : '';
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
