/** From a table's rows and a map to the frame and the study that the analysis reads, with every doubt about them. */
import type { AnalysedStudy } from '#analysis/analyse.ts';
import type { Frame, FrameRun } from '#analysis/frame.ts';
import { type AuditRequest, proposedStudy } from '#analysis/import/audit.ts';
import { doubtsAbout } from '#analysis/import/doubts.ts';
import { atMeasuredProbes } from '#analysis/import/measured-probes.ts';
import {
  checkChartAxes,
  type LabelOf,
  LOG_COLUMNS,
  rowsFromWandb,
  rowsOfNamedRuns,
} from '#analysis/import/run-logs.ts';
import { matchedText, midSentence } from '#analysis/words/naming.ts';
import { runPattern } from '#analysis/import/run-pattern.ts';
import { frameFromTable, type TableMapping, type TableRow } from '#analysis/import/table.ts';
import { isEverywhere } from '#base/json.ts';
import { AssayError, nearestName } from '#base/errors.ts';
import type { ReportedStudy } from '#report/report-input.ts';
import type { Axis, Contrast, Outcome } from '#study/study.ts';

import type { AuditMap } from './audit-map.ts';
import type { AuditSource } from './audit-sources.ts';

/** What is audited. */
export interface Audit {
  readonly frame: Frame;
  readonly study: AnalysedStudy & ReportedStudy;
  /** Sentences; some only say that a choice was made for the user. */
  readonly doubts: readonly string[];
}

/**
 * Builds the audit of a source.
 * @param extra Runs the table cannot show, such as those that broke before their first probe.
 * @throws AssayError on missing columns, unreadable cells, unknown arms, and where nothing is asked.
 */
export function auditOf(source: AuditSource, map: AuditMap, extra: readonly FrameRun[]): Audit {
  const file = source.name;
  if (map.matchOn.length === 0) {
    const text = 'Expected an axis to match on, found none. Give --train COLUMN, --held-out COLUMN or --axis COLUMN.';
    throw new AssayError('usage', text);
  }
  if (map.outcomes.length === 0) {
    throw new AssayError('usage', 'Expected an outcome, found none. Give --outcome COLUMN=DELTA.');
  }
  const labelled = labelledRows(source, map);
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
  const contrasts = map.contrasts === undefined ? proposed.contrasts : chosen(map, proposed.contrasts, arms);
  const matchOn = proposed.matchOn.map((axis): Axis => asAsked(axis, map));
  const study: Audit['study'] = {
    ...proposed,
    name: map.name ?? nameOf(file),
    question: map.question ?? questionOf(map, contrasts, matchOn),
    matchOn,
    outcomes: proposed.outcomes.map((outcome): Outcome => ({ ...outcome, ...named(map.outcomes, outcome.name) })),
    arms: [...new Set([...arms, ...Object.keys(map.labels)])].map((name) => ({
      name,
      label: (Object.hasOwn(map.labels, name) ? map.labels[name] : undefined) ?? name,
    })),
    contrasts,
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

/** Rows, and the columns that say which run and step a row is of. */
interface Labelled {
  readonly rows: readonly TableRow[];
  readonly keys: Readonly<Record<string, string>>;
}

/** All rows, with the arm, block and rate of their run where files, columns or a column of names say it. */
function labelledRows({ tables, isLabelled }: AuditSource, map: AuditMap): Labelled {
  const labelOf = isLabelled ? undefined : labelsOf(map);
  const isChart = labelOf !== undefined && map.columns['run'] === undefined;
  if (isChart) checkChartAxes(tables);
  const rows = tables.flatMap(({ name, rows: own }) => {
    const named = labelOf === undefined ? own : namedRows(own, map.columns['run'], labelOf, name);
    return tables.length === 1 ? named : named.map((row) => ({ ...row, file: name }));
  });
  if (!isLabelled && labelOf === undefined) return { rows, keys: map.columns };
  const { step = LOG_COLUMNS.step, learningRate = LOG_COLUMNS.learningRate, status, cluster } = map.columns;
  const broken = status ?? (rows[0] !== undefined && Object.hasOwn(rows[0].cells, 'status') ? 'status' : undefined);
  const keys = { ...LOG_COLUMNS, learningRate, ...(!isChart && { step }), ...(cluster !== undefined && { cluster }) };
  return { rows, keys: broken === undefined ? keys : { ...keys, status: broken } };
}

/** Columns that seem to count steps and are not the one in use. */
function stepColumns({ rows, keys }: Labelled): string[] {
  return Object.keys(rows[0]?.cells ?? {}).filter(
    (name) => /(?:^|[/._])(?:global_?)?step$/i.test(name) && name !== (keys['step'] ?? 'step'),
  );
}

function namedRows(
  rows: readonly TableRow[],
  column: string | undefined,
  labelOf: LabelOf,
  file: string,
): readonly TableRow[] {
  return column === undefined ? rowsFromWandb(rows, labelOf, file) : rowsOfNamedRuns(rows, column, labelOf, file);
}

function labelsOf({ runs, runNames }: AuditMap): LabelOf | undefined {
  if (runs === undefined && runNames === undefined) return undefined;
  const pattern = runNames === undefined ? undefined : runPattern(runNames);
  return (run) => (runs !== undefined && Object.hasOwn(runs, run) ? runs[run] : undefined) ?? pattern?.labelOf(run);
}

function mappingOf(map: AuditMap, { rows, keys }: Labelled): TableMapping {
  const known = new Set(Object.keys(rows[0]?.cells ?? {}));
  const { arm = 'arm', block = 'block', step = 'step', learningRate, status, cluster } = keys;
  // An outcome of a plan that no run measured has no column.
  const columnsOf = (items: readonly { readonly name: string }[]): Record<string, string> =>
    Object.fromEntries(
      items
        .map(refuseEverywhere)
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
    ...(cluster !== undefined && { cluster }),
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

function questionOf(map: AuditMap, contrasts: readonly Contrast[], matchOn: readonly Axis[]): string {
  const arms = contrasts.flatMap(({ kind, arm }) => (kind === 'question' ? [arm] : []));
  const outcomes = map.outcomes.map(({ name, label }) => midSentence(label ?? name)).join(', ');
  return `Does ${arms.join(' or ')} change ${outcomes}, beyond ${matchedText({ matchOn })}?`;
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
  // One loss alone; a study of reward or L0 has no such gap.
  const roles = new Set(map.matchOn.map(({ role }) => role));
  if (roles.has('train') !== roles.has('heldOut')) {
    doubts.push(
      'training and held-out loss are not both given: an effect cannot be told from one that the gap between them explains',
    );
  }
  return doubts;
}

/** An axis or outcome by a name that can be looked up. @throws AssayError where every object has something by it. */
function refuseEverywhere<T extends { readonly name: string }>(item: T): T {
  if (!isEverywhere(item.name)) return item;
  throw new AssayError(
    'usage',
    `Expected axes and outcomes by names that not every object has, found "${item.name}". Rename the column.`,
  );
}
