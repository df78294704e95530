/**
 * The world of mood-and-planning as something that is lived in: each step a cue, the energy left and what the last effort brought are
 * seen, the season is not. A step that is survived is rewarded. The exact belief in the good season is kept in the state, to be
 * measured against; it is never seen.
 */
import type { Environment } from 'assay/learn';

import {
  afterCue,
  afterFood,
  CAP,
  CUE,
  EFFECT,
  EFFORTS,
  energyAfter,
  EXPOSURE,
  STANDARD,
  START,
  TURNS,
} from 'assay/studies/mood-and-planning/world.ts';

/** What a step that is survived is worth: returns stay within a few units. */
export const REWARD = 0.1;

export interface Forager {
  readonly good: boolean;
  /** In halves of a unit. */
  readonly energy: number;
  readonly cue: boolean;
  /** What was done in the step before, and whether food came of it. */
  readonly effort: number;
  readonly found: boolean;
  /** P(good) given all that was seen, the cue included. */
  readonly belief: number;
}

export const FORAGING: Environment<Forager> = {
  observations: 5,
  actions: EFFORTS.length,
  start(luck) {
    const good = luck.uniform() < 0.5;
    const cue = luck.uniform() < CUE[good ? 1 : 0];
    return { good, energy: START, cue, effort: 0, found: false, belief: afterCue(0.5, cue) };
  },
  observe({ energy, cue, effort, found }, into) {
    into[0] = cue ? 1 : -1;
    into[1] = (2 * energy) / CAP - 1;
    into[2] = found ? 1 : 0;
    into[3] = effort === 1 ? 1 : 0;
    into[4] = effort === 2 ? 1 : 0;
  },
  step({ good, energy, belief }, effort, luck) {
    // Four draws a step whatever is done, so that the same stream is the same luck.
    const [meal, death, turn, sign] = [luck.uniform(), luck.uniform(), luck.uniform(), luck.uniform()];
    const found = meal < (EFFECT[effort] ?? 0) * STANDARD.food[good ? 1 : 0];
    const left = energyAfter(energy, effort, found);
    const isOver = left === 0 || death < STANDARD.danger + (EXPOSURE[effort] ?? 0);
    const season = turn < TURNS ? !good : good;
    const cue = sign < CUE[season ? 1 : 0];
    const state = {
      good: season,
      energy: left,
      cue,
      effort,
      found,
      belief: afterCue(afterFood(belief, effort, found), cue),
    };
    return { state, reward: isOver ? 0 : REWARD, end: isOver ? 'over' : 'none' };
  },
};
