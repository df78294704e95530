/**
 * What a model computes at named places, over sequences of tokens: the source of an autoencoder's rows.
 * Several sites come from one forward pass; padding gives no rows (what is causal does not see it).
 */
import { AssayError } from '#base/errors.ts';
import { sha256 } from '#base/json.ts';
import { checkWhole } from '#base/whole-number.ts';
import { compile, type Program } from '#engine/session.ts';
import { input } from '#engine/ops/sources.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { modelPlace, placeSites } from '#learning/models/hook-points.ts';
import { transformerParameters } from '#learning/models/parameters.ts';
import { transformerLogits } from '#learning/models/transformer.ts';
import { feedLayers, type Layers } from '#learning/nn/layers.ts';
import { recordingSites } from '#learning/nn/sites.ts';
import type { Weights } from '#learning/weights.ts';

import type { ActivationSource } from './stored-activations.ts';

/** A model whose stream is read: its layers, and the weights that they feed. */
export interface StreamModel {
  readonly config: TransformerConfig;
  readonly layers: Layers;
  /** By the names that the layers feed: of an open model's files, or a trainer's memory. */
  readonly weights: Pick<Weights, 'get'>;
}

/** A plain transformer with weights by name; a trained one is `{ config, layers: trainer.model.layers, weights: trainer.memory }`. */
export function streamModel(config: TransformerConfig, weights: Pick<Weights, 'get'>): StreamModel {
  return { config, layers: feedLayers(transformerParameters(config)), weights };
}

/** Which sequences, and how they are run. */
export interface ModelActivations {
  /** Some of `hookPoints(config)` or of `transformerSites(config)`, all of one width. */
  readonly sites: readonly string[];
  /** Token ids, each of 1 to `length`. */
  readonly sequences: readonly Int32Array[];
  /** T: all sequences are padded to it. */
  readonly length: number;
  /** Sequences a forward pass, which are one chunk of the store. */
  readonly rows: number;
  /** Positions at the start of each sequence that give no rows, such as 1 for a start token; default 0. */
  readonly skipPositions?: number;
  /** Names the model's weights in the store, such as their hash or path: rows of another model must not be mixed in. */
  readonly model: string;
  readonly threads?: number;
}

/** The input of token ids, int32 [B T]. */
export const TOKENS = 'tokens';

/** Compiles a model that records. @throws AssayError on a site it does not have, on sites of unlike widths, and on sequences that are empty, too long or of unknown tokens. */
export async function modelActivations(
  model: StreamModel,
  { sites, sequences, length, rows, skipPositions = 0, model: name, threads = 1 }: ModelActivations,
): Promise<ActivationSource & AsyncDisposable> {
  const { config } = model;
  if (sites.length === 0) throw new AssayError('config', 'Activations: expected a site at least, found none.');
  checkWhole('Activations, rows', rows);
  checkWhole('Activations, skipPositions', skipPositions, 0);
  checkSequences('Activations', sequences, { least: 1, length, vocabulary: config.vocabulary });
  const chunks = Math.ceil(sequences.length / rows);
  const places = sites.map((name) => ({ name, ...modelPlace(config, name) }));
  const width = widthOf(places);
  const recording = recordingSites(
    model.layers,
    placeSites(config),
    places.map(({ site }) => site),
  );
  transformerLogits(config, recording.layers, { rows, length }, input(TOKENS, [rows * length], 'int32'));
  const program = await compile(Object.fromEntries(recording.recorded), { threads, scratch: 'returned' });
  bindWeights(program, model);
  const tokens = sha256(sequences.map((sequence) => sequence.join()).join(';'));
  return {
    dIn: width,
    sites,
    chunks,
    identity: sha256([name, tokens, length, rows, skipPositions].join('|')),
    async chunk(index) {
      checkWhole('Activations, chunk', index, 0, chunks - 1);
      const own = sequences.slice(index * rows, (index + 1) * rows);
      program.int32(TOKENS).set(feedsOf(own, rows, length).tokens);
      await program.run();
      return new Map(
        places.map(({ name: asked, site }) => [
          asked,
          kept(program.float32(site), own, { length, skipPositions, width }),
        ]),
      );
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/** The width of all places. @throws AssayError where they have several. */
function widthOf(places: readonly { readonly name: string; readonly width: number }[]): number {
  const [first] = places;
  const other = places.find(({ width }) => width !== first?.width);
  if (first !== undefined && other === undefined) return first.width;
  const found =
    first === undefined || other === undefined
      ? 'none'
      : `"${first.name}" of ${first.width} numbers and "${other.name}" of ${other.width}; collect them as two sources, in two folders`;
  throw new AssayError('config', `Activations: expected sites of one width, found ${found}.`);
}

/** Binds a model's weights. @throws AssayError on one that it lacks. */
export function bindWeights(program: Program, { config, weights }: StreamModel): void {
  const isWeight = new Set(transformerParameters(config).map(({ name }) => name));
  for (const { name } of program.inputs) {
    const values = weights.get(name);
    if (values !== undefined) program.bind(name, values);
    else if (isWeight.has(name)) {
      throw new AssayError(
        'file',
        `Model: expected a tensor "${name}", found none. Are these the weights of this config?`,
      );
    }
  }
}

/** A batch of sequences, padded; labels are the next tokens, weight 1 where there is one. */
export interface SequenceFeeds {
  /** int32, shape [B T]. */
  readonly tokens: Int32Array;
  readonly labels: Int32Array;
  readonly weights: Float32Array;
  /** How many labels weigh 1. */
  readonly count: number;
}

/** @param sequences At most `rows`. */
export function feedsOf(sequences: readonly Int32Array[], rows: number, length: number): SequenceFeeds {
  const [tokens, labels] = [new Int32Array(rows * length), new Int32Array(rows * length)];
  const weights = new Float32Array(rows * length);
  sequences.forEach((sequence, row) => {
    tokens.set(sequence, row * length);
    labels.set(sequence.subarray(1), row * length);
    weights.fill(1, row * length, row * length + Math.max(0, sequence.length - 1));
  });
  return { tokens, labels, weights, count: weights.reduce((total, weight) => total + weight, 0) };
}

/** The rows of real positions that are not skipped, in order. */
function kept(
  stream: Float32Array,
  sequences: readonly Int32Array[],
  { length, skipPositions, width }: { readonly length: number; readonly skipPositions: number; readonly width: number },
): Float32Array {
  const parts = sequences.map((sequence, row) => {
    const start = row * length;
    const from = Math.min(skipPositions, sequence.length);
    return stream.subarray((start + from) * width, (start + sequence.length) * width);
  });
  const rows = new Float32Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    rows.set(part, at);
    at += part.length;
  }
  return rows;
}

/** @throws AssayError (data) on no sequences, and on the first that is too short, too long, or holds what is no token. */
export function checkSequences(
  where: string,
  sequences: readonly Int32Array[],
  { least, length, vocabulary }: { readonly least: number; readonly length: number; readonly vocabulary: number },
): void {
  const refuse = (found: string): never => {
    const expected = `sequences of ${least} to ${length} tokens below ${vocabulary}`;
    throw new AssayError('data', `${where}: expected ${expected}, found ${found}.`);
  };
  if (sequences.length === 0) refuse('none');
  for (const [i, sequence] of sequences.entries()) {
    if (sequence.length < least || sequence.length > length) refuse(`sequence ${i} of ${sequence.length}`);
    const unknown = sequence.find((token) => token < 0 || token >= vocabulary);
    if (unknown !== undefined) refuse(`token ${unknown} in sequence ${i}`);
  }
}
