/**
 * One pair and one outcome under every matching. Blocks that no level of a matching covers are voided for all of
 * them, so every matching speaks of the same blocks.
 */
import type { Axis, Study } from '#study/study.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';
import { matchGap } from './gap-matching.ts';
import { gridOf, type Grid } from './grid.ts';
import { matchJoint } from './joint-matching.ts';
import type { Matched, MatchedTable, Unmatched } from './matched-table.ts';
import type { Pair, RatedCurves, VoidedBlock } from './pair.ts';
import { valueAt, type Crossing, type Curve } from './passage.ts';
import { planeNoiseVariance } from './plane-noise.ts';
import { matchSingle, type PairGrids } from './single-matching.ts';

/** Fewer usable blocks than this decide nothing. */
export const MIN_BLOCKS = 6;

/** The parts of a study that matching reads. */
export type MatchingPlan = Pick<Study, 'matchOn' | 'coherence'>;

/** What a matching on this axis is called. */
export function matchingName(axis: Axis): string {
  return axis.role === 'other' ? axis.name : axis.role;
}

/** Matches a pair on every axis, and jointly where the study has both losses. */
export function matchPair(pair: Pair, plan: MatchingPlan, outcome: string): Matched {
  const grids = plan.matchOn.map((axis, a) => pairGrids(pair, axis, a, readOutcome(outcome)));
  const gate = plan.coherence;
  const gates = gate && plan.matchOn.map((axis, a) => pairGrids(pair, axis, a, readOutcome(gate.outcome)));
  const active = new Uint8Array(pair.blocks.length).fill(1);
  const voided: VoidedBlock[] = [...pair.voided];
  for (;;) {
    const minBlocks = Math.max(2, Math.min(MIN_BLOCKS, countOf(active)));
    const singles = plan.matchOn.map((axis, a) =>
      matchSingle({
        name: matchingName(axis),
        blocks: pair.blocks.map((block) => block.block),
        active,
        levels: axis.levels,
        outcome: gridAt(grids, a),
        ...(gate && gates ? { gate: { grids: gridAt(gates, a), floor: gate.floor } } : {}),
        minBlocks,
      }),
    );
    const lost = uncovered(pair, singles, active);
    if (lost.length > 0) {
      voided.push(...lost);
      continue;
    }
    const joint = jointOf(pair, plan, grids, singles, active, minBlocks);
    const gap = gapOf(pair, plan, outcome, active, minBlocks);
    return {
      singles,
      ...(joint ? { joint } : {}),
      ...(gap ? { gap } : {}),
      voided: voided.toSorted((a, b) => a.block - b.block),
      usableBlocks: countOf(active),
      allBlocks: pair.blocks.length + pair.voided.length,
    };
  }
}

/** Deactivates and returns the active blocks that some estimable matching does not cover. */
function uncovered(pair: Pair, singles: readonly (MatchedTable | Unmatched)[], active: Uint8Array): VoidedBlock[] {
  return pair.blocks.flatMap(({ block }, b) => {
    if (active[b] === 0) return [];
    const without = singles.find((table) => table.kind === 'matched' && !coversBlock(table, b));
    if (without === undefined) return [];
    active[b] = 0;
    return [{ block, reason: `the runs do not overlap on any level of ${without.name}` }];
  });
}

function coversBlock(table: MatchedTable, block: number): boolean {
  const levels = table.levels.length;
  return table.usable.subarray(block * levels, (block + 1) * levels).includes(1);
}

function jointOf(
  pair: Pair,
  plan: MatchingPlan,
  grids: readonly PairGrids[],
  singles: readonly (MatchedTable | Unmatched)[],
  active: Uint8Array,
  minBlocks: number,
): MatchedTable | Unmatched | undefined {
  const a = plan.matchOn.findIndex((axis) => axis.role === 'train');
  const heldOut = plan.matchOn.find((axis) => axis.role === 'heldOut');
  const train = singles[a];
  if (train === undefined || heldOut === undefined) return undefined;
  const trainAxis = plan.matchOn[a];
  if (train.kind === 'notEstimable' || trainAxis === undefined) {
    return { kind: 'notEstimable', name: 'joint', reason: `no training level counts` };
  }
  const heldOutGrids = pairGrids(pair, trainAxis, a, (curve, at) =>
    at.after > curve.lastCounted ? undefined : valueAt(curve, at, (point) => point.axes[heldOut.name]),
  );
  const curves = pair.blocks.flatMap((block) => [...block.arm.values(), ...block.reference.values()]);
  return matchJoint({
    train,
    outcome: gridAt(grids, a),
    heldOut: heldOutGrids,
    maxGap: heldOut.maxGap,
    resolution: resolutionOf(heldOut),
    noiseVariance: () => planeNoiseVariance(curves, trainAxis, heldOut),
    active,
    minBlocks,
  });
}

function gapOf(
  pair: Pair,
  { matchOn }: MatchingPlan,
  outcome: string,
  active: Uint8Array,
  minBlocks: number,
): MatchedTable | Unmatched | undefined {
  const [train, heldOut] = ['train', 'heldOut'].map((role) => matchOn.find((axis) => axis.role === role));
  if (train === undefined || heldOut === undefined) return undefined;
  return matchGap({ pair, train, heldOut, resolution: resolutionOf(heldOut), outcome, active, minBlocks });
}

/** The finest step an axis resolves: its narrowest distance between levels, or `maxGap` where that is less. */
function resolutionOf(axis: Axis): number {
  const sorted = axis.levels.toSorted((a, b) => a - b);
  const steps = sorted.slice(1).map((level, i) => level - (sorted[i] ?? level));
  return Math.min(axis.maxGap, ...steps.filter((step) => step > 0));
}

type Read = (curve: Curve, at: Crossing) => number | undefined;

function readOutcome(name: string): Read {
  const read = (point: TrajectoryPoint): number | undefined => point.outcomes?.[name];
  return (curve, at) => valueAt(curve, at, read);
}

function pairGrids(pair: Pair, axis: Axis, index: number, read: Read): PairGrids {
  const side = (curves: readonly RatedCurves[], rates: Pair['armRates']): Grid =>
    gridOf(curves, rates, index, axis.levels.length, read);
  return {
    arm: side(
      pair.blocks.map((block) => block.arm),
      pair.armRates,
    ),
    reference: side(
      pair.blocks.map((block) => block.reference),
      pair.referenceRates,
    ),
  };
}

function gridAt(grids: readonly PairGrids[], axis: number): PairGrids {
  const found = grids[axis];
  if (found === undefined) throw new Error(`no grid for axis ${axis}`);
  return found;
}

function countOf(active: Uint8Array): number {
  return active.reduce((sum, one) => sum + one, 0);
}
