/** The rows of an audit's source, with the arm, block and rate of their run, and what their columns mean. */
import {
  checkChartAxes,
  type LabelOf,
  LOG_COLUMNS,
  rowsFromWandb,
  rowsOfNamedRuns,
} from '#analysis/import/run-logs.ts';
import { runPattern } from '#analysis/import/run-pattern.ts';
import type { TableMapping, TableRow } from '#analysis/import/table.ts';
import { isEverywhere } from '#base/json.ts';
import { AssayError } from '#base/errors.ts';

import { type AuditMap, givenAxes } from './audit-map.ts';
import type { AuditSource } from './audit-sources.ts';

/** Rows, and the columns that say which run and step a row is of. */
export interface Labelled {
  readonly rows: readonly TableRow[];
  readonly keys: Readonly<Record<string, string>>;
}

/** All rows, with the arm, block and rate of their run where files, columns or a column of names say it. */
export function labelledRows({ tables, isLabelled }: AuditSource, map: AuditMap): Labelled {
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
export function stepColumns({ rows, keys }: Labelled): string[] {
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

/** Whether the table has no steps, so that every row is the end of a run: none was named, and there is none by the usual name. */
export function isFinal(map: AuditMap, { rows, keys }: Labelled): boolean {
  const { step = 'step' } = keys;
  return map.columns['step'] === undefined && !rows.some(({ cells }) => Object.hasOwn(cells, step));
}

/** What the columns mean; final results have no column of steps. */
export function mappingOf(map: AuditMap, labelled: Labelled): TableMapping {
  const { rows, keys } = labelled;
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
  const given = givenAxes(map)
    .filter((name) => !map.matchOn.some((axis) => axis.name === name))
    .map((name) => ({ name }));
  const gate = map.coherence === undefined ? [] : [{ name: map.coherence.outcome }];
  return {
    arm,
    block,
    ...(!isFinal(map, labelled) && { step }),
    ...(learningRate !== undefined && { learningRate }),
    ...(status !== undefined && { status }),
    ...(cluster !== undefined && { cluster }),
    axes: columnsOf([...map.matchOn, ...given]),
    outcomes: columnsOf([...map.outcomes, ...gate]),
  };
}

/** The rows that count. @throws AssayError where none does. */
export function rowsWhere(rows: readonly TableRow[], where: AuditMap['where'], file: string): TableRow[] {
  const kept = rows.filter(({ cells }) =>
    Object.entries(where).every(([column, text]) => String(cells[column]) === text),
  );
  if (kept.length > 0 || rows.length === 0) return kept;
  const asked = Object.entries(where).map(([column, text]) => `${column} "${text}"`);
  throw new AssayError('data', `${file}: expected rows with ${asked.join(' and ')}, found none.`);
}

/** An axis or outcome by a name that can be looked up. @throws AssayError where every object has something by it. */
function refuseEverywhere<T extends { readonly name: string }>(item: T): T {
  if (!isEverywhere(item.name)) return item;
  throw new AssayError(
    'usage',
    `Expected axes and outcomes by names that not every object has, found "${item.name}". Rename the column.`,
  );
}
