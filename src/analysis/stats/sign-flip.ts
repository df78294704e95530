/**
 * The studentized sign-flip test over blocks, joint over a family by step-down maxT (Westfall and Young 1993,
 * algorithm 2.8). Swapping the two arms' labels inside a block flips the sign of everything measured there, in every
 * member of the family at once; so the smallest p is 2 / 2^blocks whatever the family's size.
 * Exact (all sign patterns) up to 2^14, else random draws.
 */
import type { Rng } from '#base/rng.ts';

/** One hypothesis: a contrast per block, over the blocks it has. */
export interface FlipMember {
  readonly blocks: readonly number[];
  readonly contrasts: ArrayLike<number>;
  /** Where given, the statistic is the intercept's: the contrast at mismatch zero. Flipped with the contrast. */
  readonly mismatches?: ArrayLike<number>;
}

/** Adjusted and single p values, in the family's order. */
export interface FlipResult {
  readonly adjusted: readonly number[];
  readonly single: readonly number[];
  readonly exact: boolean;
}

const EXACT_BLOCKS = 14;
const DRAWS = 10_000;
// A statistic this close to the observed one is the same sign pattern up to rounding.
const TIE = 1e-9;

/** A member as sums that flips do not change, and the vectors whose signed sums they do; 0 where a block is missing. */
interface Prepared {
  readonly n: number;
  readonly c: Float64Array;
  readonly d: Float64Array | undefined;
  readonly cc: number;
  readonly dd: number;
  readonly cd: number;
}

/** Sign-flip p values of a family. A member needs two blocks (three with mismatches). `rng` serves above 14 blocks. */
export function signFlipMaxT(family: readonly FlipMember[], rng: Rng): FlipResult {
  const blocks = [...new Set(family.flatMap((member) => member.blocks))].toSorted((a, b) => a - b);
  const members = family.map((member) => prepare(member, blocks));
  const observed = Float64Array.from(members, (m) => studentized(m, sumOf(m.c), m.d === undefined ? 0 : sumOf(m.d)));
  const tally = tallyOf(observed);
  const exact = blocks.length <= EXACT_BLOCKS;
  if (exact) visitAllSigns(members, blocks.length, tally.count);
  else visitRandomSigns(members, blocks.length, rng, tally.count);
  return { ...tally.result(exact ? 0 : 1), exact };
}

function prepare(member: FlipMember, blocks: readonly number[]): Prepared {
  const place = new Map(blocks.map((block, i) => [block, i]));
  const c = new Float64Array(blocks.length);
  const d = member.mismatches === undefined ? undefined : new Float64Array(blocks.length);
  let [cc, dd, cd] = [0, 0, 0];
  member.blocks.forEach((block, i) => {
    const at = place.get(block) ?? 0;
    const [contrast, mismatch] = [member.contrasts[i] ?? 0, member.mismatches?.[i] ?? 0];
    c[at] = contrast;
    if (d !== undefined) d[at] = mismatch;
    cc += contrast * contrast;
    dd += mismatch * mismatch;
    cd += contrast * mismatch;
  });
  return { n: member.blocks.length, c, d, cc, dd, cd };
}

function sumOf(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

/** |t| of the mean, or of the intercept on the mismatch, from the signed sums of contrasts and mismatches. */
function studentized(m: Prepared, sum: number, mismatchSum: number): number {
  if (m.cc === 0) return 0;
  if (m.d === undefined) {
    const residual = m.cc - (sum * sum) / m.n;
    if (residual <= 1e-13 * m.cc) return Infinity;
    return Math.abs(sum) / Math.sqrt((m.n * residual) / (m.n - 1));
  }
  const determinant = m.n * m.dd - mismatchSum * mismatchSum;
  if (determinant <= 1e-12 * m.n * m.dd) return 0;
  const intercept = (m.dd * sum - mismatchSum * m.cd) / determinant;
  const slope = (m.n * m.cd - sum * mismatchSum) / determinant;
  const residual = m.cc - intercept * sum - slope * m.cd;
  if (residual <= 1e-13 * m.cc) return intercept === 0 ? 0 : Infinity;
  return Math.abs(intercept) / Math.sqrt((residual / (m.n - 2)) * (m.dd / determinant));
}

/** Counts, pattern by pattern, how often the successive maxima reach the observed statistics. */
function tallyOf(observed: Float64Array): {
  count: (statistics: Float64Array) => void;
  result: (added: 0 | 1) => { adjusted: number[]; single: number[] };
} {
  const order = Uint32Array.from(observed.keys()).toSorted((a, b) => (observed[b] ?? 0) - (observed[a] ?? 0));
  const reached = new Float64Array(observed.length);
  const alone = new Float64Array(observed.length);
  let patterns = 0;
  const count = (statistics: Float64Array): void => {
    patterns++;
    let largest = 0;
    for (let rank = order.length - 1; rank >= 0; rank--) {
      const member = order[rank] ?? 0;
      const statistic = statistics[member] ?? 0;
      const threshold = (observed[member] ?? 0) * (1 - TIE);
      if (statistic > largest) largest = statistic;
      if (largest >= threshold) reached[member] = (reached[member] ?? 0) + 1;
      if (statistic >= threshold) alone[member] = (alone[member] ?? 0) + 1;
    }
  };
  const result = (added: 0 | 1): { adjusted: number[]; single: number[] } => {
    const share = (hits: number): number => (hits + added) / (patterns + added);
    const adjusted = new Array<number>(observed.length).fill(1);
    let running = 0;
    for (const member of order) {
      running = Math.max(running, share(reached[member] ?? 0));
      adjusted[member] = running;
    }
    return { adjusted, single: Array.from(alone, share) };
  };
  return { count, result };
}

/** All patterns with the first block's sign fixed (|t| does not see a flip of all), in Gray code order. */
function visitAllSigns(members: readonly Prepared[], blocks: number, visit: (statistics: Float64Array) => void): void {
  const signs = new Int8Array(blocks).fill(1);
  const sums = Float64Array.from(members, (m) => sumOf(m.c));
  const mismatchSums = Float64Array.from(members, (m) => (m.d === undefined ? 0 : sumOf(m.d)));
  const statistics = new Float64Array(members.length);
  const patterns = 2 ** Math.max(0, blocks - 1);
  for (let pattern = 0; pattern < patterns; pattern++) {
    if (pattern > 0) {
      const flipped = 1 + (31 - Math.clz32(pattern & -pattern));
      const change = -2 * (signs[flipped] ?? 0);
      signs[flipped] = -(signs[flipped] ?? 0);
      members.forEach((m, i) => {
        sums[i] = (sums[i] ?? 0) + change * (m.c[flipped] ?? 0);
        if (m.d !== undefined) mismatchSums[i] = (mismatchSums[i] ?? 0) + change * (m.d[flipped] ?? 0);
      });
    }
    for (const [i, m] of members.entries()) statistics[i] = studentized(m, sums[i] ?? 0, mismatchSums[i] ?? 0);
    visit(statistics);
  }
}

/** Random patterns: one random byte gives the signs of eight blocks, whose signed sums are worked out once a byte. */
function visitRandomSigns(
  members: readonly Prepared[],
  blocks: number,
  rng: Rng,
  visit: (statistics: Float64Array) => void,
): void {
  const groups = Math.ceil(blocks / 8);
  const contrasts = members.map((m) => byteSums(m.c, groups));
  const mismatches = members.map((m) => (m.d === undefined ? undefined : byteSums(m.d, groups)));
  const statistics = new Float64Array(members.length);
  const bytes = new Uint8Array(groups);
  for (let draw = 0; draw < DRAWS; draw++) {
    let word = 0;
    for (let g = 0; g < groups; g++) {
      word = g % 4 === 0 ? rng.uint32() : word >>> 8;
      bytes[g] = word & 255;
    }
    for (const [i, m] of members.entries()) {
      statistics[i] = studentized(m, signedSum(contrasts[i], bytes), signedSum(mismatches[i], bytes));
    }
    visit(statistics);
  }
}

/** Signed sums of eight values at a time, shape [groups, 256]: bit i of a byte set keeps value i, clear flips it. */
function byteSums(values: Float64Array, groups: number): Float64Array {
  const sums = new Float64Array(groups * 256);
  for (let g = 0; g < groups; g++) {
    for (let byte = 0; byte < 256; byte++) {
      let sum = 0;
      for (let i = 0; i < 8; i++) sum += (byte & (1 << i) ? 1 : -1) * (values[8 * g + i] ?? 0);
      sums[g * 256 + byte] = sum;
    }
  }
  return sums;
}

function signedSum(sums: Float64Array | undefined, bytes: Uint8Array): number {
  if (sums === undefined) return 0;
  let sum = 0;
  for (let g = 0; g < bytes.length; g++) sum += sums[g * 256 + (bytes[g] ?? 0)] ?? 0;
  return sum;
}
