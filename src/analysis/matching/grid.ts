/**
 * What one arm's runs read at the levels of one axis, as a dense array of shape [B, L, R] (block, level, learning
 * rate) with a mask, and which of its rates count at each level.
 */
import type { Rate, RatedCurves } from './pair.ts';
import type { Crossing, Curve } from './passage.ts';

/** Values of one arm at the levels of one axis. */
export interface Grid {
  readonly rates: readonly Rate[];
  /** Shape [B, L, R]; meaningless where `present` is 0. */
  readonly values: Float64Array;
  readonly present: Uint8Array;
}

/** A rate counts at a level if at least this share of the blocks in which the arm reaches the level reach it at this rate. */
const RATE_REACHES_FRACTION = 0.9;

/** Reads a quantity at every crossing of the axis with index `axis`. */
export function gridOf(
  blocks: readonly RatedCurves[],
  rates: readonly Rate[],
  axis: number,
  levels: number,
  read: (curve: Curve, at: Crossing) => number | undefined,
): Grid {
  const values = new Float64Array(blocks.length * levels * rates.length);
  const present = new Uint8Array(values.length);
  blocks.forEach((curves, b) => {
    rates.forEach((rate, r) => {
      const curve = curves.get(rate);
      curve?.passages[axis]?.forEach((passage, l) => {
        if (passage.kind === 'missed') return;
        const value = read(curve, passage);
        if (value === undefined) return;
        const at = (b * levels + l) * rates.length + r;
        values[at] = value;
        present[at] = 1;
      });
    });
  });
  return { rates, values, present };
}

/**
 * Which rates count at each level, shape [L, R]. The rates of a level are the same for all blocks, so that a block's
 * average never changes its composition; a block that lacks one of them does not count at the level.
 */
export function countedRates(grid: Grid, active: Uint8Array, levels: number): Uint8Array {
  const [blocks, rates] = [active.length, grid.rates.length];
  const counted = new Uint8Array(levels * rates);
  for (let l = 0; l < levels; l++) {
    let reached = 0;
    const byRate = new Uint32Array(rates);
    for (let b = 0; b < blocks; b++) {
      if (active[b] === 0) continue;
      let any = 0;
      for (let r = 0; r < rates; r++) {
        const here = grid.present[(b * levels + l) * rates + r] ?? 0;
        byRate[r] = (byRate[r] ?? 0) + here;
        any |= here;
      }
      reached += any;
    }
    for (let r = 0; r < rates; r++) {
      const share = reached === 0 ? 0 : (byRate[r] ?? 0) / reached;
      counted[l * rates + r] = share >= RATE_REACHES_FRACTION ? 1 : 0;
    }
  }
  return counted;
}

/** Mean over the counted rates at a block and level; undefined where one is missing or none counts. */
export function meanOverRates(
  grid: Grid,
  counted: Uint8Array,
  block: number,
  level: number,
  levels: number,
): number | undefined {
  const rates = grid.rates.length;
  let [sum, used] = [0, 0];
  for (let r = 0; r < rates; r++) {
    if (counted[level * rates + r] === 0) continue;
    const at = (block * levels + level) * rates + r;
    if (grid.present[at] === 0) return undefined;
    sum += grid.values[at] ?? 0;
    used++;
  }
  return used === 0 ? undefined : sum / used;
}
