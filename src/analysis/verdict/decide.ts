/**
 * The decision rule of docs/method.md, "Verdict", as one pure function of estimates and p values: rules 1 to 4. What makes a
 * verdict impossible beforehand (rule 0) is checked where the blocks are counted. The same function serves the
 * verdict, the power it would have with more blocks, and the map of what would change it.
 */
import { CONTROL_ALPHA } from './alpha-spending.ts';
import type { SlopeBound } from '#analysis/matching/matched-table.ts';
import { equivalenceP, intervalOf, type Estimate } from '#analysis/stats/estimate.ts';
import { absenceBound, boundedAbsenceP } from '#analysis/stats/mean-bound.ts';

/** One learning rate's contrasts with the other arm's average. */
export interface RateEvidence {
  readonly side: 'arm' | 'reference';
  readonly rate: number;
  readonly overall: Estimate;
  readonly levels: readonly LevelEvidence[];
}

/** One rate of the arm against one rate of the reference, over levels. */
export interface PairEvidence {
  readonly arm: number;
  readonly reference: number;
  readonly overall: Estimate;
}

/** The estimate at one level, by the level's index in the table. */
export interface LevelEvidence {
  readonly level: number;
  readonly estimate: Estimate;
  /** What the estimate is made of, one a block (or cluster). */
  readonly contrasts: readonly number[];
}

/** A positive control's effect on the levels of a matching. */
export interface ControlEvidence {
  readonly name: string;
  /** Indices of the levels it shares with the matching; a verdict of no effect speaks of these. */
  readonly levels: readonly number[];
  readonly estimate: Estimate;
  readonly p: number;
}

/** One matching's evidence. */
export interface MatchingEvidence {
  readonly kind: 'estimated';
  readonly name: string;
  readonly overall: Estimate;
  /** maxT-adjusted over the family. */
  readonly p: number;
  readonly levels: readonly LevelEvidence[];
  readonly rates: readonly RateEvidence[];
  /** Equal rates of both arms, or every pair where they run different ones; absent for arms with one rate each. */
  readonly pairs?: readonly PairEvidence[];
  readonly controls: readonly ControlEvidence[];
  /** The joint matching of arms that never meet: the estimate is what no slope seen explains, not the effect's size. */
  readonly bound?: SlopeBound;
}

/** A matching that says nothing. */
export interface NoEvidence {
  readonly kind: 'notEstimable';
  readonly name: string;
  readonly reason: string;
}

/** Everything the rule looks at for one contrast and outcome. */
export interface Evidence {
  /** The single matchings, all estimated. */
  readonly singles: readonly MatchingEvidence[];
  /** Present where the study matches on both losses. */
  readonly joint?: MatchingEvidence | NoEvidence;
  /** On the gap between the two. */
  readonly gap?: MatchingEvidence | NoEvidence;
}

/** The numbers fixed in advance. */
export interface Rule {
  readonly delta: number;
  /** Of tests for a difference. */
  readonly alpha: number;
  /** Of tests for its absence: alpha shared out over the family (`absence-family.ts`). */
  readonly absenceAlpha: number;
  /** The largest contrast a block may show although none has: 0 where jumps are declared impossible, Infinity where nothing bounds them. */
  readonly jump: number;
}

/** What an effect is explained by: matched on it, the arms are alike. A prediction, no mediation. */
export type Explanation = 'heldOut' | 'train' | 'gap';

/** What the rule says; `claims` names the matchings whose p the verdict rests on. */
export type Decision =
  | { readonly kind: 'noEffect' | 'affects'; readonly claims: readonly string[] }
  | { readonly kind: 'explainedBy'; readonly by: Explanation; readonly claims: readonly string[] }
  | { readonly kind: 'undecided'; readonly claims: readonly string[]; readonly why: Undecided };

/** Why neither an effect nor its absence is claimed. */
export type Undecided =
  | { readonly kind: 'jointNotTestable'; readonly reason: string }
  | { readonly kind: 'jointDisagrees' }
  | { readonly kind: 'noPositiveControl'; readonly matching: string }
  | { readonly kind: 'matchingsDiffer' }
  | { readonly kind: 'ratesDiffer' }
  /** Every interval lies inside delta, but a jump in few blocks that none has shown could reach it. */
  | { readonly kind: 'jumpsUnseen'; readonly matching: string }
  /** Clearly not zero under every single matching, but neither clearly delta or more nor clearly less. */
  | { readonly kind: 'aboutDelta' }
  | { readonly kind: 'tooFewBlocks' };

/** Rules 1 to 4, in their order. */
export function decide(evidence: Evidence, rule: Rule): Decision {
  const { singles, joint } = evidence;
  const all = singles.map((matching) => matching.name);
  const equivalent = singles.map((matching) => isNoEffect(matching, rule));
  const sensitive = singles.map((matching) => detectedControl(matching, rule) !== undefined);
  if (equivalent.every(Boolean) && sensitive.every(Boolean) && isAlike(joint, rule)) {
    return { kind: 'noEffect', claims: all };
  }
  const by = isConsistent(joint, rule) ? explanationOf(evidence, rule) : undefined;
  if (by !== undefined) return { kind: 'explainedBy', by, claims: all.filter((name) => name !== by) };
  if (singles.every((matching) => isEffect(matching, rule)) && haveOneSign(singles)) {
    if (joint === undefined) return { kind: 'affects', claims: all };
    if (joint.kind === 'notEstimable') return undecided(all, { kind: 'jointNotTestable', reason: joint.reason });
    const claims = [...all, joint.name];
    // Of a bound the part that nothing seen explains has to differ from zero; the effect's size is that of the single matchings.
    const isFound = joint.bound === undefined ? isEffect(joint, rule) : joint.p < rule.alpha;
    if (isFound && haveOneSign([...singles, joint])) return { kind: 'affects', claims };
    return undecided(claims, { kind: 'jointDisagrees' });
  }
  return undecided(all, whyOf(singles, equivalent, sensitive, rule));
}

/** What explains an effect: the axis at which, matched on it, there is none while there is one under every other. */
function explanationOf({ singles, gap }: Evidence, rule: Rule): Explanation | undefined {
  const isExplained = (matching: MatchingEvidence): boolean =>
    isNoEffect(matching, rule) && detectedControl(matching, rule) !== undefined;
  const isFound = (matching: MatchingEvidence): boolean => isEffect(matching, rule);
  const [train, heldOut] = ['train', 'heldOut'].map((name) => singles.find((matching) => matching.name === name));
  if (train === undefined || heldOut === undefined) return undefined;
  if (isFound(train) && isExplained(heldOut)) return 'heldOut';
  if (isFound(heldOut) && isExplained(train)) return 'train';
  const isGap = gap?.kind === 'estimated' && isExplained(gap) && isFound(train) && isFound(heldOut);
  return isGap && haveOneSign([train, heldOut]) ? 'gap' : undefined;
}

/**
 * Whether the joint matching, where it is testable, shows likeness: an effect may hide behind an opposite one of the gap
 * under both single matchings. A bound is no estimate at equal losses and says nothing here.
 */
function isAlike(joint: Evidence['joint'], rule: Rule): boolean {
  return !isEstimate(joint) || equivalenceP(joint.overall, rule.delta) < rule.absenceAlpha;
}

/** Whether the joint matching, where it is testable, agrees that what is left beyond both losses is below delta. */
function isConsistent(joint: Evidence['joint'], rule: Rule): boolean {
  return !isEstimate(joint) || Math.abs(joint.overall.mean) < rule.delta;
}

function isEstimate(joint: Evidence['joint']): joint is MatchingEvidence {
  return joint?.kind === 'estimated' && joint.bound === undefined;
}

function undecided(claims: readonly string[], why: Undecided): Decision {
  return { kind: 'undecided', claims, why };
}

function whyOf(
  singles: readonly MatchingEvidence[],
  equivalent: readonly boolean[],
  sensitive: readonly boolean[],
  rule: Rule,
): Undecided {
  const insensitive = singles[sensitive.indexOf(false)];
  if (equivalent.every(Boolean) && insensitive !== undefined) {
    return { kind: 'noPositiveControl', matching: insensitive.name };
  }
  const heldOut = singles.findIndex((matching) => matching.name === 'heldOut');
  const atTrain = singles.find((matching) => matching.name === 'train');
  if (atTrain !== undefined && isEffect(atTrain, rule) && equivalent[heldOut] === true) {
    return { kind: 'noPositiveControl', matching: 'heldOut' };
  }
  const unseen = unseenJump(singles, rule);
  if (unseen !== undefined) return { kind: 'jumpsUnseen', matching: unseen.name };
  const found = singles.map((matching) => isLarge(matching, rule));
  if (!found.every(Boolean) && isAboutDelta(singles, rule)) return { kind: 'aboutDelta' };
  if (found.some(Boolean) && singles.some((matching) => found.at(0) !== isLarge(matching, rule))) {
    return { kind: 'matchingsDiffer' };
  }
  if (found.every(Boolean) && haveOneSign(singles) && !singles.every((one) => ratesAgree(one, rule)))
    return { kind: 'ratesDiffer' };
  if (found.every(Boolean) && !haveOneSign(singles)) return { kind: 'matchingsDiffer' };
  return { kind: 'tooFewBlocks' };
}

/** Clearly not zero under every matching, with one sign, and not clearly above delta under one and below it under another. */
function isAboutDelta(singles: readonly MatchingEvidence[], rule: Rule): boolean {
  if (!singles.every((matching) => matching.p < rule.alpha) || !haveOneSign(singles)) return false;
  const sizes = singles.map(({ overall }) => intervalOf(overall, 1 - rule.alpha).map(Math.abs));
  const isAbove = sizes.some((bounds) => Math.min(...bounds) > rule.delta);
  return !isAbove || sizes.every((bounds) => Math.max(...bounds) >= rule.delta);
}

/** The matching that alone keeps "no effect", or the absence at held-out loss of a gap, from being shown: by jumps that would not be seen. */
function unseenJump(singles: readonly MatchingEvidence[], rule: Rule): MatchingEvidence | undefined {
  const hides = (matching: MatchingEvidence): boolean => isWithin(matching, rule) && !isNoEffect(matching, rule);
  const atTrain = singles.find((matching) => matching.name === 'train');
  if (atTrain !== undefined && isEffect(atTrain, rule)) {
    return singles.find((matching) => matching.name === 'heldOut' && hides(matching));
  }
  return singles.every((matching) => isWithin(matching, rule)) ? singles.find(hides) : undefined;
}

/**
 * No effect of delta or more at any level: by t, averaged over rates and for each rate; and averaged over rates whatever
 * jump is held possible, and were one block a little further out than any is: t intervals are too narrow where blocks are
 * so uneven (ADR 0081).
 */
export function isNoEffect(matching: MatchingEvidence, rule: Rule): boolean {
  if (!isWithin(matching, rule) || absenceP(matching, rule) >= rule.absenceAlpha) return false;
  return matching.levels.every(({ contrasts }) => boundedAbsenceP(contrasts, rule.delta, 0) < rule.alpha);
}

/** The p of rule 1: of "some effect is delta or more", over every matching that rule 1 reads. */
export function absenceOfAll({ singles, joint }: Evidence, rule: Omit<Rule, 'absenceAlpha'>): number {
  const ofJoint = isEstimate(joint) ? equivalenceP(joint.overall, rule.delta) : 0;
  return Math.max(ofJoint, ...singles.map((matching) => absenceP(matching, rule)));
}

/** The largest p over a matching's levels and rates of "the effect is delta or more": of two one-sided t tests, and with the jumps that are held possible. */
export function absenceP(matching: MatchingEvidence, { delta, jump }: Omit<Rule, 'absenceAlpha'>): number {
  const ps = levelsOf(matching).map(({ estimate }) => equivalenceP(estimate, delta));
  const bounded = jump > 0 ? matching.levels.map(({ contrasts }) => boundedAbsenceP(contrasts, delta, jump)) : [];
  return Math.max(0, ...ps, ...bounded);
}

/** Whether the t intervals alone lie inside (-delta, delta) at every level. */
function isWithin(matching: MatchingEvidence, rule: Rule): boolean {
  return levelsOf(matching).every(({ estimate }) => equivalenceP(estimate, rule.delta) < rule.absenceAlpha);
}

/** Every level averaged over rates, and of each rate. */
function levelsOf(matching: MatchingEvidence): LevelEvidence[] {
  return [...matching.levels, ...matching.rates.flatMap((rate) => rate.levels)];
}

/** A positive control detected on the matching's levels, and small enough to speak of an effect of delta: no floor or ceiling hides one there. */
export function detectedControl(matching: MatchingEvidence, rule: Rule): ControlEvidence | undefined {
  return matching.controls.find(
    (control) =>
      control.p < CONTROL_ALPHA && !isTooLarge(control.estimate, { delta: rule.delta, alpha: CONTROL_ALPHA }),
  );
}

/** A control that is surely above so many deltas says nothing of an effect of one. */
const LARGEST_DELTAS = 2;

/** Whether a control's whole 1 - 2 alpha interval lies beyond two deltas. */
export function isTooLarge(control: Estimate, { delta, alpha }: Pick<Rule, 'delta' | 'alpha'>): boolean {
  const [low, high] = intervalOf(control, 1 - 2 * alpha);
  return low > LARGEST_DELTAS * delta || high < -LARGEST_DELTAS * delta;
}

/** p below alpha, |estimate| >= delta, and the same sign at every learning rate. */
export function isEffect(matching: MatchingEvidence, rule: Rule): boolean {
  return isLarge(matching, rule) && ratesAgree(matching, rule);
}

function isLarge(matching: MatchingEvidence, rule: Rule): boolean {
  return matching.p < rule.alpha && Math.abs(matching.overall.mean) >= rule.delta;
}

/**
 * The same sign at every learning rate: of each rate with the same rate of the other arm where both run the same ones. Where
 * they run different ones, an interval off zero for every pair of them: what the pilots kept by chance is then no part of
 * the claim; and where no rate is common the effect must exceed what an arm's own rates differ by (ADR 0086).
 */
function ratesAgree(matching: MatchingEvidence, rule: Rule): boolean {
  const sign = Math.sign(matching.overall.mean);
  const { pairs, rates } = matching;
  if (pairs === undefined) return rates.every((rate) => Math.sign(rate.overall.mean) === sign);
  const common = pairs.filter((pair) => pair.arm === pair.reference);
  if (common.length === pairs.length) return pairs.every((pair) => Math.sign(pair.overall.mean) === sign);
  const least = common.length > 0 ? 0 : ratesSpread(matching);
  return pairs.every(({ overall }) => {
    const [low, high] = intervalOf(overall, 1 - rule.alpha);
    return sign > 0 ? low > 0 && overall.mean > least : high < 0 && overall.mean < -least;
  });
}

/** The most that two rates of one arm differ by, over levels. */
function ratesSpread({ rates }: MatchingEvidence): number {
  const spread = (side: RateEvidence['side']): number => {
    const means = rates.flatMap((rate) => (rate.side === side ? [rate.overall.mean] : []));
    return means.length === 0 ? 0 : Math.max(...means) - Math.min(...means);
  };
  return Math.max(spread('arm'), spread('reference'));
}

function haveOneSign(matchings: readonly MatchingEvidence[]): boolean {
  return new Set(matchings.map((matching) => Math.sign(matching.overall.mean))).size === 1;
}

/** The smallest delta at which a matching would show no effect: the widest bound over its levels and rates. */
export function equivalenceBound(matching: MatchingEvidence, { alpha, absenceAlpha, jump }: Rule): number {
  return Math.max(
    ...levelsOf(matching).flatMap(({ estimate }) => intervalOf(estimate, 1 - 2 * absenceAlpha).map(Math.abs)),
    ...matching.levels.map(({ contrasts }) => absenceBound(contrasts, alpha, 0)),
    ...(jump > 0 ? matching.levels.map(({ contrasts }) => absenceBound(contrasts, absenceAlpha, jump)) : []),
  );
}
