/** Faults in the test of binding and in its study, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const TESTS = ['src/measures/binding/binding.test.ts'];

export const QUESTION_5_FAULTS: readonly Fault[] = [
  {
    name: 'held-out pairs are predicted by a map that was fitted to them',
    file: 'src/measures/binding/slot-map.ts',
    from: 'i % FOLDS !== fold',
    to: 'i % FOLDS !== FOLDS',
    tests: TESTS,
  },
  {
    name: 'the same feature twice counts as a pair',
    file: 'src/measures/binding/match-pairs.ts',
    from: '(isKnown ? duplicates : left).push(i)',
    to: 'left.push(i)',
    tests: TESTS,
  },
  {
    name: 'permuted dictionaries are not permuted',
    file: 'src/measures/binding/permuted.ts',
    from: '[rng.permutation(d), Array.from({ length: d }, () => (rng.uniform() < 0.5 ? -1 : 1))]',
    to: '[Uint32Array.from({ length: d }, (_, a) => a), Array.from({ length: d }, () => 1)]',
    tests: TESTS,
  },
  {
    name: 'a dictionary counts as bound though a permuted one of 39 has as many pairs',
    file: 'src/measures/binding/binding-test.ts',
    from: 'alpha = 0.025,',
    to: 'alpha = 0.05,',
    tests: TESTS,
  },
  {
    name: 'features of earlier positions are as strong as those of the position itself',
    file: 'studies/binding-sae/world.ts',
    from: 'const EARLIER = 0.2;',
    to: 'const EARLIER = 1;',
    tests: ['studies/binding-sae/recipe.test.ts'],
  },
];
