/** A study's claims worked out: questions and controls apart, with what they add to the study's family and to its controls. */
import type { Rng } from '#base/rng.ts';
import { armsOfClaim, type Claim } from '#study/claim.ts';
import type { Axis } from '#study/study.ts';
import type { ClaimRecord } from '#analysis/records/claim-record.ts';
import type { ControlRecord } from '#analysis/records/verdict-record.ts';
import { FIXED_ALPHA } from '#analysis/verdict/alpha-spending.ts';
import { unsettled } from '#analysis/verdict/controls.ts';
import type { ControlLookup } from '#analysis/verdict/evidence.ts';
import { judgeClaimControl, singleP } from './claim-controls.ts';
import { claimAbsences, claimMembers, claimRecord, type ClaimSetting } from './judge-claims.ts';
import { claimOutcomes, claimResult, type ClaimResult, type Claiming, type PlaceTable } from './place-table.ts';
import { seenControls } from './seen-controls.ts';
import type { FlipMember } from '#analysis/stats/sign-flip.ts';

/** All claims of a study on all their outcomes. */
export interface StudyClaims {
  readonly results: readonly ClaimResult[];
  /** What they add to the study's family of tests. */
  readonly members: readonly FlipMember[];
  readonly controls: readonly ControlRecord[];
  /** Why a claim's arms have no runs; undefined where they have. */
  readonly whyNotRun: (claim: Claim) => string | undefined;
  /** Sign flips of controls' own. */
  readonly rng: Rng;
}

/** Works out every claim; `whyMissing` may know more of an arm than that it has no runs. */
export function studyClaims(
  claims: readonly Claim[],
  claiming: Claiming,
  whyMissing: ((arm: string) => string | undefined) | undefined,
  rng: Rng,
): StudyClaims {
  const whyNotRun = (claim: Claim): string | undefined => {
    const missing = armsOfClaim(claim).filter((arm) => !claiming.index.has(arm));
    if (missing.length === 0) return undefined;
    return missing.map((arm) => whyMissing?.(arm) ?? `there are no finished runs of "${arm}"`).join('; ');
  };
  const results = claims.flatMap((claim) =>
    claimOutcomes(claim, claiming.study.outcomes).map((outcome) => claimResult(claiming, claim, outcome)),
  );
  const controls = claims.flatMap((claim) => {
    if (claim.asks.kind !== 'control') return [];
    const reason = whyNotRun(claim);
    const own = results.filter((result) => result.claim === claim);
    return [reason === undefined ? judgeClaimControl(claim.name, own, rng) : unsettled(claim.name, reason)];
  });
  return { results, members: claimMembers(questionsOf(results)), controls, whyNotRun, rng };
}

function questionsOf(results: readonly ClaimResult[]): ClaimResult[] {
  return results.filter(({ claim }) => claim.asks.kind === 'question');
}

/** The p of each absence that questions may claim; a part of the study's family of absences. */
export function absencesOf({ results }: StudyClaims): number[] {
  return claimAbsences(questionsOf(results), FIXED_ALPHA);
}

/** What the study knows that claims are judged by. */
export type SpokenClaims = Omit<ClaimSetting, 'p' | 'seen' | 'whyNotRun'>;

/** The records of all claims, in the study's order. */
export function claimRecords(
  { results, whyNotRun, rng }: StudyClaims,
  setting: SpokenClaims,
  family: ReadonlyMap<FlipMember, number>,
  ofContrasts: (outcome: string) => ControlLookup,
  matchOn: readonly Axis[],
): ClaimRecord[] {
  const controls = results.filter(({ claim }) => claim.asks.kind === 'control');
  const seen = seenControls(controls, ofContrasts, matchOn, rng.split('seen'));
  const alone = new Map<FlipMember, PlaceTable>(
    controls.flatMap(({ tables }) => tables.map((table) => [table.member, table] as const)),
  );
  const p = (member: FlipMember): number => {
    const table = alone.get(member);
    return table === undefined ? (family.get(member) ?? 1) : singleP(table, rng);
  };
  return results.map((result) => claimRecord(result, { ...setting, p, seen, whyNotRun }));
}
