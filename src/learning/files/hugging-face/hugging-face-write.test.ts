import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import type { JsonObject } from '#base/json.ts';
import { sha256 } from '#base/json.ts';

import { writeHuggingFace } from './hugging-face-write.ts';
import type { ModelFiles } from '#learning/files/model-files.ts';
import { openModel } from '#learning/files/open-model.ts';

const MODELS = join(import.meta.dirname, '../../../../test/fixtures/models');
const NAMES = ['llama', 'llama3', 'qwen2', 'qwen3', 'gpt2'].flatMap((family) => [family, `${family}.gguf`]);

/** Hashes of the files that transformers was seen to load with the right logits. */
const SEEN: { readonly sha256: Readonly<Record<string, Readonly<Record<string, string>>>> } = JSON.parse(
  await readFile(join(import.meta.dirname, '../../../../test/reference/files-export.json'), 'utf8'),
);

async function weightsOf(model: ModelFiles): Promise<Map<string, Float32Array>> {
  const weights = new Map<string, Float32Array>();
  for (const name of model.shapes.keys()) weights.set(name, await model.tensor(name));
  return weights;
}

async function exported(model: ModelFiles, shardBytes?: number): Promise<string> {
  const folder = join(await mkdtemp(join(tmpdir(), 'assay-export-')), 'model');
  const weights = await weightsOf(model);
  await writeHuggingFace(folder, model, (name) => weights.get(name) ?? new Float32Array(), shardBytes);
  return folder;
}

for (const name of NAMES) {
  test(`${name}, exported and opened again, is the same model to the bit`, async () => {
    await using model = await openModel(join(MODELS, name));
    await using again = await openModel(await exported(model));
    assert.deepEqual(again.config, model.config);
    assert.deepEqual(await weightsOf(again), await weightsOf(model));
    assert.deepEqual(again.generation, model.generation);
    assert.equal(again.chatTemplate?.source, model.chatTemplate?.source);
    const text = 'Two <|im_end|>  words, 3½ of 12.\n';
    assert.deepEqual(again.tokenizer?.encode(text, 'withSpecials'), model.tokenizer?.encode(text, 'withSpecials'));
  });

  test(`${name}: what is exported is, byte for byte, what transformers was seen to load`, async () => {
    await using model = await openModel(join(MODELS, name));
    const folder = await exported(model);
    const hashes: [string, string][] = [];
    for (const file of (await readdir(folder)).toSorted())
      hashes.push([file, sha256(await readFile(join(folder, file)))]);
    assert.deepEqual(Object.fromEntries(hashes), SEEN.sha256[name]);
  });
}

test('weights above the limit go into shards with an index, and open as the same model', async () => {
  await using model = await openModel(join(MODELS, 'gpt2'));
  const limit = 20_000;
  const folder = await exported(model, limit);
  const shards = (await readdir(folder)).filter((file) => file.endsWith('.safetensors'));
  assert.ok(shards.length > 2 && shards.every((file) => /^model-\d{5}-of-\d{5}\.safetensors$/.test(file)));
  const index: JsonObject = JSON.parse(await readFile(join(folder, 'model.safetensors.index.json'), 'utf8'));
  const values = [...(await weightsOf(model)).values()].reduce((sum, { length }) => sum + length, 0);
  assert.deepEqual(index['metadata'], { total_size: 4 * values });
  await using again = await openModel(folder);
  assert.deepEqual(await weightsOf(again), await weightsOf(model));
});

test('a tensor that does not fit its shape is refused, and leaves no config behind', async () => {
  await using model = await openModel(join(MODELS, 'qwen3'));
  const folder = join(await mkdtemp(join(tmpdir(), 'assay-export-')), 'model');
  await assert.rejects(
    writeHuggingFace(folder, model, () => new Float32Array(3)),
    /expected a shape that fits its values/,
  );
  assert.ok(!(await readdir(folder)).includes('config.json'));
});
