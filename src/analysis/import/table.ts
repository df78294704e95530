/**
 * Runs trained elsewhere, as a table: one row a probe, columns for arm, block, step, axes and outcomes. What a cell says
 * is read in `readings.ts`; a loss that was logged and is not finite ends its run as diverged (`broken-runs.ts`).
 */
import { AssayError, nearestName } from '#base/errors.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';
import type { Frame, FrameRun } from '#analysis/frame.ts';
import {
  type Break,
  breakOf,
  type Entry,
  type EntryReading,
  settleColumn,
  type SettledColumn,
  skippedSteps,
  watchedAs,
} from './broken-runs.ts';
import type { Doubt } from './doubt.ts';
import { blockNumbers, checkClusters } from './table-blocks.ts';
import { cellText, isBlank, readingOf, wholeTextOf } from './readings.ts';
import { brokenDoubts, disorderedDoubts, filledDoubts, lostDoubts, skippedDoubts } from './row-doubts.ts';
import { againDoubts, refuseTwoRuns, repeatedDoubts, type Repeated } from './repeated-values.ts';

/** One row by column name, with its line (or record number) in the file. */
export interface TableRow {
  readonly line: number;
  /** Its file, where rows of several are read together. */
  readonly file?: string;
  readonly cells: Readonly<Record<string, unknown>>;
  /** Whether only what was logged stands in the row: then `NaN` in it is never "not logged". */
  readonly isExplicit?: true;
  /** Whether the table's columns are not separated by commas, so that `2,5` is a number. */
  readonly isCommaDecimal?: true;
}

/** Which columns mean what; axes and outcomes by their name in the study. */
export interface TableMapping {
  readonly arm: string;
  readonly block: string;
  /** Absent for final results: then every row is the end of its run. */
  readonly step?: string;
  readonly learningRate?: string;
  /** A column that reads `diverged` on any row of a run whose training broke. */
  readonly status?: string;
  /** A column that names what blocks share, such as a domain: the same text on every row of a block. */
  readonly cluster?: string;
  readonly axes: Readonly<Record<string, string>>;
  readonly outcomes: Readonly<Record<string, string>>;
}

/** A frame with everything that was questionable about the rows. */
export interface ImportedFrame {
  readonly frame: Frame;
  readonly doubts: readonly Doubt[];
}

/** Errors listed before the rest is only counted. */
const ERRORS_SHOWN = 10;

/** Where the one point of a final result stands. */
const FINAL_STEP = '0';

/** An entry with the row it came from. */
interface RowEntry extends Entry {
  readonly row: TableRow;
}

/** A run being collected. */
interface Collected {
  readonly arm: string;
  /** The block's label: digits, however long. */
  readonly block: string;
  readonly learningRate: number | undefined;
  readonly cluster?: string;
  isDiverged: boolean;
  readonly entries: RowEntry[];
  /** File -> the last step seen in it. */
  readonly lastStep: Map<string, number>;
}

interface Collecting {
  readonly file: string;
  readonly mapping: TableMapping;
  /** Everything that is read as a number: axes, outcomes, and unmapped columns that tell of a run's health. */
  readonly columns: readonly string[];
  /** Mapped columns: what cannot be read there is an error. */
  readonly mapped: ReadonlySet<string>;
  readonly errors: string[];
  readonly disordered: string[];
  /** Column -> where numbers were written with a decimal comma, and with a point. */
  readonly decimals: Map<string, { comma?: string; point?: string }>;
  readonly runs: Map<string, Collected>;
}

/**
 * Builds a frame from rows.
 * @param file What errors call the source, such as `trajectories.csv`.
 * @throws AssayError listing, with their lines, columns that are missing and cells that are not what they should be;
 * and where two runs have one label.
 */
export function frameFromTable(rows: readonly TableRow[], mapping: TableMapping, file: string): ImportedFrame {
  const known = checkedColumns(rows, mapping, file);
  const mapped = new Set([...Object.values(mapping.axes), ...Object.values(mapping.outcomes)]);
  const columns = [...mapped, ...known.filter((column) => !mapped.has(column) && watchedAs(column) !== undefined)];
  const collecting: Collecting = {
    file,
    mapping,
    columns,
    mapped,
    errors: [],
    disordered: [],
    decimals: new Map(),
    runs: new Map(),
  };
  for (const row of rows) collectRow(row, collecting);
  refuseErrors(collecting);
  const runs = [...collecting.runs.values()];
  if (mapping.cluster !== undefined) checkClusters(runs, mapping.cluster, file);
  for (const { entries } of runs) entries.sort((a, b) => a.step - b.step);
  const settled = new Map(
    columns.map((column) => [
      column,
      settleColumn(
        runs.map(({ entries }) => entries),
        column,
      ),
    ]),
  );
  return framed(runs, settled, collecting);
}

function refuseErrors({ errors, decimals, file }: Collecting): void {
  for (const [column, { comma, point }] of decimals) {
    if (comma === undefined || point === undefined) continue;
    errors.push(`${file}: column "${column}" writes numbers with a decimal comma (${comma}) and a point (${point}).`);
  }
  if (errors.length === 0) return;
  const rest = errors.length - ERRORS_SHOWN;
  const shown = [...errors.slice(0, ERRORS_SHOWN), ...(rest > 0 ? [`and ${rest} more`] : [])];
  throw new AssayError('data', shown.join('\n'));
}

/** All columns. @throws AssayError where a mapped one is missing. */
function checkedColumns(rows: readonly TableRow[], mapping: TableMapping, file: string): string[] {
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
  return known;
}

function collectRow(row: TableRow, collecting: Collecting): void {
  const { mapping, errors, columns } = collecting;
  if (isEmpty(row, mapping)) return;
  const where = whereOf(row, collecting.file);
  const arm = cellText(row.cells[mapping.arm]);
  if (arm === '') errors.push(`${where}: expected an arm in column "${mapping.arm}", found an empty cell.`);
  const block = wholeIn(row, mapping.block, where, errors);
  const step = mapping.step === undefined ? FINAL_STEP : stepIn(row, mapping.step, where, errors);
  const rate = mapping.learningRate;
  const learningRate = rate === undefined ? undefined : numberIn(row, rate, where, collecting);
  const readings: Record<string, EntryReading> = {};
  for (const column of columns) readings[column] = measured(row, column, where, collecting);
  if (arm === '' || block === undefined || step === undefined) return;
  const cluster = mapping.cluster === undefined ? undefined : clusterIn(row, mapping.cluster, where, errors);
  const key = JSON.stringify([arm, block, learningRate ?? null]);
  const run = collecting.runs.get(key) ?? {
    arm,
    block,
    learningRate,
    isDiverged: false,
    ...(cluster !== undefined && { cluster }),
    entries: [],
    lastStep: new Map<string, number>(),
  };
  collecting.runs.set(key, run);
  if (cluster !== run.cluster) {
    errors.push(`${where}: expected one cluster a run, found "${cluster ?? ''}" after "${run.cluster ?? ''}".`);
  }
  const own = row.file ?? '';
  const last = run.lastStep.get(own) ?? -1;
  if (Number(step) < last) collecting.disordered.push(where);
  run.lastStep.set(own, Math.max(last, Number(step)));
  if (mapping.status !== undefined && cellText(row.cells[mapping.status]).toLowerCase() === 'diverged')
    run.isDiverged = true;
  run.entries.push({ step: Number(step), cells: row.cells, isExplicit: row.isExplicit === true, readings, row });
}

function whereOf(row: TableRow, file: string): string {
  return `${row.file ?? file}:${row.line}`;
}

/** Whether a row has no step and no measurement (logs of several kinds in one table leave such rows), or, of final results, nothing at all. */
function isEmpty({ cells }: TableRow, { arm, block, step, status, axes, outcomes }: TableMapping): boolean {
  const places = step === undefined ? [arm, block] : [step];
  const columns = [
    ...places,
    ...(status === undefined ? [] : [status]),
    ...Object.values(axes),
    ...Object.values(outcomes),
  ];
  return columns.every((column) => isBlank(cells[column]));
}

/** The name of a cluster; an empty cell is an error. */
function clusterIn(row: TableRow, column: string, where: string, errors: string[]): string {
  const text = cellText(row.cells[column]);
  if (text === '') errors.push(`${where}: expected a cluster in column "${column}", found an empty cell.`);
  return text;
}

/** The digits of a whole number; anything else is an error. */
function wholeIn(row: TableRow, column: string, where: string, errors: string[]): string | undefined {
  const whole = wholeTextOf(row.cells[column]);
  if (whole.kind === 'whole') return whole.digits;
  const found = cellText(row.cells[column]) || 'an empty cell';
  errors.push(`${where}: expected ${whole.expected} in column "${column}", found ${found}.`);
  return undefined;
}

/** The digits of a step. */
function stepIn(row: TableRow, column: string, where: string, errors: string[]): string | undefined {
  const step = wholeIn(row, column, where, errors);
  if (step !== undefined && !Number.isSafeInteger(Number(step))) {
    errors.push(`${where}: expected a step below 2^53 in column "${column}", found ${step}.`);
  }
  return step;
}

/** The number in a cell; undefined where there is none; anything else is an error. */
function numberIn(row: TableRow, column: string, where: string, collecting: Collecting): number | undefined {
  const reading = measured(row, column, where, collecting);
  if (reading === 'broken') {
    const text = cellText(row.cells[column]);
    collecting.errors.push(`${where}: expected a finite number in column "${column}", found "${text}".`);
  }
  return typeof reading === 'number' ? reading : undefined;
}

/** What a cell reads; what cannot be read is an error in mapped columns, and nothing in others. */
function measured(row: TableRow, column: string, where: string, collecting: Collecting): EntryReading {
  const reading = readingOf(row.cells[column], row);
  if (reading.kind === 'unreadable') {
    if (collecting.mapped.has(column) || column === collecting.mapping.learningRate) {
      collecting.errors.push(`${where}: expected a finite number in column "${column}", found "${reading.text}".`);
    }
    return undefined;
  }
  if (reading.kind === 'finite' && row.isCommaDecimal === true) noteDecimal(row, column, where, collecting);
  return reading.kind === 'finite' ? reading.value : reading.kind === 'absent' ? undefined : reading.kind;
}

function noteDecimal(row: TableRow, column: string, where: string, { decimals }: Collecting): void {
  const text = cellText(row.cells[column]);
  const sign = text.includes(',') ? 'comma' : text.includes('.') ? 'point' : undefined;
  if (sign === undefined) return;
  const seen = decimals.get(column) ?? {};
  seen[sign] ??= `${text}, ${where}`;
  decimals.set(column, seen);
}

function framed(
  runs: readonly Collected[],
  settled: ReadonlyMap<string, SettledColumn>,
  collecting: Collecting,
): ImportedFrame {
  const { mapping, columns, mapped, disordered } = collecting;
  const axes = Object.values(mapping.axes);
  const others = columns.filter((column) => !mapped.has(column));
  // A column without any number tells nothing of single runs.
  const isEverFinite = (column: string): boolean =>
    runs.some(({ entries }) => entries.some(({ readings }) => typeof readings[column] === 'number'));
  const watched = {
    losses: [...axes, ...others.filter((column) => watchedAs(column) === 'loss' && isEverFinite(column))],
    gradientNorms: others.filter((column) => watchedAs(column) === 'gradientNorm'),
    settled,
  };
  const blocks = blockNumbers(runs);
  const repeated: Repeated[] = [];
  const again: string[] = [];
  const broken: { name: string; at: Break }[] = [];
  const skipped: { name: string; count: number }[] = [];
  const lost: { name: string; outcome: string; step: number }[] = [];
  const frameRuns = runs.map((run): FrameRun => {
    const name = nameOf(run);
    const at = breakOf(run.entries, watched);
    const kept = at === undefined ? run.entries : run.entries.filter(({ step }) => step < at.step);
    if (at !== undefined) broken.push({ name, at });
    const count = skippedSteps(kept, watched);
    if (count > 0) skipped.push({ name, count });
    for (const one of lostIn(kept, settled, mapping)) lost.push({ name, ...one });
    const { points, twice, again: repeats } = pointsOf(kept, collecting);
    refuseTwoRuns(name, twice, points.length, mapping);
    if (mapping.step === undefined) again.push(...repeats);
    for (const one of twice) repeated.push(one);
    const isDiverged = run.isDiverged || at !== undefined;
    const base = {
      arm: run.arm,
      block: blocks.numberOf.get(run.block) ?? 0,
      status: isDiverged ? 'diverged' : 'finished',
      points,
    } as const;
    return {
      ...base,
      ...(run.learningRate !== undefined && { learningRate: run.learningRate }),
      ...(run.cluster !== undefined && { cluster: run.cluster }),
    };
  });
  const doubts = [
    ...blocks.doubts,
    ...brokenDoubts(broken),
    ...skippedDoubts(skipped),
    ...filledDoubts(settled, axes),
    ...lostDoubts(lost),
    ...repeatedDoubts(repeated),
    ...againDoubts(again),
    ...disorderedDoubts(disordered),
  ];
  return { frame: { runs: frameRuns }, doubts };
}

/** Outcomes that were logged and are not finite, with the first step at which. */
function lostIn(
  entries: readonly RowEntry[],
  settled: ReadonlyMap<string, SettledColumn>,
  { outcomes }: TableMapping,
): { outcome: string; step: number }[] {
  return Object.entries(outcomes).flatMap(([outcome, column]) => {
    const first = entries.find((entry) => settled.get(column)?.broken.has(entry) === true);
    return first === undefined ? [] : [{ outcome, step: first.step }];
  });
}

/** A point with the row that each of its columns was read from. */
interface CollectingPoint {
  readonly axes: Record<string, number>;
  readonly outcomes: Record<string, number>;
  readonly rows: Map<string, TableRow>;
}

/** Points by step; the first value of a step counts. */
function pointsOf(
  entries: readonly RowEntry[],
  { mapping, file }: Collecting,
): { points: TrajectoryPoint[]; twice: Repeated[]; again: Set<string> } {
  const points: TrajectoryPoint[] = [];
  const again = new Set<string>();
  const twice: Repeated[] = [];
  let step = -1;
  let point: CollectingPoint = { axes: {}, outcomes: {}, rows: new Map() };
  const close = (): void => {
    const { axes, outcomes } = point;
    if (step >= 0) points.push(Object.keys(outcomes).length === 0 ? { step, axes } : { step, axes, outcomes });
  };
  for (const entry of entries) {
    if (entry.step !== step) {
      close();
      step = entry.step;
      point = { axes: {}, outcomes: {}, rows: new Map() };
    }
    for (const kind of ['axes', 'outcomes'] as const) {
      for (const [name, column] of Object.entries(mapping[kind])) {
        const value = entry.readings[column];
        if (typeof value !== 'number') continue;
        const before = point[kind][name];
        const row = point.rows.get(column);
        if (before === undefined || row === undefined) {
          point[kind][name] = value;
          point.rows.set(column, entry.row);
        } else if (before !== value) {
          const places = { where: whereOf(entry.row, file), firstWhere: whereOf(row, file) };
          twice.push({ step, column, values: [before, value], ...places, isOtherFile: row.file !== entry.row.file });
        } else {
          again.add(whereOf(entry.row, file));
        }
      }
    }
  }
  close();
  return { points, twice, again };
}

function nameOf({ arm, block, learningRate }: Collected): string {
  return `${arm} block ${block}${learningRate === undefined ? '' : ` rate ${learningRate}`}`;
}
