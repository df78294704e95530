/** Graphs on the runtime's WebGPU provider: opened as they are, with what is run where read from the runtime's own profile. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import '#engine/no-telemetry.ts';
import { InferenceSession, Tensor } from 'onnxruntime-node';

import { lower } from '#engine/onnx/lower.ts';
import { encodeModel, type OnnxValue } from '#engine/onnx/proto.ts';
import type { Tensor as GraphTensor } from '#engine/tensor.ts';
import type { Feeds } from '#learning/feeds.ts';

/** `webgpu` leaves to the processor what the provider has no kernel for, as the runtime does it. */
export type Provider = 'cpu' | 'webgpu';
export type Outputs = Readonly<Record<string, GraphTensor>>;
/** Values by name, wherever they lie. */
export type Values = Readonly<Record<string, Tensor>>;
/** The operators that each provider ran, one entry a run of a node; copies between providers are nodes of the runtime's own. */
export type Ran = ReadonlyMap<string, readonly string[]>;

/** A graph that runs on one provider. */
export interface Opened {
  /** Runs with what is fed, host arrays or tensors on the device. */
  run(feeds: Feeds, onDevice?: Values): Promise<Values>;
  end(): Promise<Ran>;
}

/** @param stay Outputs that stay on the device. */
export async function open(outputs: Outputs, provider: Provider, stay: readonly string[] = []): Promise<Opened> {
  const graph = lower(outputs);
  const folder = mkdtempSync(join(tmpdir(), 'assay-webgpu-'));
  const options = {
    executionProviders: provider === 'cpu' ? ['cpu'] : ['webgpu', 'cpu'],
    logSeverityLevel: 3,
    intraOpNumThreads: 1,
    enableProfiling: true,
    profileFilePrefix: join(folder, 'profile'),
    ...(stay.length === 0 ? {} : { preferredOutputLocation: locations(Object.keys(outputs), stay) }),
  } as const;
  const session = await InferenceSession.create(encodeModel(graph), options);
  return {
    run: async (feeds, onDevice = {}) => session.run({ ...hostTensors(graph.inputs, feeds), ...onDevice }),
    async end() {
      session.endProfiling();
      await session.release();
      const ran = operatorsIn(folder);
      rmSync(folder, { recursive: true });
      return ran;
    },
  };
}

/** What is fed of the inputs, as tensors. */
function hostTensors(inputs: readonly OnnxValue[], feeds: Feeds): Values {
  const tensors = inputs.flatMap(({ name, type, shape }): [string, Tensor][] => {
    const given = feeds[name];
    if (given === undefined) return [];
    const values = typeof given === 'number' ? [given] : given;
    const isInt = type === 'int32';
    return [
      [
        name,
        isInt
          ? new Tensor('int32', Int32Array.from(values), shape)
          : new Tensor('float32', Float32Array.from(values), shape),
      ],
    ];
  });
  return Object.fromEntries(tensors);
}

/** A value by its name. @throws Error where there is none. */
export function valueIn(values: Values, name: string): Tensor {
  const value = values[name];
  if (value === undefined) throw new Error(`expected a value "${name}", found ${Object.keys(values).join(', ')}`);
  return value;
}

/** A value that has come down to the host. */
export function float32Of(values: Values, name: string): Float32Array {
  const { data } = valueIn(values, name);
  if (data instanceof Float32Array) return data;
  throw new Error(`"${name}" is not float32`);
}

/** The largest difference of values by these names; NaN where one is none. */
export function farthest(names: readonly string[], a: Values, b: Values): number {
  return Math.max(...names.map((name) => farApart(float32Of(a, name), float32Of(b, name))));
}

/** The largest difference of two arrays. */
export function farApart(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? Number.NaN))), 0);
}

function locations(names: readonly string[], stay: readonly string[]): Readonly<Record<string, 'gpu-buffer' | 'cpu'>> {
  return Object.fromEntries(names.map((name) => [name, stay.includes(name) ? 'gpu-buffer' : 'cpu']));
}

interface ProfileEvent {
  readonly cat?: string;
  readonly args?: { readonly op_name?: string; readonly provider?: string };
}

/** The operators of a profile by the provider that ran them; copies between providers are the runtime's own nodes. */
function operatorsIn(folder: string): Ran {
  const found = new Map<string, string[]>();
  for (const name of readdirSync(folder)) {
    const events = JSON.parse(readFileSync(join(folder, name), 'utf8')) as readonly ProfileEvent[];
    for (const { cat, args } of events) {
      if (cat !== 'Node' || args?.op_name === undefined || args.provider === undefined) continue;
      const ran = found.get(args.provider) ?? [];
      ran.push(args.op_name);
      found.set(args.provider, ran);
    }
  }
  return found;
}
