/**
 * The words and numbers of a report: labels from the study, verdicts in plain words, estimates with as many digits as
 * the smallest effect of interest deserves. Pure text, not yet escaped; the page and the terminal share it.
 */
import { midSentence } from '#analysis/words/naming.ts';
import { chosen, inUnit, intervalText, plain, signed } from '#analysis/words/number-text.ts';
import type { FrameRun } from '#analysis/frame.ts';
import type { ClaimVerdict } from '#analysis/records/claim-record.ts';
import type { DecidedAt, MatchingResult, VerdictKind, VerdictRecord } from '#analysis/records/verdict-record.ts';
import type { Axis, Outcome } from '#study/study.ts';
import type { ReportedStudy } from './report-input.ts';

/** Matchings in the order a reader expects; others come between held-out and joint. */
const MATCHING_ORDER = ['train', 'heldOut', 'other', 'joint', 'gap'];

/** The one-letter mark and the short words of each verdict, for places too small for a sentence. */
export const VERDICT_MARKS: Readonly<Record<VerdictKind, { readonly mark: string; readonly short: string }>> = {
  affects: { mark: 'A', short: 'affects' },
  explainedBy: { mark: 'E', short: 'explained by a loss or the gap' },
  noEffect: { mark: 'N', short: 'no effect within ±δ' },
  undecided: { mark: '?', short: 'undecided' },
};

/** The mark of a claim's verdict, its words in a count, and whose colour it has. */
export const CLAIM_MARKS: Readonly<
  Record<ClaimVerdict, { readonly mark: string; readonly short: string; readonly colour: VerdictKind }>
> = {
  differs: { mark: 'D', short: 'different', colour: 'affects' },
  identical: { mark: 'I', short: 'identical to the bit', colour: 'noEffect' },
  agrees: { mark: '=', short: 'alike within ±δ', colour: 'noEffect' },
  undecided: { mark: '?', short: 'undecided', colour: 'undecided' },
};

/** A label at the head of a title: its first letter large. */
export function asTitle(label: string): string {
  return label.charAt(0).toUpperCase() + label.slice(1);
}

/** The label of an arm; its name where the study does not know it (runs trained elsewhere). */
export function armLabel(study: ReportedStudy, arm: string): string {
  return study.arms.find((known) => known.name === arm)?.label ?? arm;
}

/** A run in words: `Muon, seed 3, learning rate 0.002`. */
export function runLabel(study: ReportedStudy, run: Pick<FrameRun, 'arm' | 'block' | 'learningRate'>): string {
  const rate = run.learningRate === undefined ? '' : `, learning rate ${plain(run.learningRate)}`;
  return `${armLabel(study, run.arm)}, seed ${run.block}${rate}`;
}

/** The label of an outcome; its name where the study does not know it. */
export function outcomeLabel(study: ReportedStudy, outcome: string): string {
  return study.outcomes.find((known) => known.name === outcome)?.label ?? outcome;
}

/** " (fraction, higher is better)": an outcome's unit, and which way it is good where the study says so; nothing for neither. */
export function unitText({ unit, higherIs }: Outcome): string {
  const parts = [unit, ...(higherIs === undefined ? [] : [`higher is ${higherIs}`])].filter((part) => part !== '');
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

/** The smallest effect of interest of an outcome, in its unit; 0 where the study does not know it. */
export function deltaOf(study: ReportedStudy, outcome: string): number {
  return study.outcomes.find((known) => known.name === outcome)?.delta ?? 0;
}

/** A contrast's name with the arms' labels in place of their names. */
export function contrastLabel(study: ReportedStudy, contrast: string): string {
  const names = contrast.split(' vs ');
  return names.length === 2 ? names.map((name) => armLabel(study, name)).join(' vs ') : contrast;
}

/** `Muon vs AdamW`. */
export function pairLabel(study: ReportedStudy, pair: { readonly arm: string; readonly reference: string }): string {
  return `${armLabel(study, pair.arm)} vs ${armLabel(study, pair.reference)}`;
}

/** The axis a single matching stands for: by role, else by name. */
export function axisOfMatching(study: ReportedStudy, matching: string): Axis | undefined {
  return study.matchOn.find((axis) => axis.name === matching) ?? study.matchOn.find((axis) => axis.role === matching);
}

/** What arms were matched on, in words: `training loss`, `held-out loss`, `both losses`. */
export function matchingLabel(study: ReportedStudy, matching: string): string {
  if (matching === 'joint') return 'both at once';
  return midSentence(axisOfMatching(study, matching)?.label ?? matching);
}

/** Where an estimate was made: `at matched training loss`, `at both matched at once`. */
export function whereMatched(study: ReportedStudy, matching: string): string {
  return matching === 'joint' ? 'at both matched at once' : `at matched ${matchingLabel(study, matching)}`;
}

/** Matchings in reading order. */
export function orderedMatchings(
  matchings: VerdictRecord['matchings'],
): readonly (readonly [string, MatchingResult])[] {
  const rank = (key: string): number => MATCHING_ORDER.indexOf(MATCHING_ORDER.includes(key) ? key : 'other');
  return Object.entries(matchings).sort(([a], [b]) => rank(a) - rank(b));
}

/** `+0.12 [+0.09, +0.15]`, or that there is no estimate. */
export function estimateText(result: MatchingResult | undefined, delta: number): string {
  if (result?.kind !== 'estimated') return 'not estimable';
  return `${signed(result.estimate, delta)} ${intervalText(result.ci95, delta)}`;
}

/** A level in words: a value, or a (training, held-out) point. */
export function levelText(level: number | readonly [number, number]): string {
  return typeof level === 'number' ? chosen(level) : `(${level.map(plain).join(', ')})`;
}

/**
 * The verdict as a predicate in plain words; `delta` is written in the outcome's unit.
 * @param matched What was held equal, such as `loss`.
 */
export function verdictPhrase(verdict: VerdictRecord, matched: string): string {
  return `${kindPhrase(verdict, matched)}${decidedText(verdict)}`;
}

/** " (decided at the look at 8 blocks)": of what this look alone does not decide. */
export function decidedText({ decidedAt }: { readonly decidedAt?: DecidedAt }): string {
  return decidedAt === undefined ? '' : ` (decided at the look at ${decidedAt.blocks} blocks)`;
}

function kindPhrase(verdict: VerdictRecord, matched: string): string {
  switch (verdict.verdict) {
    case 'affects':
      return `affects beyond ${matched}`;
    case 'explainedBy':
      return `explained by ${explanationName(verdict.explainedBy)}`;
    case 'noEffect':
      return `no effect beyond ${matched}, within ±${plain(verdict.delta)}`;
    case 'undecided':
      return 'undecided';
    default:
      return verdict.verdict satisfies never;
  }
}

/** What explains an effect, in words a table has room for. */
function explanationName(by: VerdictRecord['explainedBy']): string {
  switch (by) {
    case 'heldOut':
      return 'held-out loss';
    case 'train':
      return 'training loss';
    case 'gap':
      return 'the train-test gap';
    case undefined:
      return 'what runs are matched on';
    default:
      return by satisfies never;
  }
}

/** A verdict's reason without its opening words, the scope, where that is said once for all. */
export function unscoped(reason: string, scope: string): string {
  const opening = `On ${scope}: `;
  return reason.startsWith(opening) ? reason.slice(opening.length) : reason;
}

/** Where a verdict holds: the axes' ranges over the levels that counted, such as `training loss 0.8 to 2 nats`. */
export function rangeText(study: ReportedStudy, verdict: VerdictRecord): string {
  const parts = orderedMatchings(verdict.matchings).flatMap(([key, result]) => {
    const axis = axisOfMatching(study, key);
    if (result.kind !== 'estimated' || !axis) return [];
    const levels = result.levels.flatMap(({ level, excluded }) =>
      typeof level === 'number' && excluded === undefined ? [level] : [],
    );
    if (levels.length === 0) return [];
    return [inUnit(`${midSentence(axis.label)} ${spanText(levels)}`, axis.unit)];
  });
  return parts.length > 0 ? parts.join(', ') : 'no common range';
}

function spanText(levels: readonly number[]): string {
  const [low, high] = [Math.min(...levels), Math.max(...levels)];
  return low === high ? plain(low) : `${plain(low)} to ${plain(high)}`;
}
