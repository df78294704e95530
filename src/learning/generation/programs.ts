/** The compiled programs of generation: one that reads a prompt, one that reads a token a row. */
import { compile, type FrozenInputs, type Program } from '#engine/session.ts';
import type { Tensor } from '#engine/tensor.ts';
import type { TrainedModel } from '#learning/method.ts';
import {
  angleInput,
  type CachedGraph,
  decodeGraph,
  MOST_PROMPTS,
  prefillGraph,
  rotationsOf,
} from '#learning/models/cached.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import type { ParameterSpec } from '#learning/nn/layers.ts';
import { rotaryTables } from '#learning/models/rotary-tables.ts';

/** The name of the output that holds a layer's keys or values of the tokens just read. */
export function keptOutput(of: 'keys' | 'values', layer: number): string {
  return `${of} ${layer}`;
}

/** Products of so few rows are computed as (W x^T)^T: on one core 1.4 times as fast as x W^T at 8 rows, 1.3 at 32, as fast at 128. */
const FEW_ROWS = 32;

/** Inputs and logits as `prefillGraph` says; outputs keys and values [B, Hkv, T, K] of each layer as well. */
export async function compilePrefill(
  config: TransformerConfig,
  model: TrainedModel,
  rows: number,
  length: number,
  threads: number,
  frozen?: FrozenInputs,
): Promise<Program> {
  const graph = named(prefillGraph(config, model.layers, rows, length));
  return compile(graph, { threads, frozen, fewRows: MOST_PROMPTS });
}

/** Inputs as `decodeGraph` says; outputs logits [B, V], keys and values [B, Hkv, 1, K] of each layer. */
export async function compileDecode(
  config: TransformerConfig,
  model: TrainedModel,
  rows: number,
  capacity: number,
  threads: number,
  frozen?: FrozenInputs,
): Promise<Program> {
  const graph = named(decodeGraph(config, model.layers, rows, capacity));
  return compile(graph, { threads, frozen, fewRows: FEW_ROWS });
}

/** Tokens read at once: products of more rows gain nothing. */
const TOKENS_AT_ONCE = 256;
/** The shortest row that is read beside others. */
const SHORTEST = 32;

/**
 * How many prompts of `length` tokens, the padding included, are read at once: so many that their products are as fast as large ones, and
 * one where a row's bits could depend on how many there are. Sums are taken in an order that follows from a matrix alone as long as a
 * thread has two rows and, where there are fewer rows than outputs, a share of more than 64 outputs or sums of at most 128 (ADR 0181).
 */
export function promptsAtOnce(
  { nKvHeads }: TransformerConfig,
  { base, trained }: TrainedModel,
  length: number,
  threads: number,
): number {
  const isSummedAlike = ({ shape: [dOut = 0, dIn = 0] }: ParameterSpec): boolean =>
    dIn <= 128 || dOut <= SHORTEST || dOut >= 80 * threads;
  const matrices = [...base, ...trained].filter(({ role }) => role === 'matrix');
  const isSafe = threads === 1 || (threads <= Math.min(nKvHeads, SHORTEST / 2) && matrices.every(isSummedAlike));
  if (!isSafe || length < SHORTEST || length % 16 !== 0) return 1;
  return Math.max(1, Math.min(MOST_PROMPTS, 2 ** Math.floor(Math.log2(TOKENS_AT_ONCE / length))));
}

/** Feeds a decode program where the token of a row stands, below `capacity`. */
export function positionFeeder(
  program: Program,
  config: TransformerConfig,
  capacity: number,
): (row: number, position: number) => void {
  const angles = rotationsOf(config).flatMap((rotation, index) => {
    const tables = rotaryTables(rotation, config.headDim, capacity);
    return (['cos', 'sin'] as const).map((of) => ({
      table: tables[of],
      half: tables[of].length / capacity,
      fed: program.float32(angleInput(of, index)),
    }));
  });
  const isLearned = config.positions.kind === 'learned';
  return (row, position) => {
    if (isLearned) program.int32('positions')[row] = position;
    for (const { table, half, fed } of angles)
      fed.set(table.subarray(position * half, (position + 1) * half), row * half);
  };
}

function named({ logits, keys, values }: CachedGraph): Readonly<Record<string, Tensor>> {
  return {
    logits,
    ...Object.fromEntries(keys.map((tensor, layer) => [keptOutput('keys', layer), tensor])),
    ...Object.fromEntries(values.map((tensor, layer) => [keptOutput('values', layer), tensor])),
  };
}
