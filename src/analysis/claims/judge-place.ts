/**
 * The rule of claims (docs/method.md, "Claims"): one level of a claim, from its numbers to its verdict. Pure.
 */
import type { WhyKind } from '#analysis/records/verdict-record.ts';
import type { ClaimVerdict } from '#analysis/records/claim-record.ts';
import type { LaterLooks } from '#analysis/power/further-blocks.ts';
import { equivalenceP, estimateOf, intervalOf, type Estimate } from '#analysis/stats/estimate.ts';
import { unseenShare } from '#analysis/stats/mean-bound.ts';
import { studentTQuantile } from '#analysis/stats/student-t.ts';
import { isNoEffect, type ControlEvidence, type MatchingEvidence, type Rule } from '#analysis/verdict/decide.ts';
import type { PlaceTable } from './place-table.ts';

/** What a level is judged by beside its numbers. */
export interface PlaceRule {
  readonly rule: Rule;
  /** maxT-adjusted over the study. */
  readonly p: number;
  /** Whether "agrees" has to rest on a positive control: between arms. */
  readonly needsControl: boolean;
  /** Positive controls seen at this very place. */
  readonly controls: readonly ControlEvidence[];
}

/** What the rule says of a level. */
export type PlaceDecision =
  | { readonly kind: Exclude<ClaimVerdict, 'undecided'> }
  | {
      readonly kind: 'undecided';
      readonly why: Extract<WhyKind, 'noPositiveControl' | 'ratesDiffer' | 'jumpsUnseen' | 'tooFewBlocks'>;
      /** Where rates differ: inside delta together, though not at each. */
      readonly isWithin?: true;
    };

/** A level as the evidence that rules of absence read; undefined for fewer than two units. */
export function placeEvidence(table: PlaceTable): MatchingEvidence | undefined {
  const overall = estimateOf(table.member.contrasts);
  if (overall === undefined) return undefined;
  const rates = table.byRate.flatMap((contrasts, rate) => {
    const estimate = estimateOf(contrasts);
    const level = estimate && { level: 0, estimate, contrasts };
    return level === undefined ? [] : [{ side: 'arm' as const, rate, overall: level.estimate, levels: [level] }];
  });
  const levels = [{ level: 0, estimate: overall, contrasts: table.member.contrasts }];
  return { kind: 'estimated', name: table.text, overall, p: 1, levels, rates, controls: [] };
}

/** Judges a level that nothing stands in the way of. */
export function decidePlace(table: PlaceTable, evidence: MatchingEvidence, placeRule: PlaceRule): PlaceDecision {
  const { rule, p, needsControl, controls } = placeRule;
  if (table.isIdentical) return { kind: 'identical' };
  const isFound = p < rule.alpha && evidence.overall.mean !== 0;
  const doRatesAgree = haveOneSign(table, evidence, rule);
  if (isFound && doRatesAgree) return { kind: 'differs' };
  if (isNoEffect(evidence, rule)) {
    return needsControl && controls.length === 0 ? { kind: 'undecided', why: 'noPositiveControl' } : { kind: 'agrees' };
  }
  if (isFound) return { kind: 'undecided', why: 'ratesDiffer' };
  const [together, ...atEach] = [evidence.overall, ...evidence.rates.map(({ overall }) => overall)].map(
    (estimate) => equivalenceP(estimate, rule.delta) < rule.absenceAlpha,
  );
  // t alone puts the level inside (-delta, delta), over rates and for each.
  if (together === true && atEach.every(Boolean)) return { kind: 'undecided', why: 'jumpsUnseen' };
  const isApart = together === true && evidence.rates.some(({ overall }) => !isNegligible(overall, rule));
  return isApart
    ? { kind: 'undecided', why: 'ratesDiffer', isWithin: true }
    : { kind: 'undecided', why: 'tooFewBlocks' };
}

/**
 * One sign at every learning rate. Where the arms run different rates, an interval off zero at the rates that speak most
 * against it, and without a common rate a difference beyond what an arm's own rates differ by (ADR 0086).
 */
function haveOneSign(table: PlaceTable, { overall, rates }: MatchingEvidence, { alpha }: Rule): boolean {
  const sign = Math.sign(overall.mean);
  if (!rates.every((rate) => Math.sign(rate.overall.mean) === sign)) return false;
  if (!table.parts.some((ofTerm) => ofTerm.length > 1)) return true;
  const worst = estimateOf(leastFavourable(table, sign));
  if (worst === undefined) return false;
  const [low, high] = intervalOf(worst, 1 - alpha);
  const least = table.isRateCommon ? 0 : Math.max(...table.parts.map(spreadOf));
  return sign > 0 ? low > 0 && worst.mean > least : high < 0 && worst.mean < -least;
}

/** Contrasts of the units at each arm's rate that speaks most against the sign. */
function leastFavourable({ parts, member }: PlaceTable, sign: number): number[] {
  const chosen = parts.map((ofTerm) =>
    ofTerm.reduce((least, values) => (sign * meanOf(values) < sign * meanOf(least) ? values : least)),
  );
  return member.blocks.map((_, u) => chosen.reduce((sum, values) => sum + (values[u] ?? 0), 0));
}

/** The most that an arm's rates differ by, as they weigh. */
function spreadOf(ofTerm: readonly (readonly number[])[]): number {
  const means = ofTerm.map(meanOf);
  return Math.max(...means) - Math.min(...means);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const POWER_QUANTILE = 0.8416212335729143;
const POWER_QUANTILE_BOTH_SIDES = 1.2815515655446004;
/** An estimate below this share of delta is taken as 0. */
const NEGLIGIBLE_FRACTION = 0.5;
const MOST_UNITS = 96;

/** Whether an estimate is so small that more units would be asked to show agreement. */
export function isNegligible({ mean }: Estimate, { delta }: Pick<Rule, 'delta'>): boolean {
  return Math.abs(mean) < NEGLIGIBLE_FRACTION * delta;
}

/**
 * About how many further units give 80% power for either verdict at this level alone, were the estimate the truth (or 0, where it is
 * below delta / 2): from t quantiles and the units' own spread, at the alpha a later look would have, and for agreement enough to
 * exclude the jumps that are held possible, and at each learning rate. Undefined where that takes more than 96 units in all, or
 * more than there are, or where no number of units would do.
 */
export function furtherUnits({ overall, rates }: MatchingEvidence, rule: Rule, later: LaterLooks): number | undefined {
  if (!isNegligible(overall, rule)) {
    const sign = Math.sign(overall.mean);
    if (!rates.every((rate) => Math.sign(rate.overall.mean) === sign)) return undefined;
    return unitsFor(overall, rule, later);
  }
  const all = [overall, ...rates.map((rate) => rate.overall)];
  if (!all.every((estimate) => isNegligible(estimate, rule))) return undefined;
  const needed = all.map((estimate) => unitsFor(estimate, rule, later) ?? Infinity);
  const most = Math.max(...needed);
  return Number.isFinite(most) ? most : undefined;
}

function unitsFor(estimate: Estimate, rule: Rule, later: LaterLooks): number | undefined {
  const deviation = estimate.standardError * Math.sqrt(estimate.count);
  const size = Math.abs(estimate.mean);
  const isSmall = isNegligible(estimate, rule);
  for (let n = estimate.count + 1; n <= Math.min(MOST_UNITS, later.most ?? Infinity); n++) {
    const share = later.alphaShare(n / estimate.count);
    // No sign-flip p is smaller than 2 / 2^n.
    if (share <= 0 || (!isSmall && 2 ** (1 - n) >= share * rule.alpha)) continue;
    // Without a jump in n units, a share of jumps up to 1 - alpha^(1/n) is held possible.
    if (isSmall && rule.jump * unseenShare(n, share * rule.absenceAlpha) >= rule.delta) continue;
    const needed = isSmall
      ? studentTQuantile(1 - share * rule.absenceAlpha, n - 1) + POWER_QUANTILE_BOTH_SIDES
      : studentTQuantile(1 - (share * rule.alpha) / 2, n - 1) + POWER_QUANTILE;
    if ((isSmall ? rule.delta : size) >= (needed * deviation) / Math.sqrt(n)) return n - estimate.count;
  }
  return undefined;
}
