/**
 * The learner: trains any model whose loss is a graph. It owns the parameters' memory, one forward+backward program of
 * static shape, and the optimizer, which steps flat memory that the program reads and writes in place.
 * Invariant: parameters, optimizer state and the step counter are the whole state, so a restored learner goes on to the
 * same bits, and a run after a broken one is the run that a fresh learner makes.
 */
import { AssayError } from '#base/errors.ts';
import type { Rng } from '#base/rng.ts';
import { arenaBytes, createArena, type Arena, type Region } from '#engine/kernels/arena.ts';
import { compile, type CompileOptions, type FrozenInputs, type Program } from '#engine/session.ts';
import { sizeOf, type Shape, type Tensor } from '#engine/tensor.ts';
import { packBytes, unpackBytes } from '#learning/checkpoint.ts';
import { feed, readerOf, type Feeds, type Reader } from '#learning/feeds.ts';
import { gradientOutput, LOSS_OUTPUT, lossGraph, type Loss, type LossGraph } from '#learning/loss.ts';
import { fillInitial, type ParameterSpec } from '#learning/nn/layers.ts';
import { clipGradients, type ClipResult } from '#learning/optim/clip.ts';
import type { OptimizerConfig } from '#learning/optim/optimizer-config.ts';
import { createOptimizer, trainingBytes } from '#learning/optim/optimizer.ts';
import { placeParameters, type Parameter } from '#learning/optim/parameter.ts';
import { placeTraining, type Placement } from '#learning/optim/placement.ts';
import type { Memory, Weights } from '#learning/weights.ts';

export interface LearnerConfig {
  /** What the optimizer moves; the loss reads each as the input of its name. */
  readonly parameters: readonly ParameterSpec[];
  /** What the loss reads as weights that stay as they are, such as a frozen base: `reset` gives them. */
  readonly fixed?: readonly { readonly name: string; readonly shape: Shape }[];
  /** The named terms of the loss; its other inputs are fed with every micro-batch. */
  readonly loss: Loss;
  readonly optimizer: OptimizerConfig;
  /** Micro-batches whose gradients are added up to one optimizer step; default 1. */
  readonly accumulation?: number;
  /** Threads of the programs, as of `CompileOptions`. Default 1. */
  readonly threads?: number;
  /** Fixed weights that programs map from a file. */
  readonly frozen?: FrozenInputs | undefined;
  /** What is computed beside the loss, without a gradient of its own, to be read after `forwardBackward`. */
  readonly observed?: Readonly<Record<string, Tensor>>;
}

/** What trains, and what reads the weights it has trained. */
export interface Learner extends AsyncDisposable {
  /**
   * Starts over: parameters from `start`, what it lacks drawn from `rng` as its spec says; zero optimizer state, no
   * gradients. Parameters are copied in; fixed weights are read where they are.
   * @throws AssayError on fixed weights that `start` lacks, and on weights of another size.
   */
  reset(start: Weights, rng: Rng): void;
  /**
   * Computes the loss and its gradients; from the second micro-batch since the last step, gradients are added.
   * @param pass One of `another`'s; the learner's own where left out.
   */
  forwardBackward(feeds: Feeds, pass?: Pass): Promise<number>;
  /** The loss's terms in the last `forwardBackward`, by name, without their weights. */
  terms(): Readonly<Record<string, number>>;
  /** What the config observes, as the last `forwardBackward` left it, by name; the memory is reused by the next one. */
  observed(name: string): Float32Array;
  /** Clips the gradients' global norm where asked, then takes one optimizer step. */
  optimStep(lr: number, maxGradientNorm?: number): StepResult;
  /** Compiles a program that reads the weights of the moment: the outputs may use every input the loss uses as a weight. */
  reader(outputs: Readonly<Record<string, Tensor>>, options?: Pick<CompileOptions, 'scratch'>): Promise<Reader>;
  /** Takes over a program compiled elsewhere: binds its weights and releases it with the learner. */
  attach(program: Program): Program;
  /** The weights in memory by name, as they change: parameters, and fixed ones that are not mapped from a file. */
  readonly memory: Memory;
  /** The gradients by parameter name, as `forwardBackward` left them. */
  readonly gradients: Memory;
  /** The parameters alone, for measuring at an earlier point. @param into Earlier ones that nobody needs, to be written over. */
  saveWeights(into?: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
  restoreWeights(bytes: Uint8Array): void;
  /** The whole state, between two steps. */
  saveState(): Uint8Array<ArrayBuffer>;
  /** @throws AssayError on a state of another optimizer or other parameters. */
  restoreState(bytes: Uint8Array): void;
}

/**
 * The gradients' norm before clipping; or the parameter whose gradient is not finite, and then no step is taken; or the
 * first parameter that is not finite after the step.
 */
export type StepResult =
  | ClipResult
  | { readonly kind: 'weightNotFinite'; readonly parameter: string; readonly index: number };

/** What computes a loss and its gradients: a program of the loss's graph, or kernels over flat memory. */
export interface Pass {
  /** Writes the gradient of every parameter. @returns the loss. @throws AssayError on feeds that are not its inputs. */
  run(feeds: Feeds, memory: Memory): Promise<number>;
  terms(): Readonly<Record<string, number>>;
  observed(name: string): Float32Array;
  /** The programs that read the weights; the learner binds and releases them. */
  readonly programs: readonly Program[];
}

/** A learner whose gradients are those of graphs. */
export interface GraphLearner extends Learner {
  /**
   * Compiles another loss of the same parameters, such as one for batches of another shape: its gradients are written where the
   * first one's are. Between its runs it gives back the memory of its intermediate values.
   */
  another(loss: Loss): Promise<Pass>;
}

/** Builds and compiles a learner; its weights are zero until `reset`. @throws AssayError on a loss that does not read its parameters. */
export async function createLearner(config: LearnerConfig): Promise<GraphLearner> {
  const { parameters: specs, accumulation = 1, threads = 1, frozen } = config;
  if (!Number.isSafeInteger(accumulation) || accumulation < 1) {
    throw new AssayError('config', `accumulation: expected a whole number of at least 1, found ${accumulation}.`);
  }
  const placed = placeTraining(config.optimizer, specs, accumulation > 1 ? 1 : 0);
  const fresh =
    accumulation > 1
      ? placed.parameters.map(({ handle, arena }) => arena.float32(`${handle.name} fresh gradient`, handle.length))
      : undefined;
  const passOf = async (loss: Loss, options: CompileOptions = {}): Promise<Pass> => {
    const graph = lossGraph(loss, specs);
    const program = await compile({ ...config.observed, ...graph.outputs }, { threads, frozen, ...options });
    placed.parameters.forEach(({ handle, gradient }, i) =>
      program.bind(gradientOutput(handle.name), fresh?.[i]?.view ?? gradient),
    );
    return graphPass(graph, program);
  };
  const learner = learnerOf(config, { ...placed, pass: await passOf(config.loss), fresh });
  return {
    ...learner,
    async another(loss) {
      const pass = await passOf(loss, { scratch: 'returned' });
      for (const program of pass.programs) learner.attach(program);
      return pass;
    },
  };
}

/** A learner whose gradients are computed without a graph. */
export type PassLearnerConfig = Pick<LearnerConfig, 'parameters' | 'fixed' | 'optimizer' | 'threads'>;

/**
 * Builds a learner over a pass of one's own.
 * @param scratch Lengths of the regions that `makePass` takes from the arena, in float32 values.
 */
export async function createPassLearner(
  config: PassLearnerConfig,
  scratch: readonly number[],
  makePass: (parameters: readonly Parameter[], arena: Arena) => Promise<Pass>,
): Promise<Learner> {
  const { parameters: specs, optimizer } = config;
  const arena = createArena(trainingBytes(optimizer, specs) + arenaBytes(scratch));
  const parameters = placeParameters(specs, arena);
  const handles = parameters.map(({ handle }) => handle);
  const placed = { parameters, optimizer: createOptimizer(optimizer, handles, arena) };
  const pass = await makePass(parameters, arena);
  return learnerOf(config, { ...placed, pass, fresh: undefined });
}

interface Parts extends Placement {
  readonly pass: Pass;
  /** Where the program writes gradients that are then added up; absent where it writes them in place. */
  readonly fresh: readonly Region[] | undefined;
}

function graphPass(graph: LossGraph, program: Program): Pass {
  const scalarOf = (output: string): number => program.float32(output)[0] ?? Number.NaN;
  return {
    async run(feeds, memory) {
      feed(program, feeds, memory);
      await program.run();
      return scalarOf(LOSS_OUTPUT);
    },
    terms: () => Object.fromEntries(Array.from(graph.terms, ([name, output]) => [name, scalarOf(output)])),
    observed: (name) => program.float32(name),
    programs: [program],
  };
}

type LearnerOfConfig = PassLearnerConfig & Pick<LearnerConfig, 'frozen'>;

function learnerOf(config: LearnerOfConfig, parts: Parts): Learner {
  const { parameters, pass } = parts;
  const memory = new Map(parameters.map(({ handle, values }): [string, Float32Array] => [handle.name, values]));
  const programs: Program[] = [];
  const attach = (one: Program): Program => {
    for (const [name, values] of memory) one.bindIfKnown(name, values);
    programs.push(one);
    return one;
  };
  let last = pass;
  for (const one of pass.programs) attach(one);
  const fixed = (config.fixed ?? []).filter(({ name }) => config.frozen?.inputs.has(name) !== true);
  const gradients = accumulator(parts);
  return {
    attach,
    memory,
    gradients: new Map(parameters.map(({ handle, gradient }) => [handle.name, gradient])),
    reset(start, rng) {
      config.parameters.forEach((spec, i) => fillParameter(spec, parameters[i]?.values, start, rng));
      for (const spec of fixed) {
        const values = startOf(spec, start);
        memory.set(spec.name, values);
        for (const one of programs) one.bindIfKnown(spec.name, values);
      }
      gradients.restart();
    },
    async forwardBackward(feeds, own = pass) {
      gradients.expectRoom();
      last = own;
      const loss = await own.run(feeds, memory);
      gradients.add();
      return loss;
    },
    terms: () => last.terms(),
    observed: (name) => last.observed(name),
    optimStep: gradients.step,
    async reader(outputs, { scratch = 'returned' } = {}) {
      const { threads = 1, frozen } = config;
      return readerOf(attach(await compile(outputs, { threads, frozen, scratch })), memory);
    },
    ...keeper(parts, gradients),
    async [Symbol.asyncDispose]() {
      for (const one of programs) await one[Symbol.asyncDispose]();
    },
  };
}

/** The gradients since the last step. */
interface Accumulator {
  /** Forgets gradients and the optimizer's state. */
  restart(): void;
  /** Forgets gradients. */
  clear(): void;
  expectRoom(): void;
  expectNone(): void;
  /** Takes in what the program has just written. */
  add(): void;
  step(lr: number, maxGradientNorm?: number): StepResult;
}

function accumulator({ parameters, optimizer, fresh }: Parts): Accumulator {
  let microBatches = 0;
  const clear = (): void => {
    for (const { gradient } of parameters) gradient.fill(0);
    microBatches = 0;
  };
  return {
    clear,
    restart() {
      optimizer.reset();
      clear();
    },
    expectRoom() {
      if (fresh === undefined && microBatches > 0) throw new Error('set `accumulation` to add up gradients');
    },
    expectNone() {
      if (microBatches > 0) throw new Error('a state is saved between steps, not between micro-batches');
    },
    add() {
      fresh?.forEach(({ offset, view }, i) => {
        const { handle, gradient, arena } = parameters[i] ?? {};
        // The first overwrites: 0 times what a broken run left is not 0.
        if (microBatches === 0) gradient?.set(view);
        else arena?.kernels.scaledAdd(handle?.gradientOffset ?? 0, offset, view.length, 1, 1);
      });
      microBatches++;
    },
    step(lr, maxGradientNorm = Infinity) {
      if (microBatches === 0) throw new Error('expected forwardBackward before optimStep');
      microBatches = 0;
      const norm = clipGradients(parameters, maxGradientNorm);
      if (norm.kind !== 'finite') return norm;
      optimizer.step(lr);
      return brokenWeight(parameters) ?? norm;
    },
  };
}

function brokenWeight(parameters: readonly Parameter[]): StepResult | undefined {
  const broken = parameters.find(
    ({ handle, arena }) => !Number.isFinite(arena.kernels.sumOfSquares(handle.offset, handle.length)),
  );
  if (broken === undefined) return undefined;
  const { name, offset, length } = broken.handle;
  return { kind: 'weightNotFinite', parameter: name, index: broken.arena.kernels.firstNonFinite(offset, length) };
}

type Keeper = Pick<Learner, 'saveWeights' | 'restoreWeights' | 'saveState' | 'restoreState'>;

function keeper({ parameters, optimizer }: Parts, gradients: Accumulator): Keeper {
  return {
    saveWeights: (into) =>
      packBytes(
        parameters.map(({ values }) => bytesOf(values)),
        into,
      ),
    restoreWeights: (bytes) => restoreWeights(parameters, unpackBytes(bytes)),
    saveState() {
      gradients.expectNone();
      return packBytes([optimizer.saveState(), ...parameters.map(({ values }) => bytesOf(values))]);
    },
    restoreState(bytes) {
      const [state = new Uint8Array(), ...values] = unpackBytes(bytes);
      optimizer.restoreState(state);
      restoreWeights(parameters, values);
      gradients.clear();
    },
  };
}

/** Copies a parameter in from the start, or draws it. */
function fillParameter(spec: ParameterSpec, target = new Float32Array(), start: Weights, rng: Rng): void {
  if (!start.has(spec.name)) fillInitial(spec, target, rng);
  else if (start.fill === undefined) target.set(startOf(spec, start));
  else start.fill(spec.name, target);
}

function startOf({ name, shape }: { readonly name: string; readonly shape: Shape }, start: Weights): Float32Array {
  const values = start.get(name);
  if (values?.length === sizeOf(shape)) return values;
  const found = values === undefined ? 'none' : `${values.length} values`;
  throw new AssayError(
    'file',
    `Weights: expected a tensor "${name}" of ${sizeOf(shape)} values, found ${found}. Are these the weights of this config?`,
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
