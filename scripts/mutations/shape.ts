/** Faults in how a study is checked and made whole: mistakes that pass, levels that do not reach the recipe, rates that are not. */
import type { Fault } from './fault.ts';

const DEFINE = 'src/study/define-study.test.ts';
const CHECKS = 'src/study/study-checks.test.ts';
const PLAN = 'src/study/plan.test.ts';
const TRENDS = 'src/study/trends.test.ts';
const IMPORT = 'src/runner/import-study.test.ts';
const MEASURED = 'test/e2e/measured.test.ts';

export const SHAPE_FAULTS: readonly Fault[] = [
  {
    name: 'unknown keys of a study pass',
    file: 'src/study/shape.ts',
    from: 'value[key] !== undefined && !Object.hasOwn(shapes, key)',
    to: 'value[key] === undefined && !Object.hasOwn(shapes, key)',
    tests: [CHECKS],
  },
  {
    name: 'one broken item of a list hides the mistakes of all',
    file: 'src/study/problems.ts',
    from: '({ path }) => !isBroken(path, misfits)',
    to: '() => !isBroken(name, misfits)',
    tests: [DEFINE],
  },
  {
    name: 'names that the recipe does not give pass',
    file: 'src/study/given-names.ts',
    from: 'if (known.includes(name)) return [];',
    to: 'if (known.length > 0) return [];',
    tests: [CHECKS],
  },
  {
    name: 'the levels of a study do not reach its recipe',
    file: 'src/study/given-names.ts',
    from: 'set: { ...study.set, [levelsPath]: levels }',
    to: 'set: { ...study.set }',
    tests: [DEFINE],
  },
  {
    name: 'claims are not narrowed to a profile',
    file: 'src/study/plan.ts',
    from: 'armsOfClaim(claim).every(isKept)',
    to: 'armsOfClaim(claim).some(isKept)',
    tests: [DEFINE],
  },
  {
    name: 'an arm without rates gets no runs',
    file: 'src/study/plan.ts',
    from: 'arm.learningRates.length === 0 ? ratesOf(arm) : rates',
    to: 'rates',
    tests: [MEASURED, PLAN],
  },
  {
    name: "an arm that takes another's rates pilots its own",
    file: 'src/study/plan.ts',
    from: 'if (named !== undefined) return named;',
    to: 'if (named !== undefined) return arm;',
    tests: [DEFINE],
  },
  {
    name: 'a trend forgets that its own arm has a weight',
    file: 'src/study/trends.ts',
    from: '(name === arm ? 1 : 0) - coefficient',
    to: '-coefficient',
    tests: [TRENDS],
  },
  {
    name: 'arms at one value of a factor count more than those alone at theirs',
    file: 'src/study/trends.ts',
    from: '/ squares / sharing',
    to: '/ squares',
    tests: [TRENDS],
  },
  {
    name: 'a syntax error in JavaScript has no line',
    file: 'src/runner/import-error.ts',
    from: 'status === 0 ? undefined',
    to: 'status !== 0 ? undefined',
    tests: [IMPORT],
  },
  {
    name: 'a study that looks until it is decided ends with claims undecided',
    file: 'src/desk/answer.ts',
    from: '[...verdicts, ...places].every',
    to: '[...verdicts].every',
    tests: ['src/desk/answer.test.ts'],
  },
  {
    name: 'what only measures ends as if something was shown',
    file: 'src/cli/answer-lines.ts',
    from: 'nothingAsked: 3',
    to: 'nothingAsked: 0',
    tests: [MEASURED],
  },
];
