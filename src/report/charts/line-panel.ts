/**
 * Runs as thin lines, arms as bold ones: behaviour against loss, and loss against steps.
 * Invariant: one path a run (`class="run"`), whatever its length; each says in a title of its own which run it is, and
 * carries the steps of its points for the page's script.
 */
import { curveLinear, line } from 'd3-shape';

import { plotArea, type PlotArea, type PlotAxis, type PlotSize, type ChartText } from './plot-area.ts';
import { marker, seriesClass } from './series-style.ts';
import { type Point, simplifyPath } from './simplify-path.ts';
import { type Markup, markup, trusted } from '#report/markup.ts';

/** One run's line. */
export interface RunLine {
  /** Which run it is, such as `Muon, seed 3, learning rate 0.002`. */
  readonly label: string;
  /** In data units, in the order of steps. */
  readonly points: readonly Point[];
  /** The optimizer step of each point. */
  readonly steps: readonly number[];
}

/** One arm in a panel; points in data units. */
export interface LineSeries {
  /** Position in the legend; decides colour, dash and marker. */
  readonly index: number;
  readonly runs: readonly RunLine[];
  /** Parts of runs that do not count (after the best held-out loss), drawn dotted. */
  readonly tails?: readonly RunLine[];
  /** The arm's mean at preset levels. */
  readonly means?: readonly Point[];
}

/** A panel of lines. */
export interface LinePanel extends ChartText {
  readonly size: PlotSize;
  readonly x: PlotAxis;
  readonly y: PlotAxis;
  readonly series: readonly LineSeries[];
  /** Preset levels, in the x axis' unit: thin rules. */
  readonly levels?: readonly number[];
  /** A length in the y axis' unit shown as a bar, such as the smallest effect of interest. */
  readonly scaleBar?: { readonly length: number; readonly label: string };
}

/** A panel spends about so many points on all of its runs together. */
const PANEL_POINTS: Readonly<Record<PlotSize, number>> = { full: 7000, small: 1500 };
const MIN_RUN_POINTS = 12;
const SCALE_BAR_STRIP = 30;
const SERIF = 3;

/** The panel as SVG. */
export function linePanel(panel: LinePanel): Markup {
  const area = plotArea(panel.size, panel.x, panel.y, panel.scaleBar ? SCALE_BAR_STRIP : 0);
  const runCount = panel.series.reduce((count, series) => count + series.runs.length, 0);
  const maxPoints = Math.max(MIN_RUN_POINTS, Math.floor(PANEL_POINTS[panel.size] / Math.max(1, runCount)));
  return area.chart(panel, [
    levelRules(area, panel.levels ?? []),
    panel.series.map((series) => runMarks(area, series, maxPoints)),
    panel.series.map((series) => meanMarks(area, series)),
    panel.scaleBar ? scaleBarMarks(area, panel.scaleBar.length, panel.scaleBar.label) : undefined,
  ]);
}

function levelRules(area: PlotArea, levels: readonly number[]): readonly Markup[] {
  const [start = 0, end = 0] = area.x.domain();
  const isInside = (level: number): boolean => level >= Math.min(start, end) && level <= Math.max(start, end);
  return levels
    .filter(isInside)
    .map((level) => markup`<path class="level" d="M${area.x(level)},${area.top}V${area.bottom}"/>`);
}

function runMarks(area: PlotArea, series: LineSeries, maxPoints: number): Markup {
  const pathOf = (kind: 'run' | 'tail', { label, points, steps }: RunLine): Markup => {
    const drawn = points.map(([x, y]): Point => [area.x(x), area.y(y)]);
    const stepOf = new Map(drawn.map((point, i) => [point, steps[i]]));
    const kept = simplifyPath(drawn, maxPoints);
    return markup`<path class="${kind}" data-steps="${kept.map((point) => stepOf.get(point) ?? '').join(' ')}" d="${pathData(kept)}"><title>${label}</title></path>`;
  };
  const runs = series.runs.map((run) => pathOf('run', run));
  const tails = (series.tails ?? []).map((tail) => pathOf('tail', tail));
  return markup`<g class="${seriesClass(series.index)}" data-series="${series.index}">${runs}${tails}</g>`;
}

function meanMarks(area: PlotArea, series: LineSeries): Markup | undefined {
  const means = series.means ?? [];
  if (means.length === 0) return undefined;
  const drawn = means.map(([x, y]): Point => [area.x(x), area.y(y)]);
  const markers = drawn.map(([x, y]) => marker(series.index, x, y));
  return markup`<g class="${seriesClass(series.index)}" data-series="${series.index}"><path class="mean" d="${pathData(drawn)}"/>${markers}</g>`;
}

function scaleBarMarks(area: PlotArea, length: number, label: string): Markup {
  const x = area.left + SCALE_BAR_STRIP / 2;
  const size = Math.abs(area.y(length) - area.y(0));
  const top = area.top + 20;
  return markup`<g class="scale-bar"><path d="M${x - SERIF},${top}h${2 * SERIF}m${-SERIF},0v${size}m${-SERIF},0h${2 * SERIF}"/><text x="${area.left + 4}" y="${top - 7}">${label}</text></g>`;
}

/** SVG path data with one decimal. */
function pathData(points: readonly Point[]): Markup {
  return trusted(line<Point>().curve(curveLinear).digits(1)(points.map(([x, y]): [number, number] => [x, y])) ?? '');
}
