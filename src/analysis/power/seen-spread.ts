/** The spread of block contrasts that runs in hand show, pooled over the questions, matchings and levels of an outcome. */
import { studentTQuantile } from '#analysis/stats/student-t.ts';
import type { LevelEstimate, VerdictRecord } from '#analysis/records/verdict-record.ts';

/** A pooled standard deviation. */
export interface SeenSpread {
  /** Of a block's contrast at one level and one learning rate, in the outcome's unit. */
  readonly sigma: number;
  /** The most blocks any level had. */
  readonly blocks: number;
}

/**
 * Pools the variances of all levels that count, weighted by their degrees of freedom. A contrast that averages R rates
 * is taken to have 1 / R of one rate's variance. Undefined where no level has two blocks.
 * @param verdicts Of one outcome.
 */
export function seenSpread(verdicts: readonly VerdictRecord[]): SeenSpread | undefined {
  let [squares, freedom, blocks] = [0, 0, 0];
  for (const verdict of verdicts) {
    const rates = Math.max(1, ...verdict.learningRates.map((one) => one.rates.length));
    for (const [name, result] of Object.entries(verdict.matchings)) {
      if (result.kind === 'notEstimable' || name === 'joint') continue;
      for (const level of result.levels) {
        if (level.excluded !== undefined || level.blocks < 2) continue;
        const df = level.blocks - 1;
        squares += df * rates * varianceOf(level);
        freedom += df;
        blocks = Math.max(blocks, level.blocks);
      }
    }
  }
  return freedom === 0 ? undefined : { sigma: Math.sqrt(squares / freedom), blocks };
}

/** A level's variance between blocks, read back from its interval. */
function varianceOf({ estimate, ci95, blocks }: LevelEstimate): number {
  const standardError = (ci95[1] - estimate) / studentTQuantile(0.975, blocks - 1);
  return blocks * standardError ** 2;
}
