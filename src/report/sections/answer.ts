/** The top of the page: the question, whether the controls allow an answer, and each verdict in one sentence. */
import { matchedText, midSentence } from '#analysis/words/naming.ts';
import { plain } from '#analysis/words/number-text.ts';
import type { VerdictRecord } from '#analysis/records/verdict-record.ts';
import { byImportance } from '#report/importance.ts';
import { type Markup, markup } from '#report/markup.ts';
import type { ReportInput } from '#report/report-input.ts';
import {
  asTitle,
  estimateText,
  orderedMatchings,
  outcomeLabel,
  pairLabel,
  rangeText,
  VERDICT_MARKS,
  verdictPhrase,
  whereMatched,
  unitText,
} from '#report/wording.ts';

/** Heading, question and banner. */
export function headerSection(input: ReportInput): Markup {
  const { study, profile, frame } = input;
  const blocks = new Set(frame.runs.map((run) => run.block)).size;
  const size = `${frame.runs.length} runs, ${blocks} ${blocks === 1 ? 'block' : 'blocks'}`;
  return markup`<header><p class="kicker">${study.name}${profile === undefined ? '' : ` · ${profile} profile`} · ${size}</p><h1>${study.question}</h1>${controlBanner(input)}</header>`;
}

/** The verdicts, each in a line with its numbers; absent in a study of claims alone. */
export function answerSection(input: ReportInput): Markup | undefined {
  if (input.analysis.verdicts.length === 0 && (input.analysis.claims ?? []).length > 0) return undefined;
  const items = byImportance(input.analysis.verdicts).map((verdict) => answerItem(input, verdict));
  const body =
    items.length > 0
      ? markup`<ul class="answers">${items}</ul>`
      : markup`<p>No declared contrast has runs in both arms, so there is no verdict.</p>`;
  // Of runs trained elsewhere nobody knows when it was fixed.
  const fixed = input.profile === undefined ? 'as it was given' : 'fixed before the runs';
  const failed = input.troubledRuns.filter((run) => run.kind !== 'diverged').length;
  const missing =
    failed === 0 ? '' : ` ${failed} planned ${failed === 1 ? 'run is' : 'runs are'} missing (see What failed).`;
  return markup`<section aria-labelledby="answer"><h2 id="answer">Verdicts</h2>${doubtBox(input)}${body}<p class="scope">Numbers: ${outcomeNames(input)}, arm minus reference, with 95% intervals. These verdicts speak of ${input.study.scope}, over the ranges given, and claim nothing beyond them. δ is the smallest effect of interest, ${fixed}; a block is one seed shared by all arms.${missing}</p></section>`;
}

/** What to know before the verdicts are believed, where there is any such thing. */
export function doubtBox({ doubts = [] }: ReportInput): Markup | undefined {
  if (doubts.length === 0) return undefined;
  const items = doubts.map((doubt) => markup`<li>${doubt}</li>`);
  return markup`<div class="doubts" role="note"><p><b>${doubts.length === 1 ? 'A doubt' : 'Doubts'} about these runs.</b> The verdicts are no better than this allows:</p><ul>${items}</ul></div>`;
}

function outcomeNames({ study }: ReportInput): string {
  const confirmatory = study.outcomes.filter(({ role }) => role === 'confirmatory');
  return confirmatory.map((outcome) => `${midSentence(outcome.label)}${unitText(outcome)}`).join(', ');
}

function controlBanner({ analysis }: ReportInput): Markup | undefined {
  const missed = analysis.controls.filter((control) => !control.passed);
  if (missed.length === 0) return undefined;
  const unsettled = missed.filter((control) => control.unsettled === true).length;
  const failed = missed.length - unsettled;
  const counts = [
    ...(failed === 0 ? [] : [`${failed === 1 ? 'a control' : `${failed} controls`} failed`]),
    ...(unsettled === 0 ? [] : [`${unsettled === 1 ? 'a control' : `${unsettled} controls`} could not be looked at`]),
  ];
  const meaning =
    failed === 0
      ? 'Nothing shows that the instrument gives the right answer where it is known beforehand'
      : 'The instrument gave a wrong answer where the right one was known beforehand';
  const items = missed.map((control) => markup`<li><b>${control.name}</b>: ${control.detail}</li>`);
  return markup`<div class="banner" role="alert"><p><b>${asTitle(counts.join(', and '))}: nothing below is a verdict.</b> ${meaning}, so every contrast is undecided.</p><ul>${items}</ul></div>`;
}

/** The verdict, its numbers in one line; why, where nothing was decided. The sentences stand under the table of contrasts. */
function answerItem({ study }: ReportInput, verdict: VerdictRecord): Markup {
  const estimates = orderedMatchings(verdict.matchings).flatMap(([key, result]) =>
    result.kind === 'estimated' ? [`${estimateText(result, verdict.delta)} ${whereMatched(study, key)}`] : [],
  );
  const size = [`over ${rangeText(study, verdict)}`, `${verdict.blocks} blocks`, `δ = ${plain(verdict.delta)}`];
  const facts = [...estimates, ...size].join(' · ');
  const subject = `${asTitle(outcomeLabel(study, verdict.outcome))}, ${pairLabel(study, verdict)}`;
  const why = verdict.why === undefined ? undefined : markup`<p>${asTitle(verdict.why)}.</p>`;
  return markup`<li class="answer v-${verdict.verdict}"><p><span class="mark" aria-hidden="true">${VERDICT_MARKS[verdict.verdict].mark}</span> ${subject}: <b>${verdictPhrase(verdict, matchedText(study))}</b></p><p class="evidence">${facts}</p>${why}</li>`;
}
