import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { canonicalExport } from '#store/export.ts';
import type { Provenance } from '#store/records.ts';
import { openSqliteStore } from '#store/sqlite.ts';
import type { Store } from '#store/store.ts';
import { planStudy, type StudyPlan } from '#study/plan.ts';
import type { Study } from '#study/study.ts';

import type { RunnerEvent } from './events.ts';
import { importStudy } from './import-study.ts';
import { type RunSummary, runStudy } from './run-study.ts';
import { sourcesOf } from './study-sources.ts';

const TOY = new URL('../../test/e2e/toy/study.ts', import.meta.url).href;
const WORKER = new URL('../cli/worker-main.ts', import.meta.url).href;
const ROOT = mkdtempSync(join(tmpdir(), 'assay-runner-'));
const HERE: Provenance = {
  assay: '1',
  onnxruntime: '1',
  node: '24',
  os: 'linux',
  arch: 'x64',
  instructionSets: 'avx2',
};
const SMALL = [
  { path: 'steps', value: 12, from: 'test' },
  { path: 'spins', value: 10, from: 'test' },
];

after(() => rmSync(ROOT, { recursive: true }));

interface Trial {
  readonly silenceMs?: number;
  /** Sees every event as it comes. */
  readonly onEvent?: (event: RunnerEvent) => void;
  readonly provenance?: Provenance;
  readonly isMixingAllowed?: boolean;
}

/** Runs a plan in a store of its own folder; returns the summary and what happened. */
async function tryRun(
  folder: string,
  plan: StudyPlan,
  trial: Trial = {},
): Promise<{ summary: RunSummary; events: RunnerEvent[]; sha256: string }> {
  await using store: Store = await openSqliteStore(folder);
  const events: RunnerEvent[] = [];
  const never = new AbortController().signal;
  const summary = await runStudy(plan, {
    store,
    folder,
    workers: 2,
    workerUrl: WORKER,
    studyUrl: TOY,
    sources: sourcesOf(TOY),
    provenance: trial.provenance ?? HERE,
    isMixingAllowed: trial.isMixingAllowed ?? false,
    checkpointMs: 1000,
    ...(trial.silenceMs === undefined ? {} : { silenceMs: trial.silenceMs }),
    onEvent: (event) => {
      events.push(event);
      trial.onEvent?.(event);
    },
    stop: never,
    kill: never,
  });
  return { summary, events, sha256: (await canonicalExport(store, plan.planId)).sha256 };
}

function planOf(study: Study, blocks: number): StudyPlan {
  return planStudy(study, { profile: 'quick', blocks, settings: SMALL });
}

test('runs of one block are not mixed with bits from elsewhere unless asked; whole blocks may differ', async () => {
  const study = await importStudy(TOY);
  const folder = join(ROOT, 'mixed');
  const elsewhere = { provenance: { ...HERE, instructionSets: 'avx512f' } };
  const fewer: Study = { ...study, profiles: { quick: { arms: ['again'], blocks: 1 } } };
  const alone: Study = { ...study, profiles: { quick: { arms: ['again', 'plain'], blocks: 1 } } };
  await tryRun(folder, planOf(fewer, 1));
  // Block 1 is begun elsewhere, as a whole; block 0 is complete.
  assert.equal((await tryRun(folder, planOf(fewer, 2), elsewhere)).summary.finished, 2);
  // An arm more would put runs from elsewhere into block 0.
  await assert.rejects(
    tryRun(folder, planOf(alone, 1), elsewhere),
    /Block 0 was begun on another machine.*--mix-numerics/,
  );
  const mixed = await tryRun(folder, planOf(alone, 1), { ...elsewhere, isMixingAllowed: true });
  assert.equal(mixed.summary.isComplete, true);
});

test('a worker that is stopped is noticed, its run goes on elsewhere, and the bits are the same', async () => {
  const study = await importStudy(TOY);
  const undisturbed = await tryRun(join(ROOT, 'beating'), planOf(study, 1));
  let stopped: number | undefined;
  const pids = new Map<number, number>();
  const { summary, events, sha256 } = await tryRun(join(ROOT, 'stopped'), planOf(study, 1), {
    silenceMs: 4000,
    onEvent: (event) => {
      if (event.kind === 'workerStarted') pids.set(event.worker, event.pid);
      const pid = event.kind === 'runStarted' ? pids.get(event.worker) : undefined;
      if (pid === undefined || stopped !== undefined) return;
      stopped = pid;
      process.kill(pid, 'SIGSTOP');
    },
  });
  assert.ok(stopped !== undefined);
  // On a busy machine the other worker may fall silent too.
  const lost = events.flatMap((event) => (event.kind === 'workerLost' ? [event.detail] : []));
  assert.ok(lost.length > 0);
  for (const detail of lost) assert.equal(detail, 'no sign of life for 4 s');
  assert.equal(summary.isComplete, true);
  assert.equal(sha256, undisturbed.sha256);
});

test('an arm with the same config and seed as another shares its runs, and each is made once', async () => {
  const study = await importStudy(TOY);
  const plain = study.arms.find(({ name }) => name === 'plain');
  assert.ok(plain);
  const twins: Study = {
    ...study,
    arms: [plain, { ...plain, name: 'relabelled' }],
    contrasts: [],
    profiles: { quick: { arms: ['plain', 'relabelled'], blocks: 2 } },
  };
  const { events, summary } = await tryRun(join(ROOT, 'twins'), planOf(twins, 2));
  const started = events.flatMap((event) => (event.kind === 'runStarted' ? [event.run.measureId] : []));
  assert.equal(new Set(started).size, started.length);
  assert.equal(summary.finished + summary.diverged, started.length);
});

test("the twin of an A/A control runs at the rates its reference's pilots admit, without pilots of its own", async () => {
  const study = await importStudy(TOY);
  const plain = study.arms.find(({ name }) => name === 'plain');
  assert.ok(plain);
  const piloted = { ...plain, learningRates: [0.1, 0.2, 0.4] };
  const aa: Study = {
    ...study,
    arms: [piloted, { ...piloted, name: 'twin', seedOffset: 1000 }],
    contrasts: [{ kind: 'control', arm: 'twin', reference: 'plain', name: 'A/A', expect: 'notDetected' }],
    pilot: { blocks: 1, axis: 'heldOut', margin: 0.5, maxRates: 2 },
    profiles: { quick: { arms: ['plain', 'twin'], blocks: 1 } },
  };
  const { events, summary } = await tryRun(join(ROOT, 'aa'), planOf(aa, 1));
  const settled = events.flatMap((event) => (event.kind === 'armSettled' ? [event.outcome] : []));
  assert.equal(settled.length, 2);
  assert.deepEqual(settled[0], settled[1]);
  const pilots = events.flatMap((event) => (event.kind === 'planned' && event.phase === 'pilot' ? [event.arm] : []));
  assert.deepEqual(pilots, ['plain']);
  assert.equal(summary.isComplete, true);
});

test('a shared step is computed once a store, however many runs want it', async () => {
  const study = await importStudy(TOY);
  const folder = join(ROOT, 'shared');
  const first = await tryRun(folder, planOf(study, 1));
  assert.equal(first.events.filter(({ kind }) => kind === 'sharedStarted').length, 1);
  const second = await tryRun(folder, planOf(study, 2));
  assert.equal(second.events.filter(({ kind }) => kind === 'sharedStarted').length, 0);
});

test('an arm whose pilots all diverge is settled without rates, gets no runs, and the study is complete', async () => {
  const study = await importStudy(TOY);
  const hot: Study = {
    ...study,
    arms: [{ name: 'hot', label: 'Hot', set: {}, learningRates: [0.8, 0.9] }],
    contrasts: [],
    profiles: { quick: { arms: ['hot'], blocks: 1 } },
  };
  const { events, summary } = await tryRun(join(ROOT, 'hot'), planOf(hot, 1));
  const settled = events.flatMap((event) =>
    event.kind === 'armSettled' && event.arm === 'hot' ? [event.outcome.kind] : [],
  );
  assert.deepEqual(settled, ['none']);
  assert.equal(summary.isComplete, true);
  assert.equal(summary.diverged, 2);
});

test('a default that changed without a new semanticsVersion is refused before training', async () => {
  const study = await importStudy(TOY);
  const folder = join(ROOT, 'changed-default');
  await tryRun(folder, planOf(study, 1));
  const changed: Study = {
    ...study,
    recipe: { ...study.recipe, defaults: { ...study.recipe.defaults, baseSize: 64 } },
  };
  await assert.rejects(
    tryRun(folder, planOf(changed, 1)),
    /the meaning of "baseSize" changed.*Raise the recipe's semanticsVersion/,
  );
});

test('more blocks make only the new runs, and the old ones stay as they were', async () => {
  const study = await importStudy(TOY);
  const folder = join(ROOT, 'grown');
  await tryRun(folder, planOf(study, 1));
  const grown = await tryRun(folder, planOf(study, 3));
  const blocks = grown.events.flatMap((event) => (event.kind === 'runStarted' ? [event.run.block] : []));
  assert.deepEqual(
    [...new Set(blocks)].toSorted((a, b) => a - b),
    [1, 2],
  );
  assert.equal(grown.sha256, (await tryRun(join(ROOT, 'at-once'), planOf(study, 3))).sha256);
});

test('a study without a profile that fits is refused by planning, not by workers', async () => {
  await assert.rejects(
    importStudy(new URL('../base/json.ts', import.meta.url).href),
    /expected "export default defineStudy/,
  );
});
