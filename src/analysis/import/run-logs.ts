/** Logs of other trainers as table rows: Weights & Biases CSV exports, and trainer_state.json of Hugging Face Trainer. */
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

function labelCells(label: RunLabel): Record<string, unknown> {
  return { arm: label.arm, block: label.block, learningRate: label.learningRate ?? null };
}

/**
 * Rows of a Weights & Biases chart export: a step column (`Step`, or the chart's own x axis in first place) and
 * columns named "run - metric"; their "__MIN" and "__MAX" companions are left out.
 * @param runs Label by the run's name in the export; other runs are an error, so that none is dropped unseen.
 * @throws AssayError naming the run that has no label, or the file if it holds no such column.
 */
export function rowsFromWandb(
  rows: readonly TableRow[],
  runs: Readonly<Record<string, RunLabel>>,
  file: string,
): TableRow[] {
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
    const label = runs[run];
    if (label === undefined) {
      throw new AssayError('data', `${file}: expected an arm and a block for run "${run}", found none in the mapping.`);
    }
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
 * Rows of one run's trainer_state.json: one a record of `log_history`, with every number it holds; `line` is the
 * record's number. Training and evaluation records of one step are merged by `frameFromTable`.
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
    for (const [name, value] of Object.entries(record)) if (typeof value === 'number') metrics.add(name);
  }
  metrics.delete('step');
  // The schedule's current rate is no arm's learning rate.
  metrics.delete('learning_rate');
  return records.filter(isJsonObject).map((record, i) => ({
    line: i + 1,
    cells: {
      ...Object.fromEntries([...metrics].map((name) => [name, record[name] ?? null])),
      ...labelCells(label),
      step: record['step'],
    },
  }));
}
