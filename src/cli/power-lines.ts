/** The power of a plan, as lines for a terminal. */
import { MIN_BLOCKS } from '#analysis/matching/match.ts';
import { EFFECT_DELTAS } from '#analysis/power/planned-power.ts';
import { inUnit, plain } from '#analysis/words/number-text.ts';
import type { OutcomeClaimPower, OutcomePower } from '#desk/plan-power.ts';
import { clusterCount, clustersText } from '#study/clusters.ts';
import type { StudyPlan } from '#study/plan.ts';

import { tableOf } from './terminal.ts';

/** One table an outcome, and a line for what it does not speak of. */
export function powerLines(
  plan: StudyPlan,
  powers: readonly OutcomePower[],
  claims: readonly OutcomeClaimPower[],
): string[] {
  return [
    ...powers.flatMap((power) => tableLines(plan, power)),
    ...claims.flatMap((power) => claimLines(plan, power)),
    ...unaskedLines(plan),
  ];
}

function claimLines(plan: StudyPlan, power: OutcomeClaimPower): string[] {
  const { outcome, delta, unit, places, tests, uncontrolled, rows } = power;
  const body = rows.map(({ sigma, spread, agrees, differs }) => [
    plain(sigma),
    spread,
    ...[agrees, differs].map((share) => share.toFixed(2)),
  ]);
  const truths = ['', 'if the truth is', '0', plain(EFFECT_DELTAS * delta)];
  return [
    `power of claims at ${sizeOf(plan)}: the chance of each verdict on ${outcome} at one of ${clustersText('place', places)}, delta ${inUnit(plain(delta), unit)},`,
    `  by the standard deviation of a block's contrast at that place; the study tests ${clustersText('difference', tests)}`,
    ...tableOf([['sd', '', 'agrees', 'differs'], truths, ...body]).map((line) => `  ${line}`),
    ...(uncontrolled.length === 0
      ? []
      : [
          `  no positive control between arms at the places of ${uncontrolled.map((name) => `"${name}"`).join(', ')}: agreement is never claimed there`,
        ]),
    ...jumpLines(plan, power),
    ...(unitsOf(plan) < MIN_BLOCKS ? [`  fewer than ${MIN_BLOCKS} ${labelOf(plan)}s decide nothing`] : []),
  ];
}

/** Why agreement is out of reach, whatever the spread. */
function jumpLines(plan: StudyPlan, { outcome, unit, jumps }: OutcomeClaimPower): string[] {
  if (jumps === undefined) return [];
  if (!Number.isFinite(jumps.size)) {
    return [
      `  nothing bounds how far ${outcome} can jump: agreement is never claimed until the study declares its "jumps"`,
    ];
  }
  const size = inUnit(plain(jumps.size), unit);
  return [
    `  jumps of ${size} are held possible: agreement takes ${jumps.leastUnits} ${labelOf(plan)}s without one, or a declaration ("jumps")`,
  ];
}

/** A plan of which no verdict can come. */
function unaskedLines({ study, profile }: StudyPlan): string[] {
  if (study.contrasts.length + (study.claims?.length ?? 0) > 0) return [];
  return [`nothing is asked in profile "${profile}": runs are only measured, and no verdict comes of them`];
}

function tableLines(plan: StudyPlan, power: OutcomePower): string[] {
  const { outcome, delta, unit, isControlled: hasControl, areRatesCrossed, rows } = power;
  const hasHeldOut = rows.some(({ explainedByHeldOut }) => explainedByHeldOut !== undefined);
  const truth = plain(EFFECT_DELTAS * delta);
  const head = ['sd', '', 'no effect', 'affects', ...(hasHeldOut ? ['explained'] : [])];
  const truths = ['', 'if the truth is', '0', truth, ...(hasHeldOut ? [`${truth}, none at held-out`] : [])];
  const body = rows.map(({ sigma, spread, noEffect, affects, explainedByHeldOut }) => {
    const shares = [noEffect, affects, ...(hasHeldOut ? [explainedByHeldOut ?? 0] : [])];
    return [plain(sigma), spread, ...shares.map((share) => share.toFixed(2))];
  });
  return [
    `power at ${sizeOf(plan)}: the chance of each verdict on ${outcome}, delta ${inUnit(plain(delta), unit)},`,
    "  by the standard deviation of a block's contrast at one level and one learning rate",
    ...tableOf([head, truths, ...body]).map((line) => `  ${line}`),
    ...(areRatesCrossed ? ['  arms pilot different learning rates: an effect has to show in every pair of them'] : []),
    ...(hasControl ? [] : ['  no positive control in this profile: the absence of an effect is never claimed']),
    ...(unitsOf(plan) < MIN_BLOCKS ? [`  fewer than ${MIN_BLOCKS} ${labelOf(plan)}s decide nothing`] : []),
  ];
}

/** How many blocks, or clusters of them, a plan's verdicts rest on. */
function unitsOf({ study, blocks }: StudyPlan): number {
  return study.blocks === undefined ? blocks : clusterCount(study.blocks.cluster, blocks);
}

function labelOf({ study }: StudyPlan): string {
  return study.blocks?.cluster.label ?? 'block';
}

/** "8 blocks", or "16 blocks over 8 domains". */
function sizeOf(plan: StudyPlan): string {
  const blocks = clustersText('block', plan.blocks);
  return plan.study.blocks === undefined ? blocks : `${blocks} over ${clustersText(labelOf(plan), unitsOf(plan))}`;
}
