/** Numbers over two factors: phase diagrams, described and never judged. */
import { scaleLinear } from 'd3-scale';

import { chosen, intervalText, signed, withUnit } from '#analysis/words/number-text.ts';
import { midSentence } from '#analysis/words/naming.ts';
import type { MapRecord } from '#analysis/records/claim-record.ts';
import { contourSegments } from '#report/charts/contours.ts';
import { type PhaseCell, type PhaseMap, phaseMap } from '#report/charts/phase-map.ts';
import { meanText } from '#report/claim-words.ts';
import { dataDomain } from '#report/data-domain.ts';
import { figure } from '#report/figure.ts';
import { type Markup, markup } from '#report/markup.ts';
import type { ReportedStudy, ReportInput } from '#report/report-input.ts';
import { asTitle, deltaOf, outcomeLabel } from '#report/wording.ts';

type Cell = MapRecord['cells'][number];

/** Contours need a grid of at least so many cells on each side. */
const CONTOUR_SIDE = 3;
const SCALE_TICKS = 5;
/** Texts of a factor longer than this are numbered, and spelled out in the caption. */
const AXIS_CHARS = { x: 6, y: 14 };

/** The section; absent where there is no map with two numbers: one alone, as where a profile has one arm of a map, is no map. */
export function mapsSection({ study, analysis: { maps = [] } }: ReportInput): Markup | undefined {
  const drawn = maps.filter(({ cells }) => cells.filter(({ mean }) => mean !== null).length > 1);
  if (drawn.length === 0) return undefined;
  const figures = drawn.map((map, index) => mapFigure(study, map, index));
  return markup`<section aria-labelledby="maps"><h2 id="maps">${drawn.length === 1 ? 'Map' : 'Maps'}</h2><p>Described over two factors, not judged: no verdict rests on a map.</p>${figures}</section>`;
}

function mapFigure(study: ReportedStudy, map: MapRecord, index: number): Markup {
  const { cells } = map;
  const drawn = drawnMap(study, map);
  const missing = cells.filter(({ mean }) => mean === null).length + emptyPlaces(map).length;
  const units = cells.flatMap(({ mean, units: count }) => (mean === null ? [] : [count]));
  const theory = theoryText(map, drawn);
  const size = `Means over ${spanText(units)} blocks ${map.place}.`;
  const hatched =
    missing === 0 ? '' : ` Hatched: no number (${missing} of ${map.x.values.length * map.y.values.length} cells).`;
  return figure({
    id: `map-${index}`,
    title: `${asTitle(map.label)}.`,
    caption: markup`${asTitle(midSentence(outcomeLabel(study, map.outcome)))} over ${map.x.factor} and ${map.y.factor}. ${size}${theory}${hatched}${spelledOut(map)}`,
    panels: [phaseMap(drawn)],
    layout: 'wide',
    dataFile: 'maps.csv',
  });
}

function spanText(counts: readonly number[]): string {
  const [low, high] = [Math.min(...counts), Math.max(...counts)];
  return low === high ? String(low) : `${low} to ${high}`;
}

function drawnMap(study: ReportedStudy, map: MapRecord): PhaseMap {
  const delta = deltaOf(study, map.outcome);
  const known = study.outcomes.find(({ name }) => name === map.outcome);
  const isDifference = isDifferenceMap(study, map);
  const values = map.cells.flatMap(({ mean }) => mean ?? []);
  const domain = scaleDomain(values, isDifference);
  const ticks = scaleLinear()
    .domain([...domain])
    .ticks(SCALE_TICKS);
  const format = scaleLinear()
    .domain([...domain])
    .tickFormat(SCALE_TICKS, isDifference ? '+~f' : '');
  const textOf = (value: number): string =>
    format(value)
      .replace(/^[+−-](0(\.0+)?)$/, '$1')
      .replace('-', '−');
  const contours = contoursOf(map, ticks).map(({ level, segments }) => ({ text: textOf(level), segments }));
  const isInCells = contours.length === 0;
  const numberOf = (value: number): string => (isDifference ? signed(value, delta) : meanText(value, delta));
  const cells = map.cells.map((cell) => drawnCell(map, cell, numberOf, delta, isInCells));
  const empty = emptyPlaces(map).map((place): PhaseCell => ({
    ...place,
    value: null,
    lines: [],
    about: 'no arm stands here',
  }));
  return {
    title: asTitle(map.label),
    description: `${map.cells.length} cells, from ${numberOf(Math.min(...values))} to ${numberOf(Math.max(...values))}.`,
    x: { label: map.x.factor, texts: axisTexts(map.x.values, AXIS_CHARS.x, 'A') },
    y: { label: map.y.factor, texts: axisTexts(map.y.values, AXIS_CHARS.y, '1') },
    cells: [...empty, ...cells],
    scale: {
      kind: isDifference ? 'diverging' : 'sequential',
      domain,
      ticks: ticks.map((value) => ({ value, text: textOf(value) })),
      label: withUnit(isDifference ? 'difference' : 'mean', known?.unit ?? ''),
    },
    contours,
  };
}

/** A difference by declaration; where the map is not declared, by having both signs. */
function isDifferenceMap({ maps }: ReportedStudy, map: MapRecord): boolean {
  const declared = maps?.find(({ name }) => name === map.name);
  if (declared !== undefined) return declared.difference !== undefined;
  const values = map.cells.flatMap(({ mean }) => mean ?? []);
  return values.some((value) => value < 0) && values.some((value) => value > 0);
}

function scaleDomain(values: readonly number[], isDifference: boolean): readonly [number, number] {
  return dataDomain(isDifference ? values.flatMap((value) => [value, -value]) : values, { isNice: false });
}

function drawnCell(
  map: MapRecord,
  cell: Cell,
  numberOf: (value: number) => string,
  delta: number,
  isTheoryInCells: boolean,
): PhaseCell {
  const { mean, theory, ci95, units } = cell;
  const column = map.x.values.indexOf(cell.x);
  const row = map.y.values.indexOf(cell.y);
  const place = `${map.x.factor} ${valueText(cell.x)}, ${map.y.factor} ${valueText(cell.y)}`;
  const theoryWord = theory === null ? '' : `; theory ${numberOf(theory)}`;
  if (mean === null) return { column, row, value: null, lines: [], about: `${place}: no number${theoryWord}` };
  const interval = ci95 === null ? '' : ` ${intervalText(ci95, delta)}`;
  const lines = isTheoryInCells && theory !== null ? [numberOf(mean), `(${numberOf(theory)})`] : [numberOf(mean)];
  return {
    column,
    row,
    value: mean,
    lines,
    about: `${place}: ${numberOf(mean)}${interval}, ${units} blocks${theoryWord}`,
  };
}

/** Places of the grid where no arm stands. */
function emptyPlaces({ x, y, cells }: MapRecord): readonly { readonly column: number; readonly row: number }[] {
  return y.values.flatMap((atY, row) =>
    x.values.flatMap((atX, column) =>
      cells.some((cell) => cell.x === atX && cell.y === atY) ? [] : [{ column, row }],
    ),
  );
}

/** The theory's contours at the colour scale's numbers; none where a contour makes no sense. */
function contoursOf(
  map: MapRecord,
  ticks: readonly number[],
): readonly { readonly level: number; readonly segments: PhaseMap['contours'][number]['segments'] }[] {
  const { x, y, cells } = map;
  const isOrdered = [...x.values, ...y.values].every((value) => typeof value === 'number');
  if (!isOrdered || x.values.length < CONTOUR_SIDE || y.values.length < CONTOUR_SIDE) return [];
  const theoryAt = (column: number, row: number): number | null =>
    cells.find((cell) => cell.x === x.values[column] && cell.y === y.values[row])?.theory ?? null;
  return ticks.flatMap((level) => {
    const segments = contourSegments(x.values.length, y.values.length, theoryAt, level);
    return segments.length === 0 ? [] : [{ level, segments }];
  });
}

function theoryText({ cells }: MapRecord, { contours, cells: drawn }: PhaseMap): string {
  if (cells.every(({ theory }) => theory === null)) return '';
  if (contours.length > 0) return ' Lines: where the theory has the values written on them.';
  return drawn.some(({ lines }) => lines.length > 1) ? ' In brackets: the theory’s value.' : '';
}

function valueText(value: number | string): string {
  return typeof value === 'number' ? chosen(value) : value;
}

/** Values as they are, or counted (`A`, `B` or `1`, `2`) where one is too long for its place. */
function axisTexts(values: readonly (number | string)[], maxChars: number, from: 'A' | '1'): readonly string[] {
  const texts = values.map(valueText);
  return texts.every((text) => text.length <= maxChars) ? texts : texts.map((_, index) => countedText(index, from));
}

function countedText(index: number, from: 'A' | '1'): string {
  if (from === '1') return String(index + 1);
  const letter = String.fromCodePoint(65 + (index % 26));
  return index < 26 ? letter : `${letter}${Math.floor(index / 26)}`;
}

/** The texts that were counted. */
function spelledOut({ x, y }: MapRecord): string {
  const keyOf = ({ factor, values }: MapRecord['x'], maxChars: number, from: 'A' | '1'): string => {
    const texts = axisTexts(values, maxChars, from);
    const whole = values.map(valueText);
    if (texts.every((text, index) => text === whole[index])) return '';
    return ` ${asTitle(factor)}: ${whole.map((text, index) => `${texts[index] ?? ''} ${text}`).join('; ')}.`;
  };
  return `${keyOf(x, AXIS_CHARS.x, 'A')}${keyOf(y, AXIS_CHARS.y, '1')}`;
}
