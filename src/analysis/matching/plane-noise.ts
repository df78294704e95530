/**
 * How noisy a run's path through the (training, held-out) plane is: the scatter of its probes across the path, from
 * second differences. Noise in the losses makes runs that never meet look as if they did (regression to the mean), so
 * the joint matching is testable only where this is small against the spread of the runs themselves.
 */
import type { Axis } from '#study/study.ts';
import type { Curve } from './passage.ts';

// Median of |z| for a standard normal; a probe minus the mean of its neighbours has 3/2 of a probe's variance.
const TO_STANDARD_DEVIATION = 1 / (0.6745 * Math.sqrt(1.5));
const FEWEST_TRIPLES = 3;

/** Variance of the scatter across the path, in squared nats, averaged over runs; undefined where no run has five probes. */
export function planeNoiseVariance(curves: readonly Curve[], train: Axis, heldOut: Axis): number | undefined {
  let [sum, runs] = [0, 0];
  for (const curve of curves) {
    const deviation = scatterOf(curve, train, heldOut);
    if (deviation === undefined) continue;
    sum += deviation * deviation;
    runs++;
  }
  return runs === 0 ? undefined : sum / runs;
}

function scatterOf(curve: Curve, train: Axis, heldOut: Axis): number | undefined {
  const path: { t: number; h: number }[] = [];
  for (let i = 0; i <= curve.lastCounted; i++) {
    const axes = curve.run.points[i]?.axes;
    const [t, h] = [axes?.[train.name], axes?.[heldOut.name]];
    if (t !== undefined && h !== undefined) path.push({ t, h });
  }
  const [first, last] = [path[0], path.at(-1)];
  if (first === undefined || last === undefined || path.length < FEWEST_TRIPLES + 2) return undefined;
  // Along the chord both losses fall together; what varies across it is scatter.
  const slope = last.t === first.t ? 0 : (last.h - first.h) / (last.t - first.t);
  const across = Float64Array.from(path, ({ t, h }) => h - slope * t);
  const bends = new Float64Array(path.length - 2);
  for (let i = 0; i < bends.length; i++) {
    bends[i] = Math.abs((across[i + 1] ?? 0) - ((across[i] ?? 0) + (across[i + 2] ?? 0)) / 2);
  }
  bends.sort();
  const [low, high] = [bends[(bends.length - 1) >> 1] ?? 0, bends[bends.length >> 1] ?? 0];
  return ((low + high) / 2) * TO_STANDARD_DEVIATION;
}
