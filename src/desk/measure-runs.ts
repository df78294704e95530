/** A short measurement of how long runs take: the first steps of one run of every arm, in a store that is thrown away. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { RunnerEvent } from '#runner/events.ts';
import { poolOf } from '#runner/pool.ts';
import { provenanceHere } from '#runner/provenance.ts';
import type { StudySources } from '#runner/study-sources.ts';
import { openSqliteStore } from '#store/sqlite.ts';
import { confirmatoryRuns, type RunSpec, type StudyPlan } from '#study/plan.ts';

import { packageVersion, sourceCommit } from './version.ts';

/** Steps of a run are watched for so long, unless it ends before; an arm is given up after the second time. */
const WATCHED_MS = 10_000;
const PATIENCE_MS = 60_000;
const CHECKPOINT_MS = 3_600_000;

/** What a watched run showed. */
interface Watched {
  startedMs: number;
  firstMs: number | undefined;
  firstFraction: number;
  lastMs: number;
  lastFraction: number;
  isEnded: boolean;
}

/** Where the runs come from, and the clock. */
export interface Measuring {
  readonly studyUrl: string;
  readonly sources: StudySources;
  /** The module of worker processes. */
  readonly workerUrl: string;
  readonly workers: number;
  now(): number;
  /** Says how far it is. */
  note(line: string): void;
}

/** What a run of an arm takes. */
export interface Measured {
  readonly seconds: number;
  /** Whether the run was seen to its end; else its last step was extrapolated, and it may end before. */
  readonly isWhole: boolean;
}

/** What a run of each arm would take; arms whose run breaks or shows no progress are absent. */
export async function measuredRuns(plan: StudyPlan, measuring: Measuring): Promise<Map<string, Measured>> {
  const specs = plan.study.arms.flatMap(({ name, learningRates }) => {
    const rate = learningRates[Math.floor((learningRates.length - 1) / 2)];
    return confirmatoryRuns(plan, name, rate === undefined ? [] : [rate]).slice(0, 1);
  });
  const folder = mkdtempSync(join(tmpdir(), 'assay-plan-'));
  const measured = new Map<string, Measured>();
  try {
    for (let from = 0; from < specs.length; from += measuring.workers) {
      const batch = specs.slice(from, from + measuring.workers);
      measuring.note(`Measuring ${batch.map(({ arm }) => arm).join(', ')} ...`);
      for (const [arm, one] of await measuredBatch(plan, batch, folder, measuring)) measured.set(arm, one);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return measured;
}

/** Makes one run on each worker for a while, then kills them. */
async function measuredBatch(
  plan: StudyPlan,
  batch: readonly RunSpec[],
  folder: string,
  { studyUrl, sources, workerUrl, workers, now }: Measuring,
): Promise<Map<string, Measured>> {
  const watched = new Map<string, Watched>();
  const settled = Promise.withResolvers<void>();
  const onEvent = (event: RunnerEvent): void => {
    if (event.kind !== 'runStarted' && event.kind !== 'runProgress' && event.kind !== 'runEnded') return;
    follow(watched, event, now());
    const isDone = ({ arm }: RunSpec): boolean => isSeen(watched.get(arm));
    if (batch.every(isDone)) settled.resolve();
  };
  await using store = await openSqliteStore(folder);
  const provenance = provenanceHere(packageVersion(), sourceCommit());
  const { name: recipe, semanticsVersion } = plan.study.recipe;
  for (const spec of batch) await store.openRun({ ...spec, recipe, semanticsVersion }, provenance);
  await using pool = poolOf({
    workers,
    workerUrl,
    studyUrl,
    sources,
    folder,
    checkpointMs: CHECKPOINT_MS,
    store,
    onEvent,
  });
  const runs = Promise.all(batch.map(async (spec) => pool.make(spec)));
  const patience = setTimeout(() => settled.resolve(), PATIENCE_MS);
  await Promise.race([settled.promise, runs]);
  clearTimeout(patience);
  pool.kill();
  await runs;
  return new Map([...watched].flatMap(([arm, one]) => measuredOf(one).map((found) => [arm, found] as const)));
}

function follow(
  watched: Map<string, Watched>,
  event: Extract<RunnerEvent, { kind: 'runStarted' | 'runProgress' | 'runEnded' }>,
  nowMs: number,
): void {
  const { arm } = event.run;
  if (event.kind === 'runStarted') {
    const start = { startedMs: nowMs, firstMs: undefined, firstFraction: 0, lastMs: nowMs, lastFraction: 0 };
    watched.set(arm, { ...start, isEnded: false });
    return;
  }
  const one = watched.get(arm);
  if (one === undefined) return;
  if (event.kind === 'runEnded') {
    one.isEnded = event.state.kind === 'finished';
    if (one.isEnded) one.lastMs = nowMs;
    return;
  }
  if (one.firstMs === undefined) [one.firstMs, one.firstFraction] = [nowMs, event.doneFraction];
  [one.lastMs, one.lastFraction] = [nowMs, event.doneFraction];
}

function isSeen(one: Watched | undefined): boolean {
  if (one === undefined) return false;
  return one.isEnded || (one.firstMs !== undefined && one.lastMs - one.firstMs >= WATCHED_MS);
}

/** What the start took, and the steps at the speed that was seen. */
function measuredOf({ startedMs, firstMs, firstFraction, lastMs, lastFraction, isEnded }: Watched): Measured[] {
  if (isEnded) return [{ seconds: (lastMs - startedMs) / 1000, isWhole: true }];
  if (firstMs === undefined || lastFraction <= firstFraction) return [];
  const msOfAll = (lastMs - firstMs) / (lastFraction - firstFraction);
  return [{ seconds: (firstMs - startedMs + (1 - firstFraction) * msOfAll) / 1000, isWhole: false }];
}
