/** Faults in the world of question 9, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const MOOD = ['studies/mood-and-planning/world.test.ts'];

export const QUESTION_9_FAULTS: readonly Fault[] = [
  {
    name: 'a planner forgets that seasons turn',
    file: 'studies/mood-and-planning/world.ts',
    from: 'return now * (1 - TURNS) + (1 - now) * TURNS;',
    to: 'return now;',
    tests: MOOD,
  },
  {
    name: 'a planner sees the cue twice',
    file: 'studies/mood-and-planning/planner.ts',
    from: '(cue ? seen : 1 - seen) * best',
    to: 'best',
    tests: MOOD,
  },
  {
    name: 'a mood is read at its own scale',
    file: 'studies/mood-and-planning/forager.ts',
    from: 'this.#reading = being.g1 / being.scale;',
    to: 'this.#reading = being.g1;',
    tests: MOOD,
  },
  {
    name: 'every block tunes dials of its own',
    file: 'studies/mood-and-planning/recipe.ts',
    from: '{ ...key, memory, tuningSeed }',
    to: '{ ...key, memory, tuningSeed, block }',
    tests: MOOD,
  },
];
