/**
 * Trains one sparse autoencoder: the learner over its loss, with features kept at length 1 and dead ones looked after.
 * Invariant: parameters, optimizer state, the rows since each feature fired and the reading threshold are the whole state, so a
 * restored trainer goes on to the same bits; what it is fed is a function of the step alone (`activations/`).
 */
import { AssayError } from '#base/errors.ts';
import type { Rng } from '#base/rng.ts';
import { checkWhole } from '#base/whole-number.ts';
import { input } from '#engine/ops/sources.ts';
import type { Shape, Tensor } from '#engine/tensor.ts';
import { packBytes, unpackBytes } from '#learning/checkpoint.ts';
import type { Stepper } from '#learning/divergence.ts';
import { finite } from '#learning/files/tensors/tensor-source.ts';
import { createLearner, type Learner, type StepResult } from '#learning/learner.ts';
import type { OptimizerConfig } from '#learning/optim/optimizer-config.ts';
import type { Memory } from '#learning/weights.ts';

import { resampleFeatures } from './resample.ts';
import { type SaeConfig, wholeSaeConfig, type WholeSaeConfig } from './sae-config.ts';
import { type ParameterOf, saeTensors } from './sae-graph.ts';
import {
  DEAD_INPUT,
  DEAD_WEIGHT_INPUT,
  FIRED,
  firedCounts,
  NO_CODE,
  ROW_ERRORS,
  rowErrors,
  saeLoss,
  SMALLEST,
  smallestCode,
} from './sae-loss.ts';
import { dictionaryOf, featuresName, saeFixed, saeParameters, saeStart, toUnitRows } from './sae-parameters.ts';
import { createSparseLearner, isSparse, type SaeSetup } from './sparse-pass.ts';

export interface SaeTrainerConfig {
  readonly sae: SaeConfig;
  readonly optimizer: OptimizerConfig;
  /** B: rows of activations a step. */
  readonly batchRows: number;
  /** Threads of the program, as of `CompileOptions`. Default 1. */
  readonly threads?: number;
}

/** What trains a sparse autoencoder; `takeStep(trainer, [rows], lr)` is one step, rows of shape [B, D]. */
export interface SaeTrainer extends Stepper<Float32Array>, AsyncDisposable {
  readonly config: WholeSaeConfig;
  readonly batchRows: number;
  /**
   * Starts over. @param start Parameters to start from, by name (`saeParameters`); what it lacks is drawn from `rng`. Give `bDec`,
   * such as `meanRow(rows)`, to start at the data's mean: without it `bDec` starts at 0.
   * @throws AssayError on a parameter of another name or size or one that is not finite, and on a missing `bDec` where it is fixed.
   */
  reset(start: Memory, rng: Rng): void;
  /** The loss and its gradients over one batch of rows, shape [B, D]. */
  forwardBackward(rows: Float32Array): Promise<number>;
  /** The loss's terms in the last `forwardBackward`: `mse`, and `l1`, `l0`, `gate`, `auxiliary` where there are. */
  terms(): Readonly<Record<string, number>>;
  /** One optimizer step; features are of length 1 again after it, where the config says so. */
  optimStep(lr: number, maxGradientNorm?: number): StepResult;
  /** The autoencoder as it is now, copied: what `saeReader`, metrics and files take. */
  sae(): Sae;
  /** Features by slot as they are now, shape [F, D]. */
  dictionary(): Float32Array;
  /** Rows each feature has been silent for, shape [F]; counted where `deadFeatures` is set. */
  readonly silentRows: Float64Array;
  saveState(): Uint8Array<ArrayBuffer>;
  /** After `reset`, which gives a fixed `bDec`. @throws AssayError on a state of another optimizer or other parameters. */
  restoreState(bytes: Uint8Array): void;
}

/** A trained autoencoder: its config and its parameters by name (`saeParameters`, and `readingThreshold` of batch-top-k). */
export interface Sae {
  readonly config: WholeSaeConfig;
  readonly weights: ReadonlyMap<string, Float32Array>;
}

/** The share of the newest batch in the moving mean of smallest codes. */
const THRESHOLD_RATE = 0.01;

/** Builds and compiles a trainer; its weights are zero until `reset`. @throws AssayError on a config that does not hold together. */
export async function createSaeTrainer({
  sae,
  optimizer,
  batchRows,
  threads = 1,
}: SaeTrainerConfig): Promise<SaeTrainer> {
  const config = wholeSaeConfig(sae);
  checkWhole('Sparse autoencoder, batchRows', batchRows);
  checkWhole('Sparse autoencoder, threads', threads);
  const setup = { config, parameter: parameterInputs(config), optimizer, batchRows, threads };
  const learner = isSparse(config) ? await createSparseLearner(setup) : await createGraphLearner(setup);
  return trainerOf(config, batchRows, learner);
}

/** A learner over the loss as a graph, which every config has. */
async function createGraphLearner({ config, parameter, optimizer, batchRows, threads }: SaeSetup): Promise<Learner> {
  const x = input('x', [batchRows, config.dIn]);
  const parts = saeTensors(config, parameter, x, 'training');
  return createLearner({
    parameters: saeParameters(config),
    fixed: saeFixed(config),
    loss: saeLoss(config, parameter, x, parts),
    optimizer,
    threads,
    observed: {
      ...(config.deadFeatures === undefined ? {} : { [FIRED]: firedCounts(parts) }),
      ...(config.deadFeatures?.kind === 'resample' ? { [ROW_ERRORS]: rowErrors(parts, x) } : {}),
      ...(config.activation.kind === 'batchTopK' ? { [SMALLEST]: smallestCode(parts) } : {}),
    },
  });
}

/** The parameters of an autoencoder as inputs of a graph. @param nameOf What the input of a parameter is called; its own name. */
export function parameterInputs(config: WholeSaeConfig, nameOf = (name: string): string => name): ParameterOf {
  const shapes = new Map([...saeParameters(config), ...saeFixed(config)].map(({ name, shape }) => [name, shape]));
  const tensors = new Map<string, Tensor>();
  return (name) => {
    const tensor = tensors.get(name) ?? input(nameOf(name), shapes.get(name) ?? [1]);
    tensors.set(name, tensor);
    return tensor;
  };
}

/** What a trainer remembers beside its learner. */
interface Remembered {
  /** Rows since each feature fired, shape [F]. */
  readonly silentRows: Float64Array;
  /** The moving mean of smallest codes, and the steps taken. */
  readonly scalars: Float64Array;
}

function trainerOf(config: WholeSaeConfig, batchRows: number, learner: Learner): SaeTrainer {
  const remembered: Remembered = { silentRows: new Float64Array(config.dSae), scalars: new Float64Array(2) };
  const { silentRows, scalars } = remembered;
  const features = featuresName(config);
  const held = config.decoderNorm === 'unit' ? learner.memory.get(features) : undefined;
  const heldGradient = learner.gradients.get(features);
  let seen: Float32Array = new Float32Array();
  return {
    config,
    batchRows,
    silentRows,
    terms: learner.terms,
    reset(start, rng) {
      checkStart(config, start);
      learner.reset(saeStart(config, start, rng), rng);
      for (const values of [silentRows, scalars]) values.fill(0);
      scalars[0] = start.get('readingThreshold')?.[0] ?? 0;
    },
    async forwardBackward(rows) {
      seen = rows;
      const loss = await learner.forwardBackward({ x: rows, ...deadFeeds(config, silentRows) });
      remember(config, remembered, learner, batchRows);
      return loss;
    },
    optimStep(lr, maxGradientNorm) {
      if (held !== undefined && heldGradient !== undefined) removeParallel(heldGradient, held, config.dIn);
      const result = learner.optimStep(lr, maxGradientNorm);
      if (held !== undefined) toUnitRows(held, config.dIn);
      learner.memory.get('threshold')?.forEach((value, i, all) => (all[i] = Math.max(0, value)));
      scalars[1] = (scalars[1] ?? 0) + 1;
      if (result.kind === 'finite') startOver(config, remembered, learner, seen);
      return result;
    },
    sae: () => ({ config, weights: weightsNow(config, learner.memory, scalars) }),
    dictionary: () => dictionaryOf(config, learner.memory),
    saveState: () => packBytes([learner.saveState(), bytesOf(silentRows), bytesOf(scalars)]),
    restoreState(bytes) {
      const [state = new Uint8Array(), ...parts] = unpackBytes(bytes);
      learner.restoreState(state);
      [silentRows, scalars].forEach((values, i) => values.set(new Float64Array(parts[i]?.slice().buffer ?? [])));
    },
    [Symbol.asyncDispose]: () => learner[Symbol.asyncDispose](),
  };
}

function remember(
  { deadFeatures, activation }: WholeSaeConfig,
  { silentRows, scalars }: Remembered,
  learner: Learner,
  rows: number,
): void {
  if (deadFeatures !== undefined) countSilent(silentRows, learner.observed(FIRED), rows);
  if (activation.kind !== 'batchTopK') return;
  const smallest = learner.observed(SMALLEST)[0] ?? Infinity;
  const mean = scalars[0] ?? 0;
  if (smallest < NO_CODE) scalars[0] = (1 - THRESHOLD_RATE) * mean + THRESHOLD_RATE * smallest;
}

function startOver(
  { deadFeatures, dIn }: WholeSaeConfig,
  remembered: Remembered,
  learner: Learner,
  rows: Float32Array,
): void {
  const { silentRows, scalars } = remembered;
  const steps = scalars[1] ?? 0;
  if (deadFeatures?.kind !== 'resample' || steps % deadFeatures.every !== 0) return;
  const dead = Array.from(silentRows.keys()).filter((i) => (silentRows[i] ?? 0) >= deadFeatures.afterRows);
  if (dead.length === 0) return;
  const seen = { rows, errors: learner.observed(ROW_ERRORS) };
  resampleFeatures(learner.memory, dead, seen, dIn, `${deadFeatures.seed} at ${steps}`);
  for (const i of dead) silentRows[i] = 0;
}

function weightsNow(
  { activation }: WholeSaeConfig,
  memory: Memory,
  scalars: Float64Array,
): ReadonlyMap<string, Float32Array> {
  const weights = new Map(Array.from(memory, ([name, values]) => [name, values.slice()]));
  if (activation.kind === 'batchTopK') weights.set('readingThreshold', Float32Array.of(scalars[0] ?? 0));
  return weights;
}

function bytesOf(values: Float64Array): Uint8Array {
  return new Uint8Array(values.slice().buffer);
}

/** Takes out of each row's gradient its part along the row. @param features Rows of length 1. */
function removeParallel(gradient: Float32Array, features: Float32Array, width: number): void {
  for (let start = 0; start < features.length; start += width) {
    let along = 0;
    for (let i = start; i < start + width; i++) along += (gradient[i] ?? 0) * (features[i] ?? 0);
    for (let i = start; i < start + width; i++) gradient[i] = (gradient[i] ?? 0) - along * (features[i] ?? 0);
  }
}

function deadFeeds({ deadFeatures }: WholeSaeConfig, silentRows: Float64Array): Record<string, Float32Array | number> {
  if (deadFeatures?.kind !== 'auxiliary') return {};
  const dead = Float32Array.from(silentRows, (rows) => (rows >= deadFeatures.afterRows ? 1 : 0));
  const count = dead.reduce((total, one) => total + one, 0);
  return { [DEAD_INPUT]: dead, [DEAD_WEIGHT_INPUT]: deadFeatures.weight * Math.min(count / deadFeatures.k, 1) };
}

function countSilent(silentRows: Float64Array, fired: Float32Array, rows: number): void {
  for (let i = 0; i < silentRows.length; i++) silentRows[i] = (fired[i] ?? 0) > 0 ? 0 : (silentRows[i] ?? 0) + rows;
}

function checkStart(config: WholeSaeConfig, start: Memory): void {
  const known = new Map<string, Shape>(
    [...saeParameters(config), ...saeFixed(config)].map(({ name, shape }) => [name, shape]),
  );
  if (config.activation.kind === 'batchTopK') known.set('readingThreshold', [1]);
  for (const [name, values] of start) {
    const shape = known.get(name);
    if (shape?.reduce((product, length) => product * length, 1) === values.length) {
      finite(values, `Sparse autoencoder, start: "${name}"`);
      continue;
    }
    const expected = shape === undefined ? `one of ${[...known.keys()].join(', ')}` : `shape [${shape.join(', ')}]`;
    const found = `"${name}" of ${values.length} values`;
    throw new AssayError('data', `Sparse autoencoder, start: expected ${expected}, found ${found}.`);
  }
}
