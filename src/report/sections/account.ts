/** The account: what was held equal, what failed, where the numbers come from and how to make them again. */
import { midSentence } from '#analysis/words/naming.ts';
import { inUnit, plain } from '#analysis/words/number-text.ts';
import type { VerdictRecord } from '#analysis/records/verdict-record.ts';
import { dataTable, foldedSection, scrollBox } from '#report/figure.ts';
import { type Markup, markup } from '#report/markup.ts';
import { givenAxes, levelsText } from '#report/places.ts';
import type { ReportFile, ReportInput, TroubledRun } from '#report/report-input.ts';
import { armLabel, contrastLabel, outcomeLabel, pairLabel } from '#report/wording.ts';

const FACT_COLUMNS = [{ label: 'What' }, { label: 'Value' }];

/** What arms were matched on, shared, and held equal. */
export function controlledSection(input: ReportInput): Markup {
  const { study, heldEqual } = input;
  const matched = study.matchOn.map((axis) => [
    `Matched on ${midSentence(axis.label)}`,
    `${inUnit(axis.levels.map(plain).join(', '), axis.unit)}; probes at most ${plain(axis.maxGap)} apart${axis.untilBest ? '; up to the best value' : ''}`,
  ]);
  const given = givenAxes(input).map((axis) => [`Read at ${midSentence(axis.label)}`, levelsText(axis)]);
  const coherence = study.coherence
    ? [
        [
          `Coherence gate`,
          `${outcomeLabel(study, study.coherence.outcome)} at least ${plain(study.coherence.floor)} in both arms`,
        ],
      ]
    : [];
  const shared = [['Shared by all arms of a block', 'seeds of initialisation, data order, dropout and sampling']];
  const rows = [...matched, ...given, ...shared, ...coherence, ...heldEqual.map((fact) => [fact.name, fact.value])];
  const table = dataTable({ caption: 'What could not make the arms differ.', columns: FACT_COLUMNS, rows });
  return foldedSection('controlled', 'What was controlled', table);
}

/** Runs that broke, blocks that were voided and contrasts that were not run, listed and counted. */
export function failuresSection(input: ReportInput): Markup {
  const { analysis, frame } = input;
  const troubled = allTroubled(input);
  const voided = [
    ...analysis.verdicts.flatMap((verdict) =>
      verdict.voided.map((block) => ({ ...block, of: pairLabel(input.study, verdict), outcome: verdict.outcome })),
    ),
    ...(analysis.claims ?? []).flatMap(({ claim, outcome, voided: blocks }) =>
      blocks.map((block) => ({ ...block, of: claim, outcome })),
    ),
  ];
  const missing = troubled.filter((run) => run.kind !== 'diverged').length;
  const counts = `Confirmatory runs that diverged: ${analysis.diverged.length} of ${frame.runs.length}. Planned runs that failed or did not end: ${missing}. Blocks voided for a pair of arms and an outcome: ${voided.length}.`;
  const notRun =
    analysis.notRun.length === 0
      ? undefined
      : markup`<p>Declared but not compared, because an arm has no runs: ${analysis.notRun.map((name) => contrastLabel(input.study, name)).join('; ')}.</p>`;
  const tables = [notRun, troubledTable(input, troubled), voidedTable(input, voided)];
  const said = markup`<p>${counts}</p>`;
  if (tables.every((part) => part === undefined)) {
    return markup`<section aria-labelledby="failures"><h2 id="failures">What failed</h2>${said}</section>`;
  }
  return foldedSection('failures', 'What failed', tables, said);
}

function troubledTable({ study }: ReportInput, runs: readonly TroubledRun[]): Markup | undefined {
  if (runs.length === 0) return undefined;
  return dataTable({
    caption: 'Runs that did not end well.',
    columns: [
      { label: 'Arm' },
      { label: 'Phase' },
      { label: 'Learning rate', isNumber: true },
      { label: 'Block', isNumber: true },
      { label: 'End' },
      { label: 'Reason' },
    ],
    rows: runs.map((run) => [
      armLabel(study, run.arm),
      run.phase,
      run.learningRate === undefined ? '' : plain(run.learningRate),
      String(run.block),
      run.kind,
      run.reason,
    ]),
  });
}

type VoidedBlock = { readonly of: string; readonly outcome: string } & VerdictRecord['voided'][number];

function voidedTable({ study }: ReportInput, voided: readonly VoidedBlock[]): Markup | undefined {
  if (voided.length === 0) return undefined;
  return dataTable({
    caption: 'Blocks voided for a pair; more than 10% make its verdict undecided.',
    columns: [
      { label: 'Contrast or claim' },
      { label: 'Outcome' },
      { label: 'Block', isNumber: true },
      { label: 'Reason' },
    ],
    rows: voided.map(({ of, outcome, block, reason }) => [of, outcomeLabel(study, outcome), String(block), reason]),
  });
}

/** Provenance, the command, and the files beside the report. */
export function provenanceSection(input: ReportInput, files: readonly ReportFile[]): Markup {
  const links = files.map((file) => markup`<li><a href="${file.name}" download>${file.name}</a></li>`);
  const rows = input.provenance.map((fact) => [fact.name, fact.value]);
  const table =
    rows.length > 0
      ? dataTable({ caption: 'Where these numbers come from.', columns: FACT_COLUMNS, rows })
      : markup`<p>No provenance was recorded.</p>`;
  const command = scrollBox('Command', markup`<pre><code>${input.command}</code></pre>`);
  const rest = markup`<details><summary>Where the numbers come from, and the data of the figures</summary>${table}<p>The data of the figures, beside this page:</p><ul class="files">${links}</ul></details>`;
  return markup`<section aria-labelledby="provenance"><h2 id="provenance">Make it again</h2><p>This command makes the report again:</p>${command}${rest}</section>`;
}

/** The listed runs, and diverged ones of the frame that were not listed. */
function allTroubled({ analysis, troubledRuns }: ReportInput): readonly TroubledRun[] {
  const unlisted = analysis.diverged.filter(
    (run) =>
      !troubledRuns.some(
        (known) =>
          known.phase === 'confirmatory' &&
          known.arm === run.arm &&
          known.block === run.block &&
          known.learningRate === run.learningRate,
      ),
  );
  const added = unlisted.map((run): TroubledRun => ({
    kind: 'diverged',
    phase: 'confirmatory',
    reason: 'not recorded',
    ...run,
  }));
  return [...troubledRuns, ...added];
}
