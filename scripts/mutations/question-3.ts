/** Faults in the world of question 3 (data-order), and the tests that must notice them. */
import type { Fault } from './fault.ts';

const ORDER_WORLD = ['studies/data-order/world.test.ts'];
const ORDER_RUNS = ['studies/data-order/recipe.test.ts'];

export const QUESTION_3_FAULTS: readonly Fault[] = [
  {
    name: 'the rows of a step keep the order they were drawn in',
    file: 'studies/data-order/world.ts',
    from: '(isReversed ? drawn.toReversed() : drawn).toSorted()',
    to: 'isReversed ? drawn.toReversed() : drawn',
    tests: ORDER_WORLD,
  },
  {
    name: 'harm is read in the domain of the second stage too',
    file: 'studies/data-order/world.ts',
    from: 'domainOf(question) !== domains.first && domainOf(question) !== domains.second',
    to: 'domainOf(question) !== domains.first',
    tests: ORDER_WORLD,
  },
  {
    name: 'a mixed run is read at the probe after the loss',
    file: 'studies/data-order/series.ts',
    from: 'const share = (above - loss) / (above - below);',
    to: 'const share = 1;',
    tests: ORDER_WORLD,
  },
  {
    name: 'a penalty is never dropped',
    file: 'studies/data-order/recipe.ts',
    from: 'step < penalty.steps && ',
    to: '',
    tests: ORDER_RUNS,
  },
  {
    name: 'the later stage stops where it begins',
    file: 'studies/data-order/recipe.ts',
    from: 'losses[later] <= losses[earlier]',
    to: 'losses[later] >= losses[earlier]',
    tests: ORDER_RUNS,
  },
];
