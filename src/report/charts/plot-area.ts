/**
 * The part all x-y charts share: an SVG of fixed user units (the page scales it), a linear y axis and a linear or
 * logarithmic x axis with few ticks, labels above and below. Text is at least 11 px on a phone because the style sheet raises it there; the margins leave room for that.
 */
import { scaleLinear, type ScaleContinuousNumeric, type ScaleLinear, scaleLog } from 'd3-scale';

import { type Markup, markup, type MarkupPart } from '#report/markup.ts';

/** Which way an axis runs is the order of its domain: `[3, 0]` puts 3 at the left (or the bottom). */
export interface PlotAxis {
  readonly label: string;
  readonly domain: readonly [start: number, end: number];
  /** Where to put ticks instead of at round numbers. */
  readonly ticks?: readonly number[];
  /** The x axis only: `log` for a domain above 0 that spans decades. Default `linear`. */
  readonly scale?: 'linear' | 'log';
}

/** Sizes in user units: `full` stands two in a row on a desk, `small` four. */
export type PlotSize = 'full' | 'small';

/** What a chart is called and what it shows, for readers who do not see it. */
export interface ChartText {
  readonly title: string;
  readonly description: string;
}

/** An axis pair and the place to draw in. */
export interface PlotArea {
  readonly x: XScale;
  readonly y: ScaleLinear<number, number>;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  /** The finished chart: axes around the given marks. */
  chart(text: ChartText, marks: MarkupPart): Markup;
}

/** Where a value of the x axis stands. */
type XScale = ScaleContinuousNumeric<number, number>;

interface Geometry {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly xTicks: number;
  readonly yTicks: number;
}

const GEOMETRY: Readonly<Record<PlotSize, Geometry>> = {
  full: { width: 440, height: 330, left: 46, right: 12, top: 30, bottom: 46, xTicks: 6, yTicks: 6 },
  small: { width: 220, height: 140, left: 42, right: 8, top: 6, bottom: 24, xTicks: 3, yTicks: 4 },
};
const TICK_LENGTH = 4;
/** A digit at the largest size the style sheet sets chart text in (on a phone), in user units. */
const LETTER_WIDTH = 8.5;
/** The longest title of an axis. */
export const LABEL_CHARS = 56;

/** Lays out axes of the given size; `inset` keeps a strip free of data at the left of the plot. */
export function plotArea(size: PlotSize, xAxis: PlotAxis, yAxis: PlotAxis, inset = 0): PlotArea {
  const geometry = GEOMETRY[size];
  const [left, top] = [geometry.left, geometry.top];
  const [right, bottom] = [geometry.width - geometry.right, geometry.height - geometry.bottom];
  const x = (xAxis.scale === 'log' ? scaleLog() : scaleLinear()).domain([...xAxis.domain]).range([left + inset, right]);
  const y = scaleLinear()
    .domain([...yAxis.domain])
    .range([bottom, top]);
  const chart = (text: ChartText, marks: MarkupPart): Markup =>
    chartFrame(geometry.width, geometry.height, size, text, [
      xAxisMarks(x, xAxis.ticks ?? ticksOf(x, xAxis, geometry.xTicks), xAxis.scale, { left, right, bottom }),
      yAxisMarks(y, geometry.yTicks, { left, top, bottom }),
      marks,
      yAxis.label === ''
        ? undefined
        : markup`<text class="axis-title" x="2" y="13">${shorten(yAxis.label, LABEL_CHARS)}</text>`,
      xAxis.label === ''
        ? undefined
        : markup`<text class="axis-title" x="${right}" y="${geometry.height - 6}" text-anchor="end">${shorten(xAxis.label, LABEL_CHARS)}</text>`,
    ]);
  return { x, y, left, right, top, bottom, chart };
}

/** Round numbers along the x axis; on a logarithmic one 1, 2 and 5 of every decade. */
function ticksOf(x: XScale, { scale, domain }: PlotAxis, count: number): number[] {
  if (scale !== 'log') return x.ticks(count);
  const [low, high] = [Math.min(...domain), Math.max(...domain)];
  const [first, last] = [Math.floor(Math.log10(low)), Math.floor(Math.log10(high))];
  const decades = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  return decades
    .flatMap((decade) => [1, 2, 5].map((digit) => Number(`${digit}e${decade}`)))
    .filter((tick) => tick >= low && tick <= high);
}

/** An SVG with its accessible name and description around the given content. */
export function chartFrame(
  width: number,
  height: number,
  className: string,
  text: ChartText,
  content: MarkupPart,
): Markup {
  return markup`<svg class="chart ${className}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${text.title}. ${text.description}"><title>${text.title}</title><desc>${text.description}</desc>${content}</svg>`;
}

/** Text cut to a number of characters, with an ellipsis where something is missing. */
export function shorten(text: string, maxChars: number): string {
  const characters = Array.from(text);
  return characters.length <= maxChars ? text : `${characters.slice(0, maxChars - 1).join('')}…`;
}

/** A text on one line, or broken at its last space that fits; a still longer rest is cut. */
export function brokenLines(text: string, maxChars: number): readonly string[] {
  if (text.length <= maxChars) return [text];
  const space = text.lastIndexOf(' ', maxChars);
  if (space <= 0) return [shorten(text, maxChars)];
  return [text.slice(0, space), shorten(text.slice(space + 1), maxChars)];
}

/** Beyond these, numbers on an axis are written with an exponent. */
const [SMALLEST_PLAIN, LARGEST_PLAIN] = [1e-3, 1e6];

/** Ticks with as many decimals as the one that needs most, on a logarithmic axis as each needs. */
function tickFormat(ticks: readonly number[], scale: PlotAxis['scale']): (value: number) => string {
  if (scale === 'log') return (value) => String(Number(value.toPrecision(6)));
  const largest = Math.max(...ticks.map(Math.abs));
  if (largest >= LARGEST_PLAIN || (largest < SMALLEST_PLAIN && largest > 0)) return withExponent;
  const decimals = Math.max(0, ...ticks.map((tick) => String(Number(tick.toPrecision(6))).split('.')[1]?.length ?? 0));
  const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return (value) => value.toLocaleString('en', digits).replace('-', '−');
}

/** Such as `1.5e11`. */
function withExponent(value: number): string {
  if (value === 0) return '0';
  return Number(value.toPrecision(6)).toExponential().replace('e+', 'e').replaceAll('-', '−');
}

/** Of a tick's text; points and commas are half as wide as digits. */
function widthOf(text: string): number {
  const narrow = text.match(/[.,]/g)?.length ?? 0;
  return (text.length - narrow / 2) * LETTER_WIDTH;
}

/** An x axis under a plot: a tick each, labelled where the labels before it leave room. */
export function xAxisMarks(
  x: XScale,
  values: readonly number[],
  scale: PlotAxis['scale'],
  { left, right, bottom }: { left: number; right: number; bottom: number },
): Markup {
  const format = tickFormat(values, scale);
  let free = Number.NEGATIVE_INFINITY;
  const ticks = values
    .toSorted((a, b) => x(a) - x(b))
    .map((tick) => {
      const at = x(tick);
      const half = widthOf(format(tick)) / 2;
      const isLabelled = at - half >= free;
      if (isLabelled) free = at + half + LETTER_WIDTH / 2;
      const label = markup`<text x="${at}" y="${bottom + 16}" text-anchor="middle">${format(tick)}</text>`;
      return markup`<path class="tick" d="M${at},${bottom}v${TICK_LENGTH}"/>${isLabelled ? label : undefined}`;
    });
  return markup`<path class="axis" d="M${left},${bottom}H${right}"/>${ticks}`;
}

function yAxisMarks(
  y: ScaleLinear<number, number>,
  tickCount: number,
  { left, top, bottom }: { left: number; top: number; bottom: number },
): Markup {
  const values = y.ticks(tickCount);
  const format = tickFormat(values, 'linear');
  const ticks = values.map((tick) => {
    const at = y(tick);
    return markup`<path class="tick" d="M${left},${at}h${-TICK_LENGTH}"/><text x="${left - 7}" y="${at + 4}" text-anchor="end">${format(tick)}</text>`;
  });
  return markup`<path class="axis" d="M${left},${bottom}V${top}"/>${ticks}`;
}
