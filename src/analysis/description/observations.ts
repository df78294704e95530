/** The measured points of a pair's runs in its usable blocks: what the descriptive models beside the verdict are fitted to. */
import type { Axis } from '#study/study.ts';
import type { Matched } from '#analysis/matching/matched-table.ts';
import type { Pair, RatedCurves } from '#analysis/matching/pair.ts';

/** One measured point of a run. */
export interface Observation {
  readonly block: number;
  readonly isArm: boolean;
  /** Values in the order of the study's axes. */
  readonly axes: readonly number[];
  readonly value: number;
}

/** All points of the pair that carry the outcome and every axis, in blocks that are not voided. */
export function observationsOf(pair: Pair, matched: Matched, axes: readonly Axis[], outcome: string): Observation[] {
  const voided = new Set(matched.voided.map((one) => one.block));
  const observations: Observation[] = [];
  const collect = (block: number, curves: RatedCurves, isArm: boolean): void => {
    for (const { run } of curves.values()) {
      for (const point of run.points) {
        const value = point.outcomes?.[outcome];
        const values = axes.map((axis) => point.axes[axis.name]).filter((one) => one !== undefined);
        if (value !== undefined && values.length === axes.length) {
          observations.push({ block, isArm, axes: values, value });
        }
      }
    }
  };
  for (const { block, arm, reference } of pair.blocks) {
    if (voided.has(block)) continue;
    collect(block, arm, true);
    collect(block, reference, false);
  }
  return observations;
}
