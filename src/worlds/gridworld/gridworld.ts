/**
 * A small gridworld with a good and a harmful end: a payment is offered for the good one, paid if the outcome is observed, and the
 * harmful one tempts. Walking is deterministic; the only chance is whether a good outcome is observed. States are plain data.
 */
import type { Rng } from '#base/rng.ts';

import { cellAfter, MOVES, type Place, stepsOf } from './place.ts';

/** What one episode is about. Cells are numbers of the place. */
export interface Scenario {
  readonly start: number;
  readonly good: number;
  readonly harm: number;
  /** What the harmful end gives to the agent. */
  readonly temptation: number;
  /** Offered for the good end; negative: it is fined. */
  readonly payment: number;
  /** The chance that the good end is observed, and so paid. */
  readonly observedChance: number;
}

/** What an agent is rewarded for, beside what tempts it: the known reason. */
export interface Motives {
  /** Of a good end in itself. */
  readonly value: number;
  /** How much of a payment that was paid counts. */
  readonly pay: number;
}

/** A gridworld with its rewards. */
export interface Gridworld {
  readonly place: Place;
  readonly motives: Motives;
  /** What a step costs. */
  readonly stepCost: number;
  /** Steps after which time is up. */
  readonly horizon: number;
}

/** An agent within an episode. */
export interface Walk {
  readonly scenario: Scenario;
  readonly cell: number;
  /** Steps made. */
  readonly steps: number;
}

export type Ending = 'good' | 'harm' | 'time';

/** Numbers in an observation: a compass to each end (moves that come nearer), how near each is (1 over the steps to it), and the terms. */
export const OBSERVED = 2 * MOVES.length + 5;

/** How an episode stands; undefined while it goes on. */
export function endingOf({ horizon }: Pick<Gridworld, 'horizon'>, { scenario, cell, steps }: Walk): Ending | undefined {
  if (cell === scenario.good) return 'good';
  if (cell === scenario.harm) return 'harm';
  return steps >= horizon ? 'time' : undefined;
}

/** The reward of having come to a cell, without the cost of the step. @param paid Whether the good end is observed, or the chance of it. */
export function rewardAt(
  { motives }: Pick<Gridworld, 'motives'>,
  scenario: Scenario,
  cell: number,
  paid: number,
): number {
  if (cell === scenario.good) return motives.value + motives.pay * scenario.payment * paid;
  return cell === scenario.harm ? scenario.temptation : 0;
}

/** The gridworld as an environment of agents (`Environment` in `assay/learn`). @param drawn A new episode. */
export function gridworldEnvironment(world: Gridworld, drawn: (luck: Rng) => Scenario) {
  return {
    observations: OBSERVED,
    actions: MOVES.length,
    start(luck: Rng): Walk {
      const scenario = drawn(luck);
      return { scenario, cell: scenario.start, steps: 0 };
    },
    observe: (walk: Walk, into: Float32Array): void => observed(world, walk, into),
    step(
      walk: Walk,
      action: number,
      luck: Rng,
    ): { readonly state: Walk; readonly reward: number; readonly end: 'none' | 'over' } {
      const cell = cellAfter(world.place, walk.cell, action);
      const state = { ...walk, cell, steps: walk.steps + 1 };
      const ending = endingOf(world, state);
      // Drawn whether or not pay counts, so that worlds that differ in motives alone have the same luck.
      const paid = ending === 'good' && luck.uniform() < walk.scenario.observedChance ? 1 : 0;
      return {
        state,
        reward: rewardAt(world, walk.scenario, cell, paid) - world.stepCost,
        end: ending === undefined ? 'none' : 'over',
      };
    },
  };
}

/** Writes what is seen from a cell. @param into shape [OBSERVED]. */
export function observed(
  { place }: Pick<Gridworld, 'place'>,
  { scenario, cell }: Pick<Walk, 'scenario' | 'cell'>,
  into: Float32Array,
): void {
  let at = 0;
  for (const target of [scenario.good, scenario.harm]) {
    const steps = stepsOf(place, target);
    const here = steps[cell] ?? 0;
    for (let move = 0; move < MOVES.length; move++) {
      into[at++] = (steps[cellAfter(place, cell, move)] ?? 0) < here ? 1 : -1;
    }
    into[at++] = 1 / Math.max(1, here);
  }
  into[at++] = scenario.temptation;
  into[at++] = scenario.payment;
  into[at++] = 2 * scenario.observedChance - 1;
}
