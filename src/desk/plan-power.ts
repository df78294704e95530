/** The power of a plan's outcomes: at spreads that are supposed, and at the one its stored runs show. */
import { analyse } from '#analysis/analyse.ts';
import type { Frame } from '#analysis/frame.ts';
import { isControlled, plannedDesign, powerAt, type PowerRow } from '#analysis/power/planned-power.ts';
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
  /** Whether a positive control speaks of it: without one, neither "no effect" nor "through gap" is ever claimed. */
  readonly isControlled: boolean;
  readonly rows: readonly (PowerRow & { readonly spread: string })[];
}

/** Runs of the study that show its spread, and what they are. */
export interface SeenRuns {
  readonly frame: Frame;
  readonly what: string;
}

/** The power of every confirmatory outcome. */
export function powerOf(plan: StudyPlan, seen: SeenRuns | undefined): OutcomePower[] {
  const confirmatory = plan.study.outcomes.filter(({ role }) => role === 'confirmatory');
  const verdicts = seen === undefined ? [] : analyse(plan.study, seen.frame, { verdictsOnly: true }).verdicts;
  return confirmatory.map((outcome) => {
    const spread = seenSpread(verdicts.filter((verdict) => verdict.outcome === outcome.name));
    const supposed = SUPPOSED.map(({ share, name }) => ({ sigma: share * outcome.delta, spread: name }));
    const found =
      spread === undefined || seen === undefined ? [] : [{ sigma: spread.sigma, spread: `seen: ${seen.what}` }];
    const rows = [...supposed, ...found].flatMap(({ sigma, spread: name }) => rowOf(plan, outcome, sigma, name));
    const { name, delta, unit } = outcome;
    return { outcome: name, delta, unit, isControlled: isControlled(plan.study, name), rows };
  });
}

function rowOf(plan: StudyPlan, { name }: Outcome, sigma: number, spread: string): OutcomePower['rows'] {
  const { study, blocks } = plan;
  const piloted = Math.max(1, ...study.arms.map(({ learningRates }) => learningRates.length));
  const design = plannedDesign(study, name, blocks, Math.min(study.pilot?.maxRates ?? piloted, piloted));
  return design === undefined ? [] : [{ ...powerAt(design, sigma, rngOf(0, 'plan')), spread }];
}
