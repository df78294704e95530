/** Faults in what counts as evidence, in what few blocks cannot see and in how alpha is spent, and the tests that must notice. */
import type { Fault } from './fault.ts';

const BLOCKS = 'src/analysis/verdict/blocks.test.ts';
const STATS = 'test/reference/stats.test.ts';
const LOOKS = 'src/desk/looks.test.ts';
const EARLIER = 'src/analysis/verdict/earlier-decisions.test.ts';
const EARLIER_FILE = 'src/analysis/verdict/earlier-decisions.ts';

export const VERDICT_FAULTS: readonly Fault[] = [
  {
    name: 'clusters are taken for nothing',
    file: 'src/analysis/verdict/clusters.ts',
    from: 'if (!isCarried && declared === undefined) return undefined;',
    to: 'if (!isCarried || declared !== undefined) return undefined;',
    tests: [BLOCKS],
  },
  {
    name: 'a cluster is the sum of its blocks',
    file: 'src/analysis/verdict/clusters.ts',
    from: '((used[at] ?? 0) > 1 ? sum / (used[at] ?? 1) : sum)',
    to: '((used[at] ?? 0) > 1e9 ? sum / (used[at] ?? 1) : sum)',
    tests: [BLOCKS],
  },
  {
    name: 'a lost cluster does not matter while few blocks are lost',
    file: 'src/analysis/verdict/lost-units.ts',
    from: '    { name: label, ...units },',
    to: '',
    tests: [BLOCKS],
  },
  {
    name: 'jumps that were not seen are not thought of',
    file: 'src/analysis/verdict/jumps.ts',
    from: 'return UNIT_INTERVAL.has(unit) ? 1 : Infinity;',
    to: 'return UNIT_INTERVAL.has(unit) ? 0 : 0;',
    tests: [BLOCKS],
  },
  {
    name: 'nothing lies beyond the blocks seen',
    file: 'src/analysis/stats/mean-bound.ts',
    from: 'return [...values, Math.max(jump, high + BEYOND_FRACTION * (high - low))];',
    to: 'return [...values, high];',
    tests: [BLOCKS],
  },
  {
    name: 'the simplex is cut on the wrong side',
    file: 'src/analysis/stats/mean-bound.ts',
    from: 'return shares[above.length] ?? 0;',
    to: 'return 1 - (shares[above.length] ?? 0);',
    tests: [STATS],
  },
  {
    name: 'a further look has alpha anew',
    file: 'src/analysis/verdict/alpha-spending.ts',
    from: '(1 - RESERVE * (first / blocks)) - spent;',
    to: '(1 - RESERVE * (first / blocks)) - 0 * spent;',
    tests: [BLOCKS],
  },
  {
    name: 'what earlier looks decided is forgotten',
    file: 'src/analysis/analyse.ts',
    from: 'return analysedAlone(study, frame, options, earlier);',
    to: 'return analysedAlone(study, frame, options);',
    tests: [EARLIER],
  },
  {
    name: 'an earlier look is read with the alpha of a first one',
    file: EARLIER_FILE,
    from: 'analysed({ runs }, looks.slice(0, i + 1))',
    to: 'analysed({ runs }, [])',
    tests: [EARLIER],
  },
  {
    name: 'an effect stands although it has turned',
    file: EARLIER_FILE,
    from: 'Math.sign(is.estimate) === Math.sign(was.estimate)',
    to: 'Math.abs(is.estimate) > 0',
    tests: [EARLIER],
  },
  {
    name: 'an absence stands although the estimate is delta or more',
    file: EARLIER_FILE,
    from: 'Math.abs(is.estimate) < then.delta',
    to: 'Math.abs(is.estimate) < Infinity',
    tests: [EARLIER],
  },
  {
    name: 'a place of a claim stands although its difference has turned',
    file: EARLIER_FILE,
    from: 'Math.sign(today.mean) === Math.sign(level.estimate ?? 0)',
    to: 'Math.abs(today.mean) > 0',
    tests: [EARLIER],
  },
  {
    name: 'earlier decisions stand although a control failed',
    file: 'src/analysis/verdict/verdict.ts',
    from: "blockers.every(({ kind }) => kind === 'look')",
    to: 'blockers.every(() => true)',
    tests: [EARLIER],
  },
  {
    name: 'earlier decisions on claims stand although a control failed',
    file: 'src/analysis/claims/judge-claims.ts',
    from: "|| blockers.some((one) => one.kind !== 'look')) return open;",
    to: ') return open;',
    tests: [EARLIER],
  },
  {
    name: 'the store does not say which blocks a look saw',
    file: 'src/desk/looks.ts',
    from: 'alpha, seen: blocks }',
    to: 'alpha }',
    tests: [LOOKS],
  },
  {
    name: 'the page does not say that an earlier look decided',
    file: 'src/report/wording.ts',
    from: '${kindPhrase(verdict, matched)}${decidedText(verdict)}',
    to: '${kindPhrase(verdict, matched)}',
    tests: ['src/desk/answer.test.ts'],
  },
  {
    name: 'looks are forgotten',
    file: 'src/desk/looks.ts',
    from: "return asked === key && typeof alpha === 'number'",
    to: "return asked === undefined && typeof alpha === 'number'",
    tests: [LOOKS],
  },
  {
    name: 'looks at other settings count',
    file: 'src/desk/looks.ts',
    from: 'return contentHash(asked);',
    to: 'return contentHash({ ...asked, settings: [] });',
    tests: [LOOKS],
  },
  {
    name: 'absences of a family are each read at alpha',
    file: 'src/analysis/stats/holm.ts',
    from: 'return alpha / Math.max(1, remaining);',
    to: 'return remaining < 0 ? 0 : alpha;',
    tests: [STATS],
  },
  {
    name: 'an effect about delta counts as nothing known',
    file: 'src/analysis/verdict/decide.ts',
    from: 'if (!found.every(Boolean) && isAboutDelta(singles, rule))',
    to: 'if (found.length > 99 && isAboutDelta(singles, rule))',
    tests: [BLOCKS],
  },
  {
    name: 'clusters stay where one domain is fixed',
    file: 'src/study/plan.ts',
    from: 'return isCluster ? plan.study : rest;',
    to: 'return isCluster || rest.name === undefined ? plan.study : plan.study;',
    tests: ['src/study/clusters.test.ts'],
  },
];
