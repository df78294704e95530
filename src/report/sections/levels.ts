/** Effects level by level: a mean over levels can hide a change of sign. */
import { midSentence } from '#analysis/words/naming.ts';
import { intervalText, plain, signed } from '#analysis/words/number-text.ts';
import type { LevelEstimate, MatchingResult, VerdictRecord } from '#analysis/records/verdict-record.ts';
import { effectPanel, type LevelMark } from '#report/charts/interval-marks.ts';
import type { PlotAxis } from '#report/charts/plot-area.ts';
import { dataDomain } from '#report/data-domain.ts';
import { dataTable, figure, foldedSection, titledPanel } from '#report/figure.ts';
import { type Markup, markup, type MarkupPart } from '#report/markup.ts';
import type { ReportedStudy, ReportInput } from '#report/report-input.ts';
import { scaleOf } from './behaviour.ts';
import {
  axisOfMatching,
  levelText,
  matchingLabel,
  orderedMatchings,
  outcomeLabel,
  pairLabel,
} from '#report/wording.ts';

/** Room beside the outermost levels, as a share of their range. */
const MARGIN_FRACTION = 0.08;

/** Panels and the table of all levels. */
export function levelsSection(input: ReportInput): Markup | undefined {
  const byOutcome = [...Map.groupBy(input.analysis.verdicts, (verdict) => verdict.outcome)];
  const figures = byOutcome.map(([outcome, verdicts], index) => levelFigure(input.study, outcome, verdicts, index));
  const rows = input.analysis.verdicts.flatMap((verdict) => levelRows(input.study, verdict));
  if (rows.length === 0) return undefined;
  const columns = [
    { label: 'Contrast' },
    { label: 'Outcome' },
    { label: 'Matched on' },
    { label: 'Level', isNumber: true },
    { label: 'Arm', isNumber: true },
    { label: 'Reference', isNumber: true },
    { label: 'Difference', isNumber: true },
    { label: '95% interval', isNumber: true },
    { label: '90% interval', isNumber: true },
    { label: 'Blocks', isNumber: true },
    { label: 'Counts' },
  ];
  const table = dataTable({ caption: 'Every preset level of every contrast.', columns, rows });
  return foldedSection('levels', 'Level by level', [...figures, table]);
}

function levelFigure(
  study: ReportedStudy,
  outcome: string,
  verdicts: readonly VerdictRecord[],
  index: number,
): Markup | undefined {
  const cells = verdicts.flatMap((verdict) =>
    orderedMatchings(verdict.matchings).flatMap(([key, result]) => {
      const levels = singleLevels(result);
      return levels.length > 0 ? [{ verdict, key, levels }] : [];
    }),
  );
  if (cells.length === 0) return undefined;
  const delta = verdicts[0]?.delta ?? 0;
  const ends = cells.flatMap(({ levels }) => levels.flatMap(({ ci95 }) => ci95));
  const y = { label: '', domain: dataDomain([...ends, -1.2 * delta, 1.2 * delta]) };
  const label = outcomeLabel(study, outcome);
  return figure({
    id: `levels-${index}`,
    title: `Effects on ${midSentence(label)} at each preset level.`,
    caption: markup`Arm minus reference with 95% intervals, training moving from left to right; the band is ±δ. Hollow: levels that do not count (coherence, too few blocks).`,
    panels: cells.map(({ verdict, key, levels }) =>
      titledPanel(
        `${pairLabel(study, verdict)}, matched ${matchingLabel(study, key)}`,
        effectPanel({
          title: `${pairLabel(study, verdict)} at matched ${matchingLabel(study, key)}`,
          description: levels.map(({ level, estimate }) => `${plain(level)}: ${plain(estimate)}`).join(', '),
          x: levelAxis(study, key, levels),
          y,
          delta,
          levels,
        }),
      ),
    ),
    layout: 'small',
    dataFile: 'levels.csv',
  });
}

function singleLevels(result: MatchingResult): readonly LevelMark[] {
  if (result.kind === 'notEstimable') return [];
  return result.levels.flatMap(({ level, estimate, ci95, excluded }) =>
    typeof level === 'number' && [estimate, ...ci95].every(Number.isFinite)
      ? [{ level, estimate, ci95, isExcluded: excluded !== undefined }]
      : [],
  );
}

function levelAxis(study: ReportedStudy, key: string, levels: readonly LevelMark[]): PlotAxis {
  const axis = axisOfMatching(study, key);
  const all = [...new Set([...(axis?.levels ?? []), ...levels.map(({ level }) => level)])];
  const scale = axis === undefined ? 'linear' : scaleOf(axis, all);
  const [low, high] = widened(dataDomain(all, { isNice: false }), scale);
  return { label: '', domain: axis?.direction === 'rises' ? [low, high] : [high, low], ticks: all, scale };
}

/** The range with a little room at both ends, as much in the picture whatever the scale. */
export function widened([low, high]: readonly [number, number], scale: 'linear' | 'log'): readonly [number, number] {
  if (scale === 'linear') return [low - MARGIN_FRACTION * (high - low), high + MARGIN_FRACTION * (high - low)];
  const factor = (high / low) ** MARGIN_FRACTION;
  return [low / factor, high * factor];
}

function levelRows(study: ReportedStudy, verdict: VerdictRecord): readonly (readonly MarkupPart[])[] {
  return orderedMatchings(verdict.matchings).flatMap(([key, result]) =>
    result.kind === 'notEstimable' ? [] : result.levels.map((level) => levelRow(study, verdict, key, level)),
  );
}

function levelRow(
  study: ReportedStudy,
  verdict: VerdictRecord,
  key: string,
  level: LevelEstimate,
): readonly MarkupPart[] {
  const { delta } = verdict;
  return [
    pairLabel(study, verdict),
    outcomeLabel(study, verdict.outcome),
    matchingLabel(study, key),
    levelText(level.level),
    signed(level.armMean, delta).replace('+', ''),
    signed(level.referenceMean, delta).replace('+', ''),
    signed(level.estimate, delta),
    intervalText(level.ci95, delta),
    intervalText(level.ci90, delta),
    String(level.blocks),
    level.excluded === undefined ? 'yes' : `no: ${level.excluded}`,
  ];
}
