/**
 * What an agent lives in. A state is plain data that is never changed in place, so that lives are saved as they stand and a small
 * world can be enumerated; all chance comes from the stream that is handed in.
 */
import type { Rng } from '#base/rng.ts';

/** A world of one agent at a time; many lives in it are many states. */
export interface Environment<State> {
  /** Numbers in an observation, O. */
  readonly observations: number;
  /** Actions to choose from, A. */
  readonly actions: number;
  /** A new life. */
  start(luck: Rng): State;
  /** Writes what is seen in a state. @param into shape [O], whatever it held before. */
  observe(state: State, into: Float32Array): void;
  /** @param action In [0, A). */
  step(state: State, action: number, luck: Rng): Outcome<State>;
}

/** What comes of an action. */
export interface Outcome<State> {
  readonly state: State;
  readonly reward: number;
  readonly end: End;
}

/** `over`: nothing comes after. `cut`: time is up, and what would have come is estimated (gymnasium's terminated and truncated). */
export type End = 'none' | 'over' | 'cut';
