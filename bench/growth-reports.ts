/**
 * How a report grows. Stores of the toy study with so many blocks are answered by `assay report` in a process of its own (seconds, and
 * its peak of memory); paths of so many probes are simplified. 667 blocks are 2,006 runs. Aims: 10 seconds for them; linear in blocks,
 * and near linear in probes.
 */
import { spawn } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { rngOf } from '#base/rng.ts';
import { type Point, simplifyPath } from '#report/charts/simplify-path.ts';
import { importStudy } from '#runner/import-study.ts';
import { memberOf, planRecordOf, type Provenance } from '#store/records.ts';
import { openSqliteStore } from '#store/sqlite.ts';
import { confirmatoryRuns, planStudy } from '#study/plan.ts';

import { newFolder, TOY } from '../test/e2e/command.ts';

const HERE: Provenance = { assay: '1', onnxruntime: '1', node: '26', os: 'linux', arch: 'x64', instructionSets: '' };
const POINTS = 24;
const MOST_POINTS = 120;
const MAIN = new URL('../src/cli/main.ts', import.meta.url).pathname;

/** Prints what reports cost. */
export async function growthOfReports(blocksEach: readonly number[], probesEach: readonly number[]): Promise<void> {
  const root = newFolder('growth');
  try {
    for (const blocks of blocksEach) await reportOf(root, blocks);
    for (const probes of probesEach) simplified(probes);
  } finally {
    rmSync(root, { recursive: true });
  }
}

async function reportOf(root: string, blocks: number): Promise<void> {
  const store = join(root, `store-${blocks}`);
  const runs = await makeStore(store, blocks);
  const { seconds, cpuSeconds, peakMib } = await reported(store, join(root, `report-${blocks}`));
  const pageMib = statSync(join(root, `report-${blocks}`, 'report.html')).size / 2 ** 20;
  console.log(
    `${blocks} blocks, ${runs} runs: report in ${seconds.toFixed(1)} s (${cpuSeconds.toFixed(1)} s of processor), ${peakMib.toFixed(0)} MiB at most, page ${pageMib.toFixed(1)} MiB`,
  );
}

function simplified(probes: number): void {
  for (const [shape, path] of Object.entries(pathsOf(probes))) {
    const startedMs = performance.now();
    const { length } = simplifyPath(path, MOST_POINTS);
    const ms = performance.now() - startedMs;
    console.log(`${probes} probes, ${shape}: ${length} points in ${ms.toFixed(0)} ms`);
  }
}

/** A store of the toy study in which everything was run; returns how many runs. */
async function makeStore(folder: string, blocks: number): Promise<number> {
  const plan = planStudy(await importStudy(TOY), { profile: 'quick', blocks });
  await using store = await openSqliteStore(folder);
  await store.savePlan(planRecordOf(plan));
  const arms = plan.study.arms.map(({ name }) => name);
  for (const arm of arms) await store.settleArm(plan.planId, { arm, outcome: { kind: 'admissible', rates: [0.1] } });
  const specs = [...plan.pilots, ...arms.flatMap((arm) => confirmatoryRuns(plan, arm, [0.1]))];
  await store.addMembers(
    plan.planId,
    specs.map((spec) => memberOf(spec)),
  );
  for (const spec of specs) {
    const rng = rngOf(spec.seed, spec.arm);
    const own = (spec.arm === 'low-rank' ? 0.7 : 0.3) + 0.02 * rng.normal();
    const points = Array.from({ length: POINTS }, (_, step) => {
      const train = 3 - step / 9 + 0.01 * rng.normal();
      return { step, axes: { train, heldOut: 1.1 * train }, outcomes: { behaviour: own + 0.02 * rng.normal() } };
    });
    await store.openRun({ ...spec, recipe: 'toy', semanticsVersion: 1 }, HERE);
    await store.endRun(spec.measureId, points, { kind: 'finished' });
  }
  return specs.length;
}

/** Seconds on the wall and of the processor, and the peak of resident memory of `assay report`. */
async function reported(store: string, out: string): Promise<{ seconds: number; cpuSeconds: number; peakMib: number }> {
  const code = `process.argv.splice(1, 0, ${JSON.stringify(MAIN)}); await import(${JSON.stringify(MAIN)}); process.on('exit', () => { const { maxRSS, userCPUTime } = process.resourceUsage(); console.error('peak', maxRSS, userCPUTime); });`;
  const args = ['--input-type=module', '--eval', code, '--', 'report', TOY, '--store', store, '--out', out];
  const startedMs = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await new Promise((resolve) => child.on('close', resolve));
  const [, peak, cpu] = /^peak (\d+) (\d+)$/m.exec(said) ?? [];
  if (peak === undefined) throw new Error(`assay report: ${said}`);
  return {
    seconds: (performance.now() - startedMs) / 1000,
    cpuSeconds: Number(cpu) / 1e6,
    peakMib: Number(peak) / 1024,
  };
}

/** A smooth fall, a noisy one, and a sawtooth that no tolerance simplifies well. */
function pathsOf(probes: number): Record<string, Point[]> {
  const rng = rngOf(1, 'growth');
  const at = (y: (x: number, i: number) => number): Point[] =>
    Array.from({ length: probes }, (_, i) => [(700 * i) / probes, y(i / probes, i)]);
  return {
    smooth: at((x) => 300 * Math.exp(-5 * x)),
    noisy: at((x) => 300 * Math.exp(-5 * x) + 5 * rng.normal()),
    sawtooth: at((_, i) => (i % 2 === 0 ? 0 : 300)),
  };
}
