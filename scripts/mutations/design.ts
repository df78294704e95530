/** Faults in what is asked and how answers are scored: arms from settings, studies as files, answers that share a question. */
import type { Fault } from './fault.ts';

const BRANCHED = 'test/learning/branched.test.ts';
const FACTORS = 'src/recipes/finetune/factors.test.ts';
const STUDY_FILE = 'src/recipes/finetune/study-file.test.ts';

export const DESIGN_FAULTS: readonly Fault[] = [
  {
    name: 'runs that answer the question measure outcomes at no level either',
    file: 'src/study/plan.ts',
    from: "const isChoosing = phase === 'pilot' && plan",
    to: 'const isChoosing = plan',
    tests: ['src/study/plan.test.ts'],
  },
  {
    name: 'one block more than there are is planned',
    file: 'src/study/plan.ts',
    from: 'if (limit === undefined || highest < limit.most) return;',
    to: 'if (limit === undefined || highest <= limit.most) return;',
    tests: ['src/study/plan.test.ts'],
  },
  {
    name: 'an answer does not see its question',
    file: 'src/learning/models/branched.ts',
    from: "squared('parents'))",
    to: "squared('segments'))",
    tests: [BRANCHED],
  },
  {
    name: 'answers stand at their places in the row instead of those behind their question',
    file: 'src/learning/models/fed-positions.ts',
    from: 'return [gather(cos, places), gather(sin, places)];',
    to: 'return places.shape[0] === length ? [cos, sin] : [gather(cos, places), gather(sin, places)];',
    tests: [BRANCHED],
  },
  {
    name: 'an answer’s first token is predicted by the answer before it',
    file: 'src/measures/answer-rows.ts',
    from: 't === 0 ? stemEnd : start + t - 1',
    to: 'start + t - 1',
    tests: ['src/measures/answer-rows.test.ts', BRANCHED],
  },
  {
    name: 'a question swallows learned tokens that its answers have in common',
    file: 'src/measures/answer-rows.ts',
    from: 'lossMask[t] === 0) &&',
    to: 'lossMask[t] !== 2) &&',
    tests: ['src/measures/answer-rows.test.ts', BRANCHED],
  },
  {
    name: 'a factor that is not named loses the study’s levels',
    file: 'src/recipes/finetune/factors.ts',
    from: 'return levels === undefined ? factor : factorOf(',
    to: 'return levels === undefined ? { ...factor, levels: factor.levels.slice(0, 1) } : factorOf(',
    tests: [FACTORS],
  },
  {
    name: 'the rates of a method win over the learning rate as a factor',
    file: 'src/recipes/finetune/factors.ts',
    from: '[...all.filter(({ name }) => name !== LEARNING_RATE), ...all.filter(({ name }) => name === LEARNING_RATE)]',
    to: 'all',
    tests: [FACTORS],
  },
  {
    name: 'alpha does not grow with the rank',
    file: 'src/recipes/finetune/factors.ts',
    from: 'alpha: 2 * rank',
    to: 'alpha: 16',
    tests: [FACTORS],
  },
  {
    name: 'paths in a study file lead from the current folder',
    file: 'src/recipes/finetune/study-file.ts',
    from: 'dirname(resolve(path))',
    to: "''",
    tests: [STUDY_FILE],
  },
  {
    name: 'of two settings of one factor the first counts',
    file: 'src/study/vary.ts',
    from: 'of chosen) {',
    to: 'of chosen.toReversed()) {',
    tests: ['src/study/vary.test.ts'],
  },
];
