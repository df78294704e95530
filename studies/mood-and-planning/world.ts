/**
 * A season that is good or bad and that nobody sees, food that depends on it and on effort, and energy that runs out. One being
 * lives from energy 10 until it starves or is eaten; what counts is for how many steps. Energy is kept in halves, so it is whole.
 */
import type { Rng } from 'assay/learn';

/** What is there. Beings know the standard place; a place may be richer or more dangerous than they know. */
export interface Place {
  /** The chance of food a step at full effort in the bad and the good season. */
  readonly food: readonly [bad: number, good: number];
  /** The chance of being eaten at no effort; effort adds to it. */
  readonly danger: number;
}

export const STANDARD: Place = { food: [0.05, 0.95], danger: 0.001 };
/** The chance that the season turns between two steps. */
export const TURNS = 0.03;
/** The chance of the cue in the bad and in the good season. */
export const CUE = [0.4, 0.6] as const;
export const EFFORTS = [0, 1, 2] as const;
/** By effort: the share of the food that is found, energy spent (in halves), and added danger. */
export const EFFECT = [0, 0.7, 1] as const;
export const COST = [1, 4, 4] as const;
export const EXPOSURE = [0, 0.005, 0.05] as const;
/** In halves of a unit: what a piece of food holds, the most a being holds, and what it starts with. */
export const MEAL = 16;
export const CAP = 60;
export const START = 20;

/** Energy after a step; 0 is dead. */
export function energyAfter(energy: number, effort: number, found: boolean): number {
  return Math.max(0, Math.min(CAP, energy - (COST[effort] ?? 0) + (found ? MEAL : 0)));
}

/** The belief in the good season after a cue. */
export function afterCue(belief: number, cue: boolean): number {
  const [bad, good] = cue ? CUE : [1 - CUE[0], 1 - CUE[1]];
  return (belief * good) / (belief * good + (1 - belief) * bad);
}

/** The believed chance of food. */
export function foodChance(belief: number, effort: number, { food }: Place = STANDARD): number {
  return (EFFECT[effort] ?? 0) * (belief * food[1] + (1 - belief) * food[0]);
}

/** The belief about the next step's season, after food was found or not. */
export function afterFood(belief: number, effort: number, found: boolean): number {
  const effect = EFFECT[effort] ?? 0;
  const [bad, good] = [effect * STANDARD.food[0], effect * STANDARD.food[1]];
  const ofBad = found ? bad : 1 - bad;
  const ofGood = found ? good : 1 - good;
  const seen = belief * ofGood + (1 - belief) * ofBad;
  // Food at no effort has no chance: nothing is learned from what cannot be.
  const now = seen === 0 ? belief : (belief * ofGood) / seen;
  return now * (1 - TURNS) + (1 - now) * TURNS;
}

/** Luck for many lives: three words a life, so that every being meets the same seasons, cues and dangers in its n-th life. */
export function drawLuck(rng: Rng, lives: number): Uint32Array {
  return Uint32Array.from({ length: 3 * lives }, () => rng.uint32());
}

/** Uniform draws of one life from its three words. sfc32 of Chris Doty-Humphrey (PractRand), warmed up. */
export function luckOf(words: Uint32Array, life: number): () => number {
  let [a, b, c] = [words[3 * life] ?? 0, words[3 * life + 1] ?? 0, words[3 * life + 2] ?? 0];
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 4294967296;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}
