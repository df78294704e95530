/**
 * The weights of a model's folder: `model.safetensors`, or several shards named by `model.safetensors.index.json`.
 * Source: https://huggingface.co/docs/huggingface_hub/package_reference/serialization
 */
import { join } from 'node:path';

import { AssayError } from '#base/errors.ts';
import { isJsonObject } from '#base/json.ts';

import type { ModelFolder } from '#learning/files/hugging-face/model-folder.ts';
import type { SafetensorsFile } from './safetensors.ts';
import { openSafetensors } from './safetensors.ts';
import type { TensorInfo, TensorSource } from './tensor-source.ts';
import { tensorNamed } from './tensor-source.ts';

const SINGLE_FILE = 'model.safetensors';
const INDEX_FILE = 'model.safetensors.index.json';
/** The largest public models have some 200 shards. */
const MAX_SHARDS = 2000;
const MAX_INDEX_BYTES = 64 << 20;

/**
 * Opens the weights in a folder, whole or sharded.
 * @throws AssayError when there are none, when a shard lies outside the folder or lacks a tensor the index promises.
 */
export async function openFolderWeights(folder: ModelFolder): Promise<TensorSource> {
  const single = await folder.find(SINGLE_FILE);
  if (single !== undefined) return await openSafetensors(single);
  const shardOf = await readIndex(folder);
  const opened = new Map<string, SafetensorsFile>();
  const close = async (): Promise<void> => {
    for (const file of opened.values()) await file.close();
  };
  try {
    for (const shard of new Set(shardOf.values())) opened.set(shard, await openShard(folder, shard));
    return joined(folder.path, shardOf, opened, close);
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

async function openShard(folder: ModelFolder, shard: string): Promise<SafetensorsFile> {
  const path = await folder.find(shard);
  if (path !== undefined) return await openSafetensors(path);
  throw new AssayError('file', `${folder.path}: the index names ${shard}, which is missing. Download it again.`);
}

/** Which shard holds each tensor. */
async function readIndex(folder: ModelFolder): Promise<ReadonlyMap<string, string>> {
  const where = join(folder.path, INDEX_FILE);
  const index = await folder.json(INDEX_FILE, MAX_INDEX_BYTES);
  if (index === undefined) {
    const pickled = (await folder.find('pytorch_model.bin')) ?? (await folder.find('pytorch_model.bin.index.json'));
    const hint = pickled === undefined ? '' : ' Pickled PyTorch files can run code and are not read: convert them.';
    throw new AssayError('file', `${folder.path}: expected ${SINGLE_FILE} or ${INDEX_FILE}, found neither.${hint}`);
  }
  const weightMap = index['weight_map'];
  if (!isJsonObject(weightMap)) throw new AssayError('file', `${where}: expected weight_map to be an object.`);
  const shardOf = new Map<string, string>();
  for (const [name, shard] of Object.entries(weightMap)) {
    if (typeof shard !== 'string' || !shard.endsWith('.safetensors')) {
      const found = JSON.stringify(shard ?? null).slice(0, 100);
      throw new AssayError('file', `${where}: ${name.slice(0, 200)}: expected a .safetensors file, found ${found}.`);
    }
    shardOf.set(name, shard);
  }
  const shards = new Set(shardOf.values()).size;
  if (shards >= 1 && shards <= MAX_SHARDS) return shardOf;
  throw new AssayError('file', `${where}: expected 1 to ${MAX_SHARDS} shards, found ${shards}.`);
}

function joined(
  path: string,
  shardOf: ReadonlyMap<string, string>,
  opened: ReadonlyMap<string, SafetensorsFile>,
  close: () => Promise<void>,
): TensorSource {
  const tensors = new Map<string, TensorInfo>();
  const files = new Map<string, SafetensorsFile>();
  for (const [name, shard] of shardOf) {
    const file = opened.get(shard);
    const info = file?.tensors.get(name);
    if (file === undefined || info === undefined) {
      throw new AssayError('file', `${path}: the index says ${name.slice(0, 200)} is in ${shard}, which lacks it.`);
    }
    tensors.set(name, info);
    files.set(name, file);
  }
  const fileOf = (name: string): SafetensorsFile => {
    const file = files.get(tensorNamed(tensors, name, path).name);
    if (file === undefined) throw new AssayError('file', `${path} holds no tensor ${name}.`);
    return file;
  };
  return {
    path,
    tensors,
    read: async (name) => await fileOf(name).read(name),
    readBytes: async (name) => await fileOf(name).readBytes(name),
    close,
    [Symbol.asyncDispose]: close,
  };
}
