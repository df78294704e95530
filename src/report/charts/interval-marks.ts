/** Estimates with their intervals against the band of the smallest effect of interest: along a level axis, and as a forest. */
import { scaleLinear, type ScaleLinear } from 'd3-scale';

import type { Interval } from '#analysis/records/verdict-record.ts';
import { brokenLines, chartFrame, plotArea, type PlotAxis, type ChartText, shorten, xAxisMarks } from './plot-area.ts';
import type { MarkKind } from '#report/claim-words.ts';
import { type Markup, markup } from '#report/markup.ts';
import { verdictMark } from './verdict-mark.ts';

/** An estimate at one preset level. */
export interface LevelMark {
  readonly level: number;
  readonly estimate: number;
  readonly ci95: Interval;
  /** Excluded levels are drawn hollow. */
  readonly isExcluded: boolean;
}

/** Estimates per level of one contrast under one matching. */
export interface EffectPanel extends ChartText {
  readonly x: PlotAxis;
  readonly y: PlotAxis;
  readonly delta: number;
  readonly levels: readonly LevelMark[];
}

/** One line of a forest; without `estimate` the line says why. */
export interface ForestRow {
  readonly label: string;
  readonly estimate?: {
    readonly value: number;
    readonly ci95: Interval;
    readonly text: string;
    /** A square where absent. */
    readonly mark?: MarkKind;
    /** What a pointer over the mark says. */
    readonly about?: string;
  };
  readonly note?: string;
}

/** Rows under a heading. */
export interface ForestGroup {
  readonly heading: string;
  readonly rows: readonly ForestRow[];
}

/** A forest plot; groups share the axis. */
export interface Forest extends ChartText {
  readonly axis: PlotAxis;
  readonly delta: number;
  readonly groups: readonly ForestGroup[];
}

const FOREST = { width: 440, labels: 118, numbers: 58, row: 18, heading: 26, headingLine: 14, top: 6, axis: 42 };
const HALF_MARK = 3.5;
const HEADING_CHARS = 54;

/** Effects along the axis' levels, with the band between minus and plus delta. */
export function effectPanel(panel: EffectPanel): Markup {
  const area = plotArea('small', panel.x, panel.y);
  const [bandTop, bandBottom] = [area.y(panel.delta), area.y(-panel.delta)];
  const marks = panel.levels.map(({ level, estimate, ci95, isExcluded }) => {
    const x = area.x(level);
    return markup`<path class="interval" d="M${x},${area.y(ci95[0])}V${area.y(ci95[1])}"/><circle class="${isExcluded ? 'estimate excluded' : 'estimate'}" cx="${x}" cy="${area.y(estimate)}" r="3"/>`;
  });
  return area.chart(panel, [
    markup`<rect class="band" x="${area.left}" y="${bandTop}" width="${area.right - area.left}" height="${bandBottom - bandTop}"/>`,
    markup`<path class="zero" d="M${area.left},${area.y(0)}H${area.right}"/>`,
    marks,
  ]);
}

/** Estimates with intervals, one a line, grouped under headings. */
export function forestPlot(forest: Forest): Markup {
  const x = scaleLinear()
    .domain([...forest.axis.domain])
    .range([FOREST.labels, FOREST.width - FOREST.numbers]);
  let y = FOREST.top;
  const lines: Markup[] = [];
  for (const group of forest.groups) {
    y += FOREST.heading - FOREST.headingLine;
    for (const line of brokenLines(group.heading, HEADING_CHARS)) {
      y += FOREST.headingLine;
      lines.push(markup`<text class="heading" x="0" y="${y - 6}">${line}</text>`);
    }
    for (const row of group.rows) {
      y += FOREST.row;
      lines.push(forestRow(row, x, y - 5));
    }
  }
  const bottom = y + 6;
  return chartFrame(FOREST.width, bottom + FOREST.axis, 'forest', forest, [
    markup`<rect class="band" x="${x(-forest.delta)}" y="0" width="${x(forest.delta) - x(-forest.delta)}" height="${bottom}"/>`,
    markup`<path class="zero" d="M${x(0)},0V${bottom}"/>`,
    lines,
    forestAxis(forest, x, bottom),
  ]);
}

function forestRow(row: ForestRow, x: ScaleLinear<number, number>, y: number): Markup {
  const label = markup`<text x="8" y="${y}">${shorten(row.label, 18)}</text>`;
  if (!row.estimate)
    return markup`${label}<text class="note" x="${x.range()[0] ?? 0}" y="${y}">${row.note ?? ''}</text>`;
  const { value, ci95, text, mark, about } = row.estimate;
  const middle = y - 4;
  const estimate =
    mark === undefined
      ? markup`<rect class="estimate" x="${x(value) - HALF_MARK}" y="${middle - HALF_MARK}" width="${2 * HALF_MARK}" height="${2 * HALF_MARK}"/>`
      : verdictMark(mark, x(value), middle, about);
  return markup`${label}<path class="interval" d="M${x(ci95[0])},${middle}H${x(ci95[1])}"/>${estimate}<text class="number" x="${FOREST.width}" y="${y}" text-anchor="end">${text}</text>`;
}

function forestAxis(forest: Forest, x: ScaleLinear<number, number>, y: number): Markup {
  const [left = 0, right = 0] = x.range();
  return markup`${xAxisMarks(x, x.ticks(5), 'linear', { left, right, bottom: y })}<text class="axis-title" x="${right}" y="${y + 36}" text-anchor="end">${shorten(forest.axis.label, 56)}</text>`;
}
