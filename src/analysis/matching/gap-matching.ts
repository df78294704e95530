/**
 * Matching on the gap between held-out and training loss, an axis derived from the other two: where both arms differ at
 * matched training loss and at matched held-out loss but not at equal gaps, the gap explains it (ADR 0088). Readings are
 * the probes with an outcome; levels are multiples of half the held-out axis' resolution, fixed by the study.
 */
import type { Axis } from '#study/study.ts';
import { gridOf, type Grid } from './grid.ts';
import type { MatchedTable, Unmatched } from './matched-table.ts';
import type { Pair, RatedCurves } from './pair.ts';
import { curveOf, valueAt, type Curve } from './passage.ts';
import { matchSingle } from './single-matching.ts';

/** What the matching on the gap is called. */
export const GAP = 'gap';

/** Distance between levels as a share of the held-out axis' resolution. */
const STEP_FRACTION = 0.5;

/** What matching on the gap needs. */
export interface GapInput {
  readonly pair: Pair;
  readonly train: Axis;
  readonly heldOut: Axis;
  /** The finest step of held-out loss the study resolves, in nats. */
  readonly resolution: number;
  readonly outcome: string;
  /** 1 for blocks not voided, shape [B]. */
  readonly active: Uint8Array;
  readonly minBlocks: number;
}

/** Matches a pair on the gap. */
export function matchGap(input: GapInput): MatchedTable | Unmatched {
  const { pair, active, minBlocks, outcome } = input;
  const curves = pair.blocks.flatMap(({ arm, reference }) => [...arm.values(), ...reference.values()]);
  const axis = gapAxis(input, curves);
  const arm = pair.blocks.map((block) => gapCurves(block.arm, input, axis));
  const reference = pair.blocks.map((block) => gapCurves(block.reference, input, axis));
  const gridFor = (blocks: readonly RatedCurves[], rates: Pair['armRates']): Grid =>
    gridOf(blocks, rates, 0, axis.levels.length, (curve, at) =>
      valueAt(curve, at, (point) => point.outcomes?.[outcome]),
    );
  return matchSingle({
    name: GAP,
    blocks: pair.blocks.map(({ block }) => block),
    active,
    levels: axis.levels,
    outcome: { arm: gridFor(arm, pair.armRates), reference: gridFor(reference, pair.referenceRates) },
    minBlocks,
  });
}

/** The derived axis: its levels span the gaps seen, its direction is the one most runs take. */
function gapAxis({ train, heldOut, resolution, outcome }: GapInput, curves: readonly Curve[]): Axis {
  const step = STEP_FRACTION * resolution;
  let [low, high, change] = [Infinity, -Infinity, 0];
  for (const curve of curves) {
    const gaps = gapsOf(curve, train, heldOut, outcome).map(({ gap }) => gap);
    low = Math.min(low, ...gaps);
    high = Math.max(high, ...gaps);
    change += Math.sign((gaps.at(-1) ?? 0) - (gaps[0] ?? 0));
  }
  const [first, last] = [Math.ceil(low / step), Math.floor(high / step)];
  const count = Number.isFinite(low) ? Math.max(0, last - first + 1) : 0;
  const direction = change < 0 ? 'falls' : 'rises';
  const levels = Array.from({ length: count }, (_, i) => (first + i) * step);
  return {
    name: GAP,
    label: 'Gap between held-out and training loss',
    unit: heldOut.unit,
    role: 'other',
    levels: direction === 'falls' ? levels.toReversed() : levels,
    maxGap: resolution,
    direction,
  };
}

function gapCurves(curves: RatedCurves, input: GapInput, axis: Axis): RatedCurves {
  return new Map(
    [...curves].map(([rate, curve]) => {
      const points = gapsOf(curve, input.train, input.heldOut, input.outcome).map(({ index, gap }) => ({
        step: index,
        axes: { [GAP]: gap },
        outcomes: curve.run.points[index]?.outcomes ?? {},
      }));
      return [rate, curveOf({ ...curve.run, points }, [axis])];
    }),
  );
}

/** The gaps at a run's probes with an outcome, up to the last that counts. */
function gapsOf(curve: Curve, train: Axis, heldOut: Axis, outcome: string): { index: number; gap: number }[] {
  return curve.run.points.slice(0, curve.lastCounted + 1).flatMap(({ axes, outcomes }, index) => {
    const [t, h] = [axes[train.name], axes[heldOut.name]];
    return t === undefined || h === undefined || outcomes?.[outcome] === undefined ? [] : [{ index, gap: h - t }];
  });
}
