/** Faults in what audits read and in what is planned and looked up, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const BROKEN = 'src/analysis/import/broken-runs.test.ts';
const IMPORT = 'src/analysis/import/import.test.ts';
const LEVELS = 'src/analysis/import/levels.test.ts';
const TEXT = 'src/analysis/import/table-text.test.ts';
const SOURCES = 'src/desk/audit/audit-sources.test.ts';
const ADMISSIBLE = 'src/study/admissible.test.ts';
const FINAL_STUDY = 'src/desk/audit/final-study.test.ts';
const EQUAL_RESULTS = 'src/analysis/import/equal-results.test.ts';
const WHILE_RUNNING = 'src/desk/doubts-while-running.test.ts';

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
    file: 'src/analysis/import/table-blocks.ts',
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
    file: 'src/desk/audit/audit-rows.ts',
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
  {
    name: 'two rows of final results under one label are one run',
    file: 'src/analysis/import/repeated-values.ts',
    from: 'if (stepColumn === undefined) {',
    to: 'if (stepColumn === undefined) return;\n  if (stepColumn === undefined) {',
    tests: [FINAL_STUDY],
  },
  {
    name: 'a loss at the end is matched on',
    file: 'src/desk/audit/final-study.ts',
    from: 'contrasts: [],',
    to: 'matchOn: map.matchOn.map((axis) => ({ label: axis.name, unit: "units", role: "other", levels: [], maxGap: 1, direction: "falls", ...axis })),\n    contrasts: [],',
    tests: [FINAL_STUDY],
  },
  {
    name: 'a line is drawn out to losses that one arm never had',
    file: 'src/analysis/import/final-results.ts',
    from: 'if (Math.max(mine[0], theirs[0]) >= Math.min(mine[1], theirs[1])) {',
    to: 'if (Number.isNaN(mine[0])) {',
    tests: [FINAL_STUDY],
  },
  {
    name: 'coarse results that are equal by chance are doubted',
    file: 'src/analysis/import/equal-results.ts',
    from: 'if (pairs * chanceOf(columns) >= CHANCE_COUNT) return [];',
    to: 'if (pairs < 0) return [];',
    tests: [EQUAL_RESULTS],
  },
  {
    name: 'seeds that are all equal are taken for chance',
    file: 'src/analysis/import/equal-results.ts',
    from: 'const isWhole = first.length === runs.length && runs.length >= FEWEST_EQUAL;',
    to: 'const isWhole = first.length > runs.length;',
    tests: [EQUAL_RESULTS],
  },
  {
    name: 'a doubt is told again with every run',
    file: 'src/desk/doubts-while-running.ts',
    from: 'if (told.has(key)) continue;',
    to: '',
    tests: [WHILE_RUNNING],
  },
  {
    name: 'pilots at rates that do not go on are doubted',
    file: 'src/desk/doubts-while-running.ts',
    from: 'one.learningRate !== undefined && rates.includes(one.learningRate)',
    to: 'rates.length > 0',
    tests: [WHILE_RUNNING],
  },
  {
    name: 'the time of runs with other steps is quoted as it is',
    file: 'src/desk/plan-time.ts',
    from: 'return (seconds * planned) / steps;',
    to: 'return seconds;',
    tests: ['src/desk/plan-time.test.ts'],
  },
  {
    name: 'further blocks do not draw pairs of rates',
    file: 'src/analysis/power/further-blocks.ts',
    from: '...(table.pairs && {',
    to: '...(table.pairs && blocks < 0 && {',
    tests: ['src/analysis/power/further-blocks.test.ts'],
  },
  {
    name: 'rates of arms that run different ones have the effect of the whole in further blocks',
    file: 'src/analysis/power/further-blocks.ts',
    from: 'const apart = areShared ? 0 :',
    to: 'const apart = rows > 0 ? 0 :',
    tests: ['src/analysis/power/further-blocks.test.ts'],
  },
];
