/** An unrolled recurrent network learns: the first of its inputs has to be remembered to the end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { differentiate } from '#engine/differentiate.ts';
import { reshape } from '#engine/ops/layout.ts';
import { linear } from '#engine/ops/linear-algebra.ts';
import { sigmoidCrossEntropy } from '#engine/ops/network.ts';
import { gruCell, scan, type GruWeights } from '#engine/ops/recurrent.ts';
import { mean } from '#engine/ops/reduction.ts';
import { constant, input } from '#engine/ops/sources.ts';
import { compile } from '#engine/session.ts';
import { sizeOf, type Shape, type Tensor } from '#engine/tensor.ts';
import { range } from './array.ts';

const [STEPS, BATCH, HIDDEN, UPDATES] = [8, 32, 8, 200];
const [RATE, MOMENTUM] = [0.3, 0.9];
/** Chance is log 2 = 0.69; without its gates the network stays there. */
const LEARNT_NATS = 0.1;

const SHAPES = {
  inputWeight: [3 * HIDDEN, 1],
  hiddenWeight: [3 * HIDDEN, HIDDEN],
  inputBias: [3 * HIDDEN],
  hiddenBias: [3 * HIDDEN],
  outWeight: [1, HIDDEN],
} satisfies Readonly<Record<string, Shape>>;
type Name = keyof typeof SHAPES;

test('a GRU unrolled over 8 steps learns to tell at the end what it saw first, to the same bits every time', async () => {
  const [losses, again] = [await train(), await train()];
  assert.ok((losses[0] ?? 0) > 0.6, `it starts at ${losses[0]}`);
  assert.ok((losses.at(-1) ?? 1) < LEARNT_NATS, `it ends at ${losses.at(-1)}`);
  assert.deepEqual(again, losses);
});

/** Gradient descent with momentum; the loss before each update. */
async function train(): Promise<readonly number[]> {
  const rng = rngOf(0, 'recall');
  await using program = await compile(lossAndGradients());
  const trained = Object.entries(SHAPES).map(([name, shape]) => ({
    values: program.float32(name).map(() => rng.normal() / 3),
    gradient: program.float32(`d ${name}`),
    velocity: new Float32Array(sizeOf(shape)),
    name,
  }));
  for (const { name, values } of trained) program.bind(name, values);
  const losses: number[] = [];
  for (let update = 0; update < UPDATES; update++) {
    for (let t = 0; t < STEPS; t++) for (const i of range(BATCH)) program.float32(`x${t}`)[i] = rng.below(2);
    program.float32('first').set(program.float32('x0'));
    await program.run();
    losses.push(program.float32('loss')[0] ?? Number.NaN);
    for (const { values, gradient, velocity } of trained) {
      for (const [i, slope] of gradient.entries()) {
        velocity[i] = MOMENTUM * (velocity[i] ?? 0) - RATE * slope;
        values[i] = (values[i] ?? 0) + (velocity[i] ?? 0);
      }
    }
  }
  return losses;
}

function lossAndGradients(): Readonly<Record<string, Tensor>> {
  const tensors = {
    inputWeight: input('inputWeight', SHAPES.inputWeight),
    hiddenWeight: input('hiddenWeight', SHAPES.hiddenWeight),
    inputBias: input('inputBias', SHAPES.inputBias),
    hiddenBias: input('hiddenBias', SHAPES.hiddenBias),
    outWeight: input('outWeight', SHAPES.outWeight),
  } satisfies GruWeights & Readonly<Record<Name, Tensor>>;
  const zeros = constant(new Float32Array(BATCH * HIDDEN), [BATCH, HIDDEN]);
  const inputs = Array.from({ length: STEPS }, (_, t) => input(`x${t}`, [BATCH, 1]));
  const { state } = scan((h: Tensor, x: Tensor) => ({ state: gruCell(x, h, tensors), output: h }), zeros, inputs);
  const logits = reshape(linear(state, tensors.outWeight), [BATCH]);
  const loss = mean(sigmoidCrossEntropy(logits, input('first', [BATCH])));
  const gradients = differentiate(loss, Object.values(tensors));
  return { ...Object.fromEntries(Object.keys(tensors).map((name, i) => [`d ${name}`, gradients[i] ?? loss])), loss };
}
