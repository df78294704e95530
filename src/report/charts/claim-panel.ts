/**
 * One column of numbers against another, place by place: the other column as a line with the band of the smallest effect
 * of interest around it, and on it one mark a place, whose shape is the verdict.
 */
import type { Interval } from '#analysis/records/verdict-record.ts';
import type { MarkKind } from '#report/claim-words.ts';
import { type Markup, markup, trusted } from '#report/markup.ts';
import { type ChartText, plotArea, type PlotArea, type PlotAxis, type PlotSize } from './plot-area.ts';
import type { Point } from './simplify-path.ts';
import { verdictMark } from './verdict-mark.ts';

/** One place. */
export interface ClaimMark {
  readonly level: number;
  /** In the y axis' unit; null where not estimable: then a cross at the foot. */
  readonly value: number | null;
  readonly interval?: Interval;
  readonly kind: MarkKind;
  /** What a pointer over it says. */
  readonly text: string;
}

/** A panel of places. */
export interface ClaimPanel extends ChartText {
  readonly size: PlotSize;
  readonly x: PlotAxis;
  readonly y: PlotAxis;
  readonly delta: number;
  /** The other column, in data units, in level order; its ends are drawn out to the panel's. */
  readonly other: readonly Point[];
  readonly marks: readonly ClaimMark[];
}

const CROSS = 3;
/** Marks stand a little inside the panel. */
const FOOT = 8;

/** The panel as SVG. */
export function claimPanel(panel: ClaimPanel): Markup {
  const area = plotArea(panel.size, panel.x, panel.y);
  const line = panel.other.map(([x, y]): Point => [area.x(x), y]).toSorted(([a], [b]) => a - b);
  const [first, last] = [line[0], line.at(-1)];
  const drawn: Point[] = first && last ? [[area.left, first[1]], ...line, [area.right, last[1]]] : [];
  return area.chart(panel, [
    drawn.length === 0 ? undefined : bandOf(area, drawn, panel.delta),
    drawn.length === 0 ? undefined : markup`<path class="other" d="${pathOf(drawn.map(([x, y]) => [x, area.y(y)]))}"/>`,
    panel.marks.map((mark) => placeMark(area, mark)),
  ]);
}

function bandOf(area: PlotArea, line: readonly Point[], delta: number): Markup {
  const upper = line.map(([x, y]): Point => [x, area.y(y + delta)]);
  const lower = line.toReversed().map(([x, y]): Point => [x, area.y(y - delta)]);
  return markup`<path class="band" d="${pathOf([...upper, ...lower])}Z"/>`;
}

function placeMark(area: PlotArea, { level, value, interval, kind, text }: ClaimMark): Markup {
  const x = area.x(level);
  if (value === null) {
    const y = area.bottom - FOOT;
    return markup`<path class="cross" d="M${x - CROSS},${y - CROSS}l${2 * CROSS},${2 * CROSS}m0,${-2 * CROSS}l${-2 * CROSS},${2 * CROSS}"><title>${text}</title></path>`;
  }
  const bar =
    interval === undefined
      ? undefined
      : markup`<path class="interval" d="M${x},${area.y(interval[0])}V${area.y(interval[1])}"/>`;
  return markup`${bar}${verdictMark(kind, x, area.y(value), text)}`;
}

function pathOf(points: readonly Point[]): Markup {
  return trusted(`M${points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join('L')}`);
}
