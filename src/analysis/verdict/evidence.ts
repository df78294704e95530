/** From matched tables to the evidence the decision rule reads. */
import type { ControlEvidence, Evidence, LevelEvidence, MatchingEvidence, NoEvidence } from './decide.ts';
import {
  blockContrasts,
  countedLevels,
  levelContrasts,
  overallEstimate,
  rateEstimate,
  type MatchedTable,
  type RateContrasts,
  type Unmatched,
} from '#analysis/matching/matched-table.ts';
import { estimateOf } from '#analysis/stats/estimate.ts';

/** A positive control's evidence on a matching's levels; undefined where it does not cover them. */
export type ControlLookup = (table: MatchedTable) => readonly ControlEvidence[];

/** The evidence of one matching, given its adjusted p. */
export function matchingEvidence(
  table: MatchedTable | Unmatched,
  p: number,
  controls: ControlLookup,
): MatchingEvidence | NoEvidence {
  if (table.kind === 'notEstimable') return table;
  const overall = overallEstimate(blockContrasts(table));
  if (overall === undefined) return { kind: 'notEstimable', name: table.name, reason: 'fewer than two blocks' };
  const counted = countedLevels(table);
  const levelsOf = (rate?: RateContrasts): LevelEvidence[] =>
    counted.flatMap((level) => {
      const contrasts = levelContrasts(table, level, rate);
      const estimate = estimateOf(contrasts);
      return estimate === undefined ? [] : [{ level, estimate, contrasts }];
    });
  const rates = table.rates.flatMap((rate) => {
    const ofRate = rateEstimate(table, rate);
    return ofRate === undefined ? [] : [{ side: rate.side, rate: rate.rate, overall: ofRate, levels: levelsOf(rate) }];
  });
  const pairs = table.pairs?.flatMap(({ arm, reference, ...pair }) => {
    const ofPair = rateEstimate(table, pair);
    return ofPair === undefined ? [] : [{ arm, reference, overall: ofPair }];
  });
  return {
    kind: 'estimated',
    name: table.name,
    overall,
    p,
    levels: levelsOf(),
    rates,
    ...(pairs === undefined ? {} : { pairs }),
    controls: controls(table),
    ...(table.bound === undefined ? {} : { bound: table.bound }),
  };
}

/** All matchings of one contrast and outcome; undefined where there is none or a single one says nothing. */
export function evidenceOf(
  singles: readonly (MatchedTable | Unmatched)[],
  joint: MatchedTable | Unmatched | undefined,
  pOf: (name: string) => number,
  controls: ControlLookup,
  gap?: MatchedTable | Unmatched,
): Evidence | undefined {
  const estimated = singles
    .map((table) => matchingEvidence(table, pOf(table.name), controls))
    .filter((matching) => matching.kind === 'estimated');
  if (singles.length === 0 || estimated.length < singles.length) return undefined;
  const both = joint && matchingEvidence(joint, pOf(joint.name), () => []);
  // Nothing is claimed from a test at equal gaps, only likeness.
  const ofGap = gap && matchingEvidence(gap, 1, controls);
  return { singles: estimated, ...(both ? { joint: both } : {}), ...(ofGap ? { gap: ofGap } : {}) };
}
