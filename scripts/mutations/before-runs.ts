/** Faults in what is refused before any run, where models come from files, and the tests that must notice. */
import type { Fault } from './fault.ts';

const SAVED = 'test/learning/finetune-saved.test.ts';
const PROFILES = 'studies/deployment-profiles/episodes.test.ts';
const BINDING = 'studies/binding-lm/recipe.test.ts';

export const BEFORE_RUNS_FAULTS: readonly Fault[] = [
  {
    name: 'methods are held against the model by the first run',
    file: 'src/recipes/finetune/finetune.ts',
    from: '      await checkMethod(config, model);\n',
    to: '',
    tests: [SAVED],
  },
  {
    name: 'an adapter that is continued is held against its method by the first run',
    file: 'src/recipes/finetune/summary.ts',
    from: "if (adapter.path === '' || adapter.use !== 'continue') return;",
    to: 'return;',
    tests: [SAVED],
  },
  {
    name: 'situations are read by runs alone',
    file: 'studies/deployment-profiles/recipe.ts',
    from: 'await summary(model, async (known) => checkTexts(known, deployment))',
    to: 'await summary(model)',
    tests: [PROFILES],
  },
  {
    name: 'text that a model does not take passes',
    file: 'src/scoring/said/local-model.ts',
    from: 'if (longest > contextLength) throw',
    to: 'if (longest > contextLength * 1e9) throw',
    tests: ['src/scoring/said/said.test.ts'],
  },
  {
    name: 'prompts that a model does not take pass',
    file: 'studies/binding-lm/recipe.ts',
    from: 'if (length <= contextLength) return;',
    to: 'if (length > 0) return;',
    tests: [BINDING],
  },
];
