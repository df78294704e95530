/** The `--json` line: a contract with scripts. Adding a field is a change of `schemaVersion`. */
import type { ClaimLevel, ClaimRecord, MapRecord } from '#analysis/records/claim-record.ts';
import type { LevelEstimate, MatchingResult, VerdictRecord } from '#analysis/records/verdict-record.ts';
import { canonicalJson } from '#base/json.ts';
import type { RunSummary } from '#runner/run-study.ts';

import type { Answer } from '#desk/answer.ts';

const SCHEMA_VERSION = 4;

/** What the line says. */
export interface Result {
  readonly study: string;
  readonly profile: string;
  readonly summary: RunSummary;
  readonly seconds: number;
  readonly answer: Answer;
}

/** The result as one line of JSON, keys in the contract's order. */
export function resultLine({ study, profile, summary, seconds, answer }: Result): string {
  const { finished, diverged, failures } = summary;
  const line = {
    schemaVersion: SCHEMA_VERSION,
    study,
    profile,
    runs: { finished, diverged, failed: failures.length },
    seconds: Math.round(seconds * 1000) / 1000,
    ...(answer.look === undefined ? {} : { look: answer.look }),
    controls: answer.controls.map(({ name, passed, detail }) => ({ name, passed, detail })),
    verdicts: answer.verdicts.map(verdictOf),
    claims: (answer.claims ?? []).map(claimOf),
    maps: (answer.maps ?? []).map(mapOf),
    report: answer.report,
  };
  // Refuses NaN and infinities, which JSON.stringify would turn into null.
  canonicalJson(line);
  return JSON.stringify(line);
}

function verdictOf(record: VerdictRecord): object {
  const { outcome, contrast, arm, reference, verdict, decidedAt, explainedBy, reason, whyKind } = record;
  const { delta, alpha, absenceAlpha, blocks, clusters, p, learningRates } = record;
  const matchings = Object.fromEntries(
    Object.entries(record.matchings).map(([name, matching]) => [name, matchingOf(matching)]),
  );
  const named = { outcome, contrast, arm, reference, verdict, ...(explainedBy === undefined ? {} : { explainedBy }) };
  return {
    ...named,
    ...(decidedAt === undefined ? {} : { decidedAt }),
    reason,
    ...(whyKind === undefined ? {} : { whyKind }),
    delta,
    alpha,
    absenceAlpha,
    blocks,
    ...(clusters === undefined ? {} : { clusters }),
    p,
    matchings,
    learningRates,
  };
}

function matchingOf(matching: MatchingResult): object {
  if (matching.kind === 'notEstimable') return { estimate: null, ci95: null, levels: [], reason: matching.reason };
  const { estimate, ci95, levels } = matching;
  return { estimate, ci95, levels: levels.map(levelOf) };
}

function levelOf({ level, blocks, armMean, referenceMean, estimate, ci95, excluded }: LevelEstimate): object {
  return { level, blocks, armMean, referenceMean, estimate, ci95, ...(excluded === undefined ? {} : { excluded }) };
}

function claimOf(record: ClaimRecord): object {
  const { claim, outcome, arm, against, at, asks, reason, delta, alpha, absenceAlpha, clusters, levels, voided } =
    record;
  return {
    claim,
    outcome,
    arm,
    against,
    at,
    asks,
    reason,
    delta,
    alpha,
    absenceAlpha,
    ...(clusters === undefined ? {} : { clusters }),
    levels: levels.map(placeOf),
    voided,
  };
}

function placeOf(found: ClaimLevel): object {
  const { level, verdict, decidedAt, units, armMean, otherMean, estimate, ci95, ci90, p, contrasts } = found;
  const { whyKind, why } = found;
  const at = decidedAt === undefined ? {} : { decidedAt };
  const open = { ...(whyKind === undefined ? {} : { whyKind }), ...(why === undefined ? {} : { why }) };
  return { level, verdict, ...at, ...open, units, armMean, otherMean, estimate, ci95, ci90, p, contrasts };
}

function mapOf({ name, label, x, y, outcome, place, cells }: MapRecord): object {
  return { name, label, outcome, place, x, y, cells };
}
