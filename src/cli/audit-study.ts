/** From a table's rows and a map to the frame and the study that the analysis reads, with every doubt about them. */
import type { AnalysedStudy } from '#analysis/analyse.ts';
import type { Frame, FrameRun } from '#analysis/frame.ts';
import { auditStudy, type AuditRequest } from '#analysis/import/audit.ts';
import { doubtsAbout } from '#analysis/import/doubts.ts';
import { LOG_COLUMNS, rowsFromWandb } from '#analysis/import/run-logs.ts';
import { frameFromTable, type TableMapping, type TableRow } from '#analysis/import/table.ts';
import { AssayError, nearestName } from '#base/errors.ts';
import type { ReportedStudy } from '#report/report-input.ts';
import type { Axis, Contrast, Outcome } from '#study/study.ts';

import type { AuditMap } from './audit-map.ts';

/** What is audited. */
export interface Audit {
  readonly frame: Frame;
  readonly study: AnalysedStudy & ReportedStudy;
  /** Sentences; some only say that a choice was made for the user. */
  readonly doubts: readonly string[];
}

/**
 * Builds the audit of a table.
 * @param extra Runs the table cannot show, such as those that broke before their first probe.
 * @throws AssayError on missing columns, unreadable cells, unknown arms, and where nothing is asked.
 */
export function auditOf(rows: readonly TableRow[], map: AuditMap, file: string, extra: readonly FrameRun[]): Audit {
  if (map.matchOn.length === 0) {
    const text = 'Expected an axis to match on, found none. Give --train COLUMN, --held-out COLUMN or --axis COLUMN.';
    throw new AssayError('usage', text);
  }
  if (map.outcomes.length === 0) {
    throw new AssayError('usage', 'Expected an outcome, found none. Give --outcome COLUMN=DELTA.');
  }
  const labelled = map.runs === undefined ? rows : rowsFromWandb(rows, map.runs, file);
  const imported = frameFromTable(rowsWhere(labelled, map.where, file), mappingOf(map, labelled), file);
  const frame = { runs: [...imported.frame.runs, ...missingFrom(imported.frame, extra)].toSorted(byPlace) };
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
  const { study: proposed, doubts: proposals } = auditStudy(frame, request);
  const contrasts = map.contrasts === undefined ? proposed.contrasts : chosen(map, proposed.contrasts, arms);
  const study: Audit['study'] = {
    ...proposed,
    name: map.name ?? nameOf(file),
    question: map.question ?? questionOf(map, contrasts),
    matchOn: proposed.matchOn.map((axis): Axis => asAsked(axis, map)),
    outcomes: proposed.outcomes.map((outcome): Outcome => ({ ...outcome, ...named(map.outcomes, outcome.name) })),
    arms: arms.map((name) => ({ name, label: map.labels[name] ?? name })),
    contrasts,
    ...(map.coherence !== undefined && { coherence: map.coherence }),
  };
  const levels = proposals.filter(({ kind }) => kind === 'levelsFromData');
  const compared = {
    ...study,
    contrasts: contrasts.filter(({ arm, reference: other }) => arms.includes(arm) && arms.includes(other)),
  };
  const found = [...imported.doubts, ...levels, ...doubtsAbout(frame, compared)].map(({ text }) => text);
  return { frame, study, doubts: [...found, ...choiceDoubts(map, study, reference)] };
}

function mappingOf(map: AuditMap, rows: readonly TableRow[]): TableMapping {
  const known = new Set(Object.keys(rows[0]?.cells ?? {}));
  const keys: Readonly<Record<string, string>> = map.runs === undefined ? map.columns : LOG_COLUMNS;
  const { arm = 'arm', block = 'block', step = 'step', learningRate, status } = keys;
  // An outcome of a plan that no run measured has no column.
  const columnsOf = (items: readonly { readonly name: string }[]): Record<string, string> =>
    Object.fromEntries(
      items
        .map(({ name }) => [name, map.columns[name] ?? name] as const)
        .filter(([, column]) => map.origin === 'user' || known.has(column)),
    );
  const gate = map.coherence === undefined ? [] : [{ name: map.coherence.outcome }];
  return {
    arm,
    block,
    step,
    ...(learningRate !== undefined && { learningRate }),
    ...(status !== undefined && { status }),
    axes: columnsOf(map.matchOn),
    outcomes: columnsOf([...map.outcomes, ...gate]),
  };
}

function rowsWhere(rows: readonly TableRow[], where: AuditMap['where'], file: string): TableRow[] {
  const kept = rows.filter(({ cells }) =>
    Object.entries(where).every(([column, text]) => String(cells[column]) === text),
  );
  if (kept.length > 0 || rows.length === 0) return kept;
  const asked = Object.entries(where).map(([column, text]) => `${column} "${text}"`);
  throw new AssayError('data', `${file}: expected rows with ${asked.join(' and ')}, found none.`);
}

function missingFrom({ runs }: Frame, extra: readonly FrameRun[]): FrameRun[] {
  return extra.filter(
    (one) =>
      !runs.some((run) => run.arm === one.arm && run.block === one.block && run.learningRate === one.learningRate),
  );
}

/** The order in which stores give their runs, so that an export's audit is the study's analysis to the last bit. */
function byPlace(a: FrameRun, b: FrameRun): number {
  if (a.arm !== b.arm) return a.arm < b.arm ? -1 : 1;
  return (a.learningRate ?? 0) - (b.learningRate ?? 0) || a.block - b.block;
}

function named<Item extends { readonly name: string }>(items: readonly Item[], name: string): Item | undefined {
  return items.find((item) => item.name === name);
}

function asAsked(axis: Axis, map: AuditMap): Axis {
  const { untilBest, ...asked } = { ...axis, ...named(map.matchOn, axis.name) };
  return untilBest === true ? { ...asked, untilBest } : asked;
}

/** Contrasts as the user chose them, with the controls that were named beside. */
function chosen(map: AuditMap, proposed: readonly Contrast[], arms: readonly string[]): Contrast[] {
  const asked = map.contrasts ?? [];
  for (const arm of asked.flatMap((contrast) => [contrast.arm, contrast.reference])) {
    if (map.origin === 'plan' || arms.includes(arm)) continue;
    const near = nearestName(arm, arms) ?? '';
    throw new AssayError('usage', `Expected an arm of the table, found "${arm}". Did you mean "${near}"?`);
  }
  return [...asked, ...proposed.filter(({ kind }) => kind === 'control')];
}

function nameOf(file: string): string {
  return file.replace(/\.[^.]*$/, '');
}

function questionOf(map: AuditMap, contrasts: readonly Contrast[]): string {
  const arms = contrasts.flatMap(({ kind, arm }) => (kind === 'question' ? [arm] : []));
  const outcomes = map.outcomes.map(({ name }) => name).join(', ');
  return `Does ${arms.join(' or ')} change ${outcomes}, beyond ${map.matchOn.map(({ name }) => name).join(' and ')}?`;
}

/** What follows from what the user did not say. */
function choiceDoubts(map: AuditMap, { contrasts }: AnalysedStudy, reference: string): string[] {
  const doubts: string[] = [];
  if (!contrasts.some((contrast) => contrast.kind === 'control' && contrast.expect === 'detected')) {
    doubts.push(
      'there is no positive control, so "no effect" cannot be claimed from this table: where nothing is found, the verdict stays undecided; name an arm that is known to differ with --control',
    );
  }
  if (map.reference === undefined && map.contrasts === undefined) {
    doubts.push(`no reference was named; the first arm of the table, "${reference}", was taken`);
  }
  if (!map.matchOn.some(({ role }) => role === 'train') || !map.matchOn.some(({ role }) => role === 'heldOut')) {
    doubts.push(
      'training and held-out loss are not both given: an effect cannot be told from one that acts through the gap between them',
    );
  }
  return doubts;
}
