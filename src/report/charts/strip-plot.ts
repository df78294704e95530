/** One number a run, arm under arm: a point each, the arm's mean as a rule across them, and constants to hold them against. */
import { scaleLinear } from 'd3-scale';

import { type Markup, markup } from '#report/markup.ts';
import { brokenLines, chartFrame, type ChartText, type PlotAxis, xAxisMarks } from './plot-area.ts';
import { marker, seriesClass } from './series-style.ts';

/** One arm's runs. */
export interface Strip {
  /** Position in the legend; decides colour and marker. */
  readonly index: number;
  readonly label: string;
  readonly points: readonly { readonly value: number; readonly text: string }[];
  readonly mean: number;
  /** The mean as a text at the right. */
  readonly meanText: string;
}

/** Strips on one scale. */
export interface StripPlot extends ChartText {
  readonly axis: PlotAxis;
  readonly strips: readonly Strip[];
  /** Constants, such as chance: rules through all strips, named at the top. */
  readonly rules: readonly { readonly value: number; readonly label: string }[];
}

const SIZE = { width: 440, left: 10, numbers: 62, top: 8, rule: 16, line: 15, strip: 30, axis: 42 };
/** Points of one strip alternate over so many heights, so that equal values are seen. */
const HEIGHTS = [0, -5, 5, -2.5, 2.5];
const LABEL_CHARS = 54;

/** The plot as SVG. */
export function stripPlot(plot: StripPlot): Markup {
  const x = scaleLinear()
    .domain([...plot.axis.domain])
    .range([SIZE.left, SIZE.width - SIZE.numbers]);
  const top = SIZE.top + SIZE.rule * plot.rules.length;
  let bottom = top;
  const strips = plot.strips.map((strip) => {
    const lines = brokenLines(strip.label, LABEL_CHARS);
    const marks = stripMarks(strip, lines, x, bottom);
    bottom += SIZE.strip + SIZE.line * lines.length;
    return marks;
  });
  const rules = plot.rules.map(({ value, label }, index) => {
    const isRight = x(value) > SIZE.width / 2;
    return markup`<path class="other" d="M${x(value)},${SIZE.top + SIZE.rule * index}V${bottom}"/><text class="other-name" x="${x(value) + (isRight ? -5 : 5)}" y="${SIZE.top + SIZE.rule * index + 10}" text-anchor="${isRight ? 'end' : 'start'}">${label}</text>`;
  });
  return chartFrame(SIZE.width, bottom + SIZE.axis, 'strips', plot, [
    rules,
    strips,
    xAxisMarks(x, x.ticks(5), 'linear', { left: SIZE.left, right: SIZE.width - SIZE.numbers, bottom }),
    markup`<text class="axis-title" x="${SIZE.width - SIZE.numbers}" y="${bottom + 36}" text-anchor="end">${plot.axis.label}</text>`,
  ]);
}

function stripMarks(strip: Strip, lines: readonly string[], x: (value: number) => number, top: number): Markup {
  const y = top + SIZE.line * lines.length + SIZE.strip / 2 - 2;
  const points = strip.points.map(
    ({ value, text }, index) =>
      markup`<g><title>${text}</title>${marker(strip.index, x(value), y + (HEIGHTS[index % HEIGHTS.length] ?? 0))}</g>`,
  );
  const label = lines.map(
    (line, index) => markup`<text class="row-label" x="0" y="${top + 13 + SIZE.line * index}">${line}</text>`,
  );
  return markup`<g class="${seriesClass(strip.index)}" data-series="${strip.index}">${label}${points}<path class="strip-mean" d="M${x(strip.mean)},${y - 10}V${y + 10}"/><text class="number" x="${SIZE.width}" y="${y + 4}" text-anchor="end">${strip.meanText}</text></g>`;
}
