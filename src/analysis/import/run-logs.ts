/**
 * Logs of other trainers as table rows: Weights & Biases exports (a column a run, or a row a step as
 * `wandb.Api().run(...).history()` gives it), and trainer_state.json of Hugging Face Trainer.
 */
import { AssayError } from '#base/errors.ts';
import { isJsonObject, type JsonObject } from '#base/json.ts';
import { refuseStructure } from '#base/strict-json.ts';
import type { TableRow } from './table.ts';

/** Which arm and block (and rate) a run of a log belongs to. */
export interface RunLabel {
  readonly arm: string;
  /** Digits as text where a number cannot hold them. */
  readonly block: number | string;
  readonly learningRate?: number;
}

/** The columns every row made from a log has, beside its metrics. */
export const LOG_COLUMNS = { arm: 'arm', block: 'block', step: 'step', learningRate: 'learningRate' } as const;

/** The label of a run by its name; undefined where nothing says which arm and block it is. */
export type LabelOf = (run: string) => RunLabel | undefined;

/** Cells that say which run a row is of. */
export function labelCells(label: RunLabel): Record<string, unknown> {
  return { arm: label.arm, block: label.block, learningRate: label.learningRate ?? null };
}

/**
 * Rows of a Weights & Biases chart export: a step column (`Step`, or the chart's own x axis in first place) and
 * columns named "run - metric"; their "__MIN" and "__MAX" companions are left out.
 * @param labelOf Runs without a label are an error, so that none is dropped unseen.
 * @throws AssayError naming the run that has no label, or the file if it holds no such column.
 */
export function rowsFromWandb(rows: readonly TableRow[], labelOf: LabelOf, file: string): TableRow[] {
  const [first] = rows;
  const columns = Object.keys(first?.cells ?? {});
  const [stepColumn] = columns;
  const series = columns.slice(1).flatMap((column) => {
    const cut = column.lastIndexOf(' - ');
    const metric = column.slice(cut + 3);
    return cut < 0 || metric.endsWith('__MIN') || metric.endsWith('__MAX')
      ? []
      : [{ column, run: column.slice(0, cut), metric }];
  });
  if (stepColumn === undefined || series.length === 0) {
    throw new AssayError('data', `${file}: expected columns named "run - metric", found ${columns.join(', ')}.`);
  }
  const metrics = [...new Set(series.map((one) => one.metric))];
  const byRun = Map.groupBy(series, (one) => one.run);
  return [...byRun].flatMap(([run, ofRun]) => {
    const label = labelled(run, labelOf, file);
    return rows.map((row) => {
      const values = metrics.map((metric) => {
        const column = ofRun.find((one) => one.metric === metric)?.column;
        return [metric, column === undefined ? null : row.cells[column]] as const;
      });
      return { ...row, cells: { ...labelCells(label), step: row.cells[stepColumn], ...Object.fromEntries(values) } };
    });
  });
}

/**
 * Checks that chart exports that are read together count steps alike: their x axis stands in the first column.
 * @throws AssayError naming two charts and their x axes.
 */
export function checkChartAxes(charts: readonly { readonly name: string; readonly rows: readonly TableRow[] }[]): void {
  const axes = charts.map(({ name, rows }) => ({ name, axis: Object.keys(rows[0]?.cells ?? {})[0] ?? '' }));
  const [first] = axes;
  const other = axes.find(({ axis }) => axis !== first?.axis);
  if (first === undefined || other === undefined) return;
  throw new AssayError(
    'data',
    `Expected charts with one x axis, found "${first.axis}" in ${first.name} and "${other.axis}" in ${other.name}: a step of one is not a step of the other. Choose the same x axis in both charts and export them again.`,
  );
}

/**
 * Rows of a table that names its run in a column, one row a step.
 * @throws AssayError naming the run that has no label, or the column where there is none.
 */
export function rowsOfNamedRuns(rows: readonly TableRow[], column: string, labelOf: LabelOf, file: string): TableRow[] {
  return rows.map((row) => {
    const name = row.cells[column];
    if (typeof name !== 'string' && typeof name !== 'number') {
      const found = Object.keys(row.cells).join(', ');
      throw new AssayError('data', `${file}: expected a column "${column}", found ${found}.`);
    }
    return { ...row, cells: { ...row.cells, ...labelCells(labelled(String(name), labelOf, file)) } };
  });
}

function labelled(run: string, labelOf: LabelOf, file: string): RunLabel {
  const label = labelOf(run);
  if (label !== undefined) return label;
  throw new AssayError('data', `${file}: expected an arm and a block for run "${run}", found none in the mapping.`);
}

/**
 * What a trainer state's text holds. Python writes NaN and Infinity bare, which is no JSON: wherever they stand outside of
 * a text they become texts.
 */
export function parsedTrainerState(text: string, file: string): unknown {
  const repaired = text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (found) =>
    found.startsWith('"') ? found : `"${found}"`,
  );
  let state: unknown;
  try {
    state = JSON.parse(repaired);
  } catch (error) {
    throw new AssayError('data', `${file}: expected the JSON that Trainer writes, found something else.`, {
      cause: error,
    });
  }
  refuseStructure(repaired, file);
  return state;
}

/**
 * Rows of one run's trainer_state.json: one a record of `log_history`, with every number it holds; `line` is the
 * record's number. Training and evaluation records of one step are merged by `frameFromTable`. A record holds only what
 * was logged, so a NaN, an infinity or a null in it is a number that broke.
 * @throws AssayError where `log_history` is missing or a record has no step.
 */
export function rowsFromTrainerState(state: unknown, label: RunLabel, file: string): TableRow[] {
  const history = isJsonObject(state) ? state['log_history'] : undefined;
  if (!Array.isArray(history)) {
    throw new AssayError('data', `${file}: expected a list "log_history" as Trainer writes it, found none.`);
  }
  const records = history.map((record: unknown): JsonObject => {
    if (isJsonObject(record) && typeof record['step'] === 'number') return record;
    throw new AssayError(
      'data',
      `${file}: expected every record of "log_history" to have a step, found ${JSON.stringify(record)}.`,
    );
  });
  const metrics = new Set(records.flatMap((record) => Object.keys(record).filter((name) => isMetric(record[name]))));
  metrics.delete('step');
  // The schedule's current rate is no arm's learning rate.
  metrics.delete('learning_rate');
  return records.map((record, i) => ({
    line: i + 1,
    file,
    isExplicit: true,
    cells: {
      ...Object.fromEntries([...metrics].map((name) => [name, loggedIn(record, name)])),
      ...labelCells(label),
      step: record['step'],
    },
  }));
}

function isMetric(value: unknown): boolean {
  return typeof value === 'number' || isBrokenText(value);
}

/** The number under a name, `NaN` for one that broke, null where the record has none. */
function loggedIn(record: JsonObject, name: string): unknown {
  if (!Object.hasOwn(record, name)) return null;
  const value = record[name];
  return typeof value === 'number' ? value : value === null || isBrokenText(value) ? 'NaN' : null;
}

/** A number that was logged and is not finite, as `parsedTrainerState` leaves it. */
function isBrokenText(value: unknown): boolean {
  return value === 'NaN' || value === '-NaN' || value === 'Infinity' || value === '-Infinity';
}

/** What is timed and not measured: it differs between a run and its repetition. */
const TIMING = /_(?:runtime|per_second|time|timestamp)$|^total_flos$/;

/**
 * Where the records of a shorter state of a run are not those of its longer one: a whole history is written with every
 * checkpoint, so the states of one run agree. Undefined where they do.
 */
export function disagreementOf(shorter: readonly TableRow[], longer: readonly TableRow[]): string | undefined {
  const known = new Map<string, unknown[]>();
  for (const { cells } of longer) {
    for (const [name, value] of metricsOf(cells)) {
      const key = `${String(cells['step'])} ${name}`;
      known.set(key, [...(known.get(key) ?? []), value]);
    }
  }
  for (const { cells } of shorter) {
    const step = String(cells['step']);
    for (const [name, value] of metricsOf(cells)) {
      const values = known.get(`${step} ${name}`);
      if (values?.includes(value) === true) continue;
      return `${name} at step ${step} is ${String(value)} and ${values === undefined ? 'not there' : String(values[0])}`;
    }
  }
  return undefined;
}

function metricsOf(cells: TableRow['cells']): [string, unknown][] {
  return Object.entries(cells).filter(([name, value]) => value !== null && !TIMING.test(name));
}

/** Steps a trainer state covers: the last of its records. */
export function lastStepOf(rows: readonly TableRow[]): number {
  return rows.reduce((last, { cells }) => Math.max(last, Number(cells['step'])), 0);
}
