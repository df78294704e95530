/**
 * The decision rule of METHOD.md, "Verdict", as one pure function of estimates and p values: rules 1 to 4. What makes a
 * verdict impossible beforehand (rule 0) is checked where the blocks are counted. The same function serves the
 * verdict, the power it would have with more blocks, and the map of what would change it.
 */
import { equivalenceP, intervalOf, type Estimate } from '#analysis/stats/estimate.ts';
import { absenceBound, boundedAbsenceP } from '#analysis/stats/mean-bound.ts';

/** One learning rate's contrasts with the other arm's average. */
export interface RateEvidence {
  readonly side: 'arm' | 'reference';
  readonly rate: number;
  readonly overall: Estimate;
  readonly levels: readonly LevelEvidence[];
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
  readonly controls: readonly ControlEvidence[];
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

/** What the rule says; `claims` names the matchings whose p the verdict rests on. */
export type Decision =
  | { readonly kind: 'noEffect' | 'affects' | 'throughGap'; readonly claims: readonly string[] }
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
  if (equivalent.every(Boolean) && sensitive.every(Boolean)) return { kind: 'noEffect', claims: all };

  const [train, heldOut] = ['train', 'heldOut'].map((name) => singles.findIndex((matching) => matching.name === name));
  const atTrain = singles[train ?? -1];
  if (atTrain !== undefined && isEffect(atTrain, rule) && equivalent[heldOut ?? -1] && sensitive[heldOut ?? -1]) {
    // The effect is claimed at matched training loss alone; at matched held-out loss its absence is.
    return { kind: 'throughGap', claims: ['train'] };
  }
  if (singles.every((matching) => isEffect(matching, rule)) && haveOneSign(singles)) {
    if (joint === undefined) return { kind: 'affects', claims: all };
    if (joint.kind === 'notEstimable') return undecided(all, { kind: 'jointNotTestable', reason: joint.reason });
    const claims = [...all, joint.name];
    if (isEffect(joint, rule) && haveOneSign([...singles, joint])) return { kind: 'affects', claims };
    return undecided(claims, { kind: 'jointDisagrees' });
  }
  return undecided(all, whyOf(singles, equivalent, sensitive, rule));
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
  if (found.some(Boolean) && singles.some((matching) => found.at(0) !== isLarge(matching, rule))) {
    return { kind: 'matchingsDiffer' };
  }
  if (found.every(Boolean) && haveOneSign(singles) && !singles.every(ratesAgree)) return { kind: 'ratesDiffer' };
  if (found.every(Boolean) && !haveOneSign(singles)) return { kind: 'matchingsDiffer' };
  if (singles.every((matching) => matching.p < rule.alpha) && haveOneSign(singles)) return { kind: 'aboutDelta' };
  return { kind: 'tooFewBlocks' };
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

/** No effect of delta or more at any level, averaged over rates and for each rate. */
export function isNoEffect(matching: MatchingEvidence, rule: Rule): boolean {
  if (absenceP(matching, rule) >= rule.absenceAlpha) return false;
  // Blocks so uneven that one a little further out would move the mean to delta: t intervals are too narrow there (ADR 0081).
  return levelsOf(matching).every(({ contrasts }) => boundedAbsenceP(contrasts, rule.delta, 0) < rule.alpha);
}

/** The p of rule 1: of "some effect is delta or more", over every matching that rule 1 reads. */
export function absenceOfAll({ singles }: Evidence, rule: Omit<Rule, 'absenceAlpha'>): number {
  return Math.max(...singles.map((matching) => absenceP(matching, rule)));
}

/** The largest p over a matching's levels and rates of "the effect is delta or more": of two one-sided t tests, and with the jumps that are held possible. */
export function absenceP(matching: MatchingEvidence, { delta, jump }: Omit<Rule, 'absenceAlpha'>): number {
  const ps = levelsOf(matching).flatMap(({ estimate, contrasts }) => [
    equivalenceP(estimate, delta),
    ...(jump > 0 ? [boundedAbsenceP(contrasts, delta, jump)] : []),
  ]);
  return Math.max(0, ...ps);
}

/** Whether the t intervals alone lie inside (-delta, delta) at every level. */
function isWithin(matching: MatchingEvidence, rule: Rule): boolean {
  return levelsOf(matching).every(({ estimate }) => equivalenceP(estimate, rule.delta) < rule.absenceAlpha);
}

/** Every level averaged over rates, and of each rate. */
function levelsOf(matching: MatchingEvidence): LevelEvidence[] {
  return [...matching.levels, ...matching.rates.flatMap((rate) => rate.levels)];
}

/** The positive control of size >= delta detected on the matching's levels: no floor or ceiling hides effects there. */
export function detectedControl(matching: MatchingEvidence, rule: Rule): ControlEvidence | undefined {
  return matching.controls.find((control) => control.p < rule.alpha && Math.abs(control.estimate.mean) >= rule.delta);
}

/** p below alpha, |estimate| >= delta, and the same sign at every learning rate. */
export function isEffect(matching: MatchingEvidence, rule: Rule): boolean {
  return isLarge(matching, rule) && ratesAgree(matching);
}

function isLarge(matching: MatchingEvidence, rule: Rule): boolean {
  return matching.p < rule.alpha && Math.abs(matching.overall.mean) >= rule.delta;
}

function ratesAgree(matching: MatchingEvidence): boolean {
  const sign = Math.sign(matching.overall.mean);
  return matching.rates.every((rate) => Math.sign(rate.overall.mean) === sign);
}

function haveOneSign(matchings: readonly MatchingEvidence[]): boolean {
  return new Set(matchings.map((matching) => Math.sign(matching.overall.mean))).size === 1;
}

/** The smallest delta at which a matching would show no effect: the widest bound over its levels and rates. */
export function equivalenceBound(matching: MatchingEvidence, { alpha, absenceAlpha, jump }: Rule): number {
  const bounds = levelsOf(matching).flatMap(({ estimate, contrasts }) => [
    ...intervalOf(estimate, 1 - 2 * absenceAlpha).map(Math.abs),
    absenceBound(contrasts, alpha, 0),
    ...(jump > 0 ? [absenceBound(contrasts, absenceAlpha, jump)] : []),
  ]);
  return Math.max(...bounds);
}
