/**
 * How a series is told apart: colour, dash and marker together, so that it survives print, greyscale and colour blindness.
 * Colours: Okabe and Ito 2008, darkened on white until each has contrast 3:1 or more; the originals on a dark page.
 */
import {
  symbol,
  symbolCircle,
  symbolCross,
  symbolDiamond,
  symbolSquare,
  symbolStar,
  symbolTriangle,
  symbolWye,
  type SymbolType,
} from 'd3-shape';

import { type Markup, markup, trusted } from '#report/markup.ts';

/** Colours in series order, on a light and on a dark page. */
export const SERIES_COLOURS: readonly { readonly light: string; readonly dark: string }[] = [
  { light: '#0072b2', dark: '#5ab4ea' },
  { light: '#d55e00', dark: '#f08a3c' },
  { light: '#00845f', dark: '#2bc597' },
  { light: '#b0508a', dark: '#dd92bd' },
  { light: '#3b3b3b', dark: '#e4e4e4' },
  { light: '#a87400', dark: '#e6b23a' },
  { light: '#3d8fc4', dark: '#9ad1f5' },
  { light: '#7d7a00', dark: '#e8de55' },
];

/** Dash patterns in series order. */
export const SERIES_DASHES: readonly string[] = ['none', '7 3', '2 2.5', '9 3 2 3', '4 2', '12 4', '6 2 1 2 1 2'];

const MARKERS: readonly SymbolType[] = [
  symbolCircle,
  symbolSquare,
  symbolTriangle,
  symbolDiamond,
  symbolCross,
  symbolStar,
  symbolWye,
];
const MARKER_AREA = 34;
/** After this many series markers come hollow and dashes shift by one, so that a pair of both repeats late. */
const ROUND = MARKERS.length;

/** CSS classes that set a series' colour and dash as the variables `--series` and `--dash`, and hollow markers. */
export function seriesClass(index: number): string {
  const dash = (index + Math.floor(index / ROUND)) % SERIES_DASHES.length;
  const hollow = Math.floor(index / ROUND) % 2 === 1 ? ' hollow' : '';
  return `s${index % SERIES_COLOURS.length} d${dash}${hollow}`;
}

/** A series' marker centred on a point. */
export function marker(index: number, x: number, y: number): Markup {
  const shape = symbol(MARKERS[index % ROUND], MARKER_AREA).digits(1)() ?? '';
  return markup`<path class="marker" transform="translate(${x},${y})" d="${trusted(shape)}"/>`;
}

/** The series' sample for a legend: a piece of its line with its marker. */
export function swatch(index: number): Markup {
  return markup`<svg class="swatch ${seriesClass(index)}" viewBox="0 0 40 14" aria-hidden="true"><path class="mean" d="M1,7H39"/>${marker(index, 20, 7)}</svg>`;
}
