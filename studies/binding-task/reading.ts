/** What a model computes over contexts up to their first query: its stream at every depth, and its answer, also after the stream was changed. */
import {
  add,
  feedLayers,
  input,
  type Learner,
  type Reader,
  recordingSites,
  transformerLogits,
  transformerParameters,
  transformerSites,
  withSites,
  type TransformerConfig,
} from 'assay/learn';

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

/** Tokens of prompts of one length, row after row. */
export type TokenRows = readonly (readonly number[])[];

export interface ModelReader {
  read(prompts: TokenRows): Promise<Reading>;
  /** The answers after a change of the stream. @param change What is added at one depth, of the stream's shape. */
  answers(
    prompts: TokenRows,
    change: { readonly depth: number; readonly by: Float32Array },
  ): Promise<Omit<Reading, 'depths'>>;
}

/** The stream of one context at one position, a view. */
export function at({ values, length, width }: Stream, context: number, position: number): Float32Array {
  const start = (context * length + position) * width;
  return values.subarray(start, start + width);
}

/** Sites of the stream by depth: the embeddings and what each layer gives. */
export function depthSites(config: TransformerConfig): readonly string[] {
  return transformerSites(config).filter((name) => !name.endsWith('afterAttention'));
}

/** How many prompts of which length are read at a time, and the sites by depth; where left out the embeddings and what each layer gives. */
export interface ReaderShape {
  readonly rows: number;
  readonly length: number;
  readonly sites?: readonly string[];
}

/** Compiles a reader of a model, whose answers are foretold at the last position. @param model Runs programs with its weights: a learner, or files. */
export async function createReader(
  model: Pick<Learner, 'reader'>,
  config: TransformerConfig,
  { rows, length, sites = depthSites(config) }: ReaderShape,
): Promise<ModelReader> {
  const { vocabulary, dModel: width } = config;
  const size = rows * length;
  const program = await compiled(model, config, { rows, length, sites });
  const ends = Int32Array.from({ length: rows }, (_, row) => (row + 1) * length - 1);
  const part = rows * length * width;

  const readPart = async (prompts: TokenRows, first: number, change?: { depth: number; by: Float32Array }) => {
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
  /** Outputs of all prompts, shape [prompts, numbers] each. */
  const readAll = async (
    prompts: TokenRows,
    names: readonly (readonly [name: string, numbers: number])[],
    change?: { depth: number; by: Float32Array },
  ): Promise<readonly Float32Array[]> => {
    const all = names.map(([, numbers]) => new Float32Array(prompts.length * numbers));
    for (let first = 0; first < prompts.length; first += rows) {
      const here = Math.min(rows, prompts.length - first);
      const out = await readPart(prompts, first, change);
      names.forEach(([name, numbers], i) =>
        all[i]?.set((out[name] ?? new Float32Array()).subarray(0, here * numbers), first * numbers),
      );
    }
    return all;
  };

  return {
    async read(prompts) {
      const [answers = new Float32Array(), ...streams] = await readAll(prompts, [
        ['logits', vocabulary],
        ...sites.map((name) => [name, length * width] as const),
      ]);
      const depths = streams.map((values) => ({ values, contexts: prompts.length, length, width }));
      return { depths, logits: answers, vocabulary };
    },
    async answers(prompts, change) {
      const [answers = new Float32Array()] = await readAll(prompts, [['logits', vocabulary]], change);
      return { logits: answers, vocabulary };
    },
  };
}

/** A program of the answers and the stream at sites, each of which has something added to it first. */
async function compiled(
  model: Pick<Learner, 'reader'>,
  config: TransformerConfig,
  { rows, length, sites }: Required<ReaderShape>,
): Promise<Reader> {
  const known = transformerSites(config);
  const changed = (name: string) => [name, (x: ReturnType<typeof input>) => add(x, input(`change ${name}`, x.shape))];
  const edited = withSites(
    feedLayers(transformerParameters(config)),
    known,
    Object.fromEntries(sites.map((name) => changed(name))),
  );
  const recording = recordingSites(edited, known, sites);
  const tokens = input('tokens', [rows * length], 'int32');
  const logits = transformerLogits(config, recording.layers, { rows, length }, tokens, input('rows', [rows], 'int32'));
  return model.reader({ logits, ...Object.fromEntries(recording.recorded) });
}
