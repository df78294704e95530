/** The power of a plan's outcomes: at spreads that are supposed, and at the one its stored runs show. */
import { analyse } from '#analysis/analyse.ts';
import type { Frame } from '#analysis/frame.ts';
import { EFFECT_DELTAS, isControlled, plannedDesign, powerAt, type PowerRow } from '#analysis/planned-power.ts';
import { MIN_BLOCKS } from '#analysis/match.ts';
import { plain } from '#analysis/number-text.ts';
import { seenSpread } from '#analysis/seen-spread.ts';
import { rngOf } from '#base/rng.ts';
import type { StudyPlan } from '#study/plan.ts';
import type { Outcome } from '#study/study.ts';

import { tableOf } from './terminal.ts';

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
  const design = plannedDesign(study, name, blocks, Math.min(study.pilot.maxRates, piloted));
  return design === undefined ? [] : [{ ...powerAt(design, sigma, rngOf(0, 'plan')), spread }];
}

/** The power as lines for a terminal. */
export function powerLines(plan: StudyPlan, powers: readonly OutcomePower[]): string[] {
  return powers.flatMap(({ outcome, delta, unit, isControlled: hasControl, rows }) => {
    const hasGap = rows.some(({ throughGap }) => throughGap !== undefined);
    const truth = plain(EFFECT_DELTAS * delta);
    const head = ['sd', '', 'no effect', 'affects', ...(hasGap ? ['through gap'] : [])];
    const truths = ['', 'if the truth is', '0', truth, ...(hasGap ? [`${truth}, none at held-out`] : [])];
    const body = rows.map(({ sigma, spread, noEffect, affects, throughGap }) => {
      const shares = [noEffect, affects, ...(hasGap ? [throughGap ?? 0] : [])];
      return [plain(sigma), spread, ...shares.map((share) => share.toFixed(2))];
    });
    return [
      `power at ${plan.blocks} blocks: the chance of each verdict on ${outcome}, delta ${plain(delta)} ${unit},`,
      "  by the standard deviation of a block's contrast at one level and one learning rate",
      ...tableOf([head, truths, ...body]).map((line) => `  ${line}`),
      ...(hasControl ? [] : ['  no positive control in this profile: the absence of an effect is never claimed']),
      ...(plan.blocks < MIN_BLOCKS ? [`  fewer than ${MIN_BLOCKS} blocks decide nothing`] : []),
    ];
  });
}
