/**
 * Writing a model as the Hugging Face folder that transformers, and `openHuggingFace`, read: float32 weights under their
 * Hugging Face names, whole or in shards, with the config and the tokenizer of the model they were trained from.
 * Invariant: the same weights give the same bytes; `config.json` is written last, so a folder that has it is complete.
 */
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { AssayError, messageOf } from '#base/errors.ts';
import { makeFolder } from '#base/make-folder.ts';

import { storedConstants } from '#learning/models/activations.ts';
import { transformerParameters } from '#learning/models/parameters.ts';

import { isStoredTransposed } from '#learning/files/model-description.ts';
import type { Companion, ModelFiles } from '#learning/files/model-files.ts';
import { transposed } from '#learning/files/model-files.ts';
import type { TensorInTurn, TensorToWrite } from '#learning/files/tensors/safetensors-write.ts';
import { storedLength, writeSafetensors } from '#learning/files/tensors/safetensors-write.ts';

/** Above this the weights are split, as `save_pretrained` does, in bytes. */
const SHARD_BYTES = 5e9;

/**
 * Writes a model into a folder, which is made if needed.
 * @param base The open model whose config, names and tokenizer the folder gets.
 * @param valuesOf A tensor by its Hugging Face name, linear maps [dOut, dIn]; asked once for each, one at a time.
 * @throws AssayError when a tensor does not fit the config, or the folder cannot be written.
 */
export async function writeHuggingFace(
  path: string,
  base: Pick<ModelFiles, 'carried' | 'config' | 'companions'>,
  valuesOf: (name: string) => Float32Array,
  shardBytes: number = SHARD_BYTES,
): Promise<void> {
  const companions = await base.companions();
  const shards = shardsOf(tensorsOf(base, valuesOf), shardBytes);
  await attempt(path, async () => void makeFolder(path));
  for (const [i, tensors] of shards.entries()) {
    await writeSafetensors(join(path, shardName(i, shards.length)), tensors, { format: 'pt' });
  }
  const index = shards.length === 1 ? [] : [indexOf(shards)];
  const order = [...companions].toSorted((a, b) => Number(a.name === 'config.json') - Number(b.name === 'config.json'));
  for (const { name, bytes } of [...index, ...order]) await attempt(path, () => writeWhole(join(path, name), bytes));
}

function tensorsOf(
  { config, carried = [] }: Pick<ModelFiles, 'carried' | 'config'>,
  valuesOf: (name: string) => Float32Array,
): readonly TensorInTurn[] {
  const constants = [...storedConstants(config)].map(([name, value]): TensorToWrite => ({
    name,
    dtype: 'F32',
    shape: [],
    values: Float32Array.of(value),
  }));
  const parameters = transformerParameters(config).map((parameter): TensorToWrite => {
    const { name, shape } = parameter;
    const isTransposed = isStoredTransposed(config, parameter);
    const [dOut = 0, dIn = 0] = shape;
    return {
      name,
      dtype: 'F32',
      shape: isTransposed ? [dIn, dOut] : shape,
      get values() {
        return isTransposed ? transposed(valuesOf(name), dOut, dIn) : valuesOf(name);
      },
    };
  });
  return [...parameters, ...constants, ...carried.map((tensor) => ({ ...tensor, dtype: 'F32' as const }))];
}

/** Tensors in order, a new shard where the next would not fit. */
function shardsOf(tensors: readonly TensorInTurn[], shardBytes: number): readonly (readonly TensorInTurn[])[] {
  const shards: TensorInTurn[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    const length = storedLength(tensor);
    if (bytes > 0 && bytes + length > shardBytes) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)?.push(tensor);
    bytes += length;
  }
  return shards;
}

function shardName(index: number, count: number): string {
  const number = (n: number): string => String(n).padStart(5, '0');
  return count === 1 ? 'model.safetensors' : `model-${number(index + 1)}-of-${number(count)}.safetensors`;
}

function indexOf(shards: readonly (readonly TensorInTurn[])[]): Companion {
  const size = shards.flat().reduce((sum, tensor) => sum + storedLength(tensor), 0);
  const map = shards.flatMap((tensors, i) => tensors.map(({ name }) => [name, shardName(i, shards.length)] as const));
  const index = { metadata: { total_size: size }, weight_map: Object.fromEntries(map) };
  const bytes = new TextEncoder().encode(`${JSON.stringify(index, null, 2)}\n`);
  return { name: 'model.safetensors.index.json', bytes };
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const partial = `${path}.partial`;
  try {
    await writeFile(partial, bytes);
    await rename(partial, path);
  } catch (thrown) {
    await rm(partial, { force: true });
    throw thrown;
  }
}

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw new AssayError('file', `Could not write the model to ${path}: ${messageOf(thrown)}`, { cause: thrown });
  }
}
