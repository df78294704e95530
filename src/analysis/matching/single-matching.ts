/**
 * Matching on one axis: at every preset level both arms bracket, the difference of their outcomes at its passage,
 * averaged over the learning rates that count there.
 */
import { countedRates, meanOverRates, type Grid } from './grid.ts';
import type { Rate } from './pair.ts';
import type { Contrasts, MatchedTable, PairContrasts, RateContrasts, Unmatched } from './matched-table.ts';

/** Both arms' readings at one axis' levels. */
export interface PairGrids {
  readonly arm: Grid;
  readonly reference: Grid;
}

/** What a single matching needs. */
export interface SingleInput {
  readonly name: string;
  readonly blocks: readonly number[];
  /** 1 for blocks not voided, shape [B]. */
  readonly active: Uint8Array;
  readonly levels: readonly number[];
  readonly outcome: PairGrids;
  /** Coherence readings and the floor of their means. */
  readonly gate?: { readonly grids: PairGrids; readonly floor: number };
  /** A level counts if at least so many blocks are usable there. */
  readonly minBlocks: number;
}

/** Builds the table of one single matching over the active blocks. */
export function matchSingle(input: SingleInput): MatchedTable | Unmatched {
  const [blocks, levels] = [input.blocks.length, input.levels.length];
  const { arm, reference } = input.outcome;
  const areShared = shareRates(arm.rates, reference.rates);
  const counts = [countedRates(arm, input.active, levels), countedRates(reference, input.active, levels)] as const;
  const both = counts[0].map((one, at) => one & (counts[1][at] ?? 0));
  const [armCounted, referenceCounted] = areShared ? [both, both] : counts;
  const usable = new Uint8Array(blocks * levels);
  const values = { arm: new Float64Array(blocks * levels), reference: new Float64Array(blocks * levels) };
  for (let b = 0; b < blocks; b++) {
    for (let l = 0; l < levels && input.active[b] === 1; l++) {
      const mine = meanOverRates(arm, armCounted, b, l, levels);
      const theirs = meanOverRates(reference, referenceCounted, b, l, levels);
      if (mine === undefined || theirs === undefined) continue;
      const at = b * levels + l;
      usable[at] = 1;
      values.arm[at] = mine;
      values.reference[at] = theirs;
    }
  }
  const bracketed = usable.slice();
  const excluded = input.levels.map((_, l) => exclusionOf(input, usable, l, armCounted, referenceCounted));
  for (let at = 0; at < usable.length; at++) {
    if (excluded[at % levels] !== undefined) usable[at] = 0;
  }
  if (excluded.every((reason) => reason !== undefined)) {
    return { kind: 'notEstimable', name: input.name, reason: whyNone(input.levels, excluded) };
  }
  const mine: CountedGrid = { grid: arm, counted: armCounted };
  const theirs: CountedGrid = { grid: reference, counted: referenceCounted };
  const pairs = ratePairs(mine, theirs, usable, levels).filter(
    ({ arm: one, reference: other }) => !areShared || one === other,
  );
  const rates = [
    ...rateContrasts('arm', mine, usable, values.reference, levels),
    ...rateContrasts('reference', theirs, usable, values.arm, levels),
  ];
  return {
    kind: 'matched',
    name: input.name,
    blocks: input.blocks,
    levels: input.levels,
    usable,
    bracketed,
    ...values,
    excluded,
    rates,
    ...(rates.length === 0 ? {} : { pairs }),
  };
}

function whyNone(levels: readonly number[], excluded: readonly (string | undefined)[]): string {
  const reasons = levels.map((level, l) => `${level}: ${excluded[l] ?? ''}`);
  return `no level counts (${reasons.join('; ')})`;
}

function exclusionOf(
  input: SingleInput,
  usable: Uint8Array,
  level: number,
  armCounted: Uint8Array,
  referenceCounted: Uint8Array,
): string | undefined {
  const levels = input.levels.length;
  const rows = input.blocks.flatMap((_, b) => (usable[b * levels + level] === 1 ? [b] : []));
  if (rows.length < input.minBlocks) {
    return `bracketed by both arms in ${rows.length} of ${activeCount(input.active)} blocks, at least ${input.minBlocks} needed`;
  }
  if (input.gate === undefined) return undefined;
  const sides = [
    { grid: input.gate.grids.arm, counted: armCounted, side: 'the arm' },
    { grid: input.gate.grids.reference, counted: referenceCounted, side: 'the reference' },
  ];
  for (const { grid, counted, side } of sides) {
    const readings = rows.map((b) => meanOverRates(grid, counted, b, level, levels));
    if (readings.includes(undefined)) return `coherence of ${side} was not measured`;
    const mean = readings.reduce<number>((sum, value) => sum + (value ?? 0), 0) / rows.length;
    if (mean < input.gate.floor) return `coherence of ${side} is ${mean.toPrecision(3)}, below ${input.gate.floor}`;
  }
  return undefined;
}

function activeCount(active: Uint8Array): number {
  return active.reduce((sum, one) => sum + one, 0);
}

/** An arm's readings and which of its rates count at each level. */
interface CountedGrid {
  readonly grid: Grid;
  readonly counted: Uint8Array;
}

/** Whether both arms run the same several rates: then these are matched, and a level counts the rates both reach. */
function shareRates(mine: readonly Rate[], theirs: readonly Rate[]): boolean {
  return mine.length > 1 && mine.length === theirs.length && mine.every((rate, r) => rate === theirs[r]);
}

/** Contrasts of each rate with the other arm's average; none for an arm with one rate, whose contrast is the average. */
function rateContrasts(
  side: 'arm' | 'reference',
  { grid, counted }: CountedGrid,
  usable: Uint8Array,
  other: Float64Array,
  levels: number,
): RateContrasts[] {
  const rates = grid.rates.length;
  if (rates < 2) return [];
  return grid.rates.flatMap((rate, r) => {
    const found = contrastsWhere(
      usable,
      (at) => counted[(at % levels) * rates + r] === 1,
      (at) => {
        const value = grid.values[at * rates + r] ?? 0;
        return side === 'arm' ? value - (other[at] ?? 0) : (other[at] ?? 0) - value;
      },
    );
    return found === undefined ? [] : [{ side, rate: rate ?? 0, ...found }];
  });
}

/** Contrasts of every rate of one arm with every rate of the other. */
function ratePairs(mine: CountedGrid, theirs: CountedGrid, usable: Uint8Array, levels: number): PairContrasts[] {
  const [n, m] = [mine.grid.rates.length, theirs.grid.rates.length];
  return mine.grid.rates.flatMap((arm, i) =>
    theirs.grid.rates.flatMap((reference, j) => {
      const found = contrastsWhere(
        usable,
        (at) => mine.counted[(at % levels) * n + i] === 1 && theirs.counted[(at % levels) * m + j] === 1,
        (at) => (mine.grid.values[at * n + i] ?? 0) - (theirs.grid.values[at * m + j] ?? 0),
      );
      return found === undefined ? [] : [{ arm: arm ?? 0, reference: reference ?? 0, ...found }];
    }),
  );
}

/** Contrasts at the usable places that count; undefined where none does. */
function contrastsWhere(
  usable: Uint8Array,
  counts: (at: number) => boolean,
  contrastOf: (at: number) => number,
): Contrasts | undefined {
  const contrast = new Float64Array(usable.length);
  const mask = new Uint8Array(usable.length);
  for (let at = 0; at < usable.length; at++) {
    if (usable[at] === 0 || !counts(at)) continue;
    contrast[at] = contrastOf(at);
    mask[at] = 1;
  }
  return mask.includes(1) ? { contrast, usable: mask } : undefined;
}
