/**
 * Training on a device, as a port would do it: parameters, gradients and moments are tensors of the device that one program's outputs
 * hand to the next one's inputs, the optimizer is a program, and only tokens go up and losses come down. Held against the trainer.
 */
import { rngOf, type Rng } from '#base/rng.ts';
import { add, div, mul, sqrt, sub } from '#engine/ops/elementwise.ts';
import { input } from '#engine/ops/sources.ts';
import type { Tensor } from '#engine/tensor.ts';
import { gradientOutput, LOSS_OUTPUT, lossGraph } from '#learning/loss.ts';
import { applyMethod } from '#learning/method.ts';
import { gpt2Config } from '#learning/models/config.ts';
import { initialWeights } from '#learning/models/parameters.ts';
import type { ParameterSpec } from '#learning/nn/layers.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import { stepLoss } from '#learning/programs.ts';
import { type Batch, createTrainer } from '#learning/train.ts';

import { farApart, float32Of, open, type Outputs, type Ran, type Values, valueIn } from './webgpu-sessions.ts';

const MODEL = gpt2Config({ vocabulary: 97, dModel: 32, nLayers: 2, nHeads: 4, length: 16 });
const LAYOUT = { rows: 4, length: 16 };
const FULL = { kind: 'full' } as const;
const STEPS = 5;
const LR = 1e-3;
/** Some units in the last place of a loss of about 5. */
const LOSS_TOLERANCE = 1e-5;
/** A tenth of a step: AdamW divides by the gradient's size, so that of a gradient of almost nothing shows what rounding left. */
const WEIGHT_TOLERANCE = LR / 10;

export interface DeviceTraining {
  readonly isSame: boolean;
  /** Largest differences from the trainer's. */
  readonly loss: number;
  readonly weight: number;
  /** Nodes of a step that ran on the processor, and copies between the two, which the runtime puts in. */
  readonly onProcessorPerStep: number;
  readonly copiesPerStep: number;
  readonly nodesPerStep: number;
}

/** Trains the same steps on both, prints how they compare. */
export async function trainOnDevice(): Promise<DeviceTraining> {
  const { trained } = applyMethod(FULL, MODEL);
  await using trainer = await createTrainer({ model: MODEL, method: FULL, optimizer: ADAMW_DEFAULTS, batch: LAYOUT });
  trainer.reset(initialWeights(MODEL, rngOf(0)), rngOf(0));
  const device = await deviceLearner(trained);
  await device.reset(trainer.memory);
  const rng = rngOf(0, 'tokens');
  let loss = 0;
  for (let step = 1; step <= STEPS; step++) {
    const batch = batchOf(rng);
    const found = await device.step(batch, step);
    loss = Math.max(loss, Math.abs((await trainer.forwardBackward(batch)) - found));
    trainer.optimStep(LR);
  }
  const weight = Math.max(
    ...Array.from(await device.weights(), ([name, found]) =>
      farApart(found, trainer.memory.get(name) ?? new Float32Array()),
    ),
  );
  const ran = await device.end();
  const isSame = loss <= LOSS_TOLERANCE && weight <= WEIGHT_TOLERANCE;
  const onDevice = ran.get('WebGpuExecutionProvider') ?? [];
  const counts = {
    nodesPerStep: onDevice.length / STEPS,
    onProcessorPerStep: (ran.get('CPUExecutionProvider')?.length ?? 0) / STEPS,
    copiesPerStep: onDevice.filter((operator) => operator.startsWith('Memcpy')).length / STEPS,
  };
  console.log(
    `${STEPS} AdamW steps of a GPT with everything but tokens and losses on the device: losses off by ${loss.toPrecision(2)}, ` +
      `weights by ${weight.toPrecision(2)}; a step's ${counts.nodesPerStep} nodes there, ${counts.onProcessorPerStep} on the processor ` +
      `with ${counts.copiesPerStep} copies`,
  );
  return { isSame, loss, weight, ...counts };
}

interface DeviceLearner {
  /** Brings weights up; moments start as zeros. */
  reset(weights: ReadonlyMap<string, Float32Array>): Promise<void>;
  /** @returns the loss. */
  step(batch: Batch, step: number): Promise<number>;
  /** Brings the weights down. */
  weights(): Promise<ReadonlyMap<string, Float32Array>>;
  /** Ends. @returns what steps ran where. */
  end(): Promise<Ran>;
}

type Kind = 'parameter' | 'mean' | 'square';

async function deviceLearner(trained: readonly ParameterSpec[]): Promise<DeviceLearner> {
  const names = trained.map(({ name }) => name);
  const { outputs } = lossGraph({ loss: stepLoss(MODEL, applyMethod(FULL, MODEL), LAYOUT) }, trained);
  const update = adamwGraph(trained);
  const same = Object.fromEntries(trained.map(({ name, shape }) => [`new ${name}`, add(input(name, shape), 0)]));
  // Each program's outputs but the losses stay where they are.
  const step = await open(outputs, 'webgpu', names.map(gradientOutput));
  const adamw = await open(update, 'webgpu', Object.keys(update));
  const up = await open(same, 'webgpu', Object.keys(same));
  const down = await open(same, 'webgpu');
  let state: Values = {};
  return {
    async reset(weights) {
      const zeros = new Map(Array.from(weights, ([name, { length }]) => [name, new Float32Array(length)]));
      const bring = async (kind: Kind, values: ReadonlyMap<string, Float32Array>): Promise<Values> => {
        const brought = await up.run(
          Object.fromEntries(names.map((name) => [name, values.get(name) ?? new Float32Array()])),
        );
        return Object.fromEntries(names.map((name) => [`${kind} ${name}`, valueIn(brought, `new ${name}`)]));
      };
      state = {
        ...(await bring('parameter', weights)),
        ...(await bring('mean', zeros)),
        ...(await bring('square', zeros)),
      };
    },
    async step({ tokens, labels, weights }, number) {
      const parameters = Object.fromEntries(names.map((name) => [name, valueIn(state, `parameter ${name}`)]));
      const found = await step.run({ tokens, labels, weights }, parameters);
      const gradients = Object.fromEntries(
        names.map((name) => [`gradient ${name}`, valueIn(found, gradientOutput(name))]),
      );
      const next = await adamw.run(scalarsOf(number), { ...state, ...gradients });
      for (const old of [...Object.values(state), ...Object.values(gradients)]) old.dispose();
      state = Object.fromEntries(Object.keys(state).map((name) => [name, valueIn(next, `new ${name}`)]));
      expectOnDevice(state);
      return float32Of(found, LOSS_OUTPUT)[0] ?? Number.NaN;
    },
    async weights() {
      const parameters = Object.fromEntries(names.map((name) => [name, valueIn(state, `parameter ${name}`)]));
      const brought = await down.run({}, parameters);
      return new Map(names.map((name) => [name, float32Of(brought, `new ${name}`)]));
    },
    async end() {
      for (const one of [adamw, up, down]) await one.end();
      return step.end();
    },
  };
}

/** AdamW (`learning/optim/adamw.ts`) as a program; inputs `parameter X`, `gradient X`, `mean X`, `square X`, outputs the same, `new`. */
function adamwGraph(trained: readonly ParameterSpec[]): Outputs {
  const { beta1, beta2, eps } = ADAMW_DEFAULTS;
  const scalar = (name: string): Tensor => input(name, []);
  const outputs = trained.flatMap(({ name, shape }) => {
    const of = (kind: string): Tensor => input(`${kind} ${name}`, shape);
    const [gradient, oldMean] = [of('gradient'), of('mean')];
    const mean = add(oldMean, mul(sub(gradient, oldMean), 1 - beta1));
    const square = add(mul(of('square'), beta2), mul(mul(gradient, gradient), 1 - beta2));
    const change = mul(div(mean, add(mul(sqrt(square), scalar('correction')), eps)), scalar('size'));
    return Object.entries({ parameter: sub(mul(of('parameter'), scalar('decay')), change), mean, square }).map(
      ([kind, tensor]): [string, Tensor] => [`new ${kind} ${name}`, tensor],
    );
  });
  return Object.fromEntries(outputs);
}

function scalarsOf(step: number): Readonly<Record<string, number>> {
  const { beta1, beta2, weightDecay } = ADAMW_DEFAULTS;
  return { decay: 1 - LR * weightDecay, size: LR / (1 - beta1 ** step), correction: 1 / Math.sqrt(1 - beta2 ** step) };
}

function batchOf(rng: Rng): Batch {
  const count = LAYOUT.rows * LAYOUT.length;
  const ids = (): Int32Array => Int32Array.from({ length: count }, () => rng.below(MODEL.vocabulary));
  return { tokens: ids(), labels: ids(), weights: new Float32Array(count).fill(1 / count) };
}

/** @throws Error where a tensor has come down. */
function expectOnDevice(values: Values): void {
  const found = Object.entries(values).find(([, { location }]) => location !== 'gpu-buffer');
  if (found !== undefined) throw new Error(`"${found[0]}" lies in ${found[1].location}`);
}
