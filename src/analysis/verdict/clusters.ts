/**
 * Blocks that are not independent, such as seeds of one domain: every cluster becomes one row, the mean of its blocks'
 * contrasts at each level, and everything after matching (t, sign flips, counts) goes over these rows.
 */
import { AssayError } from '#base/errors.ts';
import { clusterOf, clustersText } from '#study/clusters.ts';
import type { Study } from '#study/study.ts';
import type { Frame } from '#analysis/frame.ts';
import { MIN_BLOCKS } from '#analysis/matching/match.ts';
import type { Contrasts, Matched, MatchedTable, Unmatched } from '#analysis/matching/matched-table.ts';
import type { Pair } from '#analysis/matching/pair.ts';

/** Which blocks belong together. */
export interface Clusters {
  /** What a cluster is called, in the singular. */
  readonly label: string;
  /** Block -> the lowest block of its cluster, which names the cluster's row. */
  readonly of: ReadonlyMap<number, number>;
}

/** How many independent units a pair has: blocks, or clusters of them. */
export interface Units {
  readonly usable: number;
  readonly all: number;
  /** What a cluster is called; absent where every block stands for itself. */
  readonly label?: string;
}

/** A matched pair whose rows are independent. */
export type CountedMatched = Matched & { readonly units: Units };

/**
 * The clusters of a frame's blocks: those the runs carry, else those the study declares; undefined where there are none.
 * @throws AssayError where runs of one block carry different clusters, or some runs carry none.
 */
export function clustersOf(frame: Frame, declared: Study['blocks']): Clusters | undefined {
  const isCarried = frame.runs.some(({ cluster }) => cluster !== undefined);
  if (!isCarried && declared === undefined) return undefined;
  const names = new Map<number, string>();
  for (const { block, cluster } of frame.runs) {
    const name = isCarried || declared === undefined ? cluster : clusterOf(declared.cluster, block);
    const known = names.get(block);
    if (name === undefined || (known !== undefined && known !== name)) {
      const found = name === undefined ? 'none' : `"${known}" and "${name}"`;
      throw new AssayError('data', `Expected one cluster for all runs of block ${block}, found ${found}.`);
    }
    names.set(block, name);
  }
  const first = new Map<string, number>();
  for (const block of [...names.keys()].toSorted((a, b) => a - b)) {
    const name = names.get(block) ?? '';
    if (!first.has(name)) first.set(name, block);
  }
  const of = new Map([...names].map(([block, name]) => [block, first.get(name) ?? block]));
  return { label: declared?.cluster.label ?? 'cluster', of };
}

/** A matched pair over its independent units. */
export function countedIn(matched: Matched, pair: Pair, clusters: Clusters | undefined): CountedMatched {
  const { usableBlocks, allBlocks, voided } = matched;
  if (clusters === undefined) return { ...matched, units: { usable: usableBlocks, all: allBlocks } };
  const lost = new Set(voided.map(({ block }) => block));
  const blocks = [...pair.blocks, ...pair.voided].map(({ block }) => block);
  const count = (some: readonly number[]): number => new Set(some.map((block) => rowOf(clusters, block))).size;
  const units: Units = {
    usable: count(blocks.filter((block) => !lost.has(block))),
    all: count(blocks),
    label: clusters.label,
  };
  const least = Math.max(2, Math.min(MIN_BLOCKS, units.usable));
  const over = (table: MatchedTable | Unmatched): MatchedTable | Unmatched =>
    table.kind === 'matched' ? overClusters(table, clusters, least) : table;
  return {
    ...matched,
    singles: matched.singles.map(over),
    ...(matched.joint && { joint: over(matched.joint) }),
    ...(matched.gap && { gap: over(matched.gap) }),
    units,
  };
}

/** "8 blocks", or "16 blocks over 8 domains". */
export function sizeText({ usableBlocks, units }: Pick<CountedMatched, 'usableBlocks' | 'units'>): string {
  const blocks = clustersText('block', usableBlocks);
  return units.label === undefined ? blocks : `${blocks} over ${clustersText(units.label, units.usable)}`;
}

function rowOf(clusters: Clusters, block: number): number {
  return clusters.of.get(block) ?? block;
}

/** The table with one row a cluster; a level with fewer than `least` clusters no longer counts. */
function overClusters(table: MatchedTable, clusters: Clusters, least: number): MatchedTable | Unmatched {
  const ids = [...new Set(table.blocks.map((block) => rowOf(clusters, block)))].toSorted((a, b) => a - b);
  const place = new Map(ids.map((id, row) => [id, row]));
  const rows = table.blocks.map((block) => place.get(rowOf(clusters, block)) ?? 0);
  const levels = table.levels.length;
  const mean = (values: Float64Array, where: Uint8Array): Float64Array =>
    meanOfRows(values, where, rows, ids.length, levels);
  const any = (where: Uint8Array): Uint8Array => anyOfRows(where, rows, ids.length, levels);
  const usable = any(table.usable);
  const excluded = table.excluded.map((reason, l) => {
    const count = ids.filter((_, row) => usable[row * levels + l] === 1).length;
    if (reason !== undefined || count >= least || count === 0) return reason;
    return `bracketed by both arms in ${clustersText(clusters.label, count)}, at least ${least} needed`;
  });
  const counts = (at: number): boolean => excluded[at % levels] === undefined;
  const kept = usable.map((one, at) => (counts(at) ? one : 0));
  if (!kept.includes(1)) {
    const reason = `no level counts (${excluded.filter((one) => one !== undefined).join('; ')})`;
    return { kind: 'notEstimable', name: table.name, reason };
  }
  const mismatch = table.mismatch && meanOfRows(table.mismatch, coveredRows(table), rows, ids.length, 1);
  if (mismatch !== undefined && !straddlesZero(mismatch)) {
    const reason = `at equal training loss the arms stay apart in held-out loss, on the same side in almost every ${clusters.label}`;
    return { kind: 'notEstimable', name: table.name, reason };
  }
  const contrastsOf = (one: Contrasts): Contrasts => ({
    contrast: mean(one.contrast, one.usable),
    usable: any(one.usable).map((used, at) => (counts(at) ? used : 0)),
  });
  return {
    ...table,
    blocks: ids,
    usable: kept,
    bracketed: any(table.bracketed),
    arm: mean(table.arm, table.bracketed),
    reference: mean(table.reference, table.bracketed),
    excluded,
    rates: table.rates.map((rate) => ({ ...rate, ...contrastsOf(rate) })),
    ...(table.pairs && { pairs: table.pairs.map((pair) => ({ ...pair, ...contrastsOf(pair) })) }),
    ...(mismatch && { mismatch }),
  };
}

/** 1 for blocks usable at some level. */
function coveredRows(table: MatchedTable): Uint8Array {
  const levels = table.levels.length;
  return Uint8Array.from(table.blocks, (_, b) =>
    table.usable.subarray(b * levels, (b + 1) * levels).includes(1) ? 1 : 0,
  );
}

/** Interpolation, not extrapolation: zero has at least two clusters on either side. */
function straddlesZero(mismatch: Float64Array): boolean {
  return mismatch.filter((one) => one >= 0).length >= 2 && mismatch.filter((one) => one <= 0).length >= 2;
}

/** Means over the blocks of a row where `where` is 1; arrays of shape [B, L] become [rows, L]. */
function meanOfRows(
  values: Float64Array,
  where: Uint8Array,
  rows: readonly number[],
  count: number,
  levels: number,
): Float64Array {
  const [sums, used] = [new Float64Array(count * levels), new Float64Array(count * levels)];
  rows.forEach((row, b) => {
    for (let l = 0; l < levels; l++) {
      if (where[b * levels + l] === 0) continue;
      const at = row * levels + l;
      sums[at] = (sums[at] ?? 0) + (values[b * levels + l] ?? 0);
      used[at] = (used[at] ?? 0) + 1;
    }
  });
  return sums.map((sum, at) => ((used[at] ?? 0) > 1 ? sum / (used[at] ?? 1) : sum));
}

function anyOfRows(where: Uint8Array, rows: readonly number[], count: number, levels: number): Uint8Array {
  const any = new Uint8Array(count * levels);
  rows.forEach((row, b) => {
    for (let l = 0; l < levels; l++) {
      if (where[b * levels + l] === 1) any[row * levels + l] = 1;
    }
  });
  return any;
}
