import assert from 'node:assert/strict';
import { test } from 'node:test';

import { importStudy } from '#runner/import-study.ts';
import type { RunnerEvent } from '#runner/events.ts';
import { memberOf, type RunRecord } from '#store/records.ts';
import type { Claim } from '#study/claim.ts';
import { confirmatoryRuns, planStudy, type RunSpec, type StudyPlan } from '#study/plan.ts';
import type { Study } from '#study/study.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';

import { doubtsWhileRunning } from './doubts-while-running.ts';

const TOY = new URL('../../test/e2e/toy/study.ts', import.meta.url).href;
const LEVELS = [1.2, 0.8];
const MAX_GAP = 0.15;

/** The toy with a recipe that says how often it probes. */
async function probing(every: number): Promise<StudyPlan> {
  const toy = await importStudy(TOY);
  const study: Study = {
    ...toy,
    recipe: { ...toy.recipe, defaults: { ...toy.recipe.defaults, probe: { every } } },
    matchOn: toy.matchOn.slice(0, 1).map((axis) => ({ ...axis, levels: LEVELS, maxGap: MAX_GAP })),
    ...(toy.pilot && { pilot: { ...toy.pilot, axis: 'train' } }),
  };
  return planStudy(study, { profile: 'quick' });
}

/** A loss that falls by `fall` a probe, from 2 on, and an outcome that no other run has. */
function falling(fall: number, salt: number): TrajectoryPoint[] {
  const probes = Math.ceil(1.5 / fall);
  return Array.from({ length: probes + 1 }, (_, i) => ({
    step: i,
    axes: { train: 2 - fall * i - salt / 1e4 },
    outcomes: { behaviour: Math.sin(salt + i) },
  }));
}

/** What is told of runs that end one after another. */
async function told(
  plan: StudyPlan,
  runs: readonly { readonly spec: RunSpec; readonly points: readonly TrajectoryPoint[] }[],
  known = new Set<string>(),
): Promise<RunnerEvent[]> {
  const ended = new Map<string, readonly TrajectoryPoint[]>();
  const events: RunnerEvent[] = [];
  const store = {
    readMembers: async () => Promise.resolve(runs.map(({ spec }) => memberOf(spec))),
    readPoints: async (id: string) => Promise.resolve(ended.get(id) ?? []),
    readRun: async (id: string): Promise<RunRecord | undefined> => {
      const spec = runs.find((one) => one.spec.measureId === id)?.spec;
      if (spec === undefined || !ended.has(id)) return Promise.resolve(undefined);
      const head = { ...spec, recipe: 'toy', semanticsVersion: 1 };
      return Promise.resolve({ ...head, state: { kind: 'finished' }, provenance: [] });
    },
  };
  const doubting = doubtsWhileRunning(plan, store, known, (event) => void events.push(event));
  for (const { spec, points } of runs) {
    ended.set(spec.measureId, points);
    doubting.onEvent({ kind: 'runEnded', run: memberOf(spec), worker: 1, state: { kind: 'finished' } });
    await doubting.settled();
  }
  for (const arm of new Set(runs.filter(({ spec }) => spec.phase === 'pilot').map(({ spec }) => spec.arm))) {
    doubting.onEvent({ kind: 'armSettled', arm, outcome: { kind: 'admissible', rates: [0.1] } });
  }
  await doubting.settled();
  return events.filter(({ kind }) => kind === 'doubt');
}

function textsOf(events: readonly RunnerEvent[]): string[] {
  return events.map((event) => (event.kind === 'doubt' ? event.text : ''));
}

function firstRuns(plan: StudyPlan, arm: string, fall: number): { spec: RunSpec; points: TrajectoryPoint[] }[] {
  return confirmatoryRuns(plan, arm, [0.1]).map((spec, i) => ({ spec, points: falling(fall, i + 1) }));
}

test('probes too far apart are said after the first run of an arm, once, with what to set', async () => {
  const plan = await probing(4);
  const known = new Set<string>();
  const runs = firstRuns(plan, 'low-rank', 0.36);
  assert.deepEqual(textsOf(await told(plan, runs, known)), [
    'low-rank: training loss falls 0.36 nats between probes, at most 0.15 counts (2 of 2 levels are lost so): set probe.every=1',
  ]);
  assert.deepEqual(await told(plan, runs, known), []);
});

test('where every step is probed already another remedy is named', async () => {
  const plan = await probing(1);
  assert.match(textsOf(await told(plan, firstRuns(plan, 'plain', 0.36)))[0] ?? '', /lower the learning rate/);
});

test('pilots at a rate that goes on are looked at, those at others are not', async () => {
  const plan = await probing(8);
  const pilots = plan.pilots.filter(({ arm }) => arm === 'low-rank');
  const runs = (fast: number): { spec: RunSpec; points: TrajectoryPoint[] }[] =>
    pilots.map((spec, i) => ({ spec, points: falling(spec.learningRate === fast ? 0.2 : 0.1, i + 1) }));
  assert.deepEqual(textsOf(await told(plan, runs(0.1))), [
    'low-rank: training loss falls 0.2 nats between probes, at most 0.15 counts (2 of 2 levels are lost so): set probe.every=5',
  ]);
  assert.deepEqual(await told(plan, runs(0.2)), []);
});

test('nothing is said of runs that are as they should be, and a level is doubted only once three runs have not passed it', async () => {
  const plan = await probing(4);
  assert.deepEqual(await told(plan, firstRuns(plan, 'plain', 0.1)), []);
  const stuck = firstRuns(plan, 'plain', 0.1).map(({ spec, points }) => ({ spec, points: points.slice(0, 10) }));
  assert.deepEqual(await told(plan, stuck.slice(0, 2)), []);
  assert.match(
    textsOf(await told(plan, stuck)).join('\n'),
    /^level 0\.8 of training loss is passed by none of 3 runs of plain/,
  );
});

test('levels are no matter for an arm that is read at its end alone, and are for one that a claim reads at them', async () => {
  const plan = await probing(4);
  const end = { name: 'at the end', arm: 'plain', against: { kind: 'value', value: 0, label: '0' } } as const;
  const asking = (at: Claim['at']): StudyPlan => {
    const claims: Claim[] = [{ ...end, at, asks: { kind: 'question' } }];
    return { ...plan, study: { ...plan.study, contrasts: [], claims } };
  };
  const unmeasured = firstRuns(plan, 'plain', 0.1).map(({ spec, points }) => ({
    spec,
    points: points.map((point) => ({ ...point, axes: {} })),
  }));
  assert.deepEqual(await told(asking({ kind: 'end' }), unmeasured), []);
  assert.match(
    textsOf(await told(asking({ kind: 'crossed', axis: 'train' }), unmeasured)).join('\n'),
    /^levels 1\.2, 0\.8 of training loss are passed by none of 3 runs of plain, which never measured it/,
  );
});

test('seeds that change nothing are said', async () => {
  const plan = await probing(4);
  const equal = confirmatoryRuns(plan, 'plain', [0.1]).map((spec) => ({ spec, points: falling(0.1, 1) }));
  assert.match(
    textsOf(await told(plan, equal)).join('\n'),
    /^blocks 0, 1 of plain are equal, as if one run stood under several seeds/,
  );
});

test('a store that cannot be read is no silence', async () => {
  const plan = await probing(4);
  const broken = async (): Promise<never> => Promise.reject(new Error('the disk is gone'));
  const doubting = doubtsWhileRunning(
    plan,
    { readMembers: broken, readRun: broken, readPoints: broken },
    new Set(),
    () => {},
  );
  const [spec] = confirmatoryRuns(plan, 'plain', [0.1]);
  assert.ok(spec !== undefined);
  doubting.onEvent({ kind: 'runEnded', run: memberOf(spec), worker: 1, state: { kind: 'finished' } });
  await assert.rejects(doubting.settled(), /the disk is gone/);
});
