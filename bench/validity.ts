/**
 * Measures the instrument's error rates: simulates studies of every world of docs/method.md, "Validation", and holds each
 * rate to its bound.
 *
 *     node bench/validity.ts [--studies 2000] [--workers N] [--only part-of-a-name]
 *
 * Exit status 1 where a bound is broken; the last line on stdout is JSON.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

import { addTallies, findingsOf, runStudies, type Finding, type Tally } from '#analysis/validation/run-world.ts';
import type { Bound, Counted, ValidityWorld } from '#analysis/validation/validity-world.ts';
import { VALIDITY_WORLDS } from '#analysis/validation/worlds.ts';

/** Studies a worker simulates before it reports. */
const CHUNK = 100;

interface Job {
  readonly world: number;
  readonly from: number;
  readonly to: number;
}

function workerLoop(port: NonNullable<typeof parentPort>): void {
  port.on('message', (job: Job) => {
    const world = VALIDITY_WORLDS[job.world];
    if (world === undefined) throw new Error(`no world ${job.world}`);
    port.postMessage({ world: job.world, tally: runStudies(world, job.from, job.to) }, []);
  });
}

function describeCounted(counted: Counted): string {
  if (counted.kind === 'verdict') return counted.verdicts.join(' or ');
  if (counted.kind === 'explainedBy') return `explained by ${counted.by.join(' or ')}`;
  if (counted.kind === 'anyVerdict') return `any ${counted.verdicts.join(' or ')}`;
  if (counted.kind === 'covers') return `95% interval covers (${counted.matching})`;
  if (counted.kind === 'firstClaim') return `first claim ${counted.verdicts.join(' or ')}`;
  if (counted.kind === 'anyAnswer') return `any ${[...counted.verdicts, ...counted.claims].join(' or ')}`;
  if (counted.kind === 'anyClaim') {
    const where = counted.levels === undefined ? 'any place' : `places ${counted.levels.join(', ')}`;
    return `${where} ${counted.verdicts.join(' or ')}`;
  }
  if (counted.kind === 'claimCovers') return '95% interval of a claim covers';
  return 'any adjusted p below alpha';
}

function describeBound(bound: Bound): string {
  if (bound.kind === 'upperLimitAtMost') return `upper limit <= ${bound.value}`;
  if (bound.kind === 'atLeast') return `rate >= ${bound.value}`;
  if (bound.kind === 'between') return `rate in [${bound.low}, ${bound.high}]`;
  return `rate = ${bound.value}`;
}

function lineOf(world: ValidityWorld, finding: Finding): string {
  const [low, high] = finding.interval;
  const rate = `${finding.rate.toFixed(4)} [${low.toFixed(4)}, ${high.toFixed(4)}]`;
  return `${finding.passed ? 'pass' : 'FAIL'}  ${world.name}: ${describeCounted(finding.check.counted)} ${rate}, ${describeBound(finding.check.bound)}`;
}

/** Simulates the chosen worlds; `done` hears of each as its last study ends. */
async function simulateAll(
  chosen: readonly number[],
  studies: number,
  workers: number,
  done: (world: ValidityWorld, tally: Tally) => void,
): Promise<void> {
  const studiesOf = (world: number): number => studies * (VALIDITY_WORLDS[world]?.studiesFactor ?? 1);
  const jobs: Job[] = chosen.flatMap((world) =>
    Array.from({ length: Math.ceil(studiesOf(world) / CHUNK) }, (_, i) => ({
      world,
      from: i * CHUNK,
      to: Math.min(studiesOf(world), (i + 1) * CHUNK),
    })),
  );
  const tallies = new Map<number, { chunks: number; tally: Tally }>();
  let next = 0;
  const runWorker = async (): Promise<void> => {
    const worker = new Worker(new URL(import.meta.url));
    try {
      while (next < jobs.length) {
        const job = jobs[next++];
        const { promise, resolve, reject } = Promise.withResolvers<{ world: number; tally: Tally }>();
        worker.once('message', resolve);
        worker.once('error', reject);
        worker.postMessage(job, []);
        const { world, tally } = await promise;
        worker.removeListener('error', reject);
        const before = tallies.get(world);
        const sum = before === undefined ? tally : addTallies(before.tally, tally);
        tallies.set(world, { chunks: (before?.chunks ?? 0) + 1, tally: sum });
        const named = VALIDITY_WORLDS[world];
        if (tallies.get(world)?.chunks === Math.ceil(studiesOf(world) / CHUNK) && named !== undefined) done(named, sum);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: workers }, runWorker));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { studies: { type: 'string' }, workers: { type: 'string' }, only: { type: 'string' } },
  });
  const studies = Number(values.studies ?? 2000);
  const workers = Number(values.workers ?? availableParallelism());
  const chosen = [...VALIDITY_WORLDS.keys()].filter(
    (i) => VALIDITY_WORLDS[i]?.name.includes(values.only ?? '') ?? false,
  );
  const started = performance.now();
  const results: { world: ValidityWorld; finding: Finding }[] = [];
  await simulateAll(chosen, studies, workers, (world, tally) => {
    for (const finding of findingsOf(world, tally)) {
      results.push({ world, finding });
      console.log(
        `${lineOf(world, finding)}  ${JSON.stringify(tally.verdicts)}, controls failed ${tally.controlFailures}`,
      );
    }
  });
  const failed = results.filter(({ finding }) => !finding.passed);
  const rates = results.map(({ world, finding }) => ({
    world: world.name,
    counted: describeCounted(finding.check.counted),
    bound: describeBound(finding.check.bound),
    rate: finding.rate,
    interval95: finding.interval,
    passed: finding.passed,
  }));
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(
    `${results.length - failed.length} of ${results.length} bounds hold, ${studies} studies a world, ${seconds} s`,
  );
  console.log(JSON.stringify({ schemaVersion: 1, studies, seconds, failed: failed.length, rates }));
  process.exitCode = failed.length === 0 ? 0 : 1;
}

if (isMainThread) await main();
else if (parentPort !== null) workerLoop(parentPort);
