/**
 * A compiled graph that runs on ONNX Runtime: the only file that imports it. Feeds and fetches are bound once, as
 * views of memory the caller owns; a run reads and writes them in place. `run` blocks its JavaScript thread.
 */
// First, since the runtime reads what it says while it is loaded.
import './no-telemetry.ts';
import { env, InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';

import { AssayError } from '#base/errors.ts';
import { lower, type LoweringOptions } from '#engine/onnx/lower.ts';
import {
  encodeModel,
  type ExternalData,
  type OnnxGraph,
  type OnnxInitializer,
  type OnnxValue,
} from '#engine/onnx/proto.ts';
import { sizeOf, type Tensor } from '#engine/tensor.ts';

/**
 * The runtime's Node binding copies every output once more into memory of its own, bound or not, after all of them were computed and
 * in the order of the model's outputs. Only tensors can be handed back: a sequence that stands first is refused, by this message, and
 * then nothing is copied. That was read in the binding's source and is tested for this version alone (ADR 0172); any other is run
 * plainly, at the cost of the copies.
 */
const READ_BINDING = { version: '1.30.0', refusal: 'Non tensor type is temporarily not supported.' };
/** The sequence: a name that no graph gives. */
const NOTHING_BACK = '(nothing is handed back)';

/** Memory that a feed is read from or a fetch is written to. */
export type Buffer = Float32Array | Int32Array;

/** Inputs that stand in files of one folder and never change; the runtime maps them, so processes share one copy. */
export interface FrozenInputs {
  readonly folder: string;
  readonly inputs: ReadonlyMap<string, ExternalData>;
}

export interface CompileOptions extends LoweringOptions {
  /**
   * What a run leaves of the memory for its intermediate values: `kept` (the default) is there for the next run, which
   * is quicker by a tenth; `returned` goes back, for programs that run now and then beside others.
   */
  readonly scratch?: 'kept' | 'returned';
  /** Inputs that are read from files instead of being bound. */
  readonly frozen?: FrozenInputs | undefined;
  /** Threads of ONNX Runtime's pool. Default 1. Some products of few rows change their last bits with the number (ADR 0181), all else has the same. */
  readonly threads?: number;
}

/** A program with its bound memory. */
export interface Program extends AsyncDisposable {
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /**
   * Binds an input or output, by name, to memory of its size; a feed and a fetch must not share memory.
   * @throws ShapeError on an unknown name, a wrong length or element type.
   */
  bind(name: string, memory: Buffer): void;
  /** Binds where the program has that name, and does nothing where it does not read it. */
  bindIfKnown(name: string, memory: Buffer): void;
  /** Whether the program has an input or output of that name. */
  has(name: string): boolean;
  /** The memory bound to a name; bound to fresh memory on first use. */
  float32(name: string): Float32Array;
  int32(name: string): Int32Array;
  /** Reads all inputs, writes all outputs. */
  run(): Promise<void>;
}

/** Compiles the graph of the named outputs. */
export async function compile(
  outputs: Readonly<Record<string, Tensor>>,
  options: CompileOptions = {},
): Promise<Program> {
  const graph = withFrozen(lower(outputs, options), options.frozen);
  const session = await openSession(graph, options);
  const feeds: Record<string, OrtTensor> = {};
  const fetches: Record<string, OrtTensor> = {};
  const values = new Map([...graph.inputs, ...graph.outputs].map((value) => [value.name, value]));
  const isOutput = new Set(graph.outputs.map(({ name }) => name));

  const bind = (name: string, memory: Buffer): void => {
    const value = values.get(name);
    if (value === undefined) throw bindError(`no input or output "${name}"`, [...values.keys()].join(', '));
    const type = memory instanceof Float32Array ? 'float32' : 'int32';
    if (memory.length !== sizeOf(value.shape) || type !== value.type) {
      throw bindError(
        `${type} of length ${memory.length} for "${name}"`,
        `${value.type} of ${value.shape.join(' x ')}`,
      );
    }
    (isOutput.has(name) ? fetches : feeds)[name] = new OrtTensor(type, memory, value.shape);
  };
  const memoryOf = (name: string): Buffer => {
    const value = values.get(name);
    if (value === undefined) throw bindError(`no input or output "${name}"`, [...values.keys()].join(', '));
    if (feeds[name] === undefined && fetches[name] === undefined) {
      bind(name, value.type === 'int32' ? new Int32Array(sizeOf(value.shape)) : new Float32Array(sizeOf(value.shape)));
    }
    const data = (feeds[name] ?? fetches[name])?.data;
    if (data instanceof Float32Array || data instanceof Int32Array) return data;
    throw new Error(`"${name}" is bound to neither float32 nor int32 memory`);
  };
  return {
    inputs: graph.inputs,
    outputs: graph.outputs,
    bind,
    bindIfKnown: (name, memory) => {
      if (values.has(name)) bind(name, memory);
    },
    has: (name) => values.has(name),
    float32: (name) => narrow(memoryOf(name), Float32Array, name),
    int32: (name) => narrow(memoryOf(name), Int32Array, name),
    run: async () => {
      for (const name of values.keys()) if (feeds[name] === undefined && fetches[name] === undefined) memoryOf(name);
      await session.run(feeds, fetches);
    },
    [Symbol.asyncDispose]: () => session.release(),
  };
}

type Bound = Readonly<Record<string, OrtTensor>>;

interface Session {
  /** Computes the fetches, which are written in place. */
  run(feeds: Bound, fetches: Bound): Promise<unknown>;
  release(): Promise<void>;
}

async function openSession(graph: OnnxGraph, { scratch, frozen, threads = 1 }: CompileOptions): Promise<Session> {
  const isRead = env.versions.node === READ_BINDING.version;
  const session = await InferenceSession.create(
    encodeModel(isRead ? { ...graph, emptySequence: NOTHING_BACK } : graph),
    {
      executionProviders: ['cpu'],
      executionMode: 'sequential',
      enableMemPattern: false,
      enableCpuMemArena: scratch !== 'returned',
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
      extra: { session: sessionEntries(frozen), ...(graph.repeats && KEPT_REPEATS) },
    },
  );
  return {
    run: (feeds, fetches) => (isRead ? runInPlace(session, feeds, fetches) : session.run(feeds, fetches)),
    release: () => session.release(),
  };
}

/** Runs a session whose first output is the sequence that cannot be handed back: all others are written where they are bound. */
async function runInPlace(session: InferenceSession, feeds: Bound, fetches: Bound): Promise<void> {
  try {
    await session.run(feeds, { [NOTHING_BACK]: null, ...fetches });
  } catch (error) {
    if (!(error instanceof Error) || error.message !== READ_BINDING.refusal) throw error;
  }
}

/** A graph in which inputs that stand in files are constants. */
function withFrozen(graph: OnnxGraph, frozen: FrozenInputs | undefined): OnnxGraph {
  const initializers = graph.inputs.flatMap((value): OnnxInitializer[] => {
    const values = frozen?.inputs.get(value.name);
    return values === undefined ? [] : [{ ...value, values }];
  });
  const inputs = graph.inputs.filter(({ name }) => frozen?.inputs.has(name) !== true);
  return { ...graph, inputs, initializers: [...graph.initializers, ...initializers] };
}

/** Equal nodes stay apart: nothing else joins them, and `lower` has joined those that should be. */
const KEPT_REPEATS = { optimization: { disable_specified_optimizers: 'CommonSubexpressionElimination' } };

/** Options of ONNX Runtime by its own names. */
function sessionEntries(frozen: FrozenInputs | undefined): Readonly<Record<string, string>> {
  const entries = { force_spinning_stop: '1' };
  if (frozen === undefined) return entries;
  // Prepacked weights would be copies of what is mapped.
  return { ...entries, disable_prepacking: '1', model_external_initializers_file_folder_path: frozen.folder };
}

function narrow<T extends Buffer>(memory: Buffer, type: abstract new (...args: never[]) => T, name: string): T {
  if (memory instanceof type) return memory;
  throw bindError(`"${name}" read as ${type.name}`, 'its own element type');
}

function bindError(found: string, expected: string): AssayError {
  return new AssayError('shape', `ShapeError: bind: ${found}. Expected ${expected}.`);
}
