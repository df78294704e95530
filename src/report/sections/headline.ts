/** What a reader of twenty seconds takes away: the most important verdict in one sentence, and how many there are of each. */
import { armText, matchedText, midSentence } from '#analysis/words/naming.ts';
import type { VerdictRecord } from '#analysis/records/verdict-record.ts';
import { byImportance, firstEstimate, IMPORTANCE } from '#report/importance.ts';
import { type Markup, markup } from '#report/markup.ts';
import type { ReportedStudy, ReportInput } from '#report/report-input.ts';
import {
  asTitle,
  estimateText,
  orderedMatchings,
  outcomeLabel,
  unitText,
  VERDICT_MARKS,
  verdictPhrase,
  whereMatched,
} from '#report/wording.ts';

/** The headline; absent where there is no verdict. */
export function headlineSection({ study, analysis }: ReportInput): Markup | undefined {
  const ordered = byImportance(analysis.verdicts);
  const [first] = ordered;
  if (first === undefined) return undefined;
  return markup`<p class="lead v-${first.verdict}">${sentence(study, first)}</p><p class="tally">${tally(ordered)}</p>`;
}

function sentence(study: ReportedStudy, verdict: VerdictRecord): Markup {
  const outcome = outcomeLabel(study, verdict.outcome);
  const numbers = orderedMatchings(verdict.matchings).flatMap(([key, result]) =>
    result.kind === 'estimated' ? [`${estimateText(result, verdict.delta)} ${whereMatched(study, key)}`] : [],
  );
  const measured = study.outcomes.find(({ name }) => name === verdict.outcome);
  const unit = measured === undefined ? '' : ` (${unitText(measured)})`;
  const phrase = verdictPhrase(verdict, matchedText(study));
  const why = verdict.why === undefined ? '' : `: ${verdict.why}`;
  return markup`${armText(study, verdict.arm)} against ${armText(study, verdict.reference)} ${verb(verdict)} <b>${midSentence(outcome)}</b>${unit}: ${numbers.length === 0 ? 'nothing estimated' : numbers.join(', ')}. <b>${asTitle(phrase)}</b>${why}.`;
}

/** What the arm does to the outcome, as far as it is known. */
function verb(verdict: VerdictRecord): string {
  const estimate = firstEstimate(verdict)?.estimate;
  if (estimate === undefined || verdict.verdict === 'undecided' || verdict.verdict === 'noEffect') return 'on';
  return estimate < 0 ? 'lowers' : 'raises';
}

/** `Of 8 comparisons: 2 affects, 3 no effect within ±δ, 3 undecided.` */
function tally(verdicts: readonly VerdictRecord[]): string {
  const counts = IMPORTANCE.flatMap((kind) => {
    const count = verdicts.filter(({ verdict }) => verdict === kind).length;
    return count === 0 ? [] : [`${count} ${VERDICT_MARKS[kind].short}`];
  });
  return `${verdicts.length === 1 ? 'One comparison' : `Of ${verdicts.length} comparisons`}: ${counts.join(', ')}.`;
}
