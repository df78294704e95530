/** The contrasts in numbers and as a forest: estimate, interval, p and verdict under each matching. */
import { matchedText, midSentence } from '#analysis/words/naming.ts';
import { intervalText, plain, pText, signed, withUnit } from '#analysis/words/number-text.ts';
import type { MatchingResult, VerdictRecord } from '#analysis/records/verdict-record.ts';
import { forestPlot, type ForestGroup, type ForestRow } from '#report/charts/interval-marks.ts';
import { dataDomain } from '#report/data-domain.ts';
import { figure, scrollBox } from '#report/figure.ts';
import { type Markup, markup } from '#report/markup.ts';
import type { ReportedStudy, ReportInput } from '#report/report-input.ts';
import {
  asTitle,
  matchingLabel,
  orderedMatchings,
  outcomeLabel,
  pairLabel,
  unscoped,
  VERDICT_MARKS,
  verdictPhrase,
} from '#report/wording.ts';

/** The columns of numbers. */
const NUMBERS = ['Estimate', '95% interval', 'p', 'Blocks'];
/** More groups than this are split over two panels. */
const SPLIT_GROUPS = 3;

/** Table and forest of all contrasts, a forest an outcome. */
export function contrastsSection(input: ReportInput): Markup | undefined {
  if (input.analysis.verdicts.length === 0) return undefined;
  const byOutcome = Map.groupBy(input.analysis.verdicts, (verdict) => verdict.outcome);
  const forests = [...byOutcome].map(([outcome, verdicts], index) => forestFigure(input, outcome, verdicts, index));
  return markup`<section aria-labelledby="contrasts"><h2 id="contrasts">Contrasts</h2>${forests}${contrastTable(input)}${sentences(input)}</section>`;
}

function sentences({ study, analysis: { verdicts } }: ReportInput): Markup {
  const items = verdicts.map((verdict) => markup`<li>${asTitle(unscoped(verdict.reason, study.scope))}</li>`);
  return markup`<details><summary>Every verdict in words</summary><p>On ${study.scope}:</p><ul class="words">${items}</ul></details>`;
}

function contrastTable({ study, analysis: { verdicts } }: ReportInput): Markup {
  const caption = `Contrasts at matched ${matchedText(study)}: arm minus reference, mean over levels and blocks, 95% t interval, sign-flip p adjusted over the family of contrasts and matchings (maxT).`;
  const head = ['Contrast', 'Outcome', 'Verdict', 'Matched on', ...NUMBERS];
  const bodies = verdicts.map((verdict) => markup`<tbody>${contrastRows(study, verdict)}</tbody>`);
  const columns = head.map((label, index) =>
    index < 4 ? markup`<th scope="col">${label}</th>` : markup`<th scope="col" class="number">${label}</th>`,
  );
  return scrollBox(
    'Table of contrasts',
    markup`<table class="contrasts"><caption><span>${caption}</span></caption><thead><tr>${columns}</tr></thead>${bodies}</table>`,
  );
}

function contrastRows(study: ReportedStudy, verdict: VerdictRecord): readonly Markup[] {
  const matchings = orderedMatchings(verdict.matchings);
  const span = trustedSpan(Math.max(1, matchings.length));
  const lead = markup`<th scope="rowgroup" class="pair"${span}>${pairLabel(study, verdict)}</th><td class="of"${span}>${outcomeLabel(study, verdict.outcome)}<br><span class="evidence">δ = ${plain(verdict.delta)}</span></td><td class="verdict v-${verdict.verdict}"${span}>${verdictPhrase(verdict, matchedText(study))}</td>`;
  if (matchings.length === 0) return [markup`<tr>${lead}<td colspan="5">no matching was estimated</td></tr>`];
  return matchings.map(
    ([key, result], index) =>
      markup`<tr>${index === 0 ? lead : undefined}<td class="matching">${matchingLabel(study, key)}</td>${numberCells(result, verdict.delta)}</tr>`,
  );
}

function trustedSpan(rows: number): Markup {
  return markup` rowspan="${rows}"`;
}

function numberCells(result: MatchingResult, delta: number): Markup {
  if (result.kind === 'notEstimable') return markup`<td colspan="4">not estimable: ${result.reason}</td>`;
  const cells = [
    signed(result.estimate, delta),
    intervalText(result.ci95, delta),
    pText(result.p),
    String(result.blocks),
  ];
  return markup`${cells.map((cell, index) => markup`<td class="number" data-label="${NUMBERS[index] ?? ''}">${cell}</td>`)}`;
}

function forestFigure(
  { study }: ReportInput,
  outcome: string,
  verdicts: readonly VerdictRecord[],
  index: number,
): Markup {
  const delta = verdicts[0]?.delta ?? 0;
  const groups = verdicts.map((verdict) => forestGroup(study, verdict));
  const ends = groups.flatMap((group) => group.rows.flatMap((row) => row.estimate?.ci95 ?? []));
  const domain = dataDomain([...ends, 0, -1.2 * delta, 1.2 * delta], { isNice: false });
  const unit = study.outcomes.find((known) => known.name === outcome)?.unit;
  const label = outcomeLabel(study, outcome);
  const half = groups.length > SPLIT_GROUPS ? Math.ceil(groups.length / 2) : groups.length;
  const panels = [groups.slice(0, half), groups.slice(half)].filter((part) => part.length > 0);
  return figure({
    id: `forest-${index}`,
    title: `Effects on ${midSentence(label)} at matched ${matchedText(study)}, with 95% intervals.`,
    caption: markup`The shaded band is the range ±δ = ±${plain(delta)} that counts as no effect. Letters are verdicts: ${Object.values(
      VERDICT_MARKS,
    )
      .map(({ mark, short }) => `${mark} ${short}`)
      .join(', ')}. A verdict of no effect needs 90% intervals inside the band at every level, not only these means.`,
    panels: panels.map((part) =>
      forestPlot({
        title: `Forest plot of effects on ${label}`,
        description: part.map((group) => forestText(group)).join(' '),
        axis: { label: withUnit('arm minus reference', unit ?? ''), domain },
        delta,
        groups: part,
      }),
    ),
    layout: 'wide',
    dataFile: 'contrasts.csv',
  });
}

function forestGroup(study: ReportedStudy, verdict: VerdictRecord): ForestGroup {
  const rows = orderedMatchings(verdict.matchings).map(([key, result]): ForestRow => {
    const label = matchingLabel(study, key);
    if (result.kind === 'notEstimable') return { label, note: 'not estimable' };
    const text = signed(result.estimate, verdict.delta);
    return { label, estimate: { value: result.estimate, ci95: result.ci95, text } };
  });
  return { heading: `${VERDICT_MARKS[verdict.verdict].mark}  ${pairLabel(study, verdict)}`, rows };
}

function forestText(group: ForestGroup): string {
  const rows = group.rows.map((row) => `${row.label} ${row.estimate?.text ?? row.note ?? ''}`);
  return `${group.heading}: ${rows.join(', ')}.`;
}
