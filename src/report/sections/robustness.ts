/** How far to trust the verdicts: controls, what would change them, where the variance lies, and the adjusted model beside. */
import { matchedText, midSentence } from '#analysis/words/naming.ts';
import { intervalText, pText, plain, signed } from '#analysis/words/number-text.ts';
import type { Description, HeatCell, HeatMap } from '#analysis/records/analysis-record.ts';
import type { ControlRecord } from '#analysis/records/verdict-record.ts';
import { type HeatGroup, heatMap, type HeatRow, type Reading } from '#report/charts/heat-map.ts';
import { shareBar } from '#report/charts/share-bar.ts';
import { sharesOf } from '#report/figure-data.ts';
import { dataTable, figure, foldedSection, titledPanel } from '#report/figure.ts';
import { type Markup, markup } from '#report/markup.ts';
import type { ReportedStudy, ReportInput } from '#report/report-input.ts';
import { claimFigures } from './claim-figures.ts';
import { placesTable } from './claims.ts';
import { contrastLabel, deltaOf, levelText, matchingLabel, outcomeLabel, VERDICT_MARKS } from '#report/wording.ts';

const DELTA_TOLERANCE = 1e-9;

/** Controls with their outcome, and the pictures of those that are claims, folded. */
export function controlsSection(input: ReportInput): Markup {
  const { controls, claims = [] } = input.analysis;
  const pictured = claims.filter(({ asks }) => asks === 'control');
  const pictures =
    pictured.length === 0
      ? undefined
      : markup`<details><summary>Controls place by place</summary>${claimFigures(input, pictured, 'controls')}${placesTable(input.study, pictured)}</details>`;
  const rows = controls.map((control) => [control.name, controlState(control), control.detail]);
  const body =
    rows.length > 0
      ? dataTable({
          caption: 'Comparisons whose answer was known beforehand.',
          columns: [{ label: 'Control' }, { label: 'Result' }, { label: 'Detail' }],
          rows,
        })
      : markup`<p>No control was run: nothing shows that the instrument would have seen an effect, or would not have invented one.</p>`;
  return markup`<section aria-labelledby="controls"><h2 id="controls">Controls</h2>${body}${pictures}</section>`;
}

function controlState({ passed, unsettled }: ControlRecord): Markup {
  if (passed) return markup`<span class="passed">✓ passed</span>`;
  return markup`<b class="failed">${unsettled === true ? '? not settled' : '✗ failed'}</b>`;
}

/** The maps of readings under other choices, a figure a verdict. */
export function whatWouldChangeSection({ study, analysis }: ReportInput): Markup | undefined {
  const figures = analysis.descriptions.flatMap(({ contrast, outcome, heatMap: map }, index) =>
    map ? [heatFigure(study, contrast, outcome, map, index)] : [],
  );
  if (figures.length === 0) return undefined;
  const key = Object.values(VERDICT_MARKS).map(({ mark, short }) => `${mark} ${short}`);
  const isEarlier = analysis.verdicts.some(({ decidedAt }) => decidedAt !== undefined);
  const alone = isEarlier ? ' All of it is of this look alone, also where an earlier look decided.' : '';
  const text = markup`<p>What other choices would have said. Columns are multiples of δ, the preset one outlined. The line “verdict” is the whole rule at that δ: ${key.join(', ')}. Below it, every level and learning rate alone: <span class="key positive-key">+</span> or <span class="key positive-key">−</span> an effect of δ or more, <span class="key equivalent-key">=</span> an effect smaller than δ, blank neither. Only the outlined verdict is confirmatory.${alone}</p>`;
  return foldedSection('change', 'What would change a verdict', [text, ...figures]);
}

/** Variance shares and the covariate model. */
export function besideSection({ study, analysis: { descriptions } }: ReportInput): Markup | undefined {
  if (descriptions.length === 0) return undefined;
  return foldedSection('beside', 'Beside the verdict', [
    varianceTable(study, descriptions),
    ancovaTable(study, descriptions),
  ]);
}

function heatFigure(study: ReportedStudy, contrast: string, outcome: string, map: HeatMap, index: number): Markup {
  const byMatching = [...Map.groupBy(map.cells, (cell) => cell.matching)];
  const delta = deltaOf(study, outcome);
  return figure({
    id: `change-${index}`,
    title: `${contrastLabel(study, contrast)}, ${midSentence(outcomeLabel(study, outcome))} (δ = ${plain(delta)}).`,
    caption: markup`One panel a matching; rows are its levels, at all admissible rates and at each rate of the arm or the reference.`,
    panels: byMatching.map(([matching, cells]) =>
      titledPanel(
        `Matched on ${matchingLabel(study, matching)}`,
        heatMap({
          title: `${contrastLabel(study, contrast)} at matched ${matchingLabel(study, matching)}`,
          description: `Whole rule: ${map.deltas.map((value, column) => `δ ${plain(value)} ${verdictWord(map, column)}`).join(', ')}.`,
          columns: { title: 'δ ×', labels: map.deltas.map((value) => plain(value / delta)) },
          marks: { title: 'verdict', labels: map.verdicts.map((verdict) => VERDICT_MARKS[verdict].mark) },
          presetColumn: map.deltas.findIndex((value) => Math.abs(value - delta) < DELTA_TOLERANCE),
          groups: heatGroups(cells),
        }),
      ),
    ),
    layout: 'third',
    dataFile: 'what-would-change.csv',
  });
}

function verdictWord(map: HeatMap, column: number): string {
  const verdict = map.verdicts[column];
  return verdict === undefined ? 'unknown' : VERDICT_MARKS[verdict].short;
}

function heatGroups(cells: readonly HeatCell[]): readonly HeatGroup[] {
  const hasRates = cells.some((cell) => cell.learningRate !== 'all');
  const allLevels = hasRates ? 'all' : 'all levels';
  return [...Map.groupBy(cells, (cell) => String(cell.level)).values()].map((group) => ({
    label: group[0] === undefined || group[0].level === 'all' ? allLevels : levelText(group[0].level),
    rows: group.map((cell) => (hasRates ? heatRow(cell) : { ...heatRow(cell), label: '' })),
  }));
}

function heatRow({ learningRate, estimate, byDelta }: HeatCell): HeatRow {
  const direction: Reading = estimate < 0 ? 'negative' : 'positive';
  const side = learningRate === 'all' ? '' : learningRate.side === 'arm' ? 'arm' : 'ref.';
  return {
    label: learningRate === 'all' ? 'all rates' : `${side} ${plain(learningRate.rate)}`,
    readings: byDelta.map((reading) => (reading === 'effect' ? direction : reading)),
  };
}

function varianceTable(study: ReportedStudy, descriptions: readonly Description[]): Markup {
  const rows = descriptions.map(({ contrast, outcome, decomposition }) => {
    const lead = [contrastLabel(study, contrast), outcomeLabel(study, outcome)];
    if (decomposition.kind === 'notEstimable')
      return [...lead, '', '', '', '', `not estimable: ${decomposition.reason}`];
    const shares = sharesOf(decomposition);
    const title = `Variance of ${outcomeLabel(study, outcome)}`;
    return [
      ...lead,
      ...shares.map((share) => `${(100 * share).toFixed(1)}%`),
      shareBar({ title, description: 'Shares in the order of the columns.', shares }),
    ];
  });
  const columns = [
    { label: 'Contrast' },
    { label: 'Outcome' },
    { label: `Matched axes (${matchedText(study)})`, isNumber: true },
    { label: 'Factor beyond them', isNumber: true },
    { label: 'Block (seed)', isNumber: true },
    { label: 'Rest', isNumber: true },
    { label: 'In the order of the columns' },
  ];
  return dataTable({
    caption: 'Where the variance of an outcome lies, over the measured points of a pair.',
    columns,
    rows,
  });
}

function ancovaTable(study: ReportedStudy, descriptions: readonly Description[]): Markup {
  const warning = descriptions.flatMap(({ ancova }) => (ancova.kind === 'estimated' ? ancova.warning : []))[0];
  const rows = descriptions.map(({ contrast, outcome, ancova }) => {
    const lead = [contrastLabel(study, contrast), outcomeLabel(study, outcome)];
    if (ancova.kind === 'notEstimable') return [...lead, 'not estimable', ancova.reason, ''];
    const delta = deltaOf(study, outcome);
    return [...lead, signed(ancova.estimate, delta), intervalText(ancova.ci95, delta), pText(ancova.p)];
  });
  const columns = [
    { label: 'Contrast' },
    { label: 'Outcome' },
    { label: 'Estimate', isNumber: true },
    { label: '95% interval', isNumber: true },
    { label: 'p', isNumber: true },
  ];
  return markup`${warning === undefined ? undefined : markup`<p><b>A warning about the next table.</b> ${warning} The verdicts do not use it.</p>`}${dataTable({ caption: 'Analysis of covariance: outcome on arm, axes and block; the coefficient of the arm.', columns, rows })}`;
}
