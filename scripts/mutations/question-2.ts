/** Faults in the worlds of question 2 (grokking, boundaries, forgetting), and the tests that must notice them. */
import type { Fault } from './fault.ts';

const GROKKING = ['studies/grokking/world.test.ts'];
const BOUNDARIES = ['studies/boundaries/world.test.ts'];
const FORGETTING = ['studies/forgetting/recipe.test.ts'];

export const QUESTION_2_FAULTS: readonly Fault[] = [
  {
    name: 'sums of pairs are not taken modulo p',
    file: 'studies/grokking/world.ts',
    from: '(Math.floor(pair / modulus) + (pair % modulus)) % modulus',
    to: 'Math.min(modulus - 1, Math.floor(pair / modulus) + (pair % modulus))',
    tests: GROKKING,
  },
  {
    name: 'the leak trains on held-out pairs in place of the third set',
    file: 'studies/grokking/world.ts',
    from: 'const third = pairs.subarray(middle);\n  const fromThird = third',
    to: 'const third = pairs.subarray(middle);\n  const fromThird = pairs.subarray(trained, middle)',
    tests: GROKKING,
  },
  {
    name: 'the linear part is taken for the even one',
    file: 'studies/boundaries/world.ts',
    from: '(score + (mirrored[row] ?? 0)) / 2',
    to: '(score - (mirrored[row] ?? 0)) / 2',
    tests: BOUNDARIES,
  },
  {
    name: 'an even cue tells the label by its sign',
    file: 'studies/boundaries/world.ts',
    from: "weakCue === 'linear' ? weak * label",
    to: 'weak > 0 ? weak * label',
    tests: BOUNDARIES,
  },
  {
    name: 'a kept state is left behind',
    file: 'studies/forgetting/recipe.ts',
    from: 'learner.restoreState(start)',
    to: 'learner.restoreWeights(learner.saveWeights())',
    tests: FORGETTING,
  },
  {
    name: 'rehearsal rehearses the last task',
    file: 'studies/forgetting/recipe.ts',
    from: 'const [first] = before;',
    to: 'const first = last;',
    tests: FORGETTING,
  },
];
