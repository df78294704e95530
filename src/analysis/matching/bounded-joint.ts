/**
 * The joint matching where arms never meet: at equal training loss they keep a small distance in held-out loss. What a
 * function of held-out loss, or of the gap, could make of that distance is bounded by the steepest slope the runs of both
 * arms show around each level; the contrast is shrunk by that much, and the level that shows most is left out, so that no
 * single step of such a function carries a claim. What remains is what no slope seen explains. See ADR 0087.
 */
import type { Grid } from './grid.ts';
import type { MatchedTable, SlopeBound, Unmatched } from './matched-table.ts';
import type { PairGrids } from './single-matching.ts';

/** Leaving one level out must leave an average. */
const FEWEST_LEVELS = 3;

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

/** The table of contrasts shrunk by what slopes seen could explain; not estimable where nothing remains of them. */
export function boundJoint(input: BoundInput): MatchedTable | Unmatched {
  const { train, obstacle } = input;
  const [blocks, levels] = [train.blocks.length, train.levels.length];
  const counted = Array.from({ length: levels }, (_, l) => l).filter((l) =>
    train.usable.some((one, at) => one === 1 && at % levels === l),
  );
  const none = (why: string): Unmatched => ({ kind: 'notEstimable', name: 'joint', reason: `${obstacle}; ${why}` });
  if (counted.length < FEWEST_LEVELS)
    return none(`fewer than ${FEWEST_LEVELS} training levels count, so that no slope bounds what this explains`);
  const mismatch = mismatches(input);
  const slopes = counted.map((l) => steepestAt(input, l, counted));
  const usable = train.usable.slice();
  const [sums, ns] = [new Float64Array(levels), new Float64Array(levels)];
  for (let at = 0; at < usable.length; at++) {
    if (usable[at] === 0) continue;
    if (Number.isNaN(mismatch[at])) usable[at] = 0;
    else {
      sums[at % levels] = (sums[at % levels] ?? 0) + (train.arm[at] ?? 0) - (train.reference[at] ?? 0);
      ns[at % levels] = (ns[at % levels] ?? 0) + 1;
    }
  }
  const total = counted.reduce((sum, l) => sum + (sums[l] ?? 0), 0);
  const count = counted.reduce((sum, l) => sum + (ns[l] ?? 0), 0);
  const sign = Math.sign(total);
  const arm = train.arm.slice();
  const remains = new Float64Array(levels);
  let [apart, explained] = [0, 0];
  for (let at = 0; at < usable.length; at++) {
    if (usable[at] === 0) continue;
    const l = at % levels;
    const distance = Math.abs(mismatch[at] ?? 0);
    const most = (slopes[counted.indexOf(l)] ?? Infinity) * distance;
    arm[at] = (arm[at] ?? 0) - sign * most;
    remains[l] = (remains[l] ?? 0) + sign * ((arm[at] ?? 0) - (train.reference[at] ?? 0));
    apart += distance;
    explained += most;
  }
  const meanApart = apart / count;
  if (!(meanApart <= input.caliper))
    return none(
      `they lie ${meanApart.toPrecision(2)} nats apart, too far for a bound (at most ${input.caliper.toPrecision(2)})`,
    );
  const bound: SlopeBound = {
    mismatch: meanApart,
    needed: Math.abs(total) / apart,
    seen: explained / apart,
  };
  if (!(bound.needed > bound.seen)) return none(boundText(bound));
  const top = counted.reduce(
    (best, l) => ((remains[l] ?? 0) / (ns[l] ?? 1) > (remains[best] ?? 0) / (ns[best] ?? 1) ? l : best),
    counted[0] ?? 0,
  );
  for (let b = 0; b < blocks; b++) usable[b * levels + top] = 0;
  return {
    kind: 'matched',
    name: 'joint',
    blocks: train.blocks,
    levels: train.levels.map((level, l) => [Number(level), meanHeldOut(input, l)] as const),
    usable,
    bracketed: usable,
    arm,
    reference: train.reference,
    excluded: train.excluded.map(
      (reason, l) => reason ?? (l === top ? 'shows most, left out of the bound' : undefined),
    ),
    rates: [],
    bound,
  };
}

/** "held-out loss would need a slope of at least 4.8 per nat to explain this; the steepest seen is 0.9". */
export function boundText({ needed, seen, mismatch }: SlopeBound): string {
  return `at a mean distance of ${mismatch.toPrecision(2)} nats held-out loss would need a slope of at least ${needed.toPrecision(2)} per nat to explain this; the steepest seen is ${seen.toPrecision(2)}`;
}

/** Difference of the arms' mean held-out loss over rates at every block and level; NaN where an arm has none. */
function mismatches({ heldOut, train }: BoundInput): Float64Array {
  return Float64Array.from(train.usable, (_, at) => meanAt(heldOut.arm, at) - meanAt(heldOut.reference, at));
}

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

/** The steepest slope around a level, per nat: either arm, to either neighbouring level, along held-out loss or the gap. */
function steepestAt(input: BoundInput, level: number, counted: readonly number[]): number {
  const place = counted.indexOf(level);
  const neighbours = [counted[place - 1], counted[place + 1]].filter((one) => one !== undefined);
  const slopes = neighbours.flatMap((other) =>
    (['arm', 'reference'] as const).flatMap((side) => slopesBetween(input, side, level, other)),
  );
  return Math.max(...slopes);
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
