/**
 * Logs of other trainers as table rows: Weights & Biases exports (a column a run, or a row a step as
 * `wandb.Api().run(...).history()` gives it), and trainer_state.json of Hugging Face Trainer.
 */
import { AssayError } from '#base/errors.ts';
import { isJsonObject } from '#base/json.ts';
import type { TableRow } from './table.ts';

/** Which arm and block (and rate) a run of a log belongs to. */
export interface RunLabel {
  readonly arm: string;
  readonly block: number;
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
    return rows.map(({ line, cells }) => {
      const values = metrics.map((metric) => {
        const column = ofRun.find((one) => one.metric === metric)?.column;
        return [metric, column === undefined ? null : cells[column]] as const;
      });
      return { line, cells: { ...labelCells(label), step: cells[stepColumn], ...Object.fromEntries(values) } };
    });
  });
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

/** What a trainer state's text holds. Python writes NaN and Infinity bare, which is no JSON: they become texts. */
export function parsedTrainerState(text: string, file: string): unknown {
  try {
    return JSON.parse(text.replace(/(:\s*)(NaN|-?Infinity)(?=\s*[,}\]])/g, '$1"$2"'));
  } catch (error) {
    throw new AssayError('data', `${file}: expected the JSON that Trainer writes, found something else.`, {
      cause: error,
    });
  }
}

/** Steps a trainer state covers: the last of its records. */
export function lastStepOf(rows: readonly TableRow[]): number {
  return rows.reduce((last, { cells }) => Math.max(last, Number(cells['step'])), 0);
}

/**
 * Rows of one run's trainer_state.json: one a record of `log_history`, with every number it holds; `line` is the
 * record's number. Training and evaluation records of one step are merged by `frameFromTable`. A run whose training
 * loss is not finite at some record has diverged (column `status`).
 * @throws AssayError where `log_history` is missing or a record has no step.
 */
export function rowsFromTrainerState(state: unknown, label: RunLabel, file: string): TableRow[] {
  const history = isJsonObject(state) ? state['log_history'] : undefined;
  if (!Array.isArray(history)) {
    throw new AssayError('data', `${file}: expected a list "log_history" as Trainer writes it, found none.`);
  }
  const records: unknown[] = history;
  const metrics = new Set<string>();
  for (const record of records) {
    if (!isJsonObject(record) || typeof record['step'] !== 'number') {
      throw new AssayError(
        'data',
        `${file}: expected every record of "log_history" to have a step, found ${JSON.stringify(record)}.`,
      );
    }
    for (const [name, value] of Object.entries(record)) {
      if (typeof value === 'number' || isBroken(value)) metrics.add(name);
    }
  }
  metrics.delete('step');
  // The schedule's current rate is no arm's learning rate.
  metrics.delete('learning_rate');
  return records.filter(isJsonObject).map((record, i) => ({
    line: i + 1,
    file,
    cells: {
      ...Object.fromEntries([...metrics].map((name) => [name, typeof record[name] === 'number' ? record[name] : null])),
      ...labelCells(label),
      step: record['step'],
      status: isBroken(record['loss']) ? 'diverged' : null,
    },
  }));
}

/** A number that was logged and is not finite, as `parsedTrainerState` leaves it. */
function isBroken(value: unknown): boolean {
  return value === 'NaN' || value === 'Infinity' || value === '-Infinity';
}
