/** Which verdict a reader should meet first. */
import type { MatchingResult, VerdictKind, VerdictRecord } from '#analysis/records/verdict-record.ts';

import { orderedMatchings } from './wording.ts';

/** What was found comes before what was not. */
export const IMPORTANCE: readonly VerdictKind[] = ['affects', 'explainedBy', 'noEffect', 'undecided'];

/** Verdicts in the order of their weight: by kind, then large effects (in deltas) before small ones. */
export function byImportance(verdicts: readonly VerdictRecord[]): readonly VerdictRecord[] {
  const size = (verdict: VerdictRecord): number => Math.abs(firstEstimate(verdict)?.estimate ?? 0) / verdict.delta;
  return verdicts.toSorted(
    (a, b) => IMPORTANCE.indexOf(a.verdict) - IMPORTANCE.indexOf(b.verdict) || size(b) - size(a),
  );
}

/** The first matching in reading order that has an estimate. */
export function firstEstimate(verdict: VerdictRecord): Extract<MatchingResult, { kind: 'estimated' }> | undefined {
  const estimated = orderedMatchings(verdict.matchings).flatMap(([, result]) =>
    result.kind === 'estimated' ? [result] : [],
  );
  return estimated[0];
}
