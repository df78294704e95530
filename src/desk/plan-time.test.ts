import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { importStudy } from '#runner/import-study.ts';
import type { RunnerEvent } from '#runner/events.ts';
import { planStudy } from '#study/plan.ts';

import { stepsIn, timeOf, timeOfMeasured } from './plan-time.ts';
import { runTimes, timesKept } from './run-times.ts';

const ROOT = mkdtempSync(join(tmpdir(), 'assay-plan-time-'));
const TOY = new URL('../../test/e2e/toy/study.ts', import.meta.url).href;
const ARMS = [
  { arm: 'plain', fewest: 10, most: 20 },
  { arm: 'again', fewest: 10, most: 10 },
];

after(() => rmSync(ROOT, { recursive: true }));

const timesOf = (
  arm: string,
  seconds: readonly number[],
): { run: string; study: string; arm: string; seconds: number }[] =>
  seconds.map((one, i) => ({ run: `${arm}-${i}`, study: 'toy', arm, seconds: one }));

test('the estimate spans the middle half of the times and the fewest and most runs, shared by the workers', async () => {
  const plan = planStudy(await importStudy(TOY), { profile: 'quick' });
  const times = [...timesOf('plain', [1, 2, 3, 4, 5]), ...timesOf('again', [10, 10, 10])];
  const ids = new Set(times.map(({ run }) => run));
  const estimate = timeOf(plan, ARMS, times, ids, 2);
  assert.equal(estimate?.lowSeconds, (10 * 2 + 10 * 10) / 2);
  assert.equal(estimate.highSeconds, (20 * 4 + 10 * 10) / 2);
  assert.match(estimate.basis, /8 stored runs of this plan, 2 of 2 arms/);
  const others = timeOf(plan, ARMS, times.slice(0, 5), new Set(), 2, () => ({ steps: 60 }));
  assert.match(others?.basis ?? '', /under other settings, 1 of 2 arms/);
  assert.equal(others?.lowSeconds, (10 * 2 + 10 * 2) / 2);
  assert.equal(timeOf(plan, ARMS, [], ids, 2), undefined);
  assert.equal(timeOf(plan, ARMS, [{ run: 'x', study: 'other', arm: 'plain', seconds: 1 }], ids, 2), undefined);
});

test('times of runs with other steps are scaled to the plan, and said to be; where their steps are unknown they do not count', async () => {
  const tenfold = { path: 'steps', value: 600, from: '--set' };
  const plan = planStudy(await importStudy(TOY), { profile: 'quick', settings: [tenfold] });
  const times = timesOf('plain', [2, 2, 2]);
  const estimate = timeOf(plan, ARMS, times, new Set(), 1, () => ({ steps: 60 }));
  assert.equal(estimate?.lowSeconds, 10 * 20 + 10 * 20);
  assert.match(estimate.basis, /under other settings, 1 of 2 arms; scaled to 600 steps: runs that end early take less/);
  const mixed = timeOf(plan, ARMS, times, new Set(), 1, (run) => (run === 'plain-0' ? { steps: 600 } : undefined));
  assert.equal(mixed?.lowSeconds, 10 * 2 + 10 * 2);
  assert.doesNotMatch(mixed.basis, /scaled/);
  assert.equal(timeOf(plan, ARMS, times, new Set(), 1), undefined);
});

test('the steps of a config are its own, or those of its training, not those of a schedule or of a part of a part', () => {
  assert.equal(stepsIn({ steps: 5, warmupSteps: 2, world: { steps: 9 } }), 5);
  assert.equal(stepsIn({ schedule: { warmupSteps: 3 }, training: { steps: 7, inner: { steps: 8 } } }), 7);
  assert.equal(stepsIn({ rate: 1, steps: 'many' }), undefined);
});

test('more workers than runs do not make a run shorter', () => {
  const measured = new Map([['plain', { seconds: 60, isWhole: false }]]);
  const estimate = timeOfMeasured([{ arm: 'plain', fewest: 1, most: 1 }], measured, 16);
  assert.equal(estimate?.highSeconds, 60);
  assert.match(estimate.basis, /1 of them cut short/);
  assert.equal(timeOfMeasured(ARMS, new Map(), 2), undefined);
});

test('a time is kept of every run made in one go, not of resumed or broken ones, nor while a base model is made', () => {
  let nowMs = 0;
  const seen: string[] = [];
  const listener = timesKept(
    ROOT,
    'toy',
    () => nowMs,
    ({ kind }) => void seen.push(kind),
  );
  const run = (measureId: string): Extract<RunnerEvent, { kind: 'runStarted' }>['run'] => {
    return { measureId, phase: 'pilot', arm: 'plain', learningRate: 0.1, block: 0 };
  };
  const make = (id: string, end: 'finished' | 'failed', isResumed = false): void => {
    listener({ kind: 'runStarted', run: run(id), worker: 1, isResumed });
    nowMs += 1500;
    const state = end === 'finished' ? { kind: end } : { kind: end, message: 'no' };
    listener({ kind: 'runEnded', run: run(id), worker: 1, state });
  };
  make('whole', 'finished');
  make('resumed', 'finished', true);
  make('failed', 'failed');
  listener({ kind: 'sharedStarted', sharedId: 's', worker: 1 });
  make('waiting', 'finished');
  listener({ kind: 'sharedEnded', sharedId: 's', worker: 1 });
  appendFileSync(join(ROOT, 'run-seconds.jsonl'), '{"run": broken\n');
  make('last', 'finished');
  assert.deepEqual(
    runTimes(ROOT).map(({ run: id, arm, seconds }) => [id, arm, seconds]),
    [
      ['whole', 'plain', 1.5],
      ['last', 'plain', 1.5],
    ],
  );
  assert.equal(seen.length, 12);
  assert.deepEqual(runTimes(fileURLToPath(new URL('none', import.meta.url))), []);
});
