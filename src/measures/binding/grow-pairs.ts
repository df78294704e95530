/** From a small set of pairs to all that agree with it: each time the pair of most evidence joins, until chance would give one as good. */
import { evidence, type ProductScores } from './agreement.ts';
import type { PairSet, Sides } from './seed-sets.ts';

/**
 * Adds pairs while the best has more evidence than the number of all pairs (in nats: its posterior odds are above one).
 * @returns the pairs, those given first.
 */
export function grownPairs(scores: ProductScores, sides: Sides, seed: PairSet): PairSet {
  const { count } = scores;
  const sums = new Float64Array(count * count);
  const isUsed = new Uint8Array(count);
  const [sources, targets] = [[...seed.sources], [...seed.targets]];
  for (const [i, source] of sources.entries()) join(scores, sums, isUsed, source, targets[i] ?? 0);
  const least = Math.log(count * count);
  for (;;) {
    const cell = bestCell(sums, sides, isUsed, least);
    if (cell < 0) return { sources, targets };
    const [source, target] = [Math.floor(cell / count), cell % count];
    sources.push(source);
    targets.push(target);
    join(scores, sums, isUsed, source, target);
  }
}

/** Adds what products with a pair say of every other pair. */
function join({ values, count }: ProductScores, sums: Float64Array, isUsed: Uint8Array, i: number, j: number): void {
  isUsed[i] = 1;
  isUsed[j] = 1;
  const ofTarget = values.subarray(j * count, (j + 1) * count);
  for (let k = 0; k < count; k++) {
    const g = values[i * count + k] ?? 0;
    for (let l = 0; l < count; l++) sums[k * count + l] = (sums[k * count + l] ?? 0) + evidence(g, ofTarget[l] ?? 0);
  }
}

function bestCell(sums: Float64Array, { source, target }: Sides, isUsed: Uint8Array, least: number): number {
  const count = isUsed.length;
  let [largest, at] = [least, -1];
  for (let k = 0; k < count; k++) {
    if (isUsed[k] === 1 || source[k] !== 1) continue;
    for (let l = 0; l < count; l++) {
      const sum = sums[k * count + l] ?? 0;
      if (sum <= largest || isUsed[l] === 1 || target[l] !== 1 || k === l) continue;
      [largest, at] = [sum, k * count + l];
    }
  }
  return at;
}
