/**
 * What earlier looks decided, found again: a look is analysed anew on the blocks it saw, with the alpha it had, so the same
 * runs give the same decision and nothing beside them has to be kept. A decision stands where today's look alone does not
 * decide and today's numbers do not speak against it (docs/method.md, "Alpha, and looking again"; ADR 0194).
 */
import type { Frame } from '#analysis/frame.ts';
import type { Analysis } from '#analysis/records/analysis-record.ts';
import type { ClaimLevel, ClaimRecord } from '#analysis/records/claim-record.ts';
import type { DecidedAt, MatchingResult, VerdictRecord } from '#analysis/records/verdict-record.ts';
import type { PreviousLook } from './alpha-spending.ts';

/** A look taken before, with the blocks it saw: without them its decisions cannot be found again. */
export interface TakenLook extends PreviousLook {
  readonly seen?: readonly number[];
}

/** A place of a claim that an earlier look decided. */
export interface DecidedLevel {
  readonly at: DecidedAt;
  readonly level: ClaimLevel;
  /** The whole claim as that look read it. */
  readonly claim: ClaimRecord;
}

/** The latest decisions of earlier looks, each by that look's own data and alpha; undefined where none decided. */
export interface EarlierDecisions {
  readonly verdictOf: (
    asked: Pick<VerdictRecord, 'contrast' | 'outcome'>,
  ) => { readonly at: DecidedAt; readonly record: VerdictRecord } | undefined;
  readonly levelOf: (
    asked: Pick<ClaimRecord, 'claim' | 'outcome'>,
    level: ClaimLevel['level'],
  ) => DecidedLevel | undefined;
}

interface ReadLook {
  readonly at: DecidedAt;
  readonly analysis: Analysis;
}

/**
 * Finds what looks decided whose blocks the frame has, all of them and more besides.
 * @param analysed A look's analysis, by its blocks' runs and by the looks up to and including itself.
 */
export function earlierDecisions(
  frame: Frame,
  looks: readonly TakenLook[],
  analysed: (frame: Frame, looks: readonly TakenLook[]) => Analysis,
): EarlierDecisions {
  let found: readonly ReadLook[] | undefined;
  const latestFirst = (): readonly ReadLook[] => (found ??= looksWithin(frame, looks, analysed).toReversed());
  return {
    verdictOf: ({ contrast, outcome }) =>
      firstOf(latestFirst(), ({ at, analysis }) => {
        const isAsked = (one: VerdictRecord): boolean => one.contrast === contrast && one.outcome === outcome;
        const record = analysis.verdicts.find(isAsked);
        return record === undefined || record.verdict === 'undecided' ? undefined : { at, record };
      }),
    levelOf: (asked, value) =>
      firstOf(latestFirst(), ({ at, analysis }) => {
        const claim = analysis.claims?.find((one) => one.claim === asked.claim && one.outcome === asked.outcome);
        const level = claim?.levels.find((one) => String(one.level) === String(value));
        if (claim === undefined || level === undefined || level.verdict === 'undecided') return undefined;
        return { at, level, claim };
      }),
  };
}

function looksWithin(
  frame: Frame,
  looks: readonly TakenLook[],
  analysed: (frame: Frame, looks: readonly TakenLook[]) => Analysis,
): ReadLook[] {
  const all = new Set(frame.runs.map(({ block }) => block));
  return looks.flatMap(({ blocks, alpha, seen = [] }, i) => {
    const own = new Set(seen);
    if (own.size !== blocks || own.size >= all.size || !own.isSubsetOf(all)) return [];
    const runs = frame.runs.filter(({ block }) => own.has(block));
    return [{ at: { look: i + 1, blocks, alpha }, analysis: analysed({ runs }, looks.slice(0, i + 1)) }];
  });
}

function firstOf<In, Out>(values: readonly In[], of: (value: In) => Out | undefined): Out | undefined {
  for (const value of values) {
    const found = of(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Whether today's numbers leave a verdict standing: every matching that it rested on is estimated, an effect keeps its side,
 * and where the arms were alike every estimate, of the levels that counted too, is still below delta.
 */
export function verdictStands(then: VerdictRecord, today: VerdictRecord['matchings']): boolean {
  return Object.entries(then.matchings).every(([name, was]) => {
    const is = today[name];
    if (!isEstimated(was)) return true;
    if (!isEstimated(is)) return false;
    return isAlike(then, name) ? isBelow(then.delta, name, was, is) : keepsSide(was, is);
  });
}

/** Whether a verdict of now is another than an earlier one, be it an effect on the other side. */
export function decidesOtherwise(
  then: VerdictRecord,
  now: Pick<VerdictRecord, 'verdict' | 'explainedBy' | 'matchings'>,
): boolean {
  if (then.verdict !== now.verdict || then.explainedBy !== now.explainedBy) return true;
  return Object.entries(then.matchings).some(([name, was]) => {
    const is = now.matchings[name];
    return isEstimated(was) && isEstimated(is) && !isAlike(then, name) && !keepsSide(was, is);
  });
}

/** The larger p of now over the matchings that a verdict of then claims: where they explain a difference, not those at which there is none. */
export function claimedPNow(then: VerdictRecord, today: VerdictRecord['matchings']): number | null {
  const isClaimed = (name: string): boolean => (then.verdict === 'noEffect' ? name !== 'joint' : !isAlike(then, name));
  const ps = Object.entries(today).flatMap(([name, is]) => (isEstimated(is) && isClaimed(name) ? [is.p] : []));
  return ps.length === 0 ? null : Math.max(...ps);
}

type Estimated = Extract<MatchingResult, { kind: 'estimated' }>;

function isEstimated(result: MatchingResult | undefined): result is Estimated {
  return result?.kind === 'estimated';
}

/** Whether a verdict says of a matching that the arms are alike there. */
function isAlike({ verdict, explainedBy }: VerdictRecord, name: string): boolean {
  return verdict === 'noEffect' || (verdict === 'explainedBy' && (name === explainedBy || name === 'joint'));
}

function keepsSide(was: Estimated, is: Estimated): boolean {
  return Math.sign(is.estimate) === Math.sign(was.estimate);
}

/** Absence is claimed at every level that counted; of the joint matching, of its mean alone. */
function isBelow(delta: number, name: string, was: Estimated, is: Estimated): boolean {
  const counted = new Set(was.levels.flatMap(({ level, excluded }) => (excluded === undefined ? [String(level)] : [])));
  const levels = name === 'joint' ? [] : is.levels.filter(({ level }) => counted.has(String(level)));
  return [is, ...levels].every(({ estimate }) => Math.abs(estimate) < delta);
}

/** Whether today's numbers leave a place's verdict standing: a difference keeps its side, agreement stays below delta. */
export function levelStands(
  { level, claim: { delta } }: Pick<DecidedLevel, 'level' | 'claim'>,
  today: { readonly mean: number | undefined; readonly isIdentical: boolean },
): boolean {
  if (today.mean === undefined) return false;
  switch (level.verdict) {
    case 'differs':
      return Math.sign(today.mean) === Math.sign(level.estimate ?? 0);
    case 'agrees':
      return Math.abs(today.mean) < delta;
    case 'identical':
      return today.isIdentical;
    case 'undecided':
      return false;
    default:
      return level.verdict satisfies never;
  }
}

/** Whether a place's verdict of now is another than an earlier one, be it a difference on the other side. */
export function levelDecidesOtherwise(
  { level: then }: Pick<DecidedLevel, 'level'>,
  now: { readonly verdict: ClaimLevel['verdict']; readonly mean: number | undefined },
): boolean {
  if (then.verdict !== now.verdict) return true;
  return now.verdict === 'differs' && Math.sign(now.mean ?? 0) !== Math.sign(then.estimate ?? 0);
}
