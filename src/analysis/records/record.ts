/** From matched tables and evidence to the plain records that the command line prints and the report draws. */
import type { Evidence } from '#analysis/verdict/decide.ts';
import {
  blockContrasts,
  bracketedEstimate,
  overallEstimate,
  type Matched,
  type MatchedTable,
  type Unmatched,
} from '#analysis/matching/matched-table.ts';
import type { Pair, Rate } from '#analysis/matching/pair.ts';
import { intervalOf } from '#analysis/stats/estimate.ts';
import type { LevelEstimate, MatchingResult, VerdictRecord } from './verdict-record.ts';

/** All matchings of a pair and outcome as records, by name; the one on the gap where `isGapNamed`. */
export function matchingResults(
  matched: Matched,
  pOf: (name: string) => number,
  isGapNamed = false,
): Record<string, MatchingResult> {
  const { singles, joint, gap } = matched;
  const tables = [...singles, ...(joint ? [joint] : []), ...(gap && isGapNamed ? [gap] : [])];
  return Object.fromEntries(tables.map((table) => [table.name, matchingResult(table, pOf(table.name))]));
}

function matchingResult(table: MatchedTable | Unmatched, p: number): MatchingResult {
  if (table.kind === 'notEstimable') return { kind: 'notEstimable', reason: table.reason };
  const member = blockContrasts(table);
  const overall = overallEstimate(member);
  if (overall === undefined) return { kind: 'notEstimable', reason: 'fewer than two blocks' };
  return {
    kind: 'estimated',
    estimate: overall.mean,
    ci95: intervalOf(overall, 0.95),
    p,
    blocks: overall.count,
    blockContrasts: member.blocks.map((block, i) => ({ block, contrast: member.contrasts[i] ?? 0 })),
    levels: table.levels.flatMap((_, l) => levelRecord(table, l)),
    ...(table.bound === undefined ? {} : { bound: table.bound }),
  };
}

function levelRecord(table: MatchedTable, l: number): LevelEstimate[] {
  const estimate = bracketedEstimate(table, l);
  const level = table.levels[l];
  if (estimate === undefined || level === undefined) return [];
  const excluded = table.excluded[l];
  return [
    {
      level,
      blocks: estimate.count,
      armMean: sideMean(table, table.arm, l),
      referenceMean: sideMean(table, table.reference, l),
      estimate: estimate.mean,
      ci95: intervalOf(estimate, 0.95),
      ci90: intervalOf(estimate, 0.9),
      ...(excluded === undefined ? {} : { excluded }),
    },
  ];
}

function sideMean(table: MatchedTable, side: Float64Array, level: number): number {
  let [sum, used] = [0, 0];
  for (let b = 0; b < table.blocks.length; b++) {
    const at = b * table.levels.length + level;
    if (table.bracketed[at] === 0) continue;
    sum += side[at] ?? 0;
    used++;
  }
  return sum / used;
}

/** The learning rates of both arms, as far as the frame gives them. */
export function learningRatesOf(arm: string, reference: string, pair: Pair): VerdictRecord['learningRates'] {
  const known = (rates: readonly Rate[]): number[] => rates.filter((rate) => rate !== undefined);
  return [
    { arm, rates: known(pair.armRates) },
    { arm: reference, rates: known(pair.referenceRates) },
  ];
}

/** The larger p over the matchings a verdict claims; null where there is no evidence. */
export function claimedP(evidence: Evidence | undefined, claims: readonly string[]): number | null {
  if (evidence === undefined) return null;
  const matchings = [...evidence.singles, ...(evidence.joint?.kind === 'estimated' ? [evidence.joint] : [])];
  const claimed = matchings.filter((matching) => claims.includes(matching.name));
  return claimed.length === 0 ? null : Math.max(...claimed.map((matching) => matching.p));
}
