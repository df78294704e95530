/**
 * The joint matching where arms never meet: at equal training loss they keep a small distance in held-out loss. What a
 * function of held-out loss, or of the gap, could make of that distance is bounded by the steepest slope the runs of both
 * arms show around each level; the contrast is shrunk by that much, and the level that shows most is left out, so that no
 * single step of such a function carries a claim. What remains is what no slope seen explains. See ADR 0087.
 */
import type { Grid } from './grid.ts';
import { contrastAt, type MatchedTable, type SlopeBound, type Unmatched } from './matched-table.ts';
import type { PairGrids } from './single-matching.ts';

type Side = 'arm' | 'reference';

/** Leaving one level out must leave an average. */
const FEWEST_LEVELS = 3;

/** Rates of one arm further apart than this share of the arms' distance show a slope at equal training loss. */
const TELLING_FRACTION = 0.5;

/** What the bound is made of. */
export interface BoundInput {
  readonly train: MatchedTable;
  readonly outcome: PairGrids;
  /** Held-out loss at the training crossings. */
  readonly heldOut: PairGrids;
  /** Widest mean distance that is bounded at all, in nats. */
  readonly caliper: number;
  /** Why the arms cannot be compared where they meet. */
  readonly obstacle: string;
}

/** A block and level of the training matching: the contrast there, and how far apart in held-out loss, in nats. */
interface Cell {
  /** Flat index, shape [B, L]. */
  readonly at: number;
  readonly level: number;
  readonly contrast: number;
  readonly distance: number;
}

/** The table of contrasts shrunk by what slopes seen could explain; not estimable where nothing remains of them. */
export function boundJoint(input: BoundInput): MatchedTable | Unmatched {
  const { train, obstacle, caliper } = input;
  const none = (why: string): Unmatched => ({ kind: 'notEstimable', name: 'joint', reason: `${obstacle}; ${why}` });
  const cells = cellsOf(input);
  const counted = [...new Set(cells.map(({ level }) => level))].toSorted((a, b) => a - b);
  if (counted.length < FEWEST_LEVELS) return none(`too few levels for a bound, ${counted.length} of ${FEWEST_LEVELS}`);
  const apart = meanOf(cells, ({ distance }) => distance);
  if (apart > caliper) {
    return none(`${apart.toPrecision(2)} nats on average, too far for a bound (at most ${caliper.toPrecision(2)})`);
  }
  const steepest = new Map(counted.map((level) => [level, steepestAt(input, level, counted, apart)]));
  const explained = ({ level, distance }: Cell): number => (steepest.get(level) ?? Infinity) * distance;
  const mean = meanOf(cells, ({ contrast }) => contrast);
  const bound: SlopeBound = {
    mismatch: apart,
    needed: Math.abs(mean) / apart,
    seen: meanOf(cells, explained) / apart,
  };
  if (!(bound.needed > bound.seen)) return none(boundText(bound));
  const remaining = (cell: Cell): number => cell.contrast - Math.sign(mean) * explained(cell);
  const atLevel = (level: number): number =>
    Math.sign(mean) *
    meanOf(
      cells.filter((cell) => cell.level === level),
      remaining,
    );
  const top = counted.reduce((best, level) => (atLevel(level) > atLevel(best) ? level : best));
  const arm = train.arm.slice();
  const usable = new Uint8Array(train.usable.length);
  for (const cell of cells) {
    arm[cell.at] = (train.reference[cell.at] ?? 0) + remaining(cell);
    usable[cell.at] = cell.level === top ? 0 : 1;
  }
  return {
    kind: 'matched',
    name: 'joint',
    blocks: train.blocks,
    levels: train.levels.map((level, l) => [Number(level), meanHeldOut(input, l)] as const),
    usable,
    bracketed: usable,
    arm,
    reference: train.reference,
    excluded: train.excluded.map((why, l) => why ?? (l === top ? 'shows most, left out of the bound' : undefined)),
    rates: [],
    bound,
  };
}

/** The cells where both arms' held-out losses are known. */
function cellsOf({ train, heldOut }: BoundInput): Cell[] {
  const levels = train.levels.length;
  return Array.from(train.usable).flatMap((isUsable, at) => {
    const distance = Math.abs(meanAt(heldOut.arm, at) - meanAt(heldOut.reference, at));
    if (isUsable === 0 || Number.isNaN(distance)) return [];
    return [{ at, level: at % levels, contrast: contrastAt(train, at), distance }];
  });
}

function meanOf(cells: readonly Cell[], read: (cell: Cell) => number): number {
  return cells.reduce((sum, cell) => sum + read(cell), 0) / cells.length;
}

/** "held-out loss would need a slope of at least 4.8 per nat to explain this; the steepest seen is 0.9". */
export function boundText({ needed, seen, mismatch }: SlopeBound): string {
  return `at a mean distance of ${mismatch.toPrecision(2)} nats held-out loss would need a slope of at least ${needed.toPrecision(2)} per nat to explain this; the steepest seen is ${seen.toPrecision(2)}`;
}

/** An arm's mean over its learning rates at a block and level (flat index); NaN where none is there. */
function meanAt(grid: Grid, at: number): number {
  const n = grid.rates.length;
  let [sum, used] = [0, 0];
  for (let r = 0; r < n; r++) {
    if (grid.present[at * n + r] === 0) continue;
    sum += grid.values[at * n + r] ?? 0;
    used++;
  }
  return sum / used;
}

function meanHeldOut({ heldOut, train }: BoundInput, level: number): number {
  const levels = train.levels.length;
  let [sum, used] = [0, 0];
  for (let b = 0; b < train.blocks.length; b++) {
    const at = b * levels + level;
    const value = (meanAt(heldOut.arm, at) + meanAt(heldOut.reference, at)) / 2;
    if (Number.isNaN(value)) continue;
    sum += value;
    used++;
  }
  return used === 0 ? 0 : sum / used;
}

/**
 * The steepest slope around a level, per nat: either arm, to either neighbouring level, along held-out loss or the gap;
 * and between an arm's learning rates, where these lie far enough apart.
 */
function steepestAt(input: BoundInput, level: number, counted: readonly number[], apart: number): number {
  const place = counted.indexOf(level);
  const neighbours = [counted[place - 1], counted[place + 1]].filter((one) => one !== undefined);
  const slopes = (['arm', 'reference'] as const).flatMap((side) => [
    ...neighbours.flatMap((other) => slopesBetween(input, side, level, other)),
    ...slopeOverRates(input, side, level, apart),
  ]);
  return Math.max(...slopes);
}

/** The slope over an arm's learning rates inside blocks, at one training level. */
function slopeOverRates({ train, outcome, heldOut }: BoundInput, side: Side, level: number, apart: number): number[] {
  const levels = train.levels.length;
  const n = outcome[side].rates.length;
  let [hh, hy, runs] = [0, 0, 0];
  for (let b = 0; b < train.blocks.length; b++) {
    const at = b * levels + level;
    const [meanH, meanY] = [meanAt(heldOut[side], at), meanAt(outcome[side], at)];
    for (let r = 0; r < n; r++) {
      if (outcome[side].present[at * n + r] === 0 || heldOut[side].present[at * n + r] === 0) continue;
      const h = (heldOut[side].values[at * n + r] ?? 0) - meanH;
      hh += h * h;
      hy += h * ((outcome[side].values[at * n + r] ?? 0) - meanY);
      runs++;
    }
  }
  return runs > 0 && Math.sqrt(hh / runs) >= TELLING_FRACTION * apart ? [Math.abs(hy / hh)] : [];
}

function slopesBetween(
  { train, outcome, heldOut }: BoundInput,
  side: 'arm' | 'reference',
  from: number,
  to: number,
): number[] {
  const levels = train.levels.length;
  const n = outcome[side].rates.length;
  let [y, h, runs] = [0, 0, 0];
  for (let b = 0; b < train.blocks.length; b++) {
    for (let r = 0; r < n; r++) {
      const [i, j] = [(b * levels + from) * n + r, (b * levels + to) * n + r];
      if ([i, j].some((at) => outcome[side].present[at] === 0 || heldOut[side].present[at] === 0)) continue;
      y += (outcome[side].values[j] ?? 0) - (outcome[side].values[i] ?? 0);
      h += (heldOut[side].values[j] ?? 0) - (heldOut[side].values[i] ?? 0);
      runs++;
    }
  }
  if (runs === 0) return [];
  const gap = h / runs - (Number(train.levels[to]) - Number(train.levels[from]));
  return [Math.abs(y / h), Math.abs(y / runs / gap)];
}
