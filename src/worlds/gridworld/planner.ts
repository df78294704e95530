/**
 * Exact planning and exact evaluation by dynamic programming over cells and steps left:
 * V_0 = 0, V_k(cell) = max_a [ -cost + E reward(cell') + (0 at an end, else V_{k-1}(cell')) ].
 * A planner that is indifferent between moves takes each with the same chance.
 */
import { endingOf, type Ending, type Gridworld, rewardAt, type Scenario } from './gridworld.ts';
import { cellAfter, MOVES } from './place.ts';

/** The best expected return of an episode, and the chance of each ending under the best moves. */
export interface Planned {
  readonly value: number;
  readonly chances: Readonly<Record<Ending, number>>;
}

/** P(move) in a cell. */
export type WalkPolicy = (cell: number, stepsLeft: number) => ArrayLike<number>;

/** Moves whose values differ by no more than rounding are equally good. */
const TIE = 1e-12;

/** Plans an episode exactly. */
export function planned(world: Gridworld, scenario: Scenario): Planned {
  const cells = world.place.isFree.length;
  let values = new Float64Array(cells);
  const choices: number[][][] = [];
  for (let left = 1; left <= world.horizon; left++) {
    const before = values;
    values = new Float64Array(cells);
    const best: number[][] = [];
    for (const cell of world.place.free) {
      const of = [...MOVES.keys()].map((move) => returnOf(world, scenario, cellAfter(world.place, cell, move), before));
      const highest = Math.max(...of);
      values[cell] = highest;
      best[cell] = of.map((one) => (highest - one <= TIE ? 1 : 0));
    }
    choices[left] = best;
  }
  const policy: WalkPolicy = (cell, left) => {
    const moves = choices[left]?.[cell] ?? [];
    const count = moves.reduce((sum, one) => sum + one, 0);
    return moves.map((one) => one / count);
  };
  return { value: values[scenario.start] ?? 0, chances: endingChances(world, scenario, policy) };
}

/** What a move to a cell is worth. */
function returnOf(world: Gridworld, scenario: Scenario, cell: number, after: Float64Array): number {
  const reward = rewardAt(world, scenario, cell, scenario.observedChance) - world.stepCost;
  return reward + (cell === scenario.good || cell === scenario.harm ? 0 : (after[cell] ?? 0));
}

/** The chance of each ending of an episode under any policy, exactly. */
export function endingChances(
  world: Gridworld,
  scenario: Scenario,
  policy: WalkPolicy,
): Readonly<Record<Ending, number>> {
  const chances = { good: 0, harm: 0, time: 0 };
  let at = new Map([[scenario.start, 1]]);
  for (let steps = 1; steps <= world.horizon; steps++) {
    const next = new Map<number, number>();
    for (const [cell, chance] of at) {
      const moves = policy(cell, world.horizon - steps + 1);
      for (const move of MOVES.keys()) {
        const to = cellAfter(world.place, cell, move);
        const ending = endingOf(world, { scenario, cell: to, steps });
        const share = chance * (moves[move] ?? 0);
        if (ending === undefined) next.set(to, (next.get(to) ?? 0) + share);
        else chances[ending] += share;
      }
    }
    at = next;
  }
  return chances;
}
