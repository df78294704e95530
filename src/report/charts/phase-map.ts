/**
 * A number over two factors as coloured cells, in the factors' own order (equal steps of a geometric series are equal
 * steps here), with the number in each cell where there is room, hatched where nothing is known, and a theory's contours
 * or numbers beside. The legend is the colour scale with its numbers.
 */
import { type Markup, markup, trusted } from '#report/markup.ts';
import { colourAt, type ColourScaleKind, inkOn } from './colour-scale.ts';
import type { Segment } from './contours.ts';
import { chartFrame, type ChartText } from './plot-area.ts';

/** One cell; columns and rows count from 0, rows from below. */
export interface PhaseCell {
  readonly column: number;
  readonly row: number;
  readonly value: number | null;
  /** What stands in the cell where there is room: a number, and a theory's number below it. */
  readonly lines: readonly string[];
  /** What a pointer over it says. */
  readonly about: string;
}

/** A map. */
export interface PhaseMap extends ChartText {
  /** Texts as long as a cell is wide; longer ones belong in the caption. */
  readonly x: { readonly label: string; readonly texts: readonly string[] };
  readonly y: { readonly label: string; readonly texts: readonly string[] };
  readonly cells: readonly PhaseCell[];
  readonly scale: {
    readonly kind: ColourScaleKind;
    readonly domain: readonly [low: number, high: number];
    readonly ticks: readonly { readonly value: number; readonly text: string }[];
    readonly label: string;
  };
  /** In cells, as `contourSegments` gives them. */
  readonly contours: readonly { readonly text: string; readonly segments: readonly Segment[] }[];
}

const SIZE = { width: 440, top: 26, right: 10, minRow: 24, maxRow: 46, twoLines: 34, axis: 44, legend: 62 };
const TICK_LETTER = 8.5;
/** A digit in a cell at its largest, on a phone. */
const CELL_LETTER = 7.4;
const HATCH_STEP = 7;
const BAR = { height: 12, parts: 60, left: 30, right: 30 };

interface Layout {
  readonly left: number;
  readonly bottom: number;
  readonly cellWidth: number;
  readonly cellHeight: number;
  /** Where the centre of a column or row stands, fractions included. */
  readonly x: (column: number) => number;
  readonly y: (row: number) => number;
}

/** The map as SVG. */
export function phaseMap(map: PhaseMap): Markup {
  const layout = layoutOf(map);
  const height = layout.bottom + SIZE.axis + SIZE.legend;
  return chartFrame(SIZE.width, height, 'phase', map, [
    map.cells.map((cell) => cellMarks(map, layout, cell)),
    map.contours.map((contour) => contourLine(layout, contour)),
    map.cells.map((cell) => cellNumbers(map, layout, cell)),
    contourNames(map, layout),
    axisTexts(map, layout),
    scaleMarks(map, layout.bottom + SIZE.axis + 14),
  ]);
}

/** Diagonal lines over a rectangle, for cells without a number. */
function hatchPath(left: number, top: number, width: number, height: number): Markup {
  const count = Math.floor((width + height) / HATCH_STEP);
  const lines = Array.from({ length: count }, (_, index) => {
    const offset = (index + 1) * HATCH_STEP - height;
    const from = [left + Math.max(0, offset), top + Math.max(0, -offset)];
    const to = [left + Math.min(width, offset + height), top + Math.min(height, width - offset)];
    return `M${from.map((v) => v.toFixed(1)).join(',')}L${to.map((v) => v.toFixed(1)).join(',')}`;
  });
  return markup`<path class="hatch" d="${trusted(lines.join(''))}"/>`;
}

function layoutOf({ x, y, cells }: PhaseMap): Layout {
  const longest = Math.max(1, ...y.texts.map((text) => text.length));
  const left = 10 + TICK_LETTER * longest;
  const cellWidth = (SIZE.width - SIZE.right - left) / Math.max(1, x.texts.length);
  const least = cells.some(({ lines }) => lines.length > 1) ? SIZE.twoLines : SIZE.minRow;
  const cellHeight = Math.min(SIZE.maxRow, Math.max(least, cellWidth));
  const bottom = SIZE.top + cellHeight * Math.max(1, y.texts.length);
  return {
    left,
    bottom,
    cellWidth,
    cellHeight,
    x: (column) => left + (column + 0.5) * cellWidth,
    y: (row) => bottom - (row + 0.5) * cellHeight,
  };
}

function colourOf({ scale }: PhaseMap, { value }: PhaseCell): string | undefined {
  const [low, high] = scale.domain;
  return value === null ? undefined : colourAt(scale.kind, (value - low) / (high - low));
}

function cellMarks(map: PhaseMap, layout: Layout, cell: PhaseCell): Markup {
  const [left, top] = [layout.x(cell.column) - layout.cellWidth / 2, layout.y(cell.row) - layout.cellHeight / 2];
  const colour = colourOf(map, cell);
  const fill = colour === undefined ? markup` class="cell empty"` : markup` class="cell" fill="${colour}"`;
  const hatch = colour === undefined ? hatchPath(left, top, layout.cellWidth, layout.cellHeight) : undefined;
  return markup`<rect${fill} x="${left}" y="${top}" width="${layout.cellWidth}" height="${layout.cellHeight}"><title>${cell.about}</title></rect>${hatch}`;
}

/** The numbers of a cell, on a rim of its colour so that a contour behind them leaves them whole; none where there is no room. */
function cellNumbers(map: PhaseMap, layout: Layout, cell: PhaseCell): Markup | undefined {
  const { lines, column, row, about } = cell;
  const colour = colourOf(map, cell);
  const isRoom = lines.every((line) => CELL_LETTER * line.length <= layout.cellWidth - 4);
  if (colour === undefined || !isRoom) return undefined;
  const first = layout.y(row) + 4 - 6.5 * (lines.length - 1);
  const texts = lines.map(
    (line, index) =>
      markup`<text class="cell-number" fill="${inkOn(colour)}" stroke="${colour}" x="${layout.x(column)}" y="${first + 13 * index}" text-anchor="middle">${line}</text>`,
  );
  return markup`<g><title>${about}</title>${texts}</g>`;
}

/** A contour twice, pale under dark, so that it is seen on every colour. */
function contourLine(layout: Layout, { segments }: PhaseMap['contours'][number]): Markup {
  const at = ([column, row]: readonly [number, number]): string =>
    `${layout.x(column).toFixed(1)},${layout.y(row).toFixed(1)}`;
  const path = trusted(segments.map(([from, to]) => `M${at(from)}L${at(to)}`).join(''));
  return markup`<g class="contour"><path class="under" d="${path}"/><path class="over" d="${path}"/></g>`;
}

/** The numbers of contours, each where its line is far from numbers in cells and from the numbers of other contours. */
function contourNames({ contours }: PhaseMap, layout: Layout): Markup {
  const taken: (readonly [number, number])[] = [];
  const names = contours.map(({ text, segments }) => {
    const places = segments.map(([from, to]): readonly [number, number] => [
      (from[0] + to[0]) / 2,
      (from[1] + to[1]) / 2,
    ]);
    const roomAt = ([x, y]: readonly [number, number]): number => {
      const toCentre = Math.hypot(x - Math.round(x), y - Math.round(y));
      return Math.min(toCentre, ...taken.map((other) => Math.hypot(x - other[0], y - other[1]) / 2));
    };
    const [best] = places.toSorted((a, b) => roomAt(b) - roomAt(a));
    if (best === undefined) return undefined;
    taken.push(best);
    return markup`<text x="${layout.x(best[0])}" y="${layout.y(best[1]) + 4}" text-anchor="middle">${text}</text>`;
  });
  return markup`<g class="contour">${names}</g>`;
}

function axisTexts({ x, y }: PhaseMap, layout: Layout): Markup {
  let free = Number.NEGATIVE_INFINITY;
  const columns = x.texts.map((text, column) => {
    const at = layout.x(column);
    const half = (TICK_LETTER * text.length) / 2;
    if (at - half < free) return undefined;
    free = at + half + TICK_LETTER / 2;
    return markup`<text x="${at}" y="${layout.bottom + 16}" text-anchor="middle">${text}</text>`;
  });
  const rows = y.texts.map(
    (text, row) => markup`<text x="${layout.left - 6}" y="${layout.y(row) + 4}" text-anchor="end">${text}</text>`,
  );
  return markup`${columns}${rows}<text class="axis-title" x="2" y="13">${y.label}</text><text class="axis-title" x="${SIZE.width - SIZE.right}" y="${layout.bottom + 36}" text-anchor="end">${x.label}</text>`;
}

function scaleMarks({ scale }: PhaseMap, top: number): Markup {
  const [left, right] = [BAR.left, SIZE.width - BAR.right];
  const width = (right - left) / BAR.parts;
  const parts = Array.from(
    { length: BAR.parts },
    (_, part) =>
      // A hair wider than its step, so that no gap shows between neighbours.
      markup`<rect fill="${colourAt(scale.kind, (part + 0.5) / BAR.parts)}" x="${left + part * width}" y="${top}" width="${width + 0.3}" height="${BAR.height}"/>`,
  );
  const [low, high] = scale.domain;
  const ticks = scale.ticks.map(({ value, text }) => {
    const x = left + ((value - low) / (high - low)) * (right - left);
    return markup`<path class="tick" d="M${x},${top + BAR.height}v4"/><text x="${x}" y="${top + BAR.height + 17}" text-anchor="middle">${text}</text>`;
  });
  return markup`<g class="scale">${parts}${ticks}<text class="axis-title" x="${right}" y="${top + BAR.height + 34}" text-anchor="end">${scale.label}</text></g>`;
}
