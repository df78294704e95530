/** Worlds small enough to be enumerated, for the tests of agents. */
import type { Environment } from './environment.ts';

/** A cue is seen once; the action some steps later is paid if it repeats it, the ones before are paid a little for action 1. */
export interface Recall {
  readonly cue: number;
  readonly age: number;
}

/** @param steps Steps of a life; the cue is seen in the first alone. @param end How a life ends. */
export function recallWorld(steps: number, end: 'over' | 'cut' = 'over'): Environment<Recall> {
  return {
    observations: 3,
    actions: 2,
    start: (luck) => ({ cue: luck.below(2), age: 0 }),
    observe({ cue, age }, into) {
      into.fill(0);
      if (age === 0) into[cue] = 1;
      into[2] = age / steps;
    },
    step({ cue, age }, action) {
      const isLast = age + 1 === steps;
      const reward = isLast ? Number(action === cue) : 0.1 * action;
      return { state: { cue, age: age + 1 }, reward, end: isLast ? end : 'none' };
    },
  };
}
