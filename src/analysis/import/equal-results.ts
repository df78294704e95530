/**
 * Final results that are one result under several labels. A final result is a few numbers, and coarse ones (17 of 20
 * answers) are equal in two seeds by chance: equality is doubted only where chance would hardly give it, judged by the grid
 * the numbers lie on (multiples of 1/20) and how much seeds scatter over it; and where all seeds of an arm are equal.
 */
import type { Frame, FrameRun } from '#analysis/frame.ts';
import type { Doubt } from './doubt.ts';

/** Two numbers closer than this share of a column's range are equal but for kernels that do not repeat to the bit. */
const NEAR_FRACTION = 1e-3;
/** Equal results are doubted where chance gives fewer than this many in the whole arm. */
const CHANCE_COUNT = 0.05;
/** So many seeds that are all equal are doubted whatever chance says. */
const FEWEST_EQUAL = 3;
/** Numbers are looked for on grids of up to so many steps a unit: fractions of so many trials. */
const MOST_TRIALS = 10_000;

/** Two arms that are compared. */
export interface ComparedArms {
  readonly arm: string;
  readonly reference: string;
}

/** Doubts about seeds that are one seed, and arms that are one arm. */
export function equalResultDoubts(frame: Frame, pairs: readonly ComparedArms[]): Doubt[] {
  const columns = columnsOf(frame.runs);
  const arms = Map.groupBy(frame.runs, (run) => run.arm);
  return [
    ...[...arms].flatMap(([arm, runs]) =>
      [...Map.groupBy(runs, (run) => run.learningRate)].flatMap(([, own]) => seedDoubt(arm, own, columns)),
    ),
    ...pairs.flatMap((pair) => armDoubt(pair, arms.get(pair.arm) ?? [], arms.get(pair.reference) ?? [], columns)),
  ];
}

/** What equality in a column is worth. */
interface Column {
  readonly name: string;
  /** As far apart as two equal numbers may be. */
  readonly near: number;
  /** The distance of numbers that can be told apart. */
  readonly step: number;
  /** Standard deviation of numbers within arms. */
  readonly spread: number;
}

function valueOf(run: FrameRun, name: string): number | undefined {
  const point = run.points[0];
  return point?.outcomes?.[name] ?? point?.axes[name];
}

function columnsOf(runs: readonly FrameRun[]): Column[] {
  const names = new Set(
    runs.flatMap(({ points: [point] }) => [...Object.keys(point?.outcomes ?? {}), ...Object.keys(point?.axes ?? {})]),
  );
  return [...names].map((name) => {
    const values = runs.flatMap((run) => valueOf(run, name) ?? []);
    let [low, high] = [Infinity, -Infinity];
    for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
    const near = NEAR_FRACTION * (high - low);
    return { name, near, step: Math.max(gridOf(values), 2 * near), spread: spreadWithin(runs, name) };
  });
}

/** The largest 1/n that all numbers are multiples of, to the digits they were written with. */
function gridOf(values: readonly number[]): number {
  for (let trials = 1; trials <= MOST_TRIALS; trials++) {
    const isOnGrid = values.every((value) => {
      const scaled = value * trials;
      return Math.abs(scaled - Math.round(scaled)) <= trials * roundingOf(value);
    });
    if (isOnGrid) return 1 / trials;
  }
  return 1 / MOST_TRIALS;
}

/** Half a unit of a number's last written digit. */
function roundingOf(value: number): number {
  const [, digits = '', exponent = '0'] = /^-?\d+(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? [];
  return Math.max(0.5 * 10 ** (Number(exponent) - digits.length), Math.abs(value) * Number.EPSILON);
}

/** Pooled over arms, over the numbers that differ: one seed under many labels would hide how much seeds scatter. */
function spreadWithin(runs: readonly FrameRun[], name: string): number {
  let [squares, freedom] = [0, 0];
  for (const own of Map.groupBy(runs, (run) => run.arm).values()) {
    const values = [...new Set(own.flatMap((run) => valueOf(run, name) ?? []))];
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    for (const value of values) squares += (value - mean) ** 2;
    freedom += Math.max(0, values.length - 1);
  }
  return freedom === 0 ? 0 : Math.sqrt(squares / freedom);
}

/** The chance that two seeds are equal in every column: of normal numbers of that spread on that grid. */
function chanceOf(columns: readonly Column[]): number {
  return columns.reduce(
    (product, { step, spread }) => product * Math.min(1, step / (2 * Math.sqrt(Math.PI) * spread)),
    1,
  );
}

/** Whether two runs have numbers in the same columns and the same ones. */
function isEqual(one: FrameRun, other: FrameRun, columns: readonly Column[]): boolean {
  let compared = 0;
  for (const { name, near } of columns) {
    const [mine, theirs] = [valueOf(one, name), valueOf(other, name)];
    if (mine === undefined && theirs === undefined) continue;
    if (mine === undefined || theirs === undefined || Math.abs(mine - theirs) > near) return false;
    compared++;
  }
  return compared > 0;
}

function seedDoubt(arm: string, runs: readonly FrameRun[], columns: readonly Column[]): Doubt[] {
  const groups: FrameRun[][] = [];
  for (const run of runs) {
    const own = groups.find(([first]) => first !== undefined && isEqual(first, run, columns));
    if (own === undefined) groups.push([run]);
    else own.push(run);
  }
  const equal = groups.filter((group) => group.length > 1);
  const [first] = equal;
  if (first === undefined) return [];
  const isWhole = first.length === runs.length && runs.length >= FEWEST_EQUAL;
  if (isWhole) {
    const text = `all ${runs.length} seeds of ${arm} have the same numbers (${numbersOf(first[0], columns)}): one run under several labels, a seed that changes nothing, or a measure at its floor or ceiling; they say nothing of how other seeds would scatter`;
    return [{ kind: 'equalBlocks', text }];
  }
  const pairs = (runs.length * (runs.length - 1)) / 2;
  if (pairs * chanceOf(columns) >= CHANCE_COUNT) return [];
  const seeds = equal.map((group) => group.map(({ block }) => block).join(' and ')).join('; ');
  const text = `seeds ${seeds} of ${arm} have the same numbers, which chance would hardly give: as if one run stood under several seeds; they are no independent repetitions`;
  return [{ kind: 'equalBlocks', text }];
}

function armDoubt(
  { arm, reference }: ComparedArms,
  mine: readonly FrameRun[],
  theirs: readonly FrameRun[],
  columns: readonly Column[],
): Doubt[] {
  const shared = mine.flatMap((run) => {
    const other = theirs.find((one) => one.block === run.block && one.learningRate === run.learningRate);
    return other === undefined ? [] : [{ run, other }];
  });
  const equal = shared.filter(({ run, other }) => isEqual(run, other, columns));
  if (equal.length === 0) return [];
  const isWhole = equal.length === shared.length && shared.length >= FEWEST_EQUAL;
  if (!isWhole && shared.length * chanceOf(columns) >= CHANCE_COUNT) return [];
  const seeds = equal.map(({ run }) => run.block).join(', ');
  const text = `${arm} and ${reference} have the same numbers in seeds ${seeds}, as if one run stood under both arms`;
  return [{ kind: 'equalArms', text }];
}

function numbersOf(run: FrameRun | undefined, columns: readonly Column[]): string {
  return columns
    .flatMap(({ name }) => (run === undefined ? [] : [`${name} ${valueOf(run, name) ?? 'missing'}`]))
    .join(', ');
}
