/**
 * Which arm's outcomes scatter most from block to block: likeness of two quiet runs says little of it, so it deserves an
 * A/A twin of its own.
 */
import type { CurveIndex } from '#analysis/matching/pair.ts';
import { valueAt } from '#analysis/matching/passage.ts';

/** An arm's standard deviation over blocks is said to stand out from this multiple of another's. */
const STANDS_OUT = 2;

/** An arm with its scatter, in the outcome's unit. */
export interface ArmNoise {
  readonly arm: string;
  readonly deviation: number;
}

/**
 * The arm whose outcome scatters most at the levels runs pass, if it does so at least twice as much as the quietest of
 * `known` (arms with a twin, and their twins); undefined where none does. What all arms of a block share does not count.
 */
export function noisiestArm(index: CurveIndex, outcome: string, known: ReadonlySet<string>): ArmNoise | undefined {
  const noises = noiseByArm(index, outcome);
  const quiet = noises.filter(({ arm }) => known.has(arm)).map(({ deviation }) => deviation);
  const noisiest = noises.toSorted((a, b) => b.deviation - a.deviation)[0];
  if (noisiest === undefined || quiet.length === 0 || known.has(noisiest.arm)) return undefined;
  return noisiest.deviation >= STANDS_OUT * Math.min(...quiet) ? noisiest : undefined;
}

function noiseByArm(index: CurveIndex, outcome: string): ArmNoise[] {
  const cells = groups(readings(index, outcome), ({ arm, place }) => `${arm} ${place}`).flatMap(centred);
  // The median, so that a noisy arm does not lend its noise to the others.
  const rests = groups(cells, ({ place, block }) => `${place} ${block}`).flatMap((own) => {
    const shared = medianOf(own);
    return own.map((one) => ({ ...one, value: one.value - shared }));
  });
  return groups(rests, ({ arm }) => arm).flatMap((own) => {
    const [first] = own;
    const squares = own.reduce((sum, { value }) => sum + value * value, 0);
    return first === undefined ? [] : [{ arm: first.arm, deviation: Math.sqrt(squares / own.length) }];
  });
}

function groups(cells: readonly Reading[], keyOf: (cell: Reading) => string): Reading[][] {
  return [...Map.groupBy(cells, keyOf).values()];
}

function centred(own: readonly Reading[]): Reading[] {
  const mean = own.reduce((sum, { value }) => sum + value, 0) / own.length;
  return own.map((one) => ({ ...one, value: one.value - mean }));
}

interface Reading {
  readonly arm: string;
  readonly block: number;
  /** Axis and level. */
  readonly place: string;
  readonly value: number;
}

/** Every arm's outcome where it passes a level, averaged over its learning rates. */
function readings(index: CurveIndex, outcome: string): Reading[] {
  return [...index].flatMap(([arm, ofArm]) =>
    [...ofArm].flatMap(([block, curves]) => {
      const values = new Map<string, number[]>();
      for (const curve of curves.values()) {
        curve.passages.forEach((passages, axis) => {
          passages.forEach((passage, level) => {
            const value =
              passage.kind === 'missed' ? undefined : valueAt(curve, passage, (point) => point.outcomes?.[outcome]);
            if (value === undefined) return;
            const place = `${axis} ${level}`;
            values.set(place, [...(values.get(place) ?? []), value]);
          });
        });
      }
      return [...values].map(([place, all]) => ({
        arm,
        block,
        place,
        value: all.reduce((sum, one) => sum + one, 0) / all.length,
      }));
    }),
  );
}

function medianOf(own: readonly Reading[]): number {
  const sorted = own.map(({ value }) => value).toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1] ?? 0, sorted[sorted.length >> 1] ?? 0];
  return (low + high) / 2;
}
