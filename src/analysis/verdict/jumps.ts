/** How far an outcome may jump in blocks that were not run, from what the study says of it. */
import type { Outcome } from '#study/study.ts';

/** Units whose values lie between 0 and 1, so that no contrast exceeds 1. */
const UNIT_INTERVAL: ReadonlySet<string> = new Set(['probability', 'fraction']);

/** The largest contrast a block may show although none has, in the outcome's unit: 0 for none, Infinity for unknown. */
export function largestJump({ jumps, unit }: Pick<Outcome, 'jumps' | 'unit'>): number {
  switch (jumps?.kind) {
    case 'none':
      return 0;
    case 'upTo':
      return jumps.size;
    case undefined:
      return UNIT_INTERVAL.has(unit) ? 1 : Infinity;
    default:
      return jumps satisfies never;
  }
}
