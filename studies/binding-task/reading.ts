/** What a model computes over contexts up to their first query: its stream at every depth, and its answer, also after the stream was changed. */
import {
  add,
  feedLayers,
  input,
  type Learner,
  recordingSites,
  transformerLogits,
  transformerParameters,
  transformerSites,
  withSites,
  type TransformerConfig,
} from 'assay/learn';

import { type Context, contextTokens, layoutOf, queryOf, type TaskWorld } from './world.ts';

/** A stream over contexts at one depth, shape [contexts, T, D]. */
export interface Stream {
  readonly values: Float32Array;
  readonly contexts: number;
  readonly length: number;
  readonly width: number;
}

/** What was read. Depth 0 is the embeddings, depth l the stream behind layer l. */
export interface Reading {
  readonly depths: readonly Stream[];
  /** Of the answer to the first query, shape [contexts, V]. */
  readonly logits: Float32Array;
  readonly vocabulary: number;
}

/** Tokens of contexts up to the first query, row after row. */
export type Prompts = readonly (readonly number[])[];

export interface ModelReader {
  /** @param change What is added to the stream at one depth, of the stream's shape. */
  read(prompts: Prompts, change?: { readonly depth: number; readonly by: Float32Array }): Promise<Reading>;
}

export function promptOf(world: TaskWorld, context: Context): readonly number[] {
  return [...contextTokens(world, context), ...queryOf(world, context, context.asked[0] ?? 0)];
}

/** The stream of one context at one position, a view. */
export function at({ values, length, width }: Stream, context: number, position: number): Float32Array {
  const start = (context * length + position) * width;
  return values.subarray(start, start + width);
}

/** Sites of the stream by depth: the embeddings and what each layer gives. */
function depthSites(config: TransformerConfig): readonly string[] {
  return transformerSites(config).filter((name) => !name.endsWith('afterAttention'));
}

/** Compiles a reader of a learner's weights, for `rows` prompts at a time. */
export async function createReader(
  learner: Learner,
  config: TransformerConfig,
  world: TaskWorld,
  rows: number,
): Promise<ModelReader> {
  const { readAt, vocabulary } = layoutOf(world);
  const length = readAt + 1;
  const [size, known, sites] = [rows * length, transformerSites(config), depthSites(config)];
  const changed = (name: string) => [name, (x: ReturnType<typeof input>) => add(x, input(`change ${name}`, x.shape))];
  const edited = withSites(
    feedLayers(transformerParameters(config)),
    known,
    Object.fromEntries(sites.map((name) => changed(name))),
  );
  const recording = recordingSites(edited, known, sites);
  const last = input('rows', [rows], 'int32');
  const logits = transformerLogits(config, recording.layers, { rows, length }, input('tokens', [size], 'int32'), last);
  const program = await learner.reader({ logits, ...Object.fromEntries(recording.recorded) });
  const ends = Int32Array.from({ length: rows }, (_, row) => row * length + readAt);
  const width = config.dModel;
  const part = rows * length * width;

  const readPart = async (prompts: Prompts, first: number, change?: { depth: number; by: Float32Array }) => {
    const tokens = new Int32Array(size);
    for (let row = 0; row < rows; row++)
      tokens.set(prompts[Math.min(first + row, prompts.length - 1)] ?? [], row * length);
    const changes = sites.map((name, depth): readonly [string, Float32Array] => {
      const by = new Float32Array(part);
      if (change?.depth === depth) by.set(change.by.subarray(first * length * width, (first + rows) * length * width));
      return [`change ${name}`, by];
    });
    return program.read({ tokens, rows: ends, ...Object.fromEntries(changes) });
  };

  return {
    async read(prompts, change) {
      const count = prompts.length;
      const all = new Float32Array(count * vocabulary);
      const streams = sites.map(() => new Float32Array(count * length * width));
      for (let first = 0; first < count; first += rows) {
        const here = Math.min(rows, count - first);
        const out = await readPart(prompts, first, change);
        all.set((out['logits'] ?? new Float32Array()).subarray(0, here * vocabulary), first * vocabulary);
        sites.forEach((name, depth) => {
          const own = (out[name] ?? new Float32Array()).subarray(0, here * length * width);
          streams[depth]?.set(own, first * length * width);
        });
      }
      const depths = streams.map((values) => ({ values, contexts: count, length, width }));
      return { depths, logits: all, vocabulary };
    },
  };
}
