/**
 * Where a claim's numbers are read off a run: every place becomes spots, one a level, each of which reads a run or says why it
 * cannot. Crossings are those of the matchings (passage.ts): never extrapolated, and across no gap wider than `maxGap`.
 */
import type { Place } from '#study/claim.ts';
import type { Axis } from '#study/study.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';
import { valueAt, type Curve } from '#analysis/matching/passage.ts';
import { midSentence } from '#analysis/words/naming.ts';
import { chosen } from '#analysis/words/number-text.ts';

/** What a run shows at a spot, or why nothing. */
export type Reading =
  | { readonly kind: 'read'; readonly value: number }
  | { readonly kind: 'missing'; readonly reason: string };

/** One level of a place. */
export interface Spot {
  readonly level: number | 'end';
  /** "training loss 0.3", "depth 2", "the end of training". */
  readonly text: string;
  /** Reads `outcome`; where points are chosen, among those that have every outcome of `needs`. */
  readonly read: (curve: Curve, outcome: string, needs: readonly string[]) => Reading;
}

/** The spots of a place, in the order of its levels; of a trend in the order in which training passes them. */
export function spotsOf(place: Place, matchOn: readonly Axis[]): Spot[] {
  switch (place.kind) {
    case 'end':
      return [{ level: 'end', text: 'the end of training', read: readLast }];
    case 'given':
      return place.levels.map((level) => givenSpot(place.axis, midSentence(place.label), level));
    case 'crossed':
      return crossedSpots(place.axis, place.levels, matchOn);
    case 'trend': {
      const spots = crossedSpots(place.axis, place.levels, matchOn);
      const sign = matchOn.find(({ name }) => name === place.axis)?.direction === 'rises' ? 1 : -1;
      return spots.toSorted((a, b) => sign * (Number(a.level) - Number(b.level)));
    }
    default:
      return place satisfies never;
  }
}

function read(value: number): Reading {
  return { kind: 'read', value };
}

function missing(reason: string): Reading {
  return { kind: 'missing', reason };
}

const NOT_MEASURED = 'was not measured';

function has(point: TrajectoryPoint, outcomes: readonly string[]): boolean {
  return outcomes.every((name) => point.outcomes?.[name] !== undefined);
}

function readLast({ run }: Curve, outcome: string, needs: readonly string[]): Reading {
  const value = run.points.findLast((point) => has(point, needs))?.outcomes?.[outcome];
  return value === undefined ? missing(NOT_MEASURED) : read(value);
}

function givenSpot(axis: string, label: string, level: number): Spot {
  return {
    level,
    text: `${label} ${chosen(level)}`,
    read: ({ run }, outcome, needs) => {
      const there = run.points.filter((point) => point.axes[axis] === level && has(point, needs));
      const values = there.flatMap((point) => point.outcomes?.[outcome] ?? []);
      const [first] = values;
      if (first === undefined) return missing(NOT_MEASURED);
      return values.every((value) => Object.is(value, first))
        ? read(first)
        : missing(`has ${values.length} points there that disagree`);
    },
  };
}

function crossedSpots(axis: string, levels: readonly number[] | undefined, matchOn: readonly Axis[]): Spot[] {
  const a = matchOn.findIndex(({ name }) => name === axis);
  const known = matchOn[a];
  return (levels ?? known?.levels ?? []).map((level) => {
    const l = known?.levels.indexOf(level) ?? -1;
    return {
      level,
      text: `${known === undefined ? axis : midSentence(known.label)} ${chosen(level)}`,
      read: (curve, outcome) => {
        const passage = curve.passages[a]?.[l];
        if (passage === undefined) return missing(`is not matched on ${axis} at this level`);
        if (passage.kind === 'missed') return missing(MISSED[passage.reason]);
        const value = valueAt(curve, passage, (point) => point.outcomes?.[outcome]);
        return value === undefined ? missing(NOT_MEASURED) : read(value);
      },
    };
  });
}

const MISSED = {
  'starts beyond': 'starts beyond it',
  'not reached': 'does not reach it',
  'gap too wide': 'passes it between probes too far apart',
} as const;
