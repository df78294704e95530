/**
 * The learner: trains any model whose loss is a graph. It owns the parameters' memory, one forward+backward program of
 * static shape, and the optimizer, which steps flat memory that the program reads and writes in place.
 * Invariant: parameters, optimizer state and the step counter are the whole state, so a restored learner goes on to the
 * same bits, and a run after a broken one is the run that a fresh learner makes.
 */
import { type ByteSource, joined, type Pieces, sourceOf } from '#base/bytes.ts';
import { AssayError } from '#base/errors.ts';
import type { Rng } from '#base/rng.ts';
import { arenaBytes, createArena, type Arena } from '#engine/kernels/arena.ts';
import { compile, type CompileOptions, type FrozenInputs, type Program } from '#engine/session.ts';
import { sizeOf, type Shape, type Tensor } from '#engine/tensor.ts';
import { feed, readerOf, type Feeds, type Reader } from '#learning/feeds.ts';
import { LOSS_OUTPUT, lossGraph, type Loss, type LossGraph } from '#learning/loss.ts';
import { fillInitial, type ParameterSpec } from '#learning/nn/layers.ts';
import type { ClipResult } from '#learning/optim/clip.ts';
import type { OptimizerConfig } from '#learning/optim/optimizer-config.ts';
import { createOptimizer, trainingBytes } from '#learning/optim/optimizer.ts';
import { placeParameters, type Parameter } from '#learning/optim/parameter.ts';
import { type BrokenWeight, hostMemory, hostTraining, type TrainingMemory } from '#learning/optim/training-memory.ts';
import { addTableRows } from '#learning/table-rows.ts';
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
  /** The bytes of `saveState` where they lie, for a state too large to be held twice: to be used before the next step. */
  stateInPlace(): Pieces;
  /** @throws AssayError on a state of another optimizer or other parameters. */
  restoreState(state: Uint8Array | ByteSource): void;
}

/**
 * The gradients' norm before clipping; or the parameter whose gradient is not finite, and then no step is taken; or the
 * first parameter that is not finite after the step.
 */
export type StepResult = ClipResult | BrokenWeight;

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
  const memory = hostTraining(config.optimizer, specs, accumulation > 1);
  const passOf = async (loss: Loss, options: CompileOptions = {}): Promise<Pass> => {
    const graph = lossGraph(loss, specs);
    const program = await compile({ ...config.observed, ...graph.outputs }, { threads, frozen, ...options });
    memory.bindGradients(program);
    return graphPass(graph, program);
  };
  const learner = learnerOf(config, memory, { pass: await passOf(config.loss), isAccumulated: accumulation > 1 });
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
  const memory = hostMemory({ parameters, optimizer: createOptimizer(optimizer, handles, arena) });
  return learnerOf(config, memory, { pass: await makePass(parameters, arena), isAccumulated: false });
}

interface Passing {
  readonly pass: Pass;
  /** Whether gradients are added up over several micro-batches. */
  readonly isAccumulated: boolean;
}

function graphPass(graph: LossGraph, program: Program): Pass {
  const scalarOf = (output: string): number => program.float32(output)[0] ?? Number.NaN;
  return {
    async run(feeds, memory) {
      feed(program, feeds, memory);
      await program.run();
      for (const table of graph.tables) addTableRows(program, table);
      return scalarOf(LOSS_OUTPUT);
    },
    terms: () => Object.fromEntries(Array.from(graph.terms, ([name, output]) => [name, scalarOf(output)])),
    observed: (name) => program.float32(name),
    programs: [program],
  };
}

type LearnerOfConfig = PassLearnerConfig & Pick<LearnerConfig, 'frozen'>;

function learnerOf(config: LearnerOfConfig, training: TrainingMemory, { pass, isAccumulated }: Passing): Learner {
  const memory = new Map<string, Float32Array>(training.parameters);
  const fixed = (config.fixed ?? []).filter(({ name }) => config.frozen?.inputs.has(name) !== true);
  const programs: Program[] = [];
  const attach = (one: Program): Program => {
    training.bindParameters(one);
    for (const { name } of fixed) {
      const values = memory.get(name);
      if (values !== undefined) one.bindIfKnown(name, values);
    }
    programs.push(one);
    return one;
  };
  let last = pass;
  for (const one of pass.programs) attach(one);
  const gradients = accumulator(training, isAccumulated);
  return {
    attach,
    memory,
    gradients: training.gradients,
    reset(start, rng) {
      for (const spec of config.parameters) fillParameter(spec, training.parameters.get(spec.name), start, rng);
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
    ...keeper(training, gradients),
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

function accumulator(memory: TrainingMemory, isAccumulated: boolean): Accumulator {
  let microBatches = 0;
  const clear = (): void => {
    memory.clearGradients();
    microBatches = 0;
  };
  return {
    clear,
    restart() {
      memory.resetOptimizer();
      clear();
    },
    expectRoom() {
      if (!isAccumulated && microBatches > 0) throw new Error('set `accumulation` to add up gradients');
    },
    expectNone() {
      if (microBatches > 0) throw new Error('a state is saved between steps, not between micro-batches');
    },
    add: () => memory.collect(microBatches++ === 0),
    step(lr, maxGradientNorm = Infinity) {
      if (microBatches === 0) throw new Error('expected forwardBackward before optimStep');
      microBatches = 0;
      const norm = memory.clip(maxGradientNorm);
      if (norm.kind !== 'finite') return norm;
      memory.step(lr);
      return memory.brokenWeight() ?? norm;
    },
  };
}

type Keeper = Pick<Learner, 'saveWeights' | 'restoreWeights' | 'saveState' | 'stateInPlace' | 'restoreState'>;

function keeper(memory: TrainingMemory, gradients: Accumulator): Keeper {
  const stateInPlace = (): Pieces => {
    gradients.expectNone();
    return memory.state();
  };
  return {
    saveWeights: (into) => joined(memory.weights(), into),
    restoreWeights: (bytes) => memory.restoreWeights(sourceOf(bytes)),
    stateInPlace,
    saveState: () => joined(stateInPlace()),
    restoreState(state) {
      memory.restoreState(state instanceof Uint8Array ? sourceOf(state) : state);
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
