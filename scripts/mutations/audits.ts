/** Faults in what audits read and in what is planned and looked up, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const BROKEN = 'src/analysis/import/broken-runs.test.ts';
const IMPORT = 'src/analysis/import/import.test.ts';
const LEVELS = 'src/analysis/import/levels.test.ts';
const TEXT = 'src/analysis/import/table-text.test.ts';
const SOURCES = 'src/desk/audit/audit-sources.test.ts';
const ADMISSIBLE = 'src/study/admissible.test.ts';

export const AUDIT_FAULTS: readonly Fault[] = [
  {
    name: 'an empty cell is a measured zero',
    file: 'src/analysis/import/readings.ts',
    from: 'if (ABSENT_TEXTS.has(lower)) return ABSENT;',
    to: '',
    tests: [BROKEN],
  },
  {
    name: 'infinities and signed NaN are not measured',
    file: 'src/analysis/import/readings.ts',
    from: 'if (BROKEN_TEXT.test(lower)) return BROKEN;',
    to: 'if (BROKEN_TEXT.test(lower)) return ABSENT;',
    tests: [BROKEN],
  },
  {
    name: 'NaN to the end of a run is not measured',
    file: 'src/analysis/import/broken-runs.ts',
    from: "if (one.place !== 'before' && !isFilled)",
    to: "if (one.place === 'inside' && !isFilled)",
    tests: [BROKEN],
  },
  {
    name: 'NaN of a trainer state may be a filler',
    file: 'src/analysis/import/broken-runs.ts',
    from: "(kind === 'nan' && entry.isExplicit)",
    to: 'false',
    tests: [BROKEN],
  },
  {
    name: 'only the loss ends a run',
    file: 'src/analysis/import/broken-runs.ts',
    from: 'if (isZero || !recovers) return',
    to: 'if (isZero && !recovers) return',
    tests: [BROKEN],
  },
  {
    name: 'what follows a break still counts',
    file: 'src/analysis/import/table.ts',
    from: 'run.entries.filter(({ step }) => step < at.step)',
    to: 'run.entries',
    tests: [BROKEN],
  },
  {
    name: 'long labels are rounded to numbers',
    file: 'src/analysis/import/table.ts',
    from: 'if (labels.every((label) => Number.isSafeInteger(Number(label)))) {',
    to: 'if (labels.length > 0) {',
    tests: [BROKEN],
  },
  {
    name: 'order is judged over files read one after another',
    file: 'src/analysis/import/table.ts',
    from: "const own = row.file ?? '';",
    to: "const own = '';",
    tests: [BROKEN],
  },
  {
    name: 'two runs under one label are one',
    file: 'src/analysis/import/repeated-values.ts',
    from: 'if (found === undefined) return;',
    to: 'if (found === undefined || share > 0) return;',
    tests: [BROKEN],
  },
  {
    name: 'states of two runs are states of one',
    file: 'src/desk/audit/audit-sources.ts',
    from: 'if (difference === undefined) continue;',
    to: 'if (difference !== undefined) continue;',
    tests: [SOURCES],
  },
  {
    name: 'charts are joined whatever their x axes',
    file: 'src/desk/audit/audit-study.ts',
    from: 'if (isChart) checkChartAxes(tables);',
    to: '',
    tests: [SOURCES],
  },
  {
    name: 'levels begin with the first log line',
    file: 'src/analysis/import/levels.ts',
    from: 'const FALL_FROM = 2;',
    to: 'const FALL_FROM = 0;',
    tests: [LEVELS],
  },
  {
    name: 'runs that broke shape the levels',
    file: 'src/analysis/import/levels.ts',
    from: 'finished.length > 0 ? finished : frame.runs',
    to: 'frame.runs',
    tests: [LEVELS],
  },
  {
    name: 'blocks that are one run are not noticed',
    file: 'src/analysis/import/equal-runs.ts',
    from: 'return groups.filter((group) => group.length > 1);',
    to: 'return groups.filter((group) => group.length > runs.length);',
    tests: [IMPORT],
  },
  {
    name: 'bytes that are no UTF-8 become other letters',
    file: 'src/analysis/import/table-text.ts',
    from: '{ fatal: true }',
    to: '{ fatal: false }',
    tests: [TEXT],
  },
  {
    name: 'decimal commas and points may stand in one column',
    file: 'src/analysis/import/table.ts',
    from: 'if (comma === undefined || point === undefined) continue;',
    to: 'if (comma === undefined || point !== undefined) continue;',
    tests: [TEXT],
  },
  {
    name: 'of pilots that end at a value the one that overshoots most is best',
    file: 'src/study/admissible.ts',
    from: 'stop === undefined ? value : sign * Math.max(sign * value, sign * stop)',
    to: 'stop === undefined ? value : value',
    tests: [ADMISSIBLE],
  },
  {
    name: 'of pilots that end at a value the slowest is best',
    file: 'src/study/admissible.ts',
    from: '? a.steps - b.steps',
    to: '? b.steps - a.steps',
    tests: [ADMISSIBLE],
  },
  {
    name: 'a seed and its blocks may be rounded',
    file: 'src/study/plan.ts',
    from: 'const most = Number.MAX_SAFE_INTEGER - highest;',
    to: 'const most = Number.MAX_SAFE_INTEGER;',
    tests: ['src/study/plan.test.ts'],
  },
  {
    name: 'a whole number in a config need not be exact',
    file: 'src/base/config-reader.ts',
    from: 'return Number.isSafeInteger(value) && !Object.is(value, -0);',
    to: 'return Number.isInteger(value);',
    tests: ['src/base/base.test.ts'],
  },
];
