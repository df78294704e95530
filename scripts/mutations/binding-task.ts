/** Faults in the study of binding in trained transformers, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const TESTS = ['studies/binding-task/recipe.test.ts'];

export const BINDING_TASK_FAULTS: readonly Fault[] = [
  {
    name: 'a context of relations can be answered by the key alone',
    file: 'studies/binding-task/world.ts',
    from: "kind === 'crossed' ? i >> 1 : i",
    to: "kind === 'crossed' ? i : i",
    tests: TESTS,
  },
  {
    name: 'exchanged partners are added to one of the two values only',
    file: 'studies/binding-task/swaps.ts',
    from: '[there, by.map((x) => -x)],',
    to: '',
    tests: TESTS,
  },
  {
    name: 'additive parts are counted with the mean of all twice',
    file: 'studies/binding-task/contents.ts',
    from: '2 * (all[a] ?? 0)',
    to: '(all[a] ?? 0)',
    tests: TESTS,
  },
  {
    name: 'the map that reads what keys write is fitted on the keys it is asked about',
    file: 'studies/binding-task/dictionaries.ts',
    from: 'i % FOLDS === fold ? [] : [i]',
    to: 'i % FOLDS === FOLDS ? [] : [i]',
    tests: TESTS,
  },
  {
    name: 'a model that is guessing is kept from its first start',
    file: 'studies/binding-task/model.ts',
    from: '> HAS_LEARNED * recent.length) continue;',
    to: '> 1e9 * recent.length) continue;',
    tests: TESTS,
  },
  {
    name: 'dimensions are counted by singular values that are not squared',
    file: 'studies/binding-task/dictionaries.ts',
    from: '(s) => s * s)',
    to: '(s) => s)',
    tests: TESTS,
  },
  {
    name: 'MLPs stand at zero though a model has them',
    file: 'studies/binding-task/model.ts',
    from: '!settings.mlps && MLP_PART.test(name)',
    to: 'MLP_PART.test(name)',
    tests: TESTS,
  },
];
