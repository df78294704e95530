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
  const shardOf = await readIndex(folder, single !== undefined);
  if (single !== undefined) {
    const other = [...shardOf.values()].find((shard) => shard !== SINGLE_FILE);
    if (other === undefined) return await openSafetensors(single);
    const found = `${SINGLE_FILE}, and ${INDEX_FILE} that names ${other}`;
    throw new AssayError('file', `${folder.path}: expected the weights once, found ${found}. Remove the wrong ones.`);
  }
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
  const left = await unfinished(folder, shard);
  throw new AssayError('file', `${folder.path}: the index names ${shard}, which is missing. Download it again.${left}`);
}

/** How programs call a file that has not arrived whole yet. */
const UNFINISHED = ['.incomplete', '.partial', '.part', '.tmp', '.download', '.crdownload', '.aria2'];

/** A hint where a file is there in part only, else ''. */
async function unfinished(folder: ModelFolder, name: string): Promise<string> {
  for (const ending of UNFINISHED) {
    if ((await folder.find(name + ending)) !== undefined) return ` There is ${name}${ending}: a download not finished.`;
  }
  return '';
}

/** Other forms of weights, which are not read. */
const OTHER_WEIGHTS: readonly (readonly [string, string])[] = [
  ['pytorch_model.bin', ' Pickled PyTorch files can run code and are not read: convert them.'],
  ['pytorch_model.bin.index.json', ' Pickled PyTorch files can run code and are not read: convert them.'],
  ['consolidated.00.pth', ' Pickled PyTorch files can run code and are not read: convert them.'],
  ['tf_model.h5', ' TensorFlow weights are not read: convert them.'],
  ['flax_model.msgpack', ' Flax weights are not read: convert them.'],
];

async function otherWeights(folder: ModelFolder): Promise<string> {
  const left = (await unfinished(folder, SINGLE_FILE)) || (await unfinished(folder, INDEX_FILE));
  if (left !== '') return left;
  for (const [name, hint] of OTHER_WEIGHTS) if ((await folder.find(name)) !== undefined) return hint;
  return '';
}

/** Which shard holds each tensor; none where there is no index and need not be. */
async function readIndex(folder: ModelFolder, isOptional: boolean): Promise<ReadonlyMap<string, string>> {
  const where = join(folder.path, INDEX_FILE);
  const index = await folder.json(INDEX_FILE, MAX_INDEX_BYTES);
  if (index === undefined) {
    if (isOptional) return new Map();
    const hint = await otherWeights(folder);
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
  refuseUnnamed(path, shardOf, opened);
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

/** A tensor the index does not name, or names in another shard, would be skipped here and read by others. */
function refuseUnnamed(
  path: string,
  shardOf: ReadonlyMap<string, string>,
  opened: ReadonlyMap<string, SafetensorsFile>,
): void {
  for (const [shard, file] of opened) {
    const stray = [...file.tensors.keys()].find((name) => shardOf.get(name) !== shard);
    if (stray === undefined) continue;
    const elsewhere = shardOf.get(stray);
    const said = elsewhere === undefined ? 'the index does not name' : `the index says is in ${elsewhere}`;
    throw new AssayError('file', `${path}: ${shard} holds ${stray.slice(0, 200)}, which ${said}. Download both again.`);
  }
}
