/** Faults in question 7 (superposition, in a toy and in a language model), and the tests that must notice them. */
import type { Fault } from './fault.ts';

const PERSONA = ['studies/superposition-persona/interference.test.ts'];
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
  {
    name: 'a norm lets the mean of a feature through',
    file: 'studies/superposition-persona/interference.ts',
    from: '(gain[i] ?? 0) * (value - mean)',
    to: '(gain[i] ?? 0) * value',
    tests: PERSONA,
  },
  {
    name: 'one feature too few counts as touched',
    file: 'studies/superposition-persona/interference.ts',
    from: 'Math.ceil(participation(energy))',
    to: 'Math.floor(participation(energy))',
    tests: PERSONA,
  },
  {
    name: 'features that never fire count as untouched',
    file: 'studies/superposition-persona/interference.ts',
    from: 'energy[j] === 0 && (density[j] ?? 0) > 0',
    to: 'energy[j] === 0',
    tests: PERSONA,
  },
  {
    name: 'the toy law forgets that a feature does not meet itself',
    file: 'studies/superposition-persona/interference.ts',
    from: '(alive - width) / ((alive - 1) * width)',
    to: '(alive - width) / (alive * width)',
    tests: PERSONA,
  },
  {
    name: 'interference is measured by length, not by its square',
    file: 'studies/superposition-persona/interference.ts',
    from: 'sum += dot(update.subarray(start, start + width), u) ** 2;',
    to: 'sum += Math.abs(dot(update.subarray(start, start + width), u));',
    tests: PERSONA,
  },
];
