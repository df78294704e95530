/**
 * The audit of final results: arms are compared at the end of their training, in pairs of runs with one seed, and with numbers
 * known beforehand. Nothing is matched, so no sentence of it speaks of "beyond loss" (ADR 0111).
 */
import { type AuditRequest, proposedStudy } from '#analysis/import/audit.ts';
import { finalDoubts } from '#analysis/import/final-results.ts';
import { frameFromTable } from '#analysis/import/table.ts';
import { AssayError } from '#base/errors.ts';
import type { Against, Asks, Claim } from '#study/claim.ts';
import type { Contrast, Outcome } from '#study/study.ts';

import type { AuditMap } from './audit-map.ts';
import { type Labelled, mappingOf, rowsWhere } from './audit-rows.ts';
import {
  type Audit,
  byPlace,
  chosen,
  claimsOf,
  claimsQuestion,
  labelledArms,
  named,
  namedApart,
  nameOf,
  valueClaims,
} from './audited.ts';

const EXPECTED = { detected: 'differs', notDetected: 'agrees', identical: 'identical' } as const;

/**
 * Builds the audit of a table without steps.
 * @throws AssayError on missing columns, unreadable cells, unknown arms and outcomes, two rows for one run, and settings that only trajectories have.
 */
export function finalAudit(file: string, map: AuditMap, labelled: Labelled): Audit {
  refuseLevels(map);
  refusePlaces(map);
  const imported = frameFromTable(rowsWhere(labelled.rows, map.where, file), mappingOf(map, labelled), file);
  const frame = { runs: imported.frame.runs.toSorted(byPlace) };
  const arms = [...new Set(imported.frame.runs.map(({ arm }) => arm))];
  const reference = map.reference ?? arms[0] ?? '';
  const request: AuditRequest = {
    scope: map.scope ?? `the final results of ${file}`,
    axes: [],
    outcomes: map.outcomes,
    reference,
    positiveControls: map.controls,
  };
  const { study: proposed } = proposedStudy(frame, request);
  const contrasts = map.contrasts === undefined ? proposed.contrasts : chosen(map, proposed.contrasts, arms);
  const outcomes = proposed.outcomes.map((outcome): Outcome => ({ ...outcome, ...named(map.outcomes, outcome.name) }));
  const claims = namedApart([
    ...contrasts.map(claimOf),
    ...valueClaims(map, arms, outcomes),
    ...claimsOf(map, { arms, outcomes: outcomes.map(({ name }) => name), axes: [] }),
  ]);
  const study: Audit['study'] = {
    ...proposed,
    name: map.name ?? nameOf(file),
    question: map.question ?? claimsQuestion(claims, outcomes),
    outcomes,
    arms: labelledArms(arms, map),
    contrasts: [],
    claims,
    ...(map.maps !== undefined && { maps: map.maps }),
    ...(map.blocks !== undefined && { blocks: map.blocks }),
  };
  const pairs = contrasts.filter((contrast) => contrast.kind === 'question' || contrast.expect !== 'identical');
  const covariates = map.matchOn.map(({ name, label }) => ({ name, label: label ?? name }));
  const doubts = [...imported.doubts, ...finalDoubts(frame, { pairs, outcomes, covariates })].map(({ text }) => text);
  return { frame, study, doubts: [FINAL, ...doubts, ...choiceDoubts(map, contrasts, reference)] };
}

const FINAL =
  'the table has no column of steps and is read as final results, one row a run: arms are compared as they ended, and a difference may be one of how far they were trained; if rows are probes along training, name the column of steps (--step COLUMN) and match on a loss';

function refuseLevels({ matchOn, coherence }: AuditMap): void {
  const axis = matchOn.find(({ levels, maxGap }) => levels !== undefined || maxGap !== undefined);
  if (axis !== undefined) {
    throw new AssayError(
      'usage',
      `Expected levels of "${axis.name}" for a table with a column of steps, found none: final results pass no level. Name the column (--step COLUMN), or leave --levels and --max-gap out: a loss at the end is described, not matched on.`,
    );
  }
  if (coherence === undefined) return;
  throw new AssayError(
    'usage',
    'Expected "coherence" for a table with a column of steps, found none: it leaves levels out, and final results have none.',
  );
}

function refusePlaces({ claims = [], maps = [] }: AuditMap): void {
  const other = [...claims, ...maps].find(({ at }) => at.kind !== 'end');
  if (other === undefined) return;
  throw new AssayError(
    'usage',
    `Expected claims and maps of final results at the end, found "${other.name}" at another place: the table has no column of steps. Name it (--step COLUMN), or write "at": { "kind": "end" }.`,
  );
}

/** A pair of arms as a claim about the end of training. */
function claimOf(contrast: Contrast): Claim {
  const { arm, reference } = contrast;
  const against: Against = { kind: 'arm', arm: reference };
  if (contrast.kind === 'question') {
    return { name: `${arm} vs ${reference}`, arm, against, at: { kind: 'end' }, asks: { kind: 'question' } };
  }
  const { name, expect, direction, outcomes } = contrast;
  const asks: Asks = { kind: 'control', expect: EXPECTED[expect], ...(direction !== undefined && { direction }) };
  return { name, arm, against, at: { kind: 'end' }, ...(outcomes !== undefined && { outcomes }), asks };
}

/** What follows from what the user did not say. */
function choiceDoubts(map: AuditMap, contrasts: readonly Contrast[], reference: string): string[] {
  const doubts: string[] = [];
  if (!contrasts.some((contrast) => contrast.kind === 'control' && contrast.expect === 'detected')) {
    doubts.push(
      'there is no positive control: nothing in this table shows that a difference would have been seen; name an arm that is known to differ with --control',
    );
  }
  if (map.reference === undefined && map.contrasts === undefined) {
    doubts.push(`no reference was named; the first arm of the table, "${reference}", was taken`);
  }
  return doubts;
}
