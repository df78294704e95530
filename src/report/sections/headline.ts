/** What a reader of twenty seconds takes away: the most important verdict in one sentence, and how many there are of each. */
import { armText, matchedText, midSentence } from '#analysis/words/naming.ts';
import type { ClaimRecord } from '#analysis/records/claim-record.ts';
import type { VerdictRecord } from '#analysis/records/verdict-record.ts';
import {
  CLAIM_IMPORTANCE,
  claimsByImportance,
  groupedText,
  otherText,
  questionsOf,
  strongestLevel,
  strongestText,
  whyTexts,
} from '#report/claim-words.ts';
import { byImportance, firstEstimate, IMPORTANCE } from '#report/importance.ts';
import { type Markup, markup } from '#report/markup.ts';
import type { ReportedStudy, ReportInput } from '#report/report-input.ts';
import {
  asTitle,
  CLAIM_MARKS,
  estimateText,
  orderedMatchings,
  outcomeLabel,
  unitText,
  VERDICT_MARKS,
  verdictPhrase,
  whereMatched,
} from '#report/wording.ts';

/** The headline; absent where there is neither verdict nor claim. A claim leads where no verdict is decided. */
export function headlineSection({ study, analysis }: ReportInput): Markup | undefined {
  const verdicts = byImportance(analysis.verdicts);
  const claims = claimsByImportance(questionsOf(analysis.claims));
  const [verdict, claim] = [verdicts[0], claims[0]];
  const counts = markup`<p class="tally">${[...(verdict ? [tally(verdicts)] : []), ...(claim ? [claimTally(claims)] : [])].join(' ')}</p>`;
  if (claim !== undefined && (verdict === undefined || isOpenBeside(verdict, claim))) {
    return markup`<p class="lead v-${CLAIM_MARKS[strongestLevel(claim)?.verdict ?? 'undecided'].colour}">${claimSentence(study, claim)}</p>${counts}`;
  }
  if (verdict === undefined) return undefined;
  return markup`<p class="lead v-${verdict.verdict}">${sentence(study, verdict)}</p>${counts}`;
}

function isOpenBeside(verdict: VerdictRecord, claim: ClaimRecord): boolean {
  return verdict.verdict === 'undecided' && claim.levels.some((level) => level.verdict !== 'undecided');
}

/** The claim by its strongest places: outcome, both means, the difference and what all its places say. */
function claimSentence(study: ReportedStudy, claim: ClaimRecord): Markup {
  const measured = study.outcomes.find(({ name }) => name === claim.outcome);
  const unit = measured === undefined ? '' : unitText(measured);
  const outcome = midSentence(outcomeLabel(study, claim.outcome));
  const isOpen = claim.levels.every(({ verdict }) => verdict === 'undecided');
  const said = isOpen ? whyTexts(study, claim) : [groupedText(study, claim)];
  const lead = asTitle(armText(study, claim.arm));
  return markup`${lead} against ${otherText(study, claim.against)} on <b>${outcome}</b>${unit}: ${strongestText(study, claim)}. <b>${asTitle(said.join('; '))}</b>.`;
}

/** `Of 3 claims at 12 places: 7 differ, ...`. */
function claimTally(claims: readonly ClaimRecord[]): string {
  const levels = claims.flatMap((claim) => claim.levels);
  const counts = CLAIM_IMPORTANCE.flatMap((kind) => {
    const count = levels.filter(({ verdict }) => verdict === kind).length;
    return count === 0 ? [] : [`${count} ${CLAIM_MARKS[kind].short}`];
  });
  const places = `${levels.length} ${levels.length === 1 ? 'place' : 'places'}`;
  return `${claims.length === 1 ? `One claim at ${places}` : `${claims.length} claims at ${places}`}: ${counts.join(', ')}.`;
}

function sentence(study: ReportedStudy, verdict: VerdictRecord): Markup {
  const outcome = outcomeLabel(study, verdict.outcome);
  const numbers = orderedMatchings(verdict.matchings).flatMap(([key, result]) =>
    result.kind === 'estimated' ? [`${estimateText(result, verdict.delta)} ${whereMatched(study, key)}`] : [],
  );
  const measured = study.outcomes.find(({ name }) => name === verdict.outcome);
  const unit = measured === undefined ? '' : unitText(measured);
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
