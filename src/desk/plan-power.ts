/** The power of a plan's outcomes: at spreads that are supposed, and at the one its stored runs show. */
import { analyse } from '#analysis/analyse.ts';
import type { Frame } from '#analysis/frame.ts';
import {
  isControlled,
  type PlannedDesign,
  plannedDesign,
  powerAt,
  type PowerRow,
} from '#analysis/power/planned-power.ts';
import { claimPowerAt, type ClaimPowerRow, plannedPlaces } from '#analysis/power/claim-power.ts';
import { seenSpread } from '#analysis/power/seen-spread.ts';
import { rngOf } from '#base/rng.ts';
import type { StudyPlan } from '#study/plan.ts';
import type { Outcome } from '#study/study.ts';

/** Supposed standard deviations of a block's contrast, in deltas. */
const SUPPOSED: readonly { readonly share: number; readonly name: string }[] = [
  { share: 1 / 2, name: 'delta / 2' },
  { share: 2 / 3, name: '2/3 delta' },
  { share: 1, name: 'delta' },
];

/** One outcome's power. */
export interface OutcomePower {
  readonly outcome: string;
  readonly delta: number;
  readonly unit: string;
  /** Whether a positive control speaks of it: without one, neither "no effect" nor "explained by" is ever claimed. */
  readonly isControlled: boolean;
  /** Whether arms that are compared may run different learning rates, and are compared in every pair of them. */
  readonly areRatesCrossed: boolean;
  readonly rows: readonly (PowerRow & { readonly spread: string })[];
}

/** The power of one outcome's claims, at each of their places. */
export interface OutcomeClaimPower {
  readonly outcome: string;
  readonly delta: number;
  readonly unit: string;
  /** Places of the outcome's claims, and differences that the whole study tests. */
  readonly places: number;
  readonly tests: number;
  /** Whether agreement can be claimed anywhere: between arms it takes a positive control. */
  readonly isControlled: boolean;
  /** Claims between arms without a positive control at their place. */
  readonly uncontrolled: readonly string[];
  /** Absent where jumps stand in nobody's way. */
  readonly jumps?: { readonly size: number; readonly leastUnits: number };
  readonly rows: readonly (ClaimPowerRow & { readonly spread: string })[];
}

/** Runs of the study that show its spread, and what they are. */
export interface SeenRuns {
  readonly frame: Frame;
  readonly what: string;
}

/** The power of every confirmatory outcome, for contrasts; none where the plan has no contrast. */
export function powerOf(plan: StudyPlan, seen: SeenRuns | undefined): OutcomePower[] {
  if (plan.study.contrasts.length === 0) return [];
  const confirmatory = plan.study.outcomes.filter(({ role }) => role === 'confirmatory');
  const verdicts = seen === undefined ? [] : analyse(plan.study, seen.frame, { verdictsOnly: true }).verdicts;
  return confirmatory.map((outcome) => {
    const spread = seenSpread(verdicts.filter((verdict) => verdict.outcome === outcome.name));
    const supposed = SUPPOSED.map(({ share, name }) => ({ sigma: share * outcome.delta, spread: name }));
    const found =
      spread === undefined || seen === undefined ? [] : [{ sigma: spread.sigma, spread: `seen: ${seen.what}` }];
    const design = designOf(plan, outcome);
    const rows = [...supposed, ...found].flatMap(({ sigma, spread: name }) =>
      design === undefined ? [] : [{ ...powerAt(design, sigma, rngOf(0, 'plan')), spread: name }],
    );
    const { name, delta, unit } = outcome;
    const areRatesCrossed = design !== undefined && design.rates > 1 && !design.areRatesShared;
    return { outcome: name, delta, unit, isControlled: isControlled(plan.study, name), areRatesCrossed, rows };
  });
}

/** The power of every outcome that claims ask of, at supposed spreads. */
export function claimPowerOf({ study, blocks }: StudyPlan): OutcomeClaimPower[] {
  return study.outcomes.flatMap(({ name, delta, unit }) => {
    const design = plannedPlaces(study, name, blocks);
    if (design === undefined) return [];
    const { places, tests, isControlled: hasControl, uncontrolled, leastUnits, units, jump } = design;
    const rows = SUPPOSED.map(({ share, name: spread }) => ({
      ...claimPowerAt(design, share * delta, rngOf(0, 'plan claims')),
      spread,
    }));
    const jumps = leastUnits > units ? { jumps: { size: jump, leastUnits } } : {};
    return [{ outcome: name, delta, unit, places, tests, isControlled: hasControl, uncontrolled, ...jumps, rows }];
  });
}

function designOf({ study, blocks }: StudyPlan, { name }: Outcome): PlannedDesign | undefined {
  const piloted = Math.max(1, ...study.arms.map(({ learningRates }) => learningRates.length));
  return plannedDesign(study, name, blocks, Math.min(study.pilot?.maxRates ?? piloted, piloted));
}
