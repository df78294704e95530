/** How a training run ends: finished, or diverged by whatever number broke first. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bytesAt, type ByteSource, joined, piecesOf, sourceOf } from '#base/bytes.ts';
import { trainingRun, type TrainingPlan } from '#recipes/training-run.ts';
import type { RunContext } from '#study/recipe.ts';
import type { RunEnd, TrajectoryPoint } from '#study/trajectory.ts';

const PLAN: TrainingPlan = { steps: 6, probeEvery: 1, levels: { heldOut: [2.5] }, explodedAbove: 50 };

/** A run whose axes follow from its step: no model, the step is its whole state. */
async function runOf(
  axesAt: (step: number) => Readonly<Record<string, number>>,
  plan: TrainingPlan = PLAN,
  brokenAt = Infinity,
  resume: Pick<RunContext, 'resumeFrom' | 'resumeSource'> = { resumeFrom: undefined },
): Promise<{
  readonly end: RunEnd;
  readonly points: readonly TrajectoryPoint[];
  readonly checkpoints: readonly Uint8Array[];
}> {
  let taken = 0;
  const points: TrajectoryPoint[] = [];
  const checkpoints: Uint8Array[] = [];
  const save = (into = new Uint8Array(1)): Uint8Array<ArrayBuffer> => {
    into[0] = taken;
    return into;
  };
  const restore = (bytes: Uint8Array | ByteSource): void => {
    taken = (bytes instanceof Uint8Array ? bytes : bytesAt(bytes, 0, 1))[0] ?? 0;
  };
  const end = await trainingRun(
    {
      config: {},
      block: 0,
      ...resume,
      record: (point) => void points.push(point),
      checkpoint: async (state) => void checkpoints.push(joined(piecesOf(state()))),
      progress: () => {},
      shared: async (_name, _key, compute) => compute(),
      signal: new AbortController().signal,
    },
    plan,
    {
      learner: { saveWeights: save, restoreWeights: restore, stateInPlace: () => [save()], restoreState: restore },
      axes: async () => axesAt(taken),
      outcomes: async () => ({ harm: taken }),
      step: async (step) => {
        if (step === brokenAt) return 'loss NaN';
        taken = step + 1;
        return undefined;
      },
    },
  );
  return { end, points, checkpoints };
}

const falling = (step: number): { train: number; heldOut: number } => ({ train: 5 - step / 2, heldOut: 5 - step / 2 });

test('a run whose numbers hold finishes after its steps, or as soon as the loss is below its end', async () => {
  assert.deepEqual((await runOf(falling)).end, { kind: 'finished' });
  const early = await runOf(falling, { ...PLAN, stopBelow: 3.2 });
  assert.deepEqual(early.end, { kind: 'finished' });
  assert.equal(early.points.at(-1)?.step, 4);
});

for (const [axis, value] of [
  ['heldOut', Number.NaN],
  ['heldOut', Infinity],
  ['train', Number.NaN],
  ['train', -Infinity],
] as const) {
  for (const step of [3, PLAN.steps]) {
    test(`${axis} ${value} at ${step === PLAN.steps ? 'the last' : 'a'} probe ends the run as diverged, and is not recorded`, async () => {
      const { end, points } = await runOf((at) => ({ ...falling(at), ...(at === step ? { [axis]: value } : {}) }));
      assert.deepEqual(end, { kind: 'diverged', step, reason: `axis "${axis}" is ${value}` });
      assert.equal(points.at(-1)?.step, step - 1);
      assert.ok(points.every(({ axes }) => Object.values(axes).every(Number.isFinite)));
    });
  }
}

test('a step that breaks ends the run with its reason, and a loss above the limit with its value', async () => {
  assert.deepEqual((await runOf(falling, PLAN, 2)).end, { kind: 'diverged', step: 2, reason: 'loss NaN' });
  const exploded = await runOf((step) => ({ ...falling(step), ...(step === 4 ? { train: 80 } : {}) }));
  assert.deepEqual(exploded.end, { kind: 'diverged', step: 4, reason: 'axis "train" is 80' });
});

test('the limits speak of the axis the plan names, and an axis that is not measured is a bug', async () => {
  const plan = { ...PLAN, lossAxis: 'heldOut', stopBelow: 4.2 };
  assert.equal((await runOf(falling, plan)).points.at(-1)?.step, 2);
  await assert.rejects(
    runOf(falling, { ...PLAN, lossAxis: 'reward' }),
    /expected an axis "reward", found train, heldOut/,
  );
});

test('outcomes are those of the weights of their own step, on both sides of every level, though snapshots share memory', async () => {
  const { points } = await runOf(falling, { ...PLAN, levels: { heldOut: [4.2, 2.7] } });
  const measured = points.filter(({ outcomes }) => outcomes !== undefined);
  assert.deepEqual(
    measured.map(({ step, outcomes }) => [step, outcomes?.['harm']]),
    [1, 2, 4, 5, 6].map((step) => [step, step]),
  );
});

test('a run resumed from a source, read part by part, is the one resumed from its bytes: the rest of the whole run', async () => {
  const whole = await runOf(falling);
  const bytes = whole.checkpoints[3];
  assert.ok(bytes !== undefined);
  const fromBytes = await runOf(falling, PLAN, Infinity, { resumeFrom: bytes });
  const fromSource = await runOf(falling, PLAN, Infinity, {
    resumeFrom: Uint8Array.of(0),
    resumeSource: sourceOf(bytes),
  });
  for (const { points } of [fromBytes, fromSource]) assert.deepEqual(points, whole.points.slice(3));
});
