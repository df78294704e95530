/**
 * The pictures of claims: a panel of places where a claim has an axis and several levels (both columns, and their difference
 * where the other column is no constant), a forest row a place otherwise. Claims on one outcome at one axis share a figure
 * and its scales.
 */
import { intervalText, plain, signed, withUnit } from '#analysis/words/number-text.ts';
import { midSentence } from '#analysis/words/naming.ts';
import type { ClaimLevel, ClaimRecord } from '#analysis/records/claim-record.ts';
import { claimPanel, type ClaimMark, type ClaimPanel } from '#report/charts/claim-panel.ts';
import { type ForestGroup, forestPlot, type ForestRow } from '#report/charts/interval-marks.ts';
import type { PlotAxis, PlotSize } from '#report/charts/plot-area.ts';
import { markSwatch } from '#report/charts/verdict-mark.ts';
import {
  axisText,
  groupedText,
  levelNumbers,
  levelPhrase,
  levelWord,
  MARK_WORDS,
  markKind,
  type MarkKind,
  otherText,
  placeText,
} from '#report/claim-words.ts';
import { dataDomain } from '#report/data-domain.ts';
import { figure, titledPanel } from '#report/figure.ts';
import { type Markup, markup } from '#report/markup.ts';
import type { ReportedStudy, ReportInput } from '#report/report-input.ts';
import { asTitle, outcomeLabel } from '#report/wording.ts';
import { scaleOf } from './behaviour.ts';
import { widened } from './levels.ts';

/** Fewer levels than this are rows of a forest. */
const PANEL_LEVELS = 3;
/** More panels than this are small ones. */
const FULL_PANELS = 4;
/** Room around delta's band. */
const BAND_ROOM = 1.2;

/** The figures of the given claims, in their order. */
export function claimFigures(
  { study }: ReportInput,
  claims: readonly ClaimRecord[],
  id: 'claims' | 'controls' = 'claims',
): readonly Markup[] {
  const kindOf = (record: ClaimRecord): string => (hasPanel(record) ? (axisText(study, record.at) ?? '') : 'rows');
  const groups = Map.groupBy(claims, (record) => JSON.stringify([record.outcome, kindOf(record)]));
  return [...groups.values()].flatMap((group): Markup[] => {
    const [first] = group;
    if (first === undefined) return [];
    return [hasPanel(first) ? panelFigure(study, id, first, group) : rowsFigure(study, id, first, group)];
  });
}

/** Places along an axis make a curve; few of them, the end and trends make rows. */
function hasPanel({ at, levels }: ClaimRecord): boolean {
  return (at.kind === 'given' || at.kind === 'crossed') && levels.length >= PANEL_LEVELS;
}

function idOf(...parts: readonly string[]): string {
  return parts.join('-').replaceAll(/[^\w-]+/g, '-');
}

/** What a panel draws: the arm's means beside the other column's, or the difference of both. */
interface Reading {
  readonly title: string;
  readonly record: ClaimRecord;
  readonly unit: string;
  readonly other: readonly (readonly [level: number, value: number])[];
  readonly marks: readonly ClaimMark[];
  readonly isDifference: boolean;
}

function panelFigure(study: ReportedStudy, id: string, first: ClaimRecord, group: readonly ClaimRecord[]): Markup {
  const label = midSentence(outcomeLabel(study, first.outcome));
  const axis = axisText(study, first.at) ?? '';
  const readings = group.flatMap((record) => readingsOf(study, record));
  const size: PlotSize = readings.length > FULL_PANELS ? 'small' : 'full';
  const panels = readings.map((reading) => {
    const same = readings.filter(({ isDifference }) => isDifference === reading.isDifference);
    return titledPanel(reading.title, panelOf(study, reading, size, axisOf(same, reading.unit, size)));
  });
  const hasDifference = readings.some(({ isDifference }) => isDifference);
  return figure({
    id: idOf(id, first.outcome, axis),
    title: `${asTitle(label)} at each ${axis}.`,
    caption: markup`The line is what the arm is held against${hasDifference ? ' (zero where the panel shows the difference)' : ''}, the band ±δ = ±${plain(first.delta)} around it; a mark is the arm’s mean${hasDifference ? ' or the mean difference' : ''} with a 95% interval, its shape the verdict at that place. A cross at the foot: not estimable.`,
    panels,
    layout: size === 'full' ? 'wide' : 'small',
    legend: markLegend(group),
    dataFile: 'claims.csv',
  });
}

/** The key to the marks that occur. */
function markLegend(claims: readonly ClaimRecord[]): Markup {
  const seen = new Set(claims.flatMap(({ levels }) => levels.map(markKind)));
  const order: readonly MarkKind[] = ['above', 'below', 'agrees', 'identical', 'undecided'];
  const items = order
    .filter((kind) => seen.has(kind))
    .map((kind) => markup`<li>${markSwatch(kind)} ${MARK_WORDS[kind]}</li>`);
  return markup`<ul class="legend" aria-label="Verdicts">${items}</ul>`;
}

function readingsOf(study: ReportedStudy, record: ClaimRecord): readonly Reading[] {
  const { against } = record;
  const known = study.outcomes.find(({ name }) => name === record.outcome);
  const unit = known?.unit ?? '';
  const title = asTitle(record.claim);
  const points = record.levels.flatMap((level) =>
    typeof level.level === 'number' ? [{ ...level, x: level.level }] : [],
  );
  const textOf = (level: ClaimLevel): string =>
    `${placeText(study, record, level.level)}: ${levelNumbers(record, level)}, ${levelPhrase(study, record, level)}`;
  const means: Reading = {
    title: `${title} (line: ${otherText(study, against)})`,
    record,
    unit,
    isDifference: false,
    other: points.flatMap(({ x, otherMean }) => (otherMean === null ? [] : [[x, otherMean]])),
    marks: points.map((level) => ({
      level: level.x,
      value: level.armMean,
      kind: markKind(level),
      text: textOf(level),
      ...intervalAround(against.kind === 'value' ? level.otherMean : null, level),
    })),
  };
  if (against.kind === 'value') return [means];
  const difference: Reading = {
    title: `${title}: difference`,
    record,
    unit,
    isDifference: true,
    other: points.map(({ x }) => [x, 0]),
    marks: points.map((level) => ({
      level: level.x,
      value: level.estimate,
      kind: markKind(level),
      text: textOf(level),
      ...intervalAround(0, level),
    })),
  };
  return [means, difference];
}

/** The difference's interval as one of the arm's mean, where the other column is a constant. */
function intervalAround(other: number | null, { ci95 }: ClaimLevel): Pick<ClaimMark, 'interval'> {
  return other === null || ci95 === null ? {} : { interval: [other + ci95[0], other + ci95[1]] };
}

/** One scale for all panels that show the same. */
function axisOf(readings: readonly Reading[], unit: string, size: PlotSize): PlotAxis {
  const values = readings.flatMap(({ record, other, marks }) => [
    ...other.flatMap(([, value]) => [value - BAND_ROOM * record.delta, value + BAND_ROOM * record.delta]),
    ...marks.flatMap(({ value, interval }) => [...(value === null ? [] : [value]), ...(interval ?? [])]),
  ]);
  const isDifference = readings[0]?.isDifference === true;
  const label = withUnit(isDifference ? 'Difference' : 'Mean', unit);
  return { label: size === 'full' ? label : '', domain: dataDomain(values) };
}

function panelOf(study: ReportedStudy, reading: Reading, size: PlotSize, y: PlotAxis): Markup {
  const { record, title, other, marks } = reading;
  const panel: ClaimPanel = {
    title,
    description: `${marks.map(({ text }) => text).join('; ')}.`,
    size,
    x: levelAxis(study, record, size),
    y,
    delta: record.delta,
    other,
    marks,
  };
  return claimPanel(panel);
}

function levelAxis(study: ReportedStudy, { at, levels }: ClaimRecord, size: PlotSize): PlotAxis {
  const ticks = levels.flatMap(({ level }) => (typeof level === 'number' ? [level] : []));
  const scale = scaleOf({ levels: ticks });
  const [low, high] = widened(dataDomain(ticks, { isNice: false }), scale);
  const axis = at.kind === 'crossed' ? study.matchOn.find(({ name }) => name === at.axis) : undefined;
  const falls = axis === undefined ? isDescending(ticks) : axis.direction === 'falls';
  const label = asTitle(axisText(study, { ...at }) ?? '');
  return {
    label: size === 'full' ? withUnit(label, axis?.unit ?? '') : '',
    domain: falls ? [high, low] : [low, high],
    ticks,
    scale,
  };
}

function isDescending(values: readonly number[]): boolean {
  return (values[0] ?? 0) > (values.at(-1) ?? 0);
}

function rowsFigure(study: ReportedStudy, id: string, first: ClaimRecord, group: readonly ClaimRecord[]): Markup {
  const label = midSentence(outcomeLabel(study, first.outcome));
  const known = study.outcomes.find(({ name }) => name === first.outcome);
  const groups = group.map((record) => forestGroup(study, record));
  const ends = group.flatMap(({ levels }) =>
    levels.flatMap(({ ci95, estimate }) => [...(ci95 ?? []), ...(estimate === null ? [] : [estimate])]),
  );
  const { delta } = first;
  const half = groups.length > FULL_PANELS ? Math.ceil(groups.length / 2) : groups.length;
  const parts = [groups.slice(0, half), groups.slice(half)].filter((part) => part.length > 0);
  return figure({
    id: idOf(id, first.outcome, 'rows'),
    title: `${asTitle(label)}: the arm minus what it is held against, with 95% intervals.`,
    caption: markup`The band is ±δ = ±${plain(delta)}; a mark’s shape is its verdict.`,
    panels: parts.map((part) =>
      forestPlot({
        title: `Claims on ${label}`,
        description: group.map((record) => `${record.claim}: ${groupedText(study, record)}.`).join(' '),
        axis: {
          label: withUnit('difference', known?.unit ?? ''),
          domain: dataDomain([...ends, 0, -BAND_ROOM * delta, BAND_ROOM * delta], { isNice: false }),
        },
        delta,
        groups: part,
      }),
    ),
    layout: 'wide',
    legend: markLegend(group),
    dataFile: 'claims.csv',
  });
}

function forestGroup(study: ReportedStudy, record: ClaimRecord): ForestGroup {
  const axis = axisText(study, record.at);
  const rows = record.levels.map((level): ForestRow => {
    const label = typeof level.level === 'object' ? level.level.map(plain).join(' to ') : levelWord(level.level);
    if (level.estimate === null) return { label, note: 'not estimable' };
    const text = signed(level.estimate, record.delta);
    const ci95 = level.ci95 ?? [level.estimate, level.estimate];
    const about = `${intervalText(ci95, record.delta)}, ${levelPhrase(study, record, level)}`;
    return { label, estimate: { value: level.estimate, ci95, text, mark: markKind(level), about } };
  });
  const where = axis === undefined ? '' : record.at.kind === 'trend' ? ` (along ${axis})` : ` (${axis})`;
  return { heading: `${asTitle(record.claim)}${where}`, rows };
}
