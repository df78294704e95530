/**
 * Which cells that read `nan` say that a number broke, and where a run ends because one did.
 *
 * Tables write `nan` for two things: a loss that broke, and a row in which nothing was logged. A cell is "not logged"
 * only where the rest of its table says so; what is left is broken:
 *  1. another row of the same run and step has the number;
 *  2. `nan` with numbers of the column after it: if the row holds something that hardly ever goes with the column (rows
 *     of evaluations between rows of training), or if the column is empty in most rows of that kind anyway;
 *  3. `nan` to the end of the run: if the column is filled like that elsewhere (2), and the end is no longer than the
 *     widest stretch between two numbers of the column;
 *  4. `nan` before the run's first number of the column: nothing was measured yet, and what is broken stays so.
 */
import { isBlank } from './readings.ts';

/** One row of a run with what it reads, by column. */
export interface Entry {
  readonly step: number;
  /** Every cell of the row. */
  readonly cells: Readonly<Record<string, unknown>>;
  /** Whether only what was logged stands in the row, so that nothing in it is a filler. */
  readonly isExplicit: boolean;
  /** Column -> what it reads there; absent columns are left out. One shape for all rows of a table. */
  readonly readings: Readonly<Record<string, EntryReading>>;
}

/** A number, or what stands in its place; tables are long, so no object is made for each. */
export type EntryReading = number | 'broken' | 'nan' | undefined;

/** How the `nan` of a column were settled. */
export interface SettledColumn {
  /** The entries at which the column is logged and not finite. */
  readonly broken: ReadonlySet<Entry>;
  /** How many cells were taken for "not logged" although no other row has their number. */
  readonly filled: number;
}

/** Share of rows with something that also have the column, above which its number was to be expected there. */
const EXPECTED_FRACTION = 0.75;
/** Share below which the row is one of another kind. */
const UNUSUAL_FRACTION = 0.25;

/** A `nan` of a run that no other row explains. */
interface Unclear {
  readonly entry: Entry;
  readonly run: number;
  /** Before the first number of the column, between two of them, or after the last (or in a run without any). */
  readonly place: 'before' | 'inside' | 'after';
}

/** Settles one column over all runs of a table; each run's entries in step order. */
export function settleColumn(runs: readonly (readonly Entry[])[], column: string): SettledColumn {
  const broken = new Set<Entry>();
  const unclear: Unclear[] = [];
  const isFinite = (entry: Entry): boolean => kindIn(entry, column) === 'finite';
  const lastFinite = runs.map((entries) => entries.findLast(isFinite)?.step);
  runs.forEach((entries, run) => {
    const known = new Set(entries.filter(isFinite).map(({ step }) => step));
    const [first = Infinity, last = -1] = [entries.find(isFinite)?.step, lastFinite[run]];
    for (const entry of entries) {
      const kind = kindIn(entry, column);
      if (kind === 'broken' || (kind === 'nan' && entry.isExplicit)) broken.add(entry);
      else if (kind === 'nan' && !known.has(entry.step))
        unclear.push({ entry, run, place: entry.step > last ? 'after' : entry.step < first ? 'before' : 'inside' });
    }
  });
  if (unclear.length === 0) return { broken, filled: 0 };
  const inside = unclear.filter(({ place }) => place === 'inside');
  const shares = inside.length === 0 ? undefined : sharesOf(runs, column, lastFinite);
  const fillers = new Set(inside.filter(({ entry }) => shares !== undefined && isFiller(entry, shares)));
  const widest = fillers.size === 0 ? 0 : widestStretch(runs, column);
  for (const one of unclear) {
    const isFilled =
      one.place === 'after' ? stretchToEnd(runs[one.run], lastFinite[one.run]) <= widest : fillers.has(one);
    if (one.place !== 'before' && !isFilled) broken.add(one.entry);
  }
  return { broken, filled: unclear.filter(({ entry }) => !broken.has(entry)).length };
}

function kindIn({ readings }: Entry, column: string): 'finite' | 'broken' | 'nan' | 'absent' {
  const reading = readings[column];
  return typeof reading === 'number' ? 'finite' : (reading ?? 'absent');
}

/** Column -> share of the rows with something in it in which the settled column has a number; rows before its end alone. */
interface Shares {
  readonly byColumn: ReadonlyMap<string, number>;
  readonly ofRows: number;
}

function sharesOf(
  runs: readonly (readonly Entry[])[],
  column: string,
  lastFinite: readonly (number | undefined)[],
): Shares {
  const counts = new Map<string, { rows: number; both: number }>();
  let [rows, both] = [0, 0];
  runs.forEach((entries, run) => {
    for (const entry of entries) {
      if (entry.step > (lastFinite[run] ?? -1)) continue;
      const isFinite = kindIn(entry, column) === 'finite';
      rows++;
      if (isFinite) both++;
      for (const other of filledColumns(entry, column)) {
        const count = counts.get(other) ?? { rows: 0, both: 0 };
        counts.set(other, count);
        count.rows++;
        if (isFinite) count.both++;
      }
    }
  });
  return {
    byColumn: new Map([...counts].map(([name, count]) => [name, count.both / count.rows])),
    ofRows: both / rows,
  };
}

function filledColumns(entry: Entry, column: string): string[] {
  return Object.keys(entry.cells).filter((name) => name !== column && !isBlank(entry.cells[name]));
}

function isFiller(entry: Entry, { byColumn, ofRows }: Shares): boolean {
  const shares = filledColumns(entry, '').map((name) => byColumn.get(name) ?? 0);
  if (shares.some((share) => share <= UNUSUAL_FRACTION)) return true;
  return ofRows < EXPECTED_FRACTION && shares.every((share) => share < EXPECTED_FRACTION);
}

/** The most steps between two neighbouring numbers of a column in any run. */
function widestStretch(runs: readonly (readonly Entry[])[], column: string): number {
  let widest = 0;
  for (const entries of runs) {
    let before: number | undefined;
    for (const entry of entries) {
      if (kindIn(entry, column) !== 'finite') continue;
      if (before !== undefined) widest = Math.max(widest, entry.step - before);
      before = entry.step;
    }
  }
  return widest;
}

function stretchToEnd(entries: readonly Entry[] = [], lastFinite: number | undefined): number {
  return lastFinite === undefined ? Infinity : (entries.at(-1)?.step ?? 0) - lastFinite;
}

/** Columns that hold a gradient's norm, by their names in the loggers of the field: `grad_norm`, `train/grad_norm`. */
const GRADIENT_NORM = /(?:^|[/._-])grad(?:ient)?s?[/._-]?(?:global[/._-]?)?norm$/i;
/** Columns that hold a run's main losses: `loss`, `train_loss`, `eval/loss`. */
const LOSS = /^(?:.*[/.])?(?:(?:train|training|eval|evaluation|val|valid|validation|test)[/._-])?loss$/i;

/** What an unmapped column tells of a run's health. */
export function watchedAs(column: string): 'gradientNorm' | 'loss' | undefined {
  if (GRADIENT_NORM.test(column)) return 'gradientNorm';
  return LOSS.test(column) ? 'loss' : undefined;
}

/** A run's end. */
export interface Break {
  readonly step: number;
  readonly column: string;
}

/** What is watched in a run: the columns that end it, and those of gradient norms among them. */
export interface Watched {
  readonly losses: readonly string[];
  readonly gradientNorms: readonly string[];
  readonly settled: ReadonlyMap<string, SettledColumn>;
}

/**
 * Where a run broke: the first entry with a loss that is not finite, or a gradient norm that never was finite again. A
 * gradient norm that recovers was a step that a loss scaler skipped (weights that are NaN stay so), unless the loss of
 * the row is exactly 0, which Trainer writes for one that is not finite.
 */
export function breakOf(entries: readonly Entry[], { losses, gradientNorms, settled }: Watched): Break | undefined {
  const isBroken = (entry: Entry, column: string): boolean => settled.get(column)?.broken.has(entry) === true;
  for (const [i, entry] of entries.entries()) {
    const loss = losses.find((column) => isBroken(entry, column));
    if (loss !== undefined) return { step: entry.step, column: loss };
    const norm = gradientNorms.find((column) => isBroken(entry, column));
    if (norm === undefined) continue;
    const isZero = losses.some((column) => valueIn(entry, column) === 0);
    const recovers = entries.slice(i + 1).some((later) => kindIn(later, norm) === 'finite');
    if (isZero || !recovers) return { step: entry.step, column: norm };
  }
  return undefined;
}

/** How often a gradient norm was not finite and the run went on. */
export function skippedSteps(entries: readonly Entry[], { gradientNorms, settled }: Watched): number {
  return entries.filter((entry) => gradientNorms.some((column) => settled.get(column)?.broken.has(entry) === true))
    .length;
}

function valueIn({ readings }: Entry, column: string): number | undefined {
  const reading = readings[column];
  return typeof reading === 'number' ? reading : undefined;
}
