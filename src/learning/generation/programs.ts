/** The compiled programs of generation: one that reads a prompt, one that reads a token a row. */
import { compile, type FrozenInputs, type Program } from '#engine/session.ts';
import type { Tensor } from '#engine/tensor.ts';
import type { TrainedModel } from '#learning/method.ts';
import { angleInput, type CachedGraph, decodeGraph, prefillGraph, rotationsOf } from '#learning/models/cached.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { rotaryTables } from '#learning/models/rotary-tables.ts';

/** The name of the output that holds a layer's keys or values of the tokens just read. */
export function keptOutput(of: 'keys' | 'values', layer: number): string {
  return `${of} ${layer}`;
}

/** Inputs tokens [T] and last [1]; outputs logits [1, V], keys and values [1, Hkv, T, K] of each layer. */
export async function compilePrefill(
  config: TransformerConfig,
  model: TrainedModel,
  length: number,
  threads: number,
  frozen?: FrozenInputs,
): Promise<Program> {
  return compile(named(prefillGraph(config, model.layers, length)), { threads, frozen });
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
  return compile(named(decodeGraph(config, model.layers, rows, capacity)), { threads, frozen });
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
