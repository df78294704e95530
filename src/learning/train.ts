/**
 * The trainer: forwardBackward, optimStep, score, saveState. One forward+backward program of static shape; the
 * optimizer outside it, on flat memory that the program reads and writes in place.
 * Invariant: parameters, optimizer state and the step counter are the whole state, so a restored trainer goes on to
 * the same bits.
 */
import { AssayError } from '#base/errors.ts';
import type { Rng } from '#base/rng.ts';
import { arenaBytes, createArena, type Arena, type Region } from '#engine/kernels/arena.ts';
import type { FrozenInputs, Program } from '#engine/session.ts';
import { sizeOf } from '#engine/tensor.ts';
import { packBytes, unpackBytes } from '#learning/checkpoint.ts';
import { applyMethod, type Method, type TrainedModel } from '#learning/method.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { fillInitial } from '#learning/models/parameters.ts';
import { clipGradients } from '#learning/optim/clip.ts';
import type { OptimizerConfig } from '#learning/optim/optimizer-config.ts';
import { createOptimizer, trainingBytes, type Optimizer } from '#learning/optim/optimizer.ts';
import { placeParameters, type Parameter } from '#learning/optim/parameter.ts';
import type { ParameterSpec } from '#learning/nn/layers.ts';
import { compileStep, gradientOutput, type BatchLayout, type Memory, type Weights } from '#learning/programs.ts';
import { type Readers, readersOf } from '#learning/readers.ts';

export interface TrainerConfig {
  readonly model: TransformerConfig;
  readonly method: Method;
  readonly optimizer: OptimizerConfig;
  readonly batch: BatchLayout;
  /** Micro-batches whose gradients are added up to one optimizer step; default 1. */
  readonly accumulation?: number;
  /** Threads of the programs; default 1. */
  readonly threads?: number;
  /** Base weights that programs map from a file; those that are trained are read from `reset`'s base as ever. */
  readonly frozen?: FrozenInputs | undefined;
}

/** One micro-batch. M is the number of labelled positions. */
export interface Batch {
  /** Token ids, shape [B T]. */
  readonly tokens: Int32Array;
  /** The token to predict, shape [M]. */
  readonly labels: Int32Array;
  /** Weight of each label's loss, shape [M]; the loss is the weighted sum. */
  readonly weights: Float32Array;
  /** Where rows are packed: which row of its sequence each token belongs to, shape [B T]. */
  readonly segments?: Int32Array;
  /** Where rows are packed: the place of each token in its row, shape [B T]. */
  readonly positions?: Int32Array;
}

/** What trains, and reads what it has trained. */
export interface Trainer extends Readers, AsyncDisposable {
  /**
   * Starts over: base weights, an adapter (that of `base`, else a fresh one drawn from `rng`), zero optimizer state. Trained weights are copied in;
   * frozen ones are read where they are, so that one copy of a base serves any number of trainers.
   */
  reset(base: Weights, rng: Rng): void;
  /** Computes the loss and its gradients; from the second micro-batch since the last step, gradients are added. */
  forwardBackward(batch: Batch): Promise<number>;
  /** Clips the gradients' global norm where asked, then takes one optimizer step. */
  optimStep(lr: number, maxGradientNorm?: number): GradientNorm;
  /** The weights in memory by name, as they change: the trained ones, and the base's that are not mapped from a file. */
  readonly memory: Memory;
  /** The trained weights alone, for measuring at an earlier point. */
  saveWeights(): Uint8Array<ArrayBuffer>;
  restoreWeights(bytes: Uint8Array): void;
  saveState(): Uint8Array<ArrayBuffer>;
  /** @throws AssayError on a state of another optimizer or other parameters. */
  restoreState(bytes: Uint8Array): void;
}

/** The gradients' norm before clipping, or the parameter whose gradient is not finite; then no step is taken. */
export type GradientNorm = ReturnType<typeof clipGradients>;

/** Builds and compiles a trainer; its weights are zero until `reset`. */
export async function createTrainer(config: TrainerConfig): Promise<Trainer> {
  const model = applyMethod(config.method, config.model);
  const isAccumulating = (config.accumulation ?? 1) > 1;

  const spare = isAccumulating ? model.trained.map(({ shape }) => sizeOf(shape)) : [];
  const arena = createArena(trainingBytes(config.optimizer, model.trained) + arenaBytes(spare));
  const parameters = placeParameters(model.trained, arena);
  const handles = parameters.map(({ handle }) => handle);
  const optimizer = createOptimizer(config.optimizer, handles, arena);
  const memory = new Map(parameters.map(({ handle, values }): [string, Float32Array] => [handle.name, values]));

  const frozen = stillFrozen(config.frozen, model);
  const program = await compileStep(config.model, model, config.batch, memory, config.threads ?? 1, frozen);
  const fresh = isAccumulating
    ? handles.map(({ name, length }) => arena.float32(`${name} fresh gradient`, length))
    : undefined;
  parameters.forEach(({ handle, gradient }, i) =>
    program.bind(gradientOutput(handle.name), fresh?.[i]?.view ?? gradient),
  );
  return trainerOf(config, { model, frozen, parameters, optimizer, memory, arena, program, fresh });
}

/** The inputs that the method does not train. */
function stillFrozen(frozen: FrozenInputs | undefined, { trained }: TrainedModel): FrozenInputs | undefined {
  if (frozen === undefined) return undefined;
  const isTrained = new Set(trained.map(({ name }) => name));
  return { ...frozen, inputs: new Map([...frozen.inputs].filter(([name]) => !isTrained.has(name))) };
}

interface Parts {
  readonly model: TrainedModel;
  readonly frozen: FrozenInputs | undefined;
  readonly parameters: readonly Parameter[];
  readonly optimizer: Optimizer;
  readonly memory: Map<string, Float32Array>;
  readonly arena: Arena;
  readonly program: Program;
  /** Where the program writes gradients that are then added up; absent where it writes them in place. */
  readonly fresh: readonly Region[] | undefined;
}

function trainerOf(config: TrainerConfig, parts: Parts): Trainer {
  const { parameters, optimizer, memory, arena, program } = parts;
  const handles = parameters.map(({ handle }) => handle);
  const start = optimizer.saveState();
  const programs: Program[] = [program];
  let microBatches = 0;
  return {
    ...readersOf(config, parts, programs),
    memory,
    reset(base, rng) {
      fillTrained(parts, base, rng);
      for (const [name, values] of frozenOf(parts, base)) {
        memory.set(name, values);
        for (const one of programs) one.bindIfKnown(name, values);
      }
      optimizer.restoreState(start);
      microBatches = 0;
    },
    async forwardBackward(batch) {
      feed(program, batch);
      await program.run();
      if (parts.fresh === undefined && microBatches > 0) throw new Error('set `accumulation` to add up gradients');
      parts.fresh?.forEach(({ offset, view }, i) => {
        const { gradientOffset = 0 } = handles[i] ?? {};
        arena.kernels.scaledAdd(gradientOffset, offset, view.length, microBatches === 0 ? 0 : 1, 1);
      });
      microBatches++;
      return program.float32('loss')[0] ?? Number.NaN;
    },
    optimStep(lr, maxGradientNorm = Infinity) {
      microBatches = 0;
      const norm = clipGradients(handles, maxGradientNorm, arena.kernels);
      if (norm.kind === 'finite') optimizer.step(lr);
      return norm;
    },
    saveWeights: () => packBytes(parameters.map(({ values }) => bytesOf(values))),
    restoreWeights: (bytes) => restoreWeights(parameters, unpackBytes(bytes)),
    saveState: () => packBytes([optimizer.saveState(), ...parameters.map(({ values }) => bytesOf(values))]),
    restoreState(bytes) {
      const [state = new Uint8Array(), ...values] = unpackBytes(bytes);
      optimizer.restoreState(state);
      restoreWeights(parameters, values);
      microBatches = 0;
    },
    async [Symbol.asyncDispose]() {
      for (const one of programs) await one[Symbol.asyncDispose]();
    },
  };
}

function feed(program: Program, { tokens, labels, weights, segments, positions }: Batch): void {
  program.int32('tokens').set(tokens);
  program.int32('labels').set(labels);
  program.float32('weights').set(weights);
  if (segments !== undefined) program.float32('segments').set(segments);
  if (positions !== undefined && program.has('positions')) program.int32('positions').set(positions);
}

/** Copies the trained weights in from the base; what it does not have, a fresh adapter, is drawn. */
function fillTrained({ model, parameters }: Parts, base: Weights, rng: Rng): void {
  const isBase = new Set(model.base.map(({ name }) => name));
  model.trained.forEach((spec, i) => {
    const target = parameters[i]?.values ?? new Float32Array();
    if (!isBase.has(spec.name) && !base.has(spec.name)) fillInitial(spec, target, rng);
    else if (base.fill !== undefined && base.has(spec.name)) base.fill(spec.name, target);
    else target.set(baseTensor(spec, base));
  });
}

/** The frozen weights that are held in memory. */
function frozenOf({ model, frozen }: Parts, base: Weights): readonly (readonly [string, Float32Array])[] {
  const isElsewhere = new Set([...model.trained.map(({ name }) => name), ...(frozen?.inputs.keys() ?? [])]);
  return model.base.filter(({ name }) => !isElsewhere.has(name)).map((spec) => [spec.name, baseTensor(spec, base)]);
}

function baseTensor({ name, shape }: ParameterSpec, base: Weights): Float32Array {
  const values = base.get(name);
  if (values?.length === sizeOf(shape)) return values;
  const found = values === undefined ? 'none' : `${values.length} values`;
  throw new AssayError(
    'file',
    `Base model: expected a tensor "${name}" of ${sizeOf(shape)} values, found ${found}. Are these the weights of this config?`,
  );
}

function restoreWeights(parameters: readonly Parameter[], values: readonly Uint8Array[]): void {
  const fits =
    values.length === parameters.length && parameters.every((one, i) => one.values.byteLength === values[i]?.length);
  if (!fits) {
    throw new AssayError(
      'store',
      `Checkpoint: expected the ${parameters.length} parameters of this trainer, found others. Delete the run to start it over.`,
    );
  }
  parameters.forEach((one, i) => bytesOf(one.values).set(values[i] ?? []));
}

function bytesOf(values: Float32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
