/**
 * What the bold lines of the first picture show: each arm's outcome at the preset levels of an axis, read as the
 * analysis reads it (at the passage, the same learning rates in every block), then the mean over blocks. Descriptive:
 * verdicts compare arms pair by pair.
 */
import type { FrameRun } from '#analysis/frame.ts';
import { countedRates, gridOf, meanOverRates } from '#analysis/matching/grid.ts';
import { indexCurves, type RatedCurves } from '#analysis/matching/pair.ts';
import { curveOf, valueAt } from '#analysis/matching/passage.ts';
import type { Axis } from '#study/study.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';

/** An arm's mean outcome at one preset level. */
export interface MatchedMean {
  readonly arm: string;
  readonly level: number;
  readonly mean: number;
  readonly blocks: number;
}

/** A run's points that count for an axis, and those from its best value on (overfitting). */
export interface SplitRun {
  readonly counted: readonly TrajectoryPoint[];
  readonly afterBest: readonly TrajectoryPoint[];
}

/** A level is shown for an arm if at least this share of its blocks reads it. */
const SHOWN_BLOCKS_FRACTION = 0.5;

/** Splits a run at its best value of the axis where the axis counts only up to it. */
export function splitAtBest(run: FrameRun, axis: Axis): SplitRun {
  const last = curveOf(run, [axis]).lastCounted;
  return { counted: run.points.slice(0, last + 1), afterBest: axis.untilBest === true ? run.points.slice(last) : [] };
}

/** The means of every arm at every preset level that enough of its blocks read, in arm and level order. */
export function matchedMeans(runs: readonly FrameRun[], axis: Axis, outcome: string): readonly MatchedMean[] {
  const index = indexCurves({ runs }, [axis]);
  return [...index].flatMap(([arm, byBlock]) => {
    const blocks = [...byBlock.values()].filter(isWhole);
    const rates = [...new Set(blocks.flatMap((curves) => [...curves.keys()]))];
    const count = axis.levels.length;
    const grid = gridOf(blocks, rates, 0, count, (curve, at) => valueAt(curve, at, (p) => p.outcomes?.[outcome]));
    const counted = countedRates(grid, new Uint8Array(blocks.length).fill(1), count);
    return axis.levels.flatMap((level, l) => {
      const read = blocks.flatMap((_, b) => meanOverRates(grid, counted, b, l, count) ?? []);
      if (read.length === 0 || read.length < SHOWN_BLOCKS_FRACTION * byBlock.size) return [];
      return [{ arm, level, mean: read.reduce((sum, value) => sum + value, 0) / read.length, blocks: read.length }];
    });
  });
}

/** A block with a diverged run is void. */
function isWhole(curves: RatedCurves): boolean {
  return [...curves.values()].every((curve) => curve.run.status === 'finished');
}
