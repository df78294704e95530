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
  const cells = readings(index, outcome);
  // The median, so that a noisy arm does not lend its noise to the others.
  const shared = new Map(
    [...Map.groupBy(cells, ({ place, block }) => `${place} ${block}`)].map(([key, own]) => [key, medianOf(own)]),
  );
  return [...Map.groupBy(cells, ({ arm }) => arm)].map(([arm, own]) => {
    const variances = [...Map.groupBy(own, ({ place }) => place).values()].flatMap((atPlace) => {
      if (atPlace.length < 2) return [];
      const rests = atPlace.map(({ place, block, value }) => ({
        value: value - (shared.get(`${place} ${block}`) ?? value),
      }));
      const mean = meanOf(rests);
      return [rests.reduce((sum, rest) => sum + (rest.value - mean) ** 2, 0) / (rests.length - 1)];
    });
    const variance = variances.reduce((sum, one) => sum + one, 0) / Math.max(1, variances.length);
    return { arm, deviation: Math.sqrt(variance) };
  });
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

function medianOf(own: readonly { readonly value: number }[]): number {
  const sorted = own.map(({ value }) => value).toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1] ?? 0, sorted[sorted.length >> 1] ?? 0];
  return (low + high) / 2;
}

function meanOf(own: readonly { readonly value: number }[]): number {
  return own.reduce((sum, { value }) => sum + value, 0) / own.length;
}
