/** The learner on a perceptron of a few weights: named terms, feeds, and what a broken run leaves behind (nothing). */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { mul, relu, sub } from '#engine/ops/elementwise.ts';
import { sum } from '#engine/ops/layout.ts';
import { input } from '#engine/ops/sources.ts';
import { takeStep } from '#learning/divergence.ts';
import type { Feeds } from '#learning/feeds.ts';
import { createLearner, type Learner, type LearnerConfig } from '#learning/learner.ts';
import { feedLayers, type ParameterSpec } from '#learning/nn/layers.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import { LION_DEFAULTS } from '#learning/optim/lion.ts';
import { MUON_DEFAULTS } from '#learning/optim/muon.ts';
import type { OptimizerConfig } from '#learning/optim/optimizer-config.ts';
import { SGD_DEFAULTS } from '#learning/optim/sgd.ts';

const [ROWS, D_IN, HIDDEN] = [4, 3, 5];
const LR = 0.02;
const STEPS = 5;

const SPECS: readonly ParameterSpec[] = [
  { name: 'up.weight', shape: [HIDDEN, D_IN], role: 'matrix', initial: { kind: 'normal', std: 0.5 } },
  { name: 'up.bias', shape: [HIDDEN], role: 'vector', initial: { kind: 'zeros' } },
  { name: 'down.weight', shape: [1, HIDDEN], role: 'matrix', initial: { kind: 'normal', std: 0.5 } },
];

const OPTIMIZERS: Readonly<Record<string, OptimizerConfig>> = {
  adamw: ADAMW_DEFAULTS,
  'sgd with momentum': SGD_DEFAULTS,
  'plain sgd': { ...SGD_DEFAULTS, momentum: 0 },
  muon: MUON_DEFAULTS,
  lion: LION_DEFAULTS,
};

/** Mean squared error, and the squared size of the last layer under a weight that is fed. */
function terms() {
  const layers = feedLayers(SPECS);
  const error = sub(layers.linear('down', relu(layers.linear('up', input('x', [ROWS, D_IN])))), input('y', [ROWS, 1]));
  const down = layers.parameter('down.weight');
  return {
    fit: mul(sum(mul(error, error), [0, 1]), 1 / ROWS),
    size: { term: sum(mul(down, down), [0, 1]), weight: input('sizeWeight', []) },
  };
}

async function started(change: Partial<LearnerConfig> = {}): Promise<Learner> {
  const learner = await createLearner({ parameters: SPECS, loss: terms(), optimizer: ADAMW_DEFAULTS, ...change });
  learner.reset(new Map(), rngOf(1, 'start'));
  return learner;
}

function feedsOf(step: number, change: Feeds = {}): Feeds {
  const at = (i: number): number => Math.sin(1 + 3 * step + 1.7 * i);
  return {
    x: Float32Array.from({ length: ROWS * D_IN }, (_, i) => at(i)),
    y: Float32Array.from({ length: ROWS }, (_, i) => at(100 + i)),
    sizeWeight: 0.1,
    ...change,
  };
}

/** Steps of the run, each over `parts` micro-batches. */
async function train(learner: Learner, parts: number, steps = STEPS): Promise<void> {
  for (let step = 0; step < steps; step++) {
    const batches = Array.from({ length: parts }, (_, part) => feedsOf(parts * step + part));
    assert.equal(await takeStep(learner, batches, LR), undefined);
  }
}

function weightsOf(learner: Learner): Record<string, number[]> {
  return Object.fromEntries(Array.from(learner.memory, ([name, values]) => [name, [...values]]));
}

/** Ways a run breaks: in its first or a later micro-batch, in the gradient alone, and by the step itself. */
const BREAKS: Readonly<Record<string, (learner: Learner, parts: number) => Promise<string | undefined>>> = {
  'the first micro-batch is not a number': async (learner, parts) =>
    takeStep(
      learner,
      [feedsOf(0, { sizeWeight: Number.NaN }), ...Array.from({ length: parts - 1 }, () => feedsOf(1))],
      LR,
    ),
  'the last micro-batch is infinite': async (learner, parts) =>
    takeStep(
      learner,
      [...Array.from({ length: parts - 1 }, () => feedsOf(1)), feedsOf(0, { sizeWeight: Infinity })],
      LR,
    ),
  'gradients are not finite and a step is tried': async (learner, parts) => {
    for (let part = 0; part < parts; part++) await learner.forwardBackward(feedsOf(part, { sizeWeight: Number.NaN }));
    return learner.optimStep(LR).kind;
  },
  'the step is far too large': async (learner, parts) => {
    const batches = Array.from({ length: parts }, (_, part) => feedsOf(part));
    return (await takeStep(learner, batches, 3e38)) ?? takeStep(learner, batches, 3e38);
  },
};

for (const [name, optimizer] of Object.entries(OPTIMIZERS)) {
  for (const accumulation of [1, 2]) {
    test(`${name}, ${accumulation} micro-batches: a run after a broken one is the run of a fresh learner, to the bit`, async () => {
      await using fresh = await started({ optimizer, accumulation });
      await train(fresh, accumulation, 2);
      const state = fresh.saveState();
      await train(fresh, accumulation);
      const resumed = weightsOf(fresh);
      fresh.reset(new Map(), rngOf(2, 'start'));
      await train(fresh, accumulation);
      const expected = weightsOf(fresh);
      for (const [how, broken] of Object.entries(BREAKS)) {
        await using learner = await started({ optimizer, accumulation });
        await train(learner, accumulation, 2);
        assert.notEqual(await broken(learner, accumulation), undefined, how);
        learner.reset(new Map(), rngOf(2, 'start'));
        await train(learner, accumulation);
        assert.deepEqual(weightsOf(learner), expected, `reset after: ${how}`);
        await broken(learner, accumulation);
        learner.restoreState(state);
        await train(learner, accumulation);
        assert.deepEqual(weightsOf(learner), resumed, `restored after: ${how}`);
      }
    });
  }
}

test('the loss is the weighted sum of its terms, and each term is reported without its weight', async () => {
  await using learner = await started();
  const loss = await learner.forwardBackward(feedsOf(0, { sizeWeight: 0.25 }));
  const { fit = 0, size = 0 } = learner.terms();
  const down = learner.memory.get('down.weight') ?? new Float32Array();
  assert.ok(Math.abs(size - down.reduce((total, value) => total + value * value, 0)) < 1e-6);
  assert.ok(Math.abs(loss - (fit + 0.25 * size)) < 1e-6, `${loss} of ${fit} and ${size}`);
  assert.deepEqual(Object.keys(learner.terms()), ['fit', 'size']);
});

test('a loss of one term reports it under its own name', async () => {
  const { fit } = terms();
  await using learner = await started({ loss: { fit } });
  const { sizeWeight: _, ...feeds } = feedsOf(0);
  const loss = await learner.forwardBackward(feeds);
  assert.deepEqual(learner.terms(), { fit: loss });
});

test('a parameter that the loss reads through two inputs of its name has the sum of both gradients', async () => {
  const spec: ParameterSpec = { name: 'w', shape: [2], role: 'vector', initial: { kind: 'ones' } };
  const squares = sum(mul(input('w', [2]), input('w', [2])), [0]);
  await using learner = await started({ parameters: [spec], loss: { squares } });
  await learner.forwardBackward({});
  assert.deepEqual([...(learner.gradients.get('w') ?? [])], [2, 2]);
});

test('what the start lacks is drawn, what it has is copied in, and fixed weights are never drawn', async () => {
  const fixed = SPECS.slice(0, 1);
  await using learner = await started();
  learner.reset(new Map([['up.bias', new Float32Array(HIDDEN).fill(7)]]), rngOf(1, 'start'));
  assert.deepEqual([...(learner.memory.get('up.bias') ?? [])], [7, 7, 7, 7, 7]);
  await using partly = await createLearner({
    parameters: SPECS.slice(1),
    fixed,
    loss: terms(),
    optimizer: ADAMW_DEFAULTS,
  });
  await assert.rejects(
    partly.forwardBackward(feedsOf(0)),
    /expected input "up\.weight", found it not fed \(weights come by reset\)/,
  );
  assert.throws(() => partly.reset(new Map(), rngOf(1)), /expected a tensor "up\.weight" of 15 values, found none/);
  const up = new Float32Array(HIDDEN * D_IN).fill(0.3);
  partly.reset(new Map([['up.weight', up]]), rngOf(1));
  await train(partly, 1);
  assert.ok(up.every((value) => value === Math.fround(0.3)));
});

test('every input is fed at every call: what is missing, unknown or of another size is refused by name', async () => {
  await using learner = await started();
  const { x, ...rest } = feedsOf(0);
  await learner.forwardBackward({ ...rest, x: x ?? 0 });
  learner.optimStep(LR);
  await assert.rejects(learner.forwardBackward(rest), /expected input "x", found it not fed/);
  await assert.rejects(learner.forwardBackward(feedsOf(0, { yy: 1 })), /found "yy"; did you mean "y"/);
  await assert.rejects(
    learner.forwardBackward(feedsOf(0, { x: new Float32Array(3) })),
    /"x" as float32 of shape \[4, 3\], found 3 of float32/,
  );
  await assert.rejects(learner.forwardBackward(feedsOf(0, { y: new Int32Array(4) })), /found 4 of int32/);
});

test('a loss that is no scalar, reads no parameter, or reads it in another shape is refused by name', async () => {
  const layers = feedLayers(SPECS);
  await assert.rejects(
    started({ loss: { up: layers.parameter('up.bias') } }),
    /Loss term "up": expected a scalar.*\[5\]/,
  );
  await assert.rejects(started({ loss: {} }), /at least one term/);
  const { fit } = terms();
  const other: ParameterSpec = { name: 'gate', shape: [2], role: 'vector', initial: { kind: 'ones' } };
  await assert.rejects(started({ parameters: [...SPECS, other], loss: { fit } }), /"gate".*found none/);
  const turned = { ...other, name: 'up.weight', shape: [D_IN, HIDDEN] };
  await assert.rejects(
    started({ parameters: [turned], loss: { fit } }),
    /"up.weight".*\[3, 5\], found up.weight \[5, 3\]/,
  );
});

test('a reader sees the weights of the moment', async () => {
  await using learner = await started();
  const { fit } = terms();
  const reader = await learner.reader({ fit });
  const { sizeWeight: _, ...feeds } = feedsOf(0);
  const read = async (): Promise<number> => (await reader.read(feeds))['fit']?.[0] ?? Number.NaN;
  const before = await read();
  await learner.forwardBackward(feedsOf(0));
  assert.equal(before, learner.terms()['fit']);
  learner.optimStep(LR);
  assert.notEqual(await read(), before);
});

test('numbers that broke are named: the term, the gradient, the weight', async () => {
  await using learner = await started();
  assert.match(
    (await takeStep(learner, [feedsOf(0, { y: new Float32Array(ROWS).fill(Number.NaN) })], LR)) ?? '',
    /^loss NaN \(fit NaN\)$/,
  );
  learner.reset(new Map(), rngOf(1));
  // The squares of the loss overflow in the gradient alone.
  const large = feedsOf(0, { y: new Float32Array(ROWS).fill(1e18), sizeWeight: 3e38 });
  assert.match((await takeStep(learner, [large], LR)) ?? '', /^(gradient of "[\w.]+" is not finite|loss Infinity)/);
  learner.reset(new Map(), rngOf(1));
  const plain = { optimizer: { ...SGD_DEFAULTS, momentum: 0 } };
  await using sgd = await started(plain);
  assert.match(
    (await takeStep(sgd, [feedsOf(0, { y: new Float32Array(ROWS).fill(100) })], 3e38)) ?? '',
    /^"up\.\w+" is not finite after the step$/,
  );
});

test('steps without gradients and states between micro-batches are refused', async () => {
  await using learner = await started({ accumulation: 2 });
  assert.throws(() => learner.optimStep(LR), /forwardBackward before optimStep/);
  await learner.forwardBackward(feedsOf(0));
  assert.throws(() => learner.saveState(), /between steps/);
  learner.reset(new Map(), rngOf(1));
  assert.throws(() => learner.optimStep(LR), /forwardBackward before optimStep/);
});

test('a step that was not taken leaves nothing to the next one, and a reset clears the gradients', async () => {
  for (const accumulation of [1, 2]) {
    await using broken = await started({ accumulation });
    const parts = Array.from({ length: accumulation }, (_, part) => feedsOf(part, { sizeWeight: Number.NaN }));
    for (const part of parts) await broken.forwardBackward(part);
    assert.equal(broken.optimStep(LR).kind, 'notFinite');
    await train(broken, accumulation);
    await using fresh = await started({ accumulation });
    await train(fresh, accumulation);
    assert.deepEqual(weightsOf(broken), weightsOf(fresh));
    await broken.forwardBackward(parts[0] ?? {});
    broken.reset(new Map(), rngOf(1));
    assert.ok(Array.from(broken.gradients.values()).every((gradient) => gradient.every((value) => value === 0)));
  }
});
