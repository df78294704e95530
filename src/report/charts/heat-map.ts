/**
 * Readings over two choices as a map: rows are analyses, columns values of a threshold. Neighbouring cells of one
 * reading are drawn as one bar. Dark with a sign, pale with an equals sign, or blank: legible in greyscale.
 */
import { type Markup, markup } from '#report/markup.ts';
import { chartFrame, type ChartText, shorten } from './plot-area.ts';

/** What a cell shows: an effect with its direction, equivalence, or neither. */
export type Reading = 'positive' | 'negative' | 'equivalent' | 'neither';

/** One row of readings, one a column. */
export interface HeatRow {
  readonly label: string;
  readonly readings: readonly Reading[];
}

/** Rows that belong together, such as all learning rates at one level. */
export interface HeatGroup {
  readonly label: string;
  readonly rows: readonly HeatRow[];
}

/** A map under two lines of column labels. */
export interface HeatMapInput extends ChartText {
  /** Title and labels of the columns; `marks` is a second line over them. */
  readonly columns: { readonly title: string; readonly labels: readonly string[] };
  readonly marks: { readonly title: string; readonly labels: readonly string[] };
  /** Index of the column to outline (the preset one); -1 where there is none. */
  readonly presetColumn: number;
  readonly groups: readonly HeatGroup[];
}

const SIZE = { width: 320, cells: 116, rowLabels: 48, row: 12, groupGap: 4, header: 36 };
const GROUP_CHARS = 8;
const LONE_GROUP_CHARS = 20;
const ROW_CHARS = 12;
const MARKS: Readonly<Record<Reading, string>> = { positive: '+', negative: '−', equivalent: '=', neither: '' };

/** The map as SVG. */
export function heatMap(map: HeatMapInput): Markup {
  const cellWidth = (SIZE.width - SIZE.cells) / Math.max(1, map.columns.labels.length);
  const columnX = (column: number): number => SIZE.cells + column * cellWidth;
  const headerLine = (labels: readonly string[], y: number): Markup =>
    markup`${labels.map((label, column) => markup`<text x="${columnX(column) + cellWidth / 2}" y="${y}" text-anchor="middle">${label}</text>`)}`;
  let y = SIZE.header;
  const groups = map.groups.map((group) => {
    const top = y;
    const isLone = group.rows.every((row) => row.label === '');
    const rows = group.rows.map((row, index) => {
      const at = top + index * SIZE.row;
      return markup`<text x="${SIZE.rowLabels}" y="${at + 9}">${shorten(row.label, ROW_CHARS)}</text>${barsOf(row.readings, columnX, at)}`;
    });
    y += group.rows.length * SIZE.row + SIZE.groupGap;
    return markup`<path class="group-rule" d="M0,${top - SIZE.groupGap / 2}H${SIZE.width}"/><text class="row-label" x="0" y="${top + 9}">${shorten(group.label, isLone ? LONE_GROUP_CHARS : GROUP_CHARS)}</text>${rows}`;
  });
  const bottom = y - SIZE.groupGap / 2;
  const preset =
    map.presetColumn < 0
      ? undefined
      : markup`<rect class="preset" x="${columnX(map.presetColumn)}" y="0" width="${cellWidth}" height="${bottom}"/>`;
  const titles = markup`<text class="axis-title" x="${SIZE.cells - 6}" y="12" text-anchor="end">${map.columns.title}</text><text class="axis-title" x="${SIZE.cells - 6}" y="28" text-anchor="end">${map.marks.title}</text>`;
  return chartFrame(SIZE.width, bottom + 2, 'heat', map, [
    titles,
    headerLine(map.columns.labels, 12),
    markup`<g class="verdict-marks">${headerLine(map.marks.labels, 28)}</g>`,
    groups,
    preset,
  ]);
}

/** A row's runs of equal readings as bars; blank for `neither`. */
function barsOf(readings: readonly Reading[], columnX: (column: number) => number, y: number): readonly Markup[] {
  const bars: Markup[] = [];
  let start = 0;
  for (const [column, reading] of readings.entries()) {
    if (readings[column + 1] === reading) continue;
    const [left, right] = [columnX(start), columnX(column + 1)];
    const first = start;
    start = column + 1;
    if (reading === 'neither') continue;
    bars.push(
      markup`<rect class="${reading}" x="${left + 0.5}" y="${y + 0.5}" width="${right - left - 1}" height="${SIZE.row - 1}"/><text class="${reading}-mark" x="${(left + columnX(first + 1)) / 2}" y="${y + 9}" text-anchor="middle">${MARKS[reading]}</text>`,
    );
  }
  return bars;
}
