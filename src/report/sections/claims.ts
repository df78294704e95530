/** What was claimed place by place: each claim in a line and a sentence, and every place in a folded table. */
import { midSentence } from '#analysis/words/naming.ts';
import { intervalText, pText, plain, signed } from '#analysis/words/number-text.ts';
import type { ClaimLevel, ClaimRecord } from '#analysis/records/claim-record.ts';
import {
  claimsByImportance,
  groupedText,
  levelPhrase,
  placeText,
  levelWord,
  meanText,
  axisText,
  otherText,
  questionsOf,
  strongestLevel,
  strongestText,
  whyTexts,
} from '#report/claim-words.ts';
import { dataTable } from '#report/figure.ts';
import { type Markup, markup, type MarkupPart } from '#report/markup.ts';
import type { ReportedStudy, ReportInput } from '#report/report-input.ts';
import { armLabel, asTitle, CLAIM_MARKS, outcomeLabel, unscoped } from '#report/wording.ts';
import { doubtBox } from './answer.ts';
import { claimPictures, isOfClaims } from './pictures.ts';

/** The section; absent where nothing is claimed. */
export function claimsSection(input: ReportInput): Markup | undefined {
  const { study, analysis } = input;
  const claims = questionsOf(analysis.claims);
  if (claims.length === 0) return undefined;
  const items = claimsByImportance(claims).map((record) => claimItem(study, record));
  const doubts = analysis.verdicts.length === 0 ? doubtBox(input) : undefined;
  // In a study of claims alone the first figure stands under the headline.
  const figures = isOfClaims(input) ? claimPictures(input).slice(1) : claimPictures(input);
  return markup`<section aria-labelledby="claims"><h2 id="claims">Claims</h2>${doubts}<ul class="answers">${items}</ul><p class="scope">${scopeText(study, claims)}</p>${figures}${sentences(input, claims)}${placesTable(study, claims)}</section>`;
}

/** What all claims' numbers have in common. */
function scopeText(study: ReportedStudy, claims: readonly ClaimRecord[]): string {
  const outcomes = [...new Set(claims.map(({ outcome }) => outcome))].map((outcome) => {
    const known = study.outcomes.find(({ name }) => name === outcome);
    return known === undefined
      ? outcome
      : `${known.label} (${[known.unit, `δ = ${plain(known.delta)}`].filter((part) => part !== '').join(', ')})`;
  });
  return `Numbers: ${outcomes.join(', ')}; each place has a verdict of its own, at one error rate for all claims of the study together, with 95% intervals. They speak of ${study.scope}, at the places given, and claim nothing beyond them.`;
}

/** What all places say, the numbers of the one that says most, and why others are undecided. */
function claimItem(study: ReportedStudy, record: ClaimRecord): Markup {
  const strongest = strongestLevel(record);
  const { mark, colour } = CLAIM_MARKS[strongest?.verdict ?? 'undecided'];
  const numbers = strongest === undefined ? [] : [strongestText(study, record)];
  const facts = [...numbers, ...unitsText(record), `δ = ${plain(record.delta)}`].join(' · ');
  const whys = whyTexts(study, record);
  const why = whys.length === 0 ? undefined : markup`<p>${asTitle(whys.join('; '))}.</p>`;
  return markup`<li class="answer v-${colour}"><p><span class="mark" aria-hidden="true">${mark}</span> ${asTitle(outcomeLabel(study, record.outcome))}, ${record.claim}: <b>${groupedText(study, record)}</b></p><p class="evidence">${facts}</p>${why}</li>`;
}

/** How many independent units the places rest on. */
function unitsText({ levels, clusters }: ClaimRecord): string[] {
  const counts = levels.map(({ units }) => units);
  if (counts.length === 0) return [];
  const [low, high] = [Math.min(...counts), Math.max(...counts)];
  return [`${low === high ? low : `${low} to ${high}`} ${clusters?.label ?? 'block'}s`];
}

/** The claims' whole sentences, folded. */
function sentences({ study }: ReportInput, claims: readonly ClaimRecord[]): Markup {
  const items = claims.map(({ reason }) => markup`<li>${asTitle(unscoped(reason, study.scope))}</li>`);
  return markup`<details><summary>Every claim in words</summary><p>On ${study.scope}:</p><ul class="words">${items}</ul></details>`;
}

const COLUMNS = [
  { label: 'Verdict' },
  { label: 'Mean', isNumber: true },
  { label: 'Other', isNumber: true },
  { label: 'Difference', isNumber: true },
  { label: '95% interval', isNumber: true },
  { label: '90% interval', isNumber: true },
  { label: 'p', isNumber: true },
  { label: 'Blocks', isNumber: true },
  { label: 'Difference in each block' },
];

/** Every place of the given claims with its blocks, folded: a table a claim, and one for all claims of a single place. */
export function placesTable(study: ReportedStudy, claims: readonly ClaimRecord[]): Markup {
  const single = claims.filter(({ levels }) => levels.length === 1);
  const alone = single.length === 1 ? claims : claims.filter(({ levels }) => levels.length !== 1);
  const tables = alone.map((record) =>
    dataTable({
      caption: `${comparisonText(study, record)}.`,
      columns: [{ label: asTitle(axisText(study, record.at) ?? 'place') }, ...COLUMNS],
      rows: record.levels.map((level) => placeRow(study, record, level, levelWord(level.level))),
    }),
  );
  return markup`<details><summary>Every place in numbers, block by block</summary><p>Means over blocks of the arm and of what it is held against, and their difference; p is adjusted over all questions of the study.</p>${single.length > 1 ? singlesTable(study, single) : undefined}${tables}</details>`;
}

/** Claims of one place each, a row a claim. */
function singlesTable(study: ReportedStudy, claims: readonly ClaimRecord[]): Markup {
  return dataTable({
    caption: 'Claims of a single place.',
    columns: [{ label: 'Claim' }, ...COLUMNS],
    rows: claims.flatMap((record) =>
      record.levels.map((level) => {
        const place = placeText(study, record, level.level);
        return placeRow(study, record, level, `${comparisonText(study, record)}, ${place}`, 'wide-cell');
      }),
    ),
  });
}

/** `Towers agree above chance, agreement: trained towers against chance`. */
function comparisonText(study: ReportedStudy, { claim, outcome, arm, against }: ClaimRecord): string {
  return `${asTitle(claim)}, ${midSentence(outcomeLabel(study, outcome))}: ${armLabel(study, arm)} against ${otherText(study, against)}`;
}

function placeRow(
  study: ReportedStudy,
  record: ClaimRecord,
  level: ClaimLevel,
  lead: string,
  width: 'no-wrap' | 'wide-cell' = 'no-wrap',
): readonly MarkupPart[] {
  const { delta } = record;
  const why = level.why === undefined ? '' : `: ${level.why}`;
  const blocks = level.contrasts.map(({ block, contrast }) => `${block}: ${signed(contrast, delta)}`);
  return [
    markup`<span class="${width}">${lead}</span>`,
    markup`<span class="wide-cell">${levelPhrase(study, record, level)}${why}</span>`,
    meanText(level.armMean, delta),
    meanText(level.otherMean, delta),
    level.estimate === null ? 'not estimable' : signed(level.estimate, delta),
    level.ci95 === null ? '' : intervalText(level.ci95, delta),
    level.ci90 === null ? '' : intervalText(level.ci90, delta),
    pText(level.p),
    String(level.units),
    markup`<span class="wide-cell">${blocks.join(', ')}</span>`,
  ];
}
