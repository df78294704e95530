/**
 * Exact planning over beliefs x energies: Q_k(b, e, a), the expected number of further steps that are survived within the next k,
 * by dynamic programming. V_0 is what it thinks of the time beyond its horizon (`LEAVES`); belief is a grid with linear interpolation, energy is whole.
 * Q_k(b, e, a) = alive(a) sum_f P(f | b, a) [e' > 0] (1 + V_{k-1}(b', e')), V_k(b, e) = sum_c P(c | b) max_a Q_k(b_c, e, a).
 */
import { afterCue, afterFood, CAP, CUE, EFFORTS, energyAfter, EXPOSURE, foodChance, STANDARD } from './world.ts';

/** Points of the belief grid, 0 to 1. */
export const BELIEFS = 101;
const ENERGIES = CAP + 1;
const ACTIONS = EFFORTS.length;

/** Beyond the horizon there is `nothing`, or `rest`: it lives on its energy without any effort, until that ends or it is eaten. */
export const LEAVES = ['nothing', 'rest'] as const;
export type Leaf = (typeof LEAVES)[number];

/** What a planner of one depth knows, beliefs after the cue. */
export interface Plan {
  /** Q, shape [belief, energy, effort]. */
  readonly scores: Float64Array;
  /** V before the cue, shape [belief, energy]. */
  readonly values: Float64Array;
}

/** Where a belief lies on a grid of `points`: the point below and the weight of the one above. */
function place(belief: number, points: number): readonly [below: number, weight: number] {
  const below = Math.min(points - 2, Math.floor(belief * (points - 1)));
  return [below, belief * (points - 1) - below];
}

/** The plans of each depth. @param points Of the belief grid. */
export function plansOf(depths: readonly number[], leaf: Leaf, points = BELIEFS): ReadonlyMap<number, Plan> {
  const plans = new Map<number, Plan>();
  let values = Float64Array.from({ length: points * ENERGIES }, (_, at) => leafValue(leaf, at % ENERGIES));
  for (let depth = 1; depth <= Math.max(...depths); depth++) {
    const scores = scoresOver(values, points);
    values = valuesOver(scores, points);
    if (depths.includes(depth)) plans.set(depth, { scores, values });
  }
  return plans;
}

/** Further steps that are survived at rest from an energy: one each half but the last, if not eaten. */
function leafValue(leaf: Leaf, energy: number): number {
  if (leaf === 'nothing' || energy === 0) return 0;
  const alive = 1 - STANDARD.danger;
  return (alive * (1 - alive ** (energy - 1))) / STANDARD.danger;
}

/** Q of one more step, where `values` is V of what follows. */
function scoresOver(values: Float64Array, points: number): Float64Array {
  const scores = new Float64Array(points * ENERGIES * ACTIONS);
  for (let i = 0; i < points; i++) {
    const belief = i / (points - 1);
    for (const effort of EFFORTS) {
      const alive = 1 - STANDARD.danger - (EXPOSURE[effort] ?? 0);
      for (const found of [false, true]) {
        const chance = found ? foodChance(belief, effort) : 1 - foodChance(belief, effort);
        const [below, weight] = place(afterFood(belief, effort, found), points);
        for (let energy = 1; energy < ENERGIES; energy++) {
          const next = energyAfter(energy, effort, found);
          if (next === 0) continue;
          const at = below * ENERGIES + next;
          const further = (1 - weight) * (values[at] ?? 0) + weight * (values[at + ENERGIES] ?? 0);
          const to = (i * ENERGIES + energy) * ACTIONS + effort;
          scores[to] = (scores[to] ?? 0) + alive * chance * (1 + further);
        }
      }
    }
  }
  return scores;
}

/** V before the cue, from Q after it: the best effort after each cue. */
function valuesOver(scores: Float64Array, points: number): Float64Array<ArrayBuffer> {
  const values = new Float64Array(points * ENERGIES);
  for (let i = 0; i < points; i++) {
    const belief = i / (points - 1);
    for (const cue of [false, true]) {
      const seen = belief * CUE[1] + (1 - belief) * CUE[0];
      const [below, weight] = place(afterCue(belief, cue), points);
      for (let energy = 1; energy < ENERGIES; energy++) {
        let best = 0;
        for (const effort of EFFORTS) {
          const at = (below * ENERGIES + energy) * ACTIONS + effort;
          const above = at + ENERGIES * ACTIONS;
          best = Math.max(best, (1 - weight) * (scores[at] ?? 0) + weight * (scores[above] ?? 0));
        }
        const to = i * ENERGIES + energy;
        values[to] = (values[to] ?? 0) + (cue ? seen : 1 - seen) * best;
      }
    }
  }
  return values;
}

/** Writes Q of every effort at a belief after the cue and an energy to `into`. */
export function readScores(scores: Float64Array, belief: number, energy: number, into: Float64Array): void {
  const points = scores.length / ENERGIES / ACTIONS;
  const [below, weight] = place(belief, points);
  for (let effort = 0; effort < ACTIONS; effort++) {
    const at = (below * ENERGIES + energy) * ACTIONS + effort;
    into[effort] = (1 - weight) * (scores[at] ?? 0) + weight * (scores[at + ENERGIES * ACTIONS] ?? 0);
  }
}
