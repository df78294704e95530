/**
 * Runs trained elsewhere, as a table: one row a probe, columns for arm, block, step, axes and outcomes. An empty cell
 * (or NaN, null, None) is "not measured here", never zero.
 */
import { AssayError, nearestName } from '#base/errors.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';
import type { Frame, FrameRun } from '#analysis/frame.ts';
import type { Doubt } from './doubts.ts';

/** One row by column name, with its line (or record number) in the file. */
export interface TableRow {
  readonly line: number;
  /** Its file, where rows of several are read together. */
  readonly file?: string;
  readonly cells: Readonly<Record<string, unknown>>;
}

/** Which columns mean what; axes and outcomes by their name in the study. */
export interface TableMapping {
  readonly arm: string;
  readonly block: string;
  readonly step: string;
  readonly learningRate?: string;
  /** A column that reads `diverged` on any row of a run whose training broke. */
  readonly status?: string;
  readonly axes: Readonly<Record<string, string>>;
  readonly outcomes: Readonly<Record<string, string>>;
}

/** A frame with everything that was questionable about the rows. */
export interface ImportedFrame {
  readonly frame: Frame;
  readonly doubts: readonly Doubt[];
}

const NOT_MEASURED = new Set(['', 'nan', 'null', 'none', 'na', 'n/a']);
/** Errors listed before the rest is only counted. */
const ERRORS_SHOWN = 10;

/** A run being collected: points by step. */
interface Collected {
  readonly arm: string;
  readonly block: number;
  readonly learningRate: number | undefined;
  diverged: boolean;
  readonly points: Map<number, { axes: Record<string, number>; outcomes: Record<string, number> }>;
  lastStep: number;
}

interface Collecting {
  readonly file: string;
  readonly mapping: TableMapping;
  readonly errors: string[];
  readonly repeated: number[];
  readonly disordered: number[];
  readonly runs: Map<string, Collected>;
}

/**
 * Builds a frame from rows.
 * @param file What errors call the source, such as `trajectories.csv`.
 * @throws AssayError listing, with their lines, columns that are missing and cells that are not what they should be.
 */
export function frameFromTable(rows: readonly TableRow[], mapping: TableMapping, file: string): ImportedFrame {
  checkColumns(rows, mapping, file);
  const collecting: Collecting = { file, mapping, errors: [], repeated: [], disordered: [], runs: new Map() };
  for (const row of rows) collectRow(row, collecting);
  const { errors } = collecting;
  if (errors.length > 0) {
    const rest = errors.length - ERRORS_SHOWN;
    const shown = [...errors.slice(0, ERRORS_SHOWN), ...(rest > 0 ? [`and ${rest} more`] : [])];
    throw new AssayError('data', shown.join('\n'));
  }
  const doubts: Doubt[] = [];
  const at = (lines: readonly number[]): string =>
    `line${lines.length === 1 ? '' : 's'} ${lines.slice(0, 5).join(', ')}`;
  if (collecting.repeated.length > 0) {
    const text = `${collecting.repeated.length} cells give a second, different value for a step; the first was kept (${at(collecting.repeated)})`;
    doubts.push({ kind: 'duplicateSteps', text });
  }
  if (collecting.disordered.length > 0) {
    const text = `${collecting.disordered.length} rows come before an earlier step of their run; rows were sorted by step (${at(collecting.disordered)})`;
    doubts.push({ kind: 'stepsOutOfOrder', text });
  }
  return { frame: { runs: [...collecting.runs.values()].map(runOf) }, doubts };
}

function checkColumns(rows: readonly TableRow[], mapping: TableMapping, file: string): void {
  const [first] = rows;
  if (first === undefined) throw new AssayError('data', `${file}: expected at least one row, found none.`);
  const files = new Map(rows.map((row) => [row.file, row]));
  const known = [...new Set([...files.values()].flatMap(({ cells }) => Object.keys(cells)))];
  const { axes, outcomes, ...single } = mapping;
  for (const column of [...Object.values(single), ...Object.values(axes), ...Object.values(outcomes)]) {
    if (known.includes(column)) continue;
    const near = nearestName(column, known);
    const hint = near === undefined ? '' : ` Did you mean "${near}"?`;
    throw new AssayError('data', `${file}: expected a column "${column}", found ${known.join(', ')}.${hint}`);
  }
}

function collectRow(row: TableRow, collecting: Collecting): void {
  const { mapping, errors } = collecting;
  const where = `${row.file ?? collecting.file}:${row.line}`;
  if (isEmpty(row, mapping)) return;
  const read = (column: string): number | undefined => numberIn(row, column, where, errors);
  const arm = textOf(row.cells[mapping.arm]);
  // What is wrong with these two is said once, below.
  const [block, step] = [mapping.block, mapping.step].map((column) => numberIn(row, column, where, []));
  if (arm === '') errors.push(`${where}: expected an arm in column "${mapping.arm}", found an empty cell.`);
  for (const [column, value] of [
    [mapping.block, block],
    [mapping.step, step],
  ] as const) {
    if (value !== undefined && Number.isInteger(value) && value >= 0) continue;
    const found = textOf(row.cells[column]) || 'an empty cell';
    errors.push(`${where}: expected a whole number in column "${column}", found ${found}.`);
  }
  const learningRate = mapping.learningRate === undefined ? undefined : read(mapping.learningRate);
  if (arm === '' || block === undefined || step === undefined) return;
  const key = JSON.stringify([arm, block, learningRate ?? null]);
  const run = collecting.runs.get(key) ?? {
    arm,
    block,
    learningRate,
    diverged: false,
    points: new Map(),
    lastStep: -1,
  };
  collecting.runs.set(key, run);
  if (step < run.lastStep) collecting.disordered.push(row.line);
  run.lastStep = Math.max(run.lastStep, step);
  if (mapping.status !== undefined && textOf(row.cells[mapping.status]) === 'diverged') run.diverged = true;
  const point = run.points.get(step) ?? { axes: {}, outcomes: {} };
  run.points.set(step, point);
  for (const kind of ['axes', 'outcomes'] as const) {
    for (const [name, column] of Object.entries(mapping[kind])) {
      const value = read(column);
      const before = point[kind][name];
      if (value === undefined) continue;
      if (before === undefined) point[kind][name] = value;
      else if (before !== value) collecting.repeated.push(row.line);
    }
  }
}

/** Whether a row has no step and no measurement: logs of several kinds in one table leave such rows. */
function isEmpty({ cells }: TableRow, { step, status, axes, outcomes }: TableMapping): boolean {
  const columns = [step, ...(status === undefined ? [] : [status]), ...Object.values(axes), ...Object.values(outcomes)];
  return columns.every((column) => NOT_MEASURED.has(textOf(cells[column]).toLowerCase()));
}

function textOf(cell: unknown): string {
  if (typeof cell === 'string') return cell.trim();
  return typeof cell === 'number' || typeof cell === 'bigint' || typeof cell === 'boolean' ? String(cell) : '';
}

/** The number in a cell; undefined where nothing was measured; anything else is an error. */
function numberIn(row: TableRow, column: string, where: string, errors: string[]): number | undefined {
  const text = textOf(row.cells[column]);
  if (NOT_MEASURED.has(text.toLowerCase())) return undefined;
  const value = Number(text);
  if (Number.isFinite(value)) return value;
  errors.push(`${where}: expected a finite number in column "${column}", found "${text}".`);
  return undefined;
}

function runOf(run: Collected): FrameRun {
  const steps = [...run.points].toSorted(([a], [b]) => a - b);
  const points = steps.map(([step, { axes, outcomes }]): TrajectoryPoint =>
    Object.keys(outcomes).length === 0 ? { step, axes } : { step, axes, outcomes },
  );
  const base = { arm: run.arm, block: run.block, status: run.diverged ? 'diverged' : 'finished', points } as const;
  return run.learningRate === undefined ? base : { ...base, learningRate: run.learningRate };
}
