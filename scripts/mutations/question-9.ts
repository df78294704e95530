/** Faults in the worlds of question 9, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const MOOD = ['studies/mood-and-planning/world.test.ts'];
const SPILLS = ['studies/mood-spills/contests.test.ts'];

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
  {
    name: 'who is fed counts as hungry',
    file: 'studies/mood-spills/contests.ts',
    from: 'isHungry: forager.energy <= START,',
    to: 'isHungry: forager.energy > START,',
    tests: SPILLS,
  },
  {
    name: 'a mirrored contest follows the season as it is',
    file: 'studies/mood-spills/contests.ts',
    from: 'const wins = end < (1 + (mirrored ? -rho : rho) * follows) / 2;',
    to: 'const wins = end < (1 + rho * follows) / 2;',
    tests: SPILLS,
  },
  {
    name: 'a gift is seen in contests that its twin did not live to meet',
    file: 'studies/mood-spills/contests.ts',
    from: 'if (fought === NONE || twin === NONE) continue;',
    to: 'if (fought === NONE) continue;',
    tests: SPILLS,
  },
  {
    name: "contests that follow another life's season follow this one",
    file: 'studies/mood-spills/contests.ts',
    from: '(elsewhere ? otherGood : good) ? 1 : -1',
    to: 'good ? 1 : -1',
    tests: SPILLS,
  },
  {
    name: 'lives that were walked once are read at another scale',
    file: 'studies/mood-spills/contests.ts',
    from: 'for (const met of field.met) book.add(met, met.nerve < willOf(genes, met, scale));',
    to: 'for (const met of field.met) book.add(met, met.nerve < willOf(genes, met, field.scale));',
    tests: SPILLS,
  },
  {
    name: 'the worst fighters are the parents',
    file: 'studies/mood-spills/evolve.ts',
    from: '.toSorted((a, b) => b.fitness - a.fitness)',
    to: '.toSorted((a, b) => a.fitness - b.fitness)',
    tests: SPILLS,
  },
  {
    name: 'senses that nobody has evolve',
    file: 'studies/mood-spills/evolve.ts',
    from: '...SENSES.filter((sense) => evolution.senses.includes(sense))',
    to: '...SENSES',
    tests: SPILLS,
  },
];
