/**
 * The power of planned claims, place by place: contrasts of units are drawn with a supposed spread, normal and independent over
 * places, and judged by the rule of claims itself, at the first look's alpha over the study's whole family. Positive controls are
 * taken to be seen. More than 14 units have their sign-flip p from the t test, adjusted by Sidak.
 */
import type { Rng } from '#base/rng.ts';
import type { AnalysedStudy } from '#analysis/analyse.ts';
import { decidePlace, placeEvidence } from '#analysis/claims/judge-place.ts';
import { claimOutcomes, type PlaceTable } from '#analysis/claims/place-table.ts';
import { isSamePlace } from '#analysis/claims/seen-controls.ts';
import { spotsOf } from '#analysis/claims/spots.ts';
import { comparesArms } from '#analysis/claims/terms.ts';
import { MIN_BLOCKS } from '#analysis/matching/match.ts';
import type { Estimate } from '#analysis/stats/estimate.ts';
import { signFlipMaxT } from '#analysis/stats/sign-flip.ts';
import { studentTTwoSided } from '#analysis/stats/student-t.ts';
import { FIRST_ALPHA } from '#analysis/verdict/alpha-spending.ts';
import { largestJump } from '#analysis/verdict/jumps.ts';
import type { Claim } from '#study/claim.ts';
import { clusterCount } from '#study/clusters.ts';

import { EFFECT_DELTAS, isControlled } from './planned-power.ts';

/** What the power of an outcome's claims depends on. */
export interface PlannedPlaces {
  /** Blocks, or clusters of them. */
  readonly units: number;
  /** Places of the outcome's own claims. */
  readonly places: number;
  /** Differences that the whole study tests: places of claims, and matchings of contrasts, over outcomes. */
  readonly tests: number;
  /** Absences that the whole study may claim. */
  readonly absences: number;
  readonly delta: number;
  /** As far as the difference of two readings may jump although none has; see `largestJump`. */
  readonly jump: number;
  /** Whether agreement can be claimed anywhere: between arms it takes a positive control. */
  readonly isControlled: boolean;
  /** Claims between arms at whose place no positive control is asked: agreement is never claimed there. */
  readonly uncontrolled: readonly string[];
  /** So many units without a jump exclude those held possible; Infinity where nothing bounds them. */
  readonly leastUnits: number;
}

/** Chances of the verdict that is true, at one place and one spread. */
export interface ClaimPowerRow {
  /** Standard deviation of a unit's contrast at one place, in the outcome's unit. */
  readonly sigma: number;
  /** Truth 0. */
  readonly agrees: number;
  /** Truth `EFFECT_DELTAS` deltas. */
  readonly differs: number;
}

const STUDIES = 400;
const EXACT_UNITS = 14;

/** The places of an outcome's claims; undefined where no claim asks of it. */
export function plannedPlaces(study: AnalysedStudy, outcome: string, blocks: number): PlannedPlaces | undefined {
  const { claims = [], outcomes, matchOn, contrasts } = study;
  const asked = outcomes.find(({ name }) => name === outcome);
  const questions = claims.filter(({ asks }) => asks.kind === 'question');
  const own = questions.filter((claim) => claimOutcomes(claim, outcomes).some(({ name }) => name === outcome));
  if (asked === undefined || own.length === 0) return undefined;
  const placesOf = ({ at }: Claim): number => (at.kind === 'trend' ? 1 : spotsOf(at, matchOn).length);
  const places = questions.reduce((sum, claim) => sum + placesOf(claim) * claimOutcomes(claim, outcomes).length, 0);
  const confirmatory = outcomes.filter(({ role }) => role === 'confirmatory').length;
  const compared = contrasts.filter(({ kind }) => kind === 'question').length * confirmatory;
  const roles = new Set(matchOn.map(({ role }) => role));
  const matchings = matchOn.length + (roles.has('train') && roles.has('heldOut') ? 1 : 0);
  const uncontrolled = own.filter((claim) => comparesArms(claim) && !hasControl(study, outcome, claim));
  const [absences, jump] = [places + compared, largestJump(asked)];
  return {
    units: study.blocks === undefined ? blocks : clusterCount(study.blocks.cluster, blocks),
    places: own.reduce((sum, claim) => sum + placesOf(claim), 0),
    tests: places + compared * matchings,
    absences,
    delta: asked.delta,
    jump,
    isControlled: uncontrolled.length < own.length,
    uncontrolled: uncontrolled.map(({ name }) => name),
    leastUnits: leastUnits(asked.delta, jump, FIRST_ALPHA / absences),
  };
}

/** The least n at which a share 1 - alpha^(1/n) of jumps moves the mean by less than delta. */
function leastUnits(delta: number, jump: number, alpha: number): number {
  if (jump <= delta) return 0;
  return Number.isFinite(jump) ? Math.ceil(Math.log(alpha) / Math.log(1 - delta / jump)) : Infinity;
}

/** Whether a control is asked where a claim reads: a claim's at the same kind of place, or a contrast's where losses are crossed. */
function hasControl(study: AnalysedStudy, outcome: string, asked: Claim): boolean {
  const isOne = (claim: Claim): boolean =>
    isSamePlace(claim, asked) &&
    claim.asks.kind === 'control' &&
    claim.asks.expect === 'differs' &&
    comparesArms(claim) &&
    claimOutcomes(claim, study.outcomes).some(({ name }) => name === outcome);
  return (asked.at.kind === 'crossed' && isControlled(study, outcome)) || (study.claims ?? []).some(isOne);
}

/** The power of a place at one spread. */
export function claimPowerAt(design: PlannedPlaces, sigma: number, rng: Rng, studies = STUDIES): ClaimPowerRow {
  const share = (kind: 'agrees' | 'differs', truth: number): number => {
    if (design.units < MIN_BLOCKS) return 0;
    const stream = rng.split(`${kind} ${sigma}`);
    let hits = 0;
    for (let study = 0; study < studies; study++) if (verdictOf(design, truth, sigma, stream) === kind) hits++;
    return hits / studies;
  };
  return { sigma, agrees: share('agrees', 0), differs: share('differs', EFFECT_DELTAS * design.delta) };
}

function verdictOf(design: PlannedPlaces, truth: number, sigma: number, rng: Rng): string {
  const table = drawn(design.units, truth, sigma, rng);
  const evidence = placeEvidence(table);
  if (evidence === undefined) return 'undecided';
  const { delta, jump, absences, isControlled: needsNothing } = design;
  const rule = { delta, jump, alpha: FIRST_ALPHA, absenceAlpha: FIRST_ALPHA / absences };
  // Where the truth is 0, p cannot make the absence; it is spared.
  const p = truth === 0 ? 1 : pOf(table, evidence.overall, design, sigma, rng);
  return decidePlace(table, evidence, { rule, p, needsControl: !needsNothing, controls: [] }).kind;
}

/** Adjusted p among a family whose other places have no effect. */
function pOf(
  { member }: PlaceTable,
  { mean, standardError, df }: Estimate,
  { units, tests }: PlannedPlaces,
  sigma: number,
  rng: Rng,
): number {
  if (units <= EXACT_UNITS) {
    const others = Array.from({ length: tests - 1 }, () => drawn(units, 0, sigma, rng).member);
    return signFlipMaxT([member, ...others], rng).adjusted[0] ?? 1;
  }
  return 1 - (1 - studentTTwoSided(mean / standardError, df)) ** tests;
}

/** A place as it would be read, were every unit's contrast the truth and noise. */
function drawn(units: number, truth: number, sigma: number, rng: Rng): PlaceTable {
  const contrasts = Array.from({ length: units }, () => truth + sigma * rng.normal());
  return {
    level: 'end',
    text: 'a place',
    member: { blocks: contrasts.map((_, unit) => unit), contrasts },
    arm: contrasts,
    other: contrasts.map(() => 0),
    isIdentical: false,
    byRate: [],
    parts: [],
    isRateCommon: true,
    units: { usable: units, all: units },
    blocks: { usable: units, all: units },
    lost: [],
    reach: 1,
  };
}
