/**
 * Descriptions over the arms of a study, no verdicts: numbers at one level of an axis, the share of their variance that goes
 * with each hyperparameter, and how an outcome goes with another over arms. Numbers are those of runs, one an arm and block.
 */
import type { Series } from './doses.ts';

/** One probe of a run, as `assay export` writes it. */
export interface ProbeRow {
  readonly arm: string;
  readonly block: number;
  readonly step: number;
  readonly axes: Readonly<Record<string, number>>;
  /** Absent where outcomes were not measured. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Arm -> block -> number. */
export type ByArm = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** An outcome where each run's axis first falls to a level, interpolated between the two probes; runs that never do are left out. */
export function atLevel(rows: readonly ProbeRow[], axis: string, level: number, outcome: string): ByArm {
  const byArm = new Map<string, Map<number, number>>();
  for (const run of Map.groupBy(rows, ({ arm, block }) => `${arm} ${block}`).values()) {
    const probes = run.toSorted((a, b) => a.step - b.step);
    const after = probes.findIndex(({ axes }) => (axes[axis] ?? Infinity) <= level);
    const [before, at] = [probes[after - 1], probes[after]];
    const value = before === undefined || at === undefined ? undefined : between(before, at, axis, level, outcome);
    if (at === undefined || value === undefined) continue;
    const own = byArm.get(at.arm) ?? new Map<number, number>();
    byArm.set(at.arm, own.set(at.block, value));
  }
  return byArm;
}

/** A series' part in the spread of an outcome. */
export interface SeriesShare {
  readonly series: string;
  /** Standard deviation over doses that is not the blocks' scatter, in the outcome's unit; 0 where that explains all of it. */
  readonly sd: number;
  /** Its square over the sum of all series' squares; undefined where all are 0. */
  readonly share: number | undefined;
  /** Mean at the highest dose minus mean at the lowest. */
  readonly rise: number;
  /** Blocks that have all doses. */
  readonly blocks: number;
}

/**
 * Series by the share of variance that goes with them, largest first. The variance over doses is (MS_dose - MS_rest) / n of the
 * two-way table of doses and blocks, 0 where negative; series are varied one at a time, so interactions are not seen.
 */
export function rankedByVariance(series: readonly Series[], values: ByArm): SeriesShare[] {
  const parts = series.map((one) => varianceOf(one, values));
  const total = parts.reduce((sum, { variance }) => sum + variance, 0);
  return parts
    .map(({ variance, ...rest }) => ({
      ...rest,
      sd: Math.sqrt(variance),
      share: total === 0 ? undefined : variance / total,
    }))
    .toSorted((a, b) => b.sd - a.sd);
}

/** The mean of each arm over the blocks that all the arms given have. */
export function armMeans(arms: readonly string[], values: ByArm): ReadonlyMap<string, number> {
  const blocks = commonBlocks(arms, values);
  return new Map(arms.map((arm) => [arm, meanOf(blocks.map((block) => values.get(arm)?.get(block) ?? Number.NaN))]));
}

/** Spearman's rank correlation; undefined for fewer than three pairs or a list without differences. */
export function rankCorrelation(a: readonly number[], b: readonly number[]): number | undefined {
  if (a.length !== b.length || a.length < 3) return undefined;
  const [x, y] = [centred(ranks(a)), centred(ranks(b))];
  const length = Math.sqrt(dot(x, x) * dot(y, y));
  return length === 0 ? undefined : dot(x, y) / length;
}

function varianceOf({ name, doses }: Series, values: ByArm) {
  const arms = doses.map((dose) => dose.name);
  const blocks = commonBlocks(arms, values);
  const table = arms.map((arm) => blocks.map((block) => values.get(arm)?.get(block) ?? Number.NaN));
  const means = table.map(meanOf);
  const ofBlock = blocks.map((_, b) => meanOf(table.map((row) => row[b] ?? Number.NaN)));
  const all = meanOf(means);
  const [k, n] = [arms.length, blocks.length];
  const dose = (n * means.reduce((sum, mean) => sum + (mean - all) ** 2, 0)) / (k - 1);
  const rest = table.flatMap((row, d) =>
    row.map((value, b) => (value - (means[d] ?? 0) - (ofBlock[b] ?? 0) + all) ** 2),
  );
  const scatter = n < 2 ? 0 : rest.reduce((sum, square) => sum + square, 0) / ((k - 1) * (n - 1));
  const rise = (means.at(-1) ?? Number.NaN) - (means[0] ?? Number.NaN);
  return { series: name, blocks: n, rise, variance: n === 0 ? 0 : Math.max(0, (dose - scatter) / n) };
}

function between(before: ProbeRow, at: ProbeRow, axis: string, level: number, outcome: string): number | undefined {
  const [high, low] = [before.axes[axis], at.axes[axis]];
  const [first, second] = [before.outcomes[outcome], at.outcomes[outcome]];
  if (high === undefined || low === undefined || first === undefined || second === undefined) return undefined;
  return first + ((high - level) / (high - low)) * (second - first);
}

function commonBlocks(arms: readonly string[], values: ByArm): number[] {
  const [first, ...others] = arms.map((arm) => new Set(values.get(arm)?.keys()));
  return [...(first ?? [])].filter((block) => others.every((blocks) => blocks.has(block)));
}

/** Ranks from 0, ties sharing their mean. */
function ranks(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const same = values.filter((other) => other === value).length;
    return below + (same - 1) / 2;
  });
}

function centred(values: readonly number[]): number[] {
  const mean = meanOf(values);
  return values.map((value) => value - mean);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
