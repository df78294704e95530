import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bracketedTrajectory, type Probe, type Probed } from './bracketed-trajectory.ts';

/** A run whose loss follows a list and whose outcome is ten times the loss; its weights are its place in the list. */
function runOf(losses: readonly number[]) {
  let place = 0;
  let measured = 0;
  const probed: Probed<number> = {
    axes: async () => ({ loss: losses[place] ?? Number.NaN }),
    outcomes: async () => {
      measured++;
      return { outcome: 10 * (losses[place] ?? Number.NaN) };
    },
    takeSnapshot: () => place,
    under: async (snapshot, measure) => {
      const present = place;
      place = snapshot;
      const result = await measure();
      place = present;
      return result;
    },
  };
  return { probed, moveTo: (step: number) => (place = step), measuredTimes: () => measured };
}

async function follow(
  losses: readonly number[],
  levels: readonly number[],
  resumeAt?: number,
): Promise<readonly Probe[]> {
  const run = runOf(losses);
  const recorded: Probe[] = [];
  let trajectory = bracketedTrajectory(run.probed, { loss: levels }, (probe) => recorded.push(probe));
  for (const step of losses.keys()) {
    run.moveTo(step);
    await trajectory.probe(step, step === losses.length - 1);
    if (step === resumeAt) {
      trajectory = bracketedTrajectory(
        run.probed,
        { loss: levels },
        (probe) => recorded.push(probe),
        trajectory.pending,
      );
    }
  }
  return recorded;
}

test('outcomes are measured at both probes around a crossing and at the end, each under its own weights', async () => {
  const recorded = await follow([5, 4, 2.5, 2, 1.9, 1.8], [3]);
  assert.deepEqual(
    recorded.map(({ step, outcomes }) => [step, outcomes?.['outcome']]),
    [
      [0, undefined],
      [1, 40],
      [2, 25],
      [3, undefined],
      [4, undefined],
      [5, 18],
    ],
  );
});

test('a probe between two crossings is measured once, and every probe is recorded once in order', async () => {
  const run = runOf([5, 3, 1]);
  const steps: number[] = [];
  const trajectory = bracketedTrajectory(run.probed, { loss: [4, 2] }, ({ step }) => steps.push(step));
  for (const step of [0, 1, 2]) {
    run.moveTo(step);
    await trajectory.probe(step, step === 2);
  }
  assert.deepEqual(steps, [0, 1, 2]);
  assert.equal(run.measuredTimes(), 3);
});

test('where no axis has a level, no snapshot is taken: nobody would go back to it', async () => {
  const run = runOf([5, 3, 1]);
  const takeSnapshot = (): number => assert.fail('a snapshot was taken');
  const trajectory = bracketedTrajectory({ ...run.probed, takeSnapshot }, { loss: [] }, () => {});
  for (const step of [0, 1, 2]) {
    run.moveTo(step);
    await trajectory.probe(step, step === 2);
  }
  assert.equal(run.measuredTimes(), 1);
});

test('crossing a level upwards counts, and landing on it exactly counts once', async () => {
  const measured = (probes: readonly Probe[]): number[] =>
    probes.flatMap(({ step, outcomes }) => (outcomes ? [step] : []));
  assert.deepEqual(measured(await follow([1, 3, 3.1, 3.2, 3.3], [2])), [0, 1, 4]);
  assert.deepEqual(measured(await follow([3, 2, 1, 0.9, 0.8], [2])), [0, 1, 4]);
});

test('a run resumed at any probe records what an uninterrupted one does', async () => {
  const losses = [5, 4, 2.5, 2, 1.2, 0.4];
  const whole = await follow(losses, [3, 1]);
  for (const step of [0, 1, 2, 3, 4]) assert.deepEqual(await follow(losses, [3, 1], step), whole);
});

test('ending early gives the pending probe its outcomes', async () => {
  const run = runOf([5, 4.5]);
  const recorded: Probe[] = [];
  const trajectory = bracketedTrajectory(run.probed, { loss: [1] }, (probe) => recorded.push(probe));
  await trajectory.probe(0, false);
  run.moveTo(1);
  await trajectory.probe(1, false);
  await trajectory.finish();
  assert.deepEqual(recorded.at(-1), { step: 1, axes: { loss: 4.5 }, outcomes: { outcome: 45 } });
});
