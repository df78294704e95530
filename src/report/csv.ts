/** A table of comma-separated values: the text of a figure's data. */
import { csvCell } from '#base/csv-cell.ts';

/** One cell; `undefined` and numbers that are not finite become an empty cell, never a zero. */
export type CsvCell = string | number | undefined;

/** The table as text: a header line, then the rows, each cell as `csvCell` writes it. */
export function csvText(header: readonly string[], rows: readonly (readonly CsvCell[])[]): string {
  return `${[header, ...rows].map((row) => row.map(csvCell).join(',')).join('\n')}\n`;
}
