/** From a table's rows and a map to the frame and the study that the analysis reads, with every doubt about them. */
import type { AnalysedStudy } from '#analysis/analyse.ts';
import type { Frame, FrameRun } from '#analysis/frame.ts';
import { type AuditRequest, proposedStudy } from '#analysis/import/audit.ts';
import { doubtsAbout } from '#analysis/import/doubts.ts';
import { atMeasuredProbes } from '#analysis/import/measured-probes.ts';
import { matchedText, midSentence } from '#analysis/words/naming.ts';
import { frameFromTable } from '#analysis/import/table.ts';
import { AssayError } from '#base/errors.ts';
import type { Axis, Contrast, Outcome } from '#study/study.ts';

import type { AuditMap } from './audit-map.ts';
import { isFinal, labelledRows, mappingOf, rowsWhere, stepColumns } from './audit-rows.ts';
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
import type { AuditSource } from './audit-sources.ts';
import { finalAudit } from './final-study.ts';

/**
 * Builds the audit of a source.
 * @param extra Runs the table cannot show, such as those that broke before their first probe.
 * @throws AssayError on missing columns, unreadable cells, unknown arms, and where nothing is asked.
 */
export function auditOf(source: AuditSource, map: AuditMap, extra: readonly FrameRun[]): Audit {
  const file = source.name;
  if (map.outcomes.length === 0) {
    throw new AssayError('usage', 'Expected an outcome, found none. Give --outcome COLUMN=DELTA.');
  }
  const labelled = labelledRows(source, map);
  if (isFinal(map, labelled)) return finalAudit(file, map, labelled);
  refuseNothing(map);
  const imported = frameFromTable(rowsWhere(labelled.rows, map.where, file), mappingOf(map, labelled), file);
  const whole = { runs: [...imported.frame.runs, ...missingFrom(imported.frame, extra)].toSorted(byPlace) };
  // Exports of ours have outcomes wherever a level is crossed.
  const measured =
    map.origin === 'plan' ? { frame: whole, doubts: [] } : atMeasuredProbes(whole, map.matchOn, stepColumns(labelled));
  const { frame } = measured;
  const arms = [...new Set(imported.frame.runs.map(({ arm }) => arm))];
  const reference = map.reference ?? arms[0] ?? '';
  const scope = map.scope ?? `the runs of ${file}`;
  const request: AuditRequest = {
    scope,
    axes: map.matchOn,
    outcomes: map.outcomes,
    reference,
    positiveControls: map.controls,
  };
  const { study: proposed, doubts: proposals } = proposedStudy(frame, request);
  const contrasts =
    map.contrasts !== undefined
      ? chosen(map, proposed.contrasts, arms)
      : map.matchOn.length > 0
        ? proposed.contrasts
        : [];
  const matchOn = proposed.matchOn.map((axis): Axis => asAsked(axis, map));
  const outcomes = proposed.outcomes.map((outcome): Outcome => ({ ...outcome, ...named(map.outcomes, outcome.name) }));
  const claims = namedApart([...valueClaims(map, arms, outcomes), ...claimsOf(map, knownIn(map, arms))]);
  const study: Audit['study'] = {
    ...proposed,
    name: map.name ?? nameOf(file),
    question:
      map.question ?? (contrasts.length === 0 ? claimsQuestion(claims, outcomes) : questionOf(map, contrasts, matchOn)),
    matchOn,
    outcomes,
    arms: labelledArms(arms, map),
    contrasts,
    ...(claims.length > 0 && { claims }),
    ...(map.maps !== undefined && { maps: map.maps }),
    ...(map.coherence !== undefined && { coherence: map.coherence }),
    ...(map.blocks !== undefined && { blocks: map.blocks }),
  };
  const compared = {
    ...study,
    contrasts: contrasts.filter(({ arm, reference: other }) => arms.includes(arm) && arms.includes(other)),
  };
  const found = [...imported.doubts, ...measured.doubts, ...proposals, ...doubtsAbout(frame, compared)].map(
    ({ text }) => text,
  );
  return { frame, study, doubts: [...found, ...choiceDoubts(map, study, reference)] };
}

/** @throws AssayError where trajectories are asked nothing: no axis to compare arms at, and no claim. */
function refuseNothing({ matchOn, claims = [], values = [] }: AuditMap): void {
  if (matchOn.length > 0 || claims.length > 0 || values.length > 0) return;
  const text =
    'Expected an axis to match on, found none. Give --train COLUMN, --held-out COLUMN or --axis COLUMN. (A table without a column of steps is read as final results, which need none.)';
  throw new AssayError('usage', text);
}

function knownIn({ outcomes, matchOn }: AuditMap, arms: readonly string[]): Parameters<typeof claimsOf>[1] {
  return { arms, outcomes: outcomes.map(({ name }) => name), axes: matchOn.map(({ name }) => name) };
}

function missingFrom({ runs }: Frame, extra: readonly FrameRun[]): FrameRun[] {
  return extra.filter(
    (one) =>
      !runs.some((run) => run.arm === one.arm && run.block === one.block && run.learningRate === one.learningRate),
  );
}

function asAsked(axis: Axis, map: AuditMap): Axis {
  const { untilBest, ...asked } = { ...axis, ...named(map.matchOn, axis.name) };
  return untilBest === true ? { ...asked, untilBest } : asked;
}

function questionOf(map: AuditMap, contrasts: readonly Contrast[], matchOn: readonly Axis[]): string {
  const arms = contrasts.flatMap(({ kind, arm }) => (kind === 'question' ? [arm] : []));
  const outcomes = map.outcomes.map(({ name, label }) => midSentence(label ?? name)).join(', ');
  return `Does ${arms.join(' or ')} change ${outcomes}, beyond ${matchedText({ matchOn })}?`;
}

/** What follows from what the user did not say. */
function choiceDoubts(map: AuditMap, { contrasts }: AnalysedStudy, reference: string): string[] {
  const doubts: string[] = [];
  if (contrasts.length === 0) return doubts;
  if (!contrasts.some((contrast) => contrast.kind === 'control' && contrast.expect === 'detected')) {
    doubts.push(
      'there is no positive control, so "no effect" cannot be claimed from this table: where nothing is found, the verdict stays undecided; name an arm that is known to differ with --control',
    );
  }
  if (map.reference === undefined && map.contrasts === undefined) {
    doubts.push(`no reference was named; the first arm of the table, "${reference}", was taken`);
  }
  // One loss alone; a study of reward or L0 has no such gap.
  const roles = new Set(map.matchOn.map(({ role }) => role));
  if (roles.has('train') !== roles.has('heldOut')) {
    doubts.push(
      'training and held-out loss are not both given: an effect cannot be told from one that the gap between them explains',
    );
  }
  return doubts;
}
