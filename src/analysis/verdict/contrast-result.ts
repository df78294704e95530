/**
 * The contrasts of a study worked out once: every declared pair and outcome matched, and the sign-flip p values of the
 * family. Controls are tested alone; the family is the declared questions x confirmatory outcomes x matchings.
 */
import type { Rng } from '#base/rng.ts';
import type { Contrast, Outcome, Study } from '#study/study.ts';
import { matchPair } from '#analysis/matching/match.ts';
import { blockContrasts, overallEstimate, type MatchedTable } from '#analysis/matching/matched-table.ts';
import { pairOf, type CurveIndex, type Pair } from '#analysis/matching/pair.ts';
import { countedIn, type Clusters, type CountedMatched } from './clusters.ts';
import { signFlipMaxT, type FlipMember } from '#analysis/stats/sign-flip.ts';

/** One contrast and outcome, matched. */
export interface ContrastResult {
  readonly contrast: Contrast;
  readonly outcome: Outcome;
  readonly pair: Pair;
  /** One row a block, or a cluster of blocks. */
  readonly matched: CountedMatched;
}

/** Matches a contrast on an outcome. */
export function contrastResult(
  index: CurveIndex,
  study: Pick<Study, 'matchOn' | 'coherence'>,
  contrast: Contrast,
  outcome: Outcome,
  clusters?: Clusters,
): ContrastResult {
  const pair = pairOf(index, contrast.arm, contrast.reference);
  return { contrast, outcome, pair, matched: countedIn(matchPair(pair, study, outcome.name), pair, clusters) };
}

/** Estimable tables of a result, the joint one included. */
export function testableTables(result: ContrastResult): MatchedTable[] {
  const tables = [...result.matched.singles, ...(result.matched.joint ? [result.matched.joint] : [])];
  return tables
    .filter((table) => table.kind === 'matched')
    .filter((table) => overallEstimate(blockContrasts(table)) !== undefined);
}

/** p of every table of a family of results: maxT-adjusted, and alone. */
export interface FamilyP {
  readonly adjusted: ReadonlyMap<MatchedTable, number>;
  readonly single: ReadonlyMap<MatchedTable, number>;
  /** Adjusted, of what else belongs to the family: claims. */
  readonly others: ReadonlyMap<FlipMember, number>;
}

/** Sign-flip p values of a family, joint over results, outcomes and matchings, and over the levels of claims. */
export function familyP(results: readonly ContrastResult[], rng: Rng, others: readonly FlipMember[] = []): FamilyP {
  const tables = results.flatMap(testableTables);
  const members: FlipMember[] = [...tables.map((table) => blockContrasts(table)), ...others];
  const { adjusted, single } = members.length === 0 ? { adjusted: [], single: [] } : signFlipMaxT(members, rng);
  const byTable = (ps: readonly number[]): Map<MatchedTable, number> =>
    new Map(tables.map((table, i) => [table, ps[i] ?? 1]));
  return {
    adjusted: byTable(adjusted),
    single: byTable(single),
    others: new Map(others.map((member, i) => [member, adjusted[tables.length + i] ?? 1])),
  };
}

/** The p of a table found by name among a result's matchings; 1 where it says nothing. */
export function pByName(result: ContrastResult, ps: ReadonlyMap<MatchedTable, number>): (name: string) => number {
  const tables = testableTables(result);
  return (name) => {
    const table = tables.find((one) => one.name === name);
    return (table && ps.get(table)) ?? 1;
  };
}
