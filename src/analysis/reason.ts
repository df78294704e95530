/** The one readable sentence of a verdict: what was found, in the outcome's unit, and within which scope. */
import type { Axis, Outcome } from '#study/study.ts';
import {
  detectedControl,
  equivalenceBound,
  type Decision,
  type Evidence,
  type MatchingEvidence,
  type Rule,
  type Undecided,
} from './decide.ts';
import { matchingName } from './match.ts';
import type { Further } from './power.ts';
import { intervalOf } from './stats/estimate.ts';

/** Whom and what a sentence speaks of. */
export interface Speaking {
  readonly scope: string;
  readonly arm: string;
  readonly reference: string;
  readonly outcome: Outcome;
  readonly axes: readonly Axis[];
  readonly rule: Rule;
  readonly blocks: number;
}

/** A number to three significant digits. */
export function shortNumber(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** The sentence of a decision that rests on evidence. */
export function reasonOf(
  decision: Decision,
  evidence: Evidence,
  about: Speaking,
  further: Further | undefined,
): string {
  const pair = `${about.arm} against ${about.reference}`;
  const { singles, joint } = evidence;
  switch (decision.kind) {
    case 'noEffect':
      return `${scopeOf(about)}: ${pair} changes ${nameOf(about)} by less than ±${amount(about, about.rule.delta)} at every matched level ${rangesOf(about, singles, true)}; the widest bound is ${amount(about, widestOf(singles, about.rule))} (${about.blocks} blocks), and the positive control ${controlsOf(about, singles)} shows an effect on the same levels.`;
    case 'throughGap':
      return `${scopeOf(about)}: ${pair} changes ${nameOf(about)} by ${effectsOf(about, singles, ['train'])}, but at every level of matched held-out loss by less than ±${amount(about, about.rule.delta)}: it acts through the train-test gap (${about.blocks} blocks).`;
    case 'affects': {
      const all = joint?.kind === 'estimated' ? [...singles, joint] : singles;
      const largest = Math.max(...all.map((matching) => matching.p));
      return `${scopeOf(about)}: ${pair} changes ${nameOf(about)} beyond ${beyondOf(about)}: ${effectsOf(about, all, decision.claims)} (p = ${shortNumber(largest)}, ${about.blocks} blocks) ${rangesOf(about, singles)}.`;
    }
    case 'undecided':
      return undecidedText(about, singles, whyText(decision.why, evidence, about), further);
    default:
      return decision satisfies never;
  }
}

/** The sentence of a verdict that rule 0 leaves undecided: what stands in the way, and the estimates if there are any. */
export function blockedReason(
  blockers: readonly string[],
  evidence: Evidence | undefined,
  about: Speaking,
  further: Further | undefined,
): string {
  return undecidedText(about, evidence?.singles ?? [], blockers.join('; '), further);
}

function undecidedText(
  about: Speaking,
  singles: readonly MatchingEvidence[],
  why: string,
  further: Further | undefined,
): string {
  const all = singles.map((matching) => matching.name);
  const estimates = singles.length === 0 ? '' : `, ${effectsOf(about, singles, all)}`;
  const pair = `${about.arm} against ${about.reference}`;
  return `${scopeOf(about)}: undecided for ${pair} on ${nameOf(about)}${estimates}: ${why}${furtherText(further)}.`;
}

function scopeOf(about: Speaking): string {
  return `On ${about.scope}`;
}

function nameOf(about: Speaking): string {
  return midSentence(about.outcome.label);
}

/** A label as it reads inside a sentence: "Training loss" loses its capital, "P(harmful)" and "AUC" keep theirs. */
function midSentence(label: string): string {
  return /^[A-Z][a-z]/.test(label) ? label.charAt(0).toLowerCase() + label.slice(1) : label;
}

function amount(about: Speaking, value: number): string {
  return `${shortNumber(value)} ${about.outcome.unit}`;
}

function beyondOf(about: Speaking): string {
  return about.axes.every((axis) => axis.role !== 'other')
    ? 'loss'
    : about.axes.map((axis) => midSentence(axis.label)).join(' and ');
}

/** "0.12 probability [0.08, 0.16] at matched training loss and ..." */
function effectsOf(about: Speaking, matchings: readonly MatchingEvidence[], claims: readonly string[]): string {
  const claimed = matchings.filter((matching) => claims.includes(matching.name));
  const texts = claimed.map((matching) => {
    const [low, high] = intervalOf(matching.overall, 0.95);
    return `${amount(about, matching.overall.mean)} [${shortNumber(low)}, ${shortNumber(high)}] at matched ${matchingLabel(about, matching.name)}`;
  });
  return texts.join(', ');
}

function matchingLabel(about: Speaking, name: string): string {
  if (name === 'joint') return 'training and held-out loss jointly';
  const axis = about.axes.find((one) => matchingName(one) === name);
  return axis === undefined ? name : midSentence(axis.label);
}

/** "(training loss 1.4 to 0.8 nats, held-out loss ...)" over the levels that count, or those a positive control covers. */
function rangesOf(about: Speaking, singles: readonly MatchingEvidence[], controlled = false): string {
  const texts = singles.flatMap((matching) => {
    const axis = about.axes.find((one) => matchingName(one) === matching.name);
    const covered = controlled ? detectedControl(matching, about.rule)?.levels : undefined;
    const levels = (covered ?? matching.levels.map(({ level }) => level)).map((level) => axis?.levels[level] ?? 0);
    if (axis === undefined || levels.length === 0) return [];
    const [low, high] = [Math.min(...levels), Math.max(...levels)];
    const range = low === high ? shortNumber(low) : `${shortNumber(low)} to ${shortNumber(high)}`;
    return [`${midSentence(axis.label)} ${range} ${axis.unit}`];
  });
  return `(${texts.join(', ')})`;
}

function widestOf(singles: readonly MatchingEvidence[], rule: Rule): number {
  return Math.max(...singles.map((matching) => equivalenceBound(matching, rule.alpha)));
}

function controlsOf(about: Speaking, singles: readonly MatchingEvidence[]): string {
  const names = new Set(singles.map((matching) => `"${detectedControl(matching, about.rule)?.name ?? 'none'}"`));
  return [...names].join(', ');
}

function whyText(why: Undecided, evidence: Evidence, about: Speaking): string {
  const delta = amount(about, about.rule.delta);
  switch (why.kind) {
    case 'jointNotTestable':
      return `beyond either loss alone; joint not testable (${why.reason})`;
    case 'jointDisagrees':
      return `beyond either loss alone, but not at equal training and held-out loss jointly (${jointText(evidence, about)}), so a function of both losses may explain it`;
    case 'noPositiveControl':
      return `every interval at matched ${matchingLabel(about, why.matching)} lies inside ±${delta}, but no positive control of that size is detected on the same levels, so a floor or ceiling may hide an effect`;
    case 'matchingsDiffer':
      return `the matchings do not agree on an effect of ${delta} or more`;
    case 'ratesDiffer':
      return `the sign of the effect is not the same at every learning rate`;
    case 'tooFewBlocks':
      return `neither an effect of ${delta} or more nor its absence is shown by ${about.blocks} blocks`;
    default:
      return why satisfies never;
  }
}

function jointText(evidence: Evidence, about: Speaking): string {
  return evidence.joint?.kind === 'estimated' ? effectsOf(about, [evidence.joint], ['joint']) : 'not estimable';
}

function furtherText(further: Further | undefined): string {
  if (further === undefined) return '';
  return further.kind === 'enough'
    ? `; about ${further.blocks} further blocks give 80% power`
    : `; if the estimates are the truth, ${further.blocksInAll} blocks in all do not give 80% power`;
}
