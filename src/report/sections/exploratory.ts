/** Outcomes that are described and screened, never judged: their pictures and their contrasts with q values. */
import { pText } from '#analysis/words/number-text.ts';
import type { ExploratoryRecord } from '#analysis/records/analysis-record.ts';
import { dataTable, foldedSection } from '#report/figure.ts';
import { type Markup, markup, type MarkupPart } from '#report/markup.ts';
import type { ReportedStudy, ReportInput } from '#report/report-input.ts';
import {
  contrastLabel,
  deltaOf,
  estimateText,
  matchingLabel,
  orderedMatchings,
  outcomeLabel,
} from '#report/wording.ts';
import { outcomePictures } from './pictures.ts';

/** The section; absent where the study has no exploratory outcome. */
export function exploratorySection(input: ReportInput): Markup | undefined {
  const outcomes = input.study.outcomes.filter((outcome) => outcome.role === 'exploratory');
  if (outcomes.length === 0 || input.frame.runs.length === 0) return undefined;
  const figures = outcomes.flatMap((outcome) => outcomePictures(input, outcome));
  const screen = screenTable(input);
  if (figures.length === 0 && screen === undefined) return undefined;
  const text = markup`<p>Described and screened, never a verdict: a small q asks for a new study in which the outcome is confirmatory.</p>`;
  return foldedSection('exploratory', 'Exploratory outcomes', [text, ...figures, screen]);
}

function screenTable({ study, analysis: { exploratory } }: ReportInput): Markup | undefined {
  if (exploratory.length === 0) return undefined;
  const keys = [...new Set(exploratory.flatMap((record) => orderedMatchings(record.matchings).map(([key]) => key)))];
  const columns = [
    { label: 'Contrast' },
    { label: 'Outcome' },
    ...keys.map((key) => ({ label: `Matched on ${matchingLabel(study, key)}`, isNumber: true })),
    { label: 'p', isNumber: true },
    { label: 'q', isNumber: true },
  ];
  const rows = exploratory.map((record) => screenRow(study, record, keys));
  return dataTable({
    caption: 'Screen of exploratory outcomes: estimate with 95% interval, p, and q by Benjamini-Hochberg.',
    columns,
    rows,
  });
}

function screenRow(study: ReportedStudy, record: ExploratoryRecord, keys: readonly string[]): readonly MarkupPart[] {
  const delta = deltaOf(study, record.outcome);
  return [
    contrastLabel(study, record.contrast),
    outcomeLabel(study, record.outcome),
    ...keys.map((key) => estimateText(record.matchings[key], delta)),
    pText(record.p),
    pText(record.q),
  ];
}
