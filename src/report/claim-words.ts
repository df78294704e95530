/**
 * Claims in words: what each place's verdict says of the column it was held against ("above chance"), places by the names
 * of their axes, and both together with equal verdicts grouped ("above chance at depth 2 to 4; undecided at 0 and 1").
 * Pure text, not yet escaped; the page and the terminal share it.
 */
import { midSentence } from '#analysis/words/naming.ts';
import { chosen, intervalText, plain, signed } from '#analysis/words/number-text.ts';
import type { ClaimLevel, ClaimRecord, ClaimVerdict } from '#analysis/records/claim-record.ts';
import type { Against, Place } from '#study/claim.ts';
import type { ReportedStudy } from './report-input.ts';
import { decidedText } from './wording.ts';

/** The parts of a study that name things; what it does not know is called by its name. */
export type ClaimNames = Pick<ReportedStudy, 'arms' | 'outcomes' | 'matchOn'>;

/** For readers of names: a terminal, a script. */
export const NAMES_ONLY: ClaimNames = { arms: [], outcomes: [], matchOn: [] };

/** What a place's mark shows; a difference has a side. */
export type MarkKind = 'above' | 'below' | 'agrees' | 'identical' | 'undecided';

/** Marks in words. */
export const MARK_WORDS: Readonly<Record<MarkKind, string>> = {
  above: 'above',
  below: 'below',
  agrees: 'within ±δ',
  identical: 'identical to the bit',
  undecided: 'undecided',
};

/** What was found comes before what was not. */
export const CLAIM_IMPORTANCE: readonly ClaimVerdict[] = ['differs', 'identical', 'agrees', 'undecided'];

/** The kind of a place's mark. */
export function markKind({ verdict, estimate }: ClaimLevel): MarkKind {
  if (verdict !== 'differs') return verdict;
  return (estimate ?? 0) < 0 ? 'below' : 'above';
}

/** The second column in words: the label of a value, an arm, an outcome or a sum of arms. */
export function otherText(names: ClaimNames, against: Against): string {
  switch (against.kind) {
    case 'arm':
      return names.arms.find(({ name }) => name === against.arm)?.label ?? against.arm;
    case 'outcome':
      return midSentence(names.outcomes.find(({ name }) => name === against.outcome)?.label ?? against.outcome);
    case 'value':
    case 'arms':
      return against.label;
    default:
      return against satisfies never;
  }
}

/** The axis of a place in words; undefined for the end. */
export function axisText(names: ClaimNames, at: Place): string | undefined {
  if (at.kind === 'end') return undefined;
  if (at.kind === 'given') return midSentence(at.label);
  return midSentence(names.matchOn.find(({ name }) => name === at.axis)?.label ?? at.axis);
}

/** One level in words: `2`, `the end`, `2.1 to 0.6`. */
export function levelWord(level: ClaimLevel['level']): string {
  if (level === 'end') return 'the end';
  return typeof level === 'number' ? chosen(level) : `${chosen(level[0])} to ${chosen(level[1])}`;
}

/** A place in words, with its preposition: `at depth 2`, `at the end`, `along training loss 2.1 to 0.6`. */
export function placeText(names: ClaimNames, { at }: Pick<ClaimRecord, 'at'>, level: ClaimLevel['level']): string {
  const axis = axisText(names, at);
  return `${prepositionOf(at)}${axis === undefined ? '' : ` ${axis}`} ${levelWord(level)}`;
}

function prepositionOf(at: Place): string {
  return at.kind === 'trend' ? 'along' : 'at';
}

/** What a place's verdict says: `above chance`, `within ±0.05 of the theory`, `rises more than AdamW`. */
export function levelPhrase(names: ClaimNames, record: ClaimRecord, level: ClaimLevel): string {
  return `${kindPhrase(names, record, level)}${decidedText(level)}`;
}

function kindPhrase(names: ClaimNames, record: ClaimRecord, level: ClaimLevel): string {
  const kind = markKind(level);
  const other = otherText(names, record.against);
  if (record.at.kind === 'trend') return trendPhrase(kind, other, record, smallText(record, level));
  switch (kind) {
    case 'above':
    case 'below':
      return `${kind} ${other}${smallText(record, level)}`;
    case 'agrees':
      return `within ±${plain(record.delta)} of ${other}`;
    case 'identical':
      return `equal to ${other} to the bit`;
    case 'undecided':
      return kind;
    default:
      return kind satisfies never;
  }
}

/** Said of a difference that is known to be smaller than any of interest. */
function smallText({ delta }: ClaimRecord, { ci95 }: ClaimLevel): string {
  const isSmall = ci95 !== null && ci95.every((end) => Math.abs(end) < delta);
  return isSmall ? ` by less than ${plain(delta)}` : '';
}

function trendPhrase(kind: MarkKind, other: string, { against, delta }: ClaimRecord, small: string): string {
  // A constant has no trend.
  const zero = against.kind === 'value';
  switch (kind) {
    case 'above':
      return `${zero ? 'rises' : `rises more than ${other}`}${small}`;
    case 'below':
      return `${zero ? 'falls' : `rises less than ${other}`}${small}`;
    case 'agrees':
      return zero ? `changes by less than ±${plain(delta)}` : `changes as ${other} does, within ±${plain(delta)}`;
    case 'identical':
      return `changes as ${other} does, to the bit`;
    case 'undecided':
      return kind;
    default:
      return kind satisfies never;
  }
}

/** Places of one claim that say the same. */
export interface ClaimGroup {
  /** `above chance`. */
  readonly phrase: string;
  /** `depth 2 to 4 and 6`; the axis' name stands with the first group alone. */
  readonly where: string;
  readonly levels: readonly ClaimLevel[];
}

/** A claim's places by what they say, what was found first. */
export function claimGroups(names: ClaimNames, record: ClaimRecord): readonly ClaimGroup[] {
  const byPhrase = [...Map.groupBy(record.levels, (level) => levelPhrase(names, record, level))];
  const rank = (levels: readonly ClaimLevel[]): number =>
    Math.min(...levels.map(({ verdict }) => CLAIM_IMPORTANCE.indexOf(verdict)));
  const axis = axisText(names, record.at);
  return byPhrase
    .toSorted(([, a], [, b]) => rank(a) - rank(b))
    .map(([phrase, levels], index) => {
      const values = spansText(record.levels, levels);
      return { phrase, levels, where: axis === undefined || index > 0 ? values : `${axis} ${values}` };
    });
}

/** The verdicts of a claim, grouped: `above chance at depth 2 to 4; undecided at 0 and 1`. */
export function groupedText(names: ClaimNames, record: ClaimRecord): string {
  const groups = claimGroups(names, record);
  if (groups.length === 0) return 'undecided: read nowhere';
  return groups.map(({ phrase, where }) => `${phrase} ${prepositionOf(record.at)} ${where}`).join('; ');
}

/** Levels as spans of neighbours: `0 and 1`, `2 to 4, 6 and 8`. */
function spansText(all: readonly ClaimLevel[], some: readonly ClaimLevel[]): string {
  const spans: ClaimLevel[][] = [];
  for (const [index, level] of all.entries()) {
    if (!some.includes(level)) continue;
    const before = all[index - 1];
    const last = spans.at(-1);
    if (last !== undefined && before !== undefined && last.at(-1) === before) last.push(level);
    else spans.push([level]);
  }
  const words = spans.flatMap((span) => {
    const [first, last] = [span[0], span.at(-1)];
    if (first === undefined || last === undefined) return [];
    if (span.length < 3) return span.map(({ level }) => levelWord(level));
    return [`${levelWord(first.level)} to ${levelWord(last.level)}`];
  });
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}

/** Why places are undecided, each reason once with its places: `undecided at 0 and 1: too few blocks`. */
export function whyTexts(names: ClaimNames, record: ClaimRecord): readonly string[] {
  const open = record.levels.filter(({ verdict, why }) => verdict === 'undecided' && why !== undefined);
  const isAll = open.length === record.levels.length;
  const byWhy = [...Map.groupBy(open, ({ why }) => why ?? '')];
  return byWhy.map(([why, levels]) => {
    if (isAll && byWhy.length === 1) return `undecided: ${why}`;
    return `undecided ${prepositionOf(record.at)} ${[axisText(names, record.at), spansText(record.levels, levels)].join(' ').trim()}: ${why}`;
  });
}

/** Both columns and their difference: `0.71 against 0.50, +0.210 [+0.180, +0.240]`; against zero, and of a trend against a constant, the difference alone. */
export function levelNumbers(
  { delta, against, at }: Pick<ClaimRecord, 'delta' | 'against' | 'at'>,
  level: ClaimLevel,
): string {
  const { armMean, otherMean, estimate, ci95 } = level;
  if (estimate === null) return 'not estimable';
  const interval = ci95 === null ? '' : ` ${intervalText(ci95, delta)}`;
  const isAgainstZero = against.kind === 'value' && (against.value === 0 || at.kind === 'trend');
  const isSame = armMean === null || otherMean === null || isAgainstZero;
  const means = isSame ? '' : `${meanText(armMean, delta)} against ${meanText(otherMean, delta)}, `;
  return `${means}${signed(estimate, delta)}${interval}`;
}

/** A mean with as many decimals as an estimate, a plus sign left out. */
export function meanText(value: number | null, delta: number): string {
  return value === null ? 'unknown' : signed(value, delta).replace('+', '');
}

/** Questions by weight: what was found first; of equals, in the study's order, for places of different claims have no common scale. */
export function claimsByImportance(claims: readonly ClaimRecord[]): readonly ClaimRecord[] {
  const rank = ({ levels }: ClaimRecord): number =>
    Math.min(CLAIM_IMPORTANCE.length, ...levels.map(({ verdict }) => CLAIM_IMPORTANCE.indexOf(verdict)));
  return claims.toSorted((a, b) => rank(a) - rank(b));
}

/** The place that says most: the largest estimate among those of the most important verdict. */
export function strongestLevel(record: Pick<ClaimRecord, 'levels'>): ClaimLevel | undefined {
  return strongestLevels(record)[0];
}

/** The places of the most important verdict, the largest estimate first. */
function strongestLevels({ levels }: Pick<ClaimRecord, 'levels'>): readonly ClaimLevel[] {
  const rank = Math.min(...levels.map(({ verdict }) => CLAIM_IMPORTANCE.indexOf(verdict)));
  return levels.filter(({ verdict }) => verdict === CLAIM_IMPORTANCE[rank]).toSorted((a, b) => sizeOf(b) - sizeOf(a));
}

function sizeOf({ estimate }: ClaimLevel): number {
  return Math.abs(estimate ?? 0);
}

/**
 * The numbers of the place that says most, and where else it is about as much (less than delta away), each side with its
 * own: `0.00 against 0.50, −0.50 at depth 0, about as much at 2; 1.00 against 0.50, +0.50 at depth 1`.
 */
export function strongestText(names: ClaimNames, record: ClaimRecord): string {
  const levels = strongestLevels(record);
  const [first] = levels;
  if (first === undefined || first.estimate === null) return 'nothing estimated';
  // Of what is not shown to differ the largest is the least close, and others are no second find; of equal ones none is the largest.
  if ((first.verdict === 'agrees' || first.verdict === 'undecided') && levels.length > 1) {
    return `${sideText(names, record, first, [])}, the largest of ${levels.length} such places`;
  }
  const alike = levels.filter((level) => sizeOf(first) - sizeOf(level) < record.delta);
  return [...Map.groupBy(alike, markKind).values()]
    .flatMap(([most, ...others]) => (most === undefined ? [] : [sideText(names, record, most, others)]))
    .join('; ');
}

function sideText(names: ClaimNames, record: ClaimRecord, most: ClaimLevel, others: readonly ClaimLevel[]): string {
  const at = `${levelNumbers(record, most)} ${placeText(names, record, most.level)}`;
  return others.length === 0 ? at : `${at}, about as much at ${spansText(record.levels, others)}`;
}

/** The claims that are asked, and those whose answer was known beforehand. */
export function questionsOf(claims: readonly ClaimRecord[] = []): readonly ClaimRecord[] {
  return claims.filter(({ asks }) => asks === 'question');
}
