/**
 * Plants faults in a copy of the analysis, one at a time, and checks that its tests turn red.
 *
 *     node bench/validity-faults.ts [--only part-of-a-name]
 *
 * Exit status 1 where a fault goes unnoticed; the last line on stdout is JSON.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/** One fault: in `file` the text `from` (which must occur) becomes `to`. */
interface Fault {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const FAULTS: readonly Fault[] = [
  {
    name: 'effects are claimed without a testable joint matching',
    file: 'decide.ts',
    from: "if (joint.kind === 'notEstimable') return undecided(all, { kind: 'jointNotTestable', reason: joint.reason });",
    to: "if (joint.kind === 'notEstimable') return { kind: 'affects', claims: all };",
  },
  {
    name: 'the joint matching is not asked',
    file: 'decide.ts',
    from: 'if (joint === undefined) return',
    to: "if (joint === undefined || joint.kind === 'estimated') return",
  },
  {
    name: 'equivalence at the mean instead of every level',
    file: 'decide.ts',
    from: 'return matching.levels.every(within) && matching.rates.every((rate) => rate.levels.every(within));',
    to: 'return within({ level: 0, estimate: matching.overall });',
  },
  {
    name: 'equivalence of the average rate only',
    file: 'decide.ts',
    from: 'return matching.levels.every(within) && matching.rates.every((rate) => rate.levels.every(within));',
    to: 'return matching.levels.every(within);',
  },
  {
    name: 'no effect without a positive control',
    file: 'decide.ts',
    from: 'if (equivalent.every(Boolean) && sensitive.every(Boolean))',
    to: 'if (equivalent.every(Boolean))',
  },
  {
    name: 'the effect need not reach delta',
    file: 'decide.ts',
    from: 'matching.p < rule.alpha && Math.abs(matching.overall.mean) >= rule.delta;',
    to: 'matching.p < rule.alpha;',
  },
  {
    name: 'failed controls are ignored',
    file: 'verdict.ts',
    from: 'if (!control.passed) add(',
    to: 'if (control.name === "") add(',
  },
  {
    name: 'voided blocks are ignored',
    file: 'verdict.ts',
    from: 'const VOIDED_FRACTION = 0.1;',
    to: 'const VOIDED_FRACTION = 1;',
  },
  {
    name: 'three blocks are enough',
    file: 'match.ts',
    from: 'export const MIN_BLOCKS = 6;',
    to: 'export const MIN_BLOCKS = 3;',
  },
  {
    name: 'diverged runs count',
    file: 'pair.ts',
    from: "curve.run.status === 'diverged'",
    to: "curve.run.arm === ''",
  },
  {
    name: 'support is asymmetric: levels the reference misses count',
    file: 'single-matching.ts',
    from: 'if (mine === undefined || theirs === undefined) continue;',
    to: 'if (mine === undefined) continue;',
  },
  {
    name: 'the coherence gate looks at the reference only',
    file: 'single-matching.ts',
    from: "{ grid: input.gate.grids.arm, counted: armCounted, side: 'the arm' },",
    to: '',
  },
  {
    name: 'the last crossing instead of the first',
    file: 'passage.ts',
    from: 'for (let after = 0; after <= last; after++) {',
    to: 'for (let after = Math.floor(last / 2); after <= last; after++) {',
  },
  {
    name: 'wide gaps are bridged',
    file: 'passage.ts',
    from: 'Math.abs(to - from) > axis.maxGap',
    to: 'Number.isNaN(to - from)',
  },
  {
    name: 'held-out loss counts past its minimum',
    file: 'passage.ts',
    from: 'axis.untilBest === true ? bestPoint(run.points, axis) : run.points.length - 1',
    to: 'run.points.length - 1',
  },
  {
    name: 'the interpolation runs backwards',
    file: 'passage.ts',
    from: 'return from + at.fraction * (to - from);',
    to: 'return to + at.fraction * (from - to);',
  },
  {
    name: 'p is not adjusted for the family',
    file: 'stats/sign-flip.ts',
    from: 'if (largest >= threshold) reached[member]',
    to: 'if (statistic >= threshold) reached[member]',
  },
  {
    name: 'one-sided p',
    file: 'stats/sign-flip.ts',
    from: 'return { ...tally.result(exact ? 0 : 1), exact };',
    to: 'const r = tally.result(exact ? 0 : 1); return { adjusted: r.adjusted.map((p) => p / 2), single: r.single.map((p) => p / 2), exact };',
  },
  {
    name: 'standard error divides by n instead of n - 1',
    file: 'stats/estimate.ts',
    from: 'Math.sqrt(squares / (count - 1) / count)',
    to: 'Math.sqrt(squares / count / count)',
  },
  {
    name: 'mismatches are not flipped with the contrasts',
    file: 'stats/sign-flip.ts',
    from: 'if (m.d !== undefined) mismatchSums[i] = (mismatchSums[i] ?? 0) + change * (m.d[flipped] ?? 0);',
    to: '',
  },
  {
    name: 'noise of the losses is not looked at',
    file: 'joint-matching.ts',
    from: 'return noiseObstacle(input);',
    to: 'return undefined;',
  },
  {
    name: 'mismatched blocks are compared as if they met',
    file: 'joint-matching.ts',
    from: 'if (meet || Math.min(above, below) >= STRADDLING_BLOCKS)',
    to: 'if (meet || above + below > 0)',
  },
  {
    name: 'sequential looks spend all of alpha each time',
    file: 'verdict.ts',
    from: '[8, 0.01],',
    to: '[8, 0.05], [10, 0.05],',
  },
  {
    name: 'contrasts are reference - arm',
    file: 'matched-table.ts',
    from: 'return (table.arm[at] ?? 0) - (table.reference[at] ?? 0);',
    to: 'return (table.reference[at] ?? 0) - (table.arm[at] ?? 0);',
  },
  {
    name: 'empty cells are read as zero',
    file: 'import/table.ts',
    from: 'if (NOT_MEASURED.has(text.toLowerCase())) return undefined;',
    to: '',
  },
];

const ROOT = new URL('..', import.meta.url).pathname;
/** Quick tests first: most faults need no others. */
const TESTS = [
  ['test/reference/*.test.ts', 'src/analysis/{stats/*,analyse,passage,plane-noise,joint-matching,import/*}.test.ts'],
  ['src/analysis/{properties,power,description,validation/*}.test.ts'],
];

function areGreen(copy: string): boolean {
  return TESTS.every(
    (files) => spawnSync(process.execPath, ['--test', ...files], { cwd: copy, stdio: 'ignore' }).status === 0,
  );
}

/** Whether the tests of a copy turn red with the fault planted. */
function isNoticed(copy: string, fault: Fault): boolean {
  const path = join(copy, 'src/analysis', fault.file);
  const text = readFileSync(path, 'utf8');
  if (!text.includes(fault.from))
    throw new Error(`${fault.file} no longer holds the text of the fault "${fault.name}"`);
  writeFileSync(path, text.replace(fault.from, fault.to));
  const green = areGreen(copy);
  writeFileSync(path, text);
  return !green;
}

const { values } = parseArgs({ options: { only: { type: 'string' } } });
const copy = mkdtempSync(join(tmpdir(), 'assay-faults-'));
const missed: string[] = [];
const chosen = FAULTS.filter((fault) => fault.name.includes(values.only ?? ''));
try {
  for (const part of ['src', 'test', 'package.json', 'tsconfig.json'])
    cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  if (!areGreen(copy)) throw new Error('the tests are red without any fault');
  for (const fault of chosen) {
    const noticed = isNoticed(copy, fault);
    if (!noticed) missed.push(fault.name);
    console.log(`${noticed ? 'noticed' : 'MISSED '}  ${fault.name} (${fault.file})`);
  }
} finally {
  rmSync(copy, { recursive: true });
}
console.log(JSON.stringify({ schemaVersion: 1, faults: chosen.length, missed }));
process.exitCode = missed.length === 0 ? 0 : 1;
