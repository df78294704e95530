/** Faults in the world of question 7 (superposition), and the tests that must notice them. */
import type { Fault } from './fault.ts';

const RUNS = ['studies/superposition/recipe.test.ts'];

export const QUESTION_7_FAULTS: readonly Fault[] = [
  {
    name: 'touched features count as untouched too',
    file: 'studies/superposition/world.ts',
    from: '!isTouched.has(j) && !isPartner.has(j)',
    to: '!isPartner.has(j)',
    tests: RUNS,
  },
  {
    name: 'a frozen A is trained',
    file: 'studies/superposition/world.ts',
    from: "return method === 'lora' ? { trained: [a, b], drawn: [] }",
    to: "return method !== 'full' ? { trained: [a, b], drawn: [] }",
    tests: RUNS,
  },
  {
    name: 'the length of A at the start is not what the world says',
    file: 'studies/superposition/world.ts',
    from: 'std: scale * d ** -0.5',
    to: 'std: d ** -0.5',
    tests: RUNS,
  },
];
