/**
 * Matching on training and held-out loss at once. At a preset training level each arm's runs over the learning rates
 * are points (held-out loss, outcome) on a line; between neighbours no further apart than `maxGap` the outcome is
 * interpolated, and the contrast is the mean difference over the stretch of held-out loss that both arms span. Where
 * the two stretches miss each other by a little, the nearest ends are compared and the signed mismatch is kept: the
 * joint estimate is then the intercept of the block contrasts at mismatch zero, and only where zero lies among the
 * mismatches, so nothing is extrapolated. See docs/adr/0011-joint-matching.md.
 */
import { boundJoint } from './bounded-joint.ts';
import type { Grid } from './grid.ts';
import type { MatchedTable, Unmatched } from './matched-table.ts';
import type { PairGrids } from './single-matching.ts';

/** Widest mismatch compared at all, as a share of the held-out axis' resolution. */
const CALIPER_FRACTION = 0.4;
/** A mismatch below this share of the resolution is none. */
const NEGLIGIBLE_FRACTION = 0.02;
/** Blocks needed on either side of mismatch zero. */
const STRADDLING_BLOCKS = 2;
/** Noise below this share of the resolution moves behaviour too little to matter. */
const NOISE_FRACTION = 0.07;
/** Else noise variance may be at most this share of the variance of the runs' held-out losses at equal training loss. */
const NOISE_VARIANCE_FRACTION = 0.1;
/** Share of the pair's usable blocks that must have common points. */
const COMMON_BLOCKS_FRACTION = 0.75;

/** What the joint matching needs, on top of the training matching's table. */
export interface JointInput {
  readonly train: MatchedTable;
  readonly outcome: PairGrids;
  /** Held-out loss at the training crossings. */
  readonly heldOut: PairGrids;
  /** Runs further apart than this in held-out loss are not interpolated between. */
  readonly maxGap: number;
  /** The finest step of held-out loss the study resolves: what "near" is measured by. */
  readonly resolution: number;
  /** Variance of the losses' noise across the runs' paths; undefined where it cannot be estimated. Asked for last. */
  readonly noiseVariance: () => number | undefined;
  readonly active: Uint8Array;
  readonly minBlocks: number;
}

/** One run's place on the line: held-out loss and outcome. */
export interface LinePoint {
  readonly at: number;
  readonly value: number;
}

/** Both arms' mean outcomes over their common stretch, where it lies, and how far apart they remain (0 if they overlap). */
export interface Common {
  readonly arm: number;
  readonly reference: number;
  readonly at: number;
  readonly mismatch: number;
}

/** Builds the joint table over the active blocks. */
export function matchJoint(input: JointInput): MatchedTable | Unmatched {
  const { train } = input;
  const levels = train.levels.length;
  const usable = new Uint8Array(train.usable.length);
  const values = { arm: new Float64Array(usable.length), reference: new Float64Array(usable.length) };
  const mismatch = new Float64Array(train.blocks.length);
  const places = train.levels.map(() => ({ sum: 0, count: 0 }));
  let common = 0;
  for (let b = 0; b < train.blocks.length; b++) {
    let slices = 0;
    for (let l = 0; l < levels; l++) {
      const at = b * levels + l;
      const found = train.usable[at] === 1 ? commonAt(input, at) : undefined;
      const place = places[l];
      if (found === undefined || place === undefined) continue;
      usable[at] = 1;
      values.arm[at] = found.arm;
      values.reference[at] = found.reference;
      place.sum += found.at;
      place.count++;
      mismatch[b] = (mismatch[b] ?? 0) + found.mismatch;
      slices++;
    }
    if (slices > 0) mismatch[b] = (mismatch[b] ?? 0) / slices;
    common += slices > 0 ? 1 : 0;
  }
  const blocksWith = train.blocks.flatMap((_, b) =>
    usable.subarray(b * levels, (b + 1) * levels).includes(1) ? [b] : [],
  );
  const obstacle = obstacleOf(
    input,
    common,
    blocksWith.map((b) => mismatch[b] ?? 0),
  );
  if (obstacle !== undefined) return boundJoint({ ...input, caliper: CALIPER_FRACTION * input.resolution, obstacle });
  const apart = mismatch.some((value) => Math.abs(value) > NEGLIGIBLE_FRACTION * input.resolution);
  return {
    kind: 'matched',
    name: 'joint',
    blocks: train.blocks,
    levels: places.map(
      (place, l) => [Number(train.levels[l]), place.count === 0 ? 0 : place.sum / place.count] as const,
    ),
    usable,
    bracketed: usable,
    ...values,
    excluded: places.map(
      (place, l) => train.excluded[l] ?? (place.count === 0 ? 'no common held-out loss' : undefined),
    ),
    rates: [],
    ...(apart ? { mismatch } : {}),
  };
}

/** Why the joint matching is not testable, if it is not. */
function obstacleOf(input: JointInput, common: number, mismatches: readonly number[]): string | undefined {
  const active = input.active.reduce((sum, one) => sum + one, 0);
  const needed = Math.max(input.minBlocks, Math.ceil(COMMON_BLOCKS_FRACTION * active));
  if (common < needed) {
    return `the arms share (training, held-out) points in ${common} of ${active} blocks, at least ${needed} needed`;
  }
  const tolerance = NEGLIGIBLE_FRACTION * input.resolution;
  const above = mismatches.filter((value) => value >= -tolerance).length;
  const below = mismatches.filter((value) => value <= tolerance).length;
  const meet = mismatches.every((value) => Math.abs(value) <= tolerance);
  if (meet || Math.min(above, below) >= STRADDLING_BLOCKS) return noiseObstacle(input);
  return `at equal training loss the arms stay apart in held-out loss, on the same side in ${Math.max(above, below)} of ${common} blocks`;
}

function noiseObstacle(input: JointInput): string | undefined {
  const noise = input.noiseVariance();
  if (noise === undefined) return 'the runs have too few probes to tell their path from noise';
  const spread = spreadVariance(input);
  if (noise <= (NOISE_FRACTION * input.resolution) ** 2 || noise <= NOISE_VARIANCE_FRACTION * spread) return undefined;
  const [of, against] = [noise, spread].map((variance) => Math.sqrt(variance).toPrecision(2));
  return `the losses are too noisy: ${of} across a run's path, against a spread of ${against} between runs at equal training loss`;
}

/** Variance of held-out loss over blocks and learning rates at equal training loss, averaged over levels and arms. */
function spreadVariance(input: JointInput): number {
  const levels = input.train.levels.length;
  let [sum, cells] = [0, 0];
  for (const grid of [input.heldOut.arm, input.heldOut.reference]) {
    const rates = grid.rates.length;
    for (let l = 0; l < levels; l++) {
      const found: number[] = [];
      for (let b = 0; b < input.train.blocks.length; b++) {
        if (input.train.usable[b * levels + l] === 0) continue;
        for (let r = 0; r < rates; r++) {
          const at = (b * levels + l) * rates + r;
          if (grid.present[at] === 1) found.push(grid.values[at] ?? 0);
        }
      }
      if (found.length < 2) continue;
      const mean = found.reduce((total, value) => total + value, 0) / found.length;
      sum += found.reduce((total, value) => total + (value - mean) ** 2, 0) / (found.length - 1);
      cells++;
    }
  }
  return cells === 0 ? 0 : sum / cells;
}

function commonAt(input: JointInput, at: number): Common | undefined {
  const mine = pointsAt(input.outcome.arm, input.heldOut.arm, at);
  const theirs = pointsAt(input.outcome.reference, input.heldOut.reference, at);
  return commonStretch(mine, theirs, input.maxGap, CALIPER_FRACTION * input.resolution);
}

/** One arm's points at a block and level (flat index `at`), one a learning rate, ascending in held-out loss. */
function pointsAt(outcome: Grid, heldOut: Grid, at: number): LinePoint[] {
  const rates = outcome.rates.length;
  const points: LinePoint[] = [];
  for (let r = 0; r < rates; r++) {
    const index = at * rates + r;
    if (outcome.present[index] === 0 || heldOut.present[index] === 0) continue;
    points.push({ at: heldOut.values[index] ?? 0, value: outcome.values[index] ?? 0 });
  }
  return points.toSorted((a, b) => a.at - b.at);
}

/** Compares two piecewise linear functions over the stretch both span; undefined where that would bridge a gap or a mismatch beyond the caliper. */
export function commonStretch(
  mine: readonly LinePoint[],
  theirs: readonly LinePoint[],
  maxGap: number,
  caliper: number,
): Common | undefined {
  const [myFirst, myLast, first, last] = [mine[0], mine.at(-1), theirs[0], theirs.at(-1)];
  if (myFirst === undefined || myLast === undefined || first === undefined || last === undefined) return undefined;
  const low = Math.max(myFirst.at, first.at);
  const high = Math.min(myLast.at, last.at);
  if (low > high) {
    const [a, b] = myFirst.at > last.at ? [myFirst, last] : [myLast, first];
    const mismatch = a.at - b.at;
    if (Math.abs(mismatch) > caliper) return undefined;
    return { arm: a.value, reference: b.value, at: (a.at + b.at) / 2, mismatch };
  }
  const arm = meanOver(mine, low, high, maxGap);
  const reference = meanOver(theirs, low, high, maxGap);
  if (arm === undefined || reference === undefined) return undefined;
  return { arm, reference, at: (low + high) / 2, mismatch: 0 };
}

/** Mean of a piecewise linear function over [low, high] inside its span; undefined across a segment wider than maxGap. */
function meanOver(points: readonly LinePoint[], low: number, high: number, maxGap: number): number | undefined {
  let [area, width] = [0, 0];
  let touched: number | undefined;
  for (const [i, point] of points.entries()) {
    const next = points[i + 1] ?? point;
    const [from, to] = [Math.max(low, point.at), Math.min(high, next.at)];
    if (from > to) continue;
    if (next.at - point.at > maxGap) {
      if (to > from) return undefined;
      continue;
    }
    const slope = next.at === point.at ? 0 : (next.value - point.value) / (next.at - point.at);
    const middle = point.value + slope * ((from + to) / 2 - point.at);
    touched ??= middle;
    area += middle * (to - from);
    width += to - from;
  }
  return width > 0 ? area / width : touched;
}
