import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { AssayError } from '#base/errors.ts';
import type { JsonObject } from '#base/json.ts';
import { rngOf } from '#base/rng.ts';
import { transformerParameters } from '#learning/models/parameters.ts';
import { ropeFrequencies } from '#learning/models/rotary-tables.ts';

import { halvesOfPairs, openGgufModel } from './gguf/gguf-model.ts';
import { ggufName } from './gguf/gguf-names.ts';
import { huggingFaceConfig } from './hugging-face/hugging-face-config.ts';
import { openHuggingFace } from './hugging-face/hugging-face.ts';
import { transposed } from './model-files.ts';
import type { ModelFiles } from './model-files.ts';
import { bytesOf } from './tensors/number-formats.ts';
import { openModel } from './open-model.ts';

const FIXTURES = join(import.meta.dirname, '../../../test/fixtures/models');
const FAMILIES = ['llama', 'llama3', 'qwen2', 'qwen3', 'gpt2'];

interface Expected {
  readonly sha256: Record<string, string>;
}
const expectedOf = async (): Promise<Record<string, Expected>> =>
  JSON.parse(await readFile(join(FIXTURES, 'expected.json'), 'utf8'));

async function digests(model: ModelFiles): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, shape] of model.shapes) {
    const values = await model.tensor(name);
    assert.equal(
      values.length,
      shape.reduce((product, extent) => product * extent, 1),
    );
    found[name] = createHash('sha256').update(bytesOf(values)).digest('hex');
  }
  return found;
}

for (const family of FAMILIES) {
  test(`a ${family} folder gives every tensor to the bit, by its name`, async () => {
    await using model = await openHuggingFace(join(FIXTURES, family));
    assert.deepEqual(await digests(model), (await expectedOf())[family]?.sha256);
  });

  test(`a ${family} GGUF file gives the same tensors and the same description as the folder`, async () => {
    await using model = await openGgufModel(join(FIXTURES, `${family}.gguf`));
    assert.deepEqual(await digests(model), (await expectedOf())[family]?.sha256);
    await using folder = await openHuggingFace(join(FIXTURES, family));
    assert.deepEqual([model.modelType, model.contextLength], [folder.modelType, folder.contextLength]);
    assert.deepEqual({ ...model.config, positions: null }, { ...folder.config, positions: null });
    const [ours, theirs] = [model.config.positions, folder.config.positions];
    if (ours.kind === 'learned' || theirs.kind === 'learned') assert.deepEqual(ours, theirs);
    else {
      assert.equal(ours.theta, theirs.theta);
      const frequencies = ropeFrequencies(ours.theta, model.config.headDim, ours.scaling);
      const expected = ropeFrequencies(theirs.theta, model.config.headDim, theirs.scaling);
      const float32Error = 2e-7; // the divisors are stored as float32
      for (const [i, value] of expected.entries()) {
        assert.ok(Math.abs((frequencies[i] ?? 0) / value - 1) < float32Error, `${i}: ${frequencies[i]} ${value}`);
      }
    }
  });
}

test('llama3 scaling changes only slow frequencies, by the factor at the slow end', () => {
  const scaling = {
    kind: 'llama3',
    factor: 8,
    lowFreqFactor: 1,
    highFreqFactor: 4,
    originalContextLength: 8192,
  } as const;
  const plain = ropeFrequencies(500_000, 128);
  const scaled = ropeFrequencies(500_000, 128, scaling);
  const ratios = [...plain].map((frequency, i) => frequency / (scaled[i] ?? 0));
  assert.equal(ratios[0], 1);
  assert.equal(ratios.at(-1), 8);
  assert.deepEqual(
    ratios,
    ratios.toSorted((a, b) => a - b),
  );
  assert.deepEqual([...ropeFrequencies(100, 4, { kind: 'linear', factor: 2 })], [0.5, 0.05]);
});

test('tokenizer, template and stop tokens come with the folder', async () => {
  await using model = await openHuggingFace(join(FIXTURES, 'llama'));
  const text = model.chatTemplate?.render([{ role: 'user', content: 'Hi' }]);
  assert.equal(text, '[user] Hi<|endoftext|>\n');
  const end = model.tokenizer?.idOf('<|endoftext|>');
  assert.equal(model.tokenizer?.encode(text ?? '', 'plain').at(-2), end);
  assert.deepEqual(new Set(model.generation.stopIds), new Set([2, end]));
  await using bare = await openHuggingFace(join(FIXTURES, 'qwen2'));
  assert.equal(bare.tokenizer, undefined);
  assert.equal(bare.chatTemplate, undefined);
});

test('a byte-level tokenizer in a GGUF file gives the ids of the tokenizer it was made from', async () => {
  await using model = await openGgufModel(join(FIXTURES, 'llama.gguf'));
  const folder = join(FIXTURES, '../tokenizers');
  const texts: string[] = JSON.parse(await readFile(join(folder, 'texts.json'), 'utf8'));
  const expected: { ids: number[]; decoded: string }[] = JSON.parse(
    await readFile(join(folder, 'llama3/expected.json'), 'utf8'),
  );
  const { tokenizer } = model;
  assert.ok(tokenizer !== undefined);
  for (const [i, text] of texts.entries()) {
    assert.deepEqual(tokenizer.encode(text, 'plain'), expected[i]?.ids, text);
    assert.deepEqual(tokenizer.encode(text, 'withSpecials'), [
      tokenizer.idOf('<|im_start|>'),
      ...(expected[i]?.ids ?? []),
    ]);
    assert.equal(tokenizer.decode(expected[i]?.ids ?? []), expected[i]?.decoded);
  }
  assert.deepEqual(model.generation.stopIds, [tokenizer.idOf('<|im_end|>')]);
  const said = model.chatTemplate?.render([{ role: 'user', content: 'a' }]);
  assert.equal(said, '<|im_start|>user\na<|im_end|>\n');
});

test('a SentencePiece tokenizer in a GGUF file gives the ids and the text of SentencePiece', async () => {
  await using model = await openGgufModel(join(FIXTURES, 'llama3.gguf'));
  const all: { sentencepiece: { texts: string[]; ids: number[][]; decoded: string[] } } = JSON.parse(
    await readFile(join(FIXTURES, 'expected.json'), 'utf8'),
  );
  const { texts, ids, decoded } = all.sentencepiece;
  for (const [i, text] of texts.entries()) {
    assert.deepEqual(model.tokenizer?.encode(text, 'withSpecials'), ids[i], text);
    assert.equal(model.tokenizer?.decode(ids[i] ?? [], 'skip'), decoded[i], text);
  }
});

test('a model is opened by its address: folder or GGUF file; one on a hub is refused, since nothing here downloads', async () => {
  for (const address of [join(FIXTURES, 'qwen3'), join(FIXTURES, 'qwen3.gguf')]) {
    await using model = await openModel(address);
    assert.equal(model.modelType, 'qwen3');
  }
  await assert.rejects(() => openModel('hf://org/name'), /found a hub address/);
});

test('GGUF names and row orders are undone', () => {
  assert.equal(ggufName({ family: 'llama' }, 'model.layers.11.self_attn.k_proj.bias'), 'blk.11.attn_k.bias');
  assert.equal(ggufName({ family: 'gpt2' }, 'transformer.ln_f.bias'), 'output_norm.bias');
  assert.throws(() => ggufName({ family: 'llama' }, 'model.layers.1.mlp.router.weight'), /no GGUF name/);
  // one head of 4 rows of width 1, stored as (0, 2, 1, 3)
  assert.deepEqual([...halvesOfPairs(Float32Array.of(0, 2, 1, 3), 1, 4)], [0, 1, 2, 3]);
  const matrix = Float32Array.from({ length: 70 * 45 }, (_, i) => i);
  const flipped = transposed(matrix, 70, 45);
  assert.equal(flipped[3 * 70 + 50], matrix[50 * 45 + 3]);
  assert.deepEqual(transposed(flipped, 45, 70), matrix);
});

const LLAMA: JsonObject = {
  model_type: 'llama',
  hidden_size: 64,
  num_attention_heads: 4,
  num_hidden_layers: 2,
  intermediate_size: 96,
  vocab_size: 100,
  rms_norm_eps: 1e-5,
  rope_theta: 500_000,
  max_position_embeddings: 131_072,
  rope_scaling: { type: 'linear', factor: 4 },
};

test('configs of transformers 4 (rope_theta and rope_scaling apart) are read, with its defaults', () => {
  const { config } = huggingFaceConfig(LLAMA, 'config.json');
  assert.deepEqual(config.positions, { kind: 'rotary', theta: 500_000, scaling: { kind: 'linear', factor: 4 } });
  assert.equal(config.nKvHeads, 4);
  assert.equal(config.headDim, 16);
  assert.equal(config.tied, false);
  assert.equal(transformerParameters(config).at(-1)?.name, 'lm_head.weight');
});

const UNSUPPORTED: readonly (readonly [JsonObject, RegExp])[] = [
  [{ model_type: 'phimoe' }, /model_type to be one of llama, qwen2, qwen3, gpt2, .*found "phimoe"/],
  [{ rope_scaling: { rope_type: 'proportional' } }, /rope_type to be one of default, linear, .*found "proportional"/],
  [{ rope_scaling: { rope_type: 'yarn' } }, /factor to be given, a number or null, found nothing/],
  [{ rope_scaling: { rope_type: 'llama3', factor: 8 } }, /low_freq_factor to be a positive number, found nothing/],
  [{ hidden_act: 'xielu' }, /hidden_act to be one of silu/],
  [{ hidden_act: 'relu6' }, /hidden_act to be one of silu/],
  [{ quantization_config: { quant_method: 'gptq' } }, /quantization_config is not supported/],
  [{ partial_rotary_factor: 0.5 }, /partial_rotary_factor to be 1/],
  [{ layer_types: ['full_attention', 'sliding_attention'] }, /layer_types/],
  [{ use_sliding_window: true }, /use_sliding_window to be false/],
  [{ num_key_value_heads: 3 }, /4 heads to be a multiple of 3/],
  [{ hidden_size: 66 }, /config\.json: expected a width of 66 to be a multiple of 4 heads/],
  [{ hidden_size: 66, head_dim: null }, /config\.json: expected a width of 66 to be a multiple of 4 heads/],
  [{ head_dim: 0.5 }, /head_dim to be a positive integer/],
  [{ num_hidden_layers: 1e9 }, /no model has a size of 1000000000/],
  [{ vocab_size: 2 ** 40 }, /no model has a size/],
  [{ hidden_size: '64' }, /hidden_size to be a positive integer, found "64"/],
  [{ rms_norm_eps: -1 }, /rms_norm_eps to be a positive number/],
  [{ tie_word_embeddings: 'yes' }, /tie_word_embeddings to be true or false/],
];

for (const [change, message] of UNSUPPORTED) {
  test(`a config with ${JSON.stringify(change)} is refused, naming the option`, () => {
    assert.throws(
      () => huggingFaceConfig({ ...LLAMA, ...change }, 'config.json'),
      (thrown) => thrown instanceof AssayError && message.test(thrown.message),
    );
  });
}

let temporary = '';
before(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'assay-models-'));
});
after(async () => {
  await rm(temporary, { recursive: true });
});

/** A copy of the sharded llama folder to break. */
async function copyOfLlama(name: string): Promise<string> {
  const folder = join(temporary, name);
  await cp(join(FIXTURES, 'llama'), folder, { recursive: true });
  return folder;
}

const INDEX = 'model.safetensors.index.json';
const SHARD = 'model-00001-of-00003.safetensors';

test('shard names that lead out of the folder are refused', async () => {
  const folder = await copyOfLlama('traversal');
  await cp(join(folder, SHARD), join(temporary, 'outside.safetensors'));
  const index = await readFile(join(folder, INDEX), 'utf8');
  for (const name of [
    '../outside.safetensors',
    join(temporary, 'outside.safetensors'),
    'a/../../outside.safetensors',
    '..\\outside.safetensors',
    'C:outside.safetensors',
    'x\u0000.safetensors',
  ]) {
    await writeFile(join(folder, INDEX), index.replaceAll(JSON.stringify(SHARD), JSON.stringify(name)));
    await assert.rejects(() => openHuggingFace(folder), /plain name of a file in this folder/, name);
  }
});

test('links out of the folder are refused, links inside a hub cache are followed', async () => {
  const folder = await copyOfLlama('links');
  await cp(join(folder, SHARD), join(temporary, 'elsewhere'));
  await rm(join(folder, SHARD));
  await symlink(join(temporary, 'elsewhere'), join(folder, SHARD));
  await assert.rejects(() => openHuggingFace(folder), /outside the model's folder/);

  const repository = join(temporary, 'models--org--name');
  await mkdir(join(repository, 'snapshots'), { recursive: true });
  await mkdir(join(repository, 'blobs'));
  const snapshot = join(repository, 'snapshots', 'abc');
  await cp(join(FIXTURES, 'llama'), snapshot, { recursive: true });
  await cp(join(snapshot, SHARD), join(repository, 'blobs', 'hash'));
  await rm(join(snapshot, SHARD));
  await symlink('../../blobs/hash', join(snapshot, SHARD));
  await using model = await openHuggingFace(snapshot);
  assert.equal(model.modelType, 'llama');
  await rm(join(snapshot, 'config.json'));
  await symlink(join(temporary, 'elsewhere'), join(snapshot, 'config.json'));
  await assert.rejects(() => openHuggingFace(snapshot), /outside the model's folder/);
});

test('missing, misshapen and unexplained weights are named', async () => {
  const folder = await copyOfLlama('weights');
  const config: JsonObject = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
  const withConfig = async (change: JsonObject): Promise<void> =>
    await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, ...change }));
  await withConfig({ num_hidden_layers: 3 });
  await assert.rejects(() => openHuggingFace(folder), /lacks the tensor model\.layers\.2\.input_layernorm\.weight/);
  await withConfig({ num_hidden_layers: 1 });
  await assert.rejects(() => openHuggingFace(folder), /holds a tensor model\.layers\.1\.\S+ that a llama model/);
  await withConfig({ intermediate_size: 96 });
  await assert.rejects(() => openHuggingFace(folder), /gate_proj\.weight of shape \[96, 32\], found \[48, 32\]/);
  await withConfig({});
  await rm(join(folder, SHARD));
  await assert.rejects(() => openHuggingFace(folder), /names model-00001-of-00003.safetensors, which is missing/);
  await rm(join(folder, INDEX));
  await writeFile(join(folder, 'pytorch_model.bin'), '');
  await assert.rejects(() => openHuggingFace(folder), /Pickled PyTorch files/);
  await rm(join(folder, 'config.json'));
  await assert.rejects(() => openHuggingFace(folder), /found a folder without config\.json/);
  await assert.rejects(() => openHuggingFace(join(folder, 'none')), /found nothing there/);
});

test('mutated folders and GGUF models are opened or refused with an AssayError', async () => {
  const folder = await copyOfLlama('mutated');
  const gguf = await readFile(join(FIXTURES, 'llama3.gguf'));
  const rng = rngOf(6, 'mutations');
  const files = ['config.json', INDEX, SHARD, 'tokenizer.json', 'tokenizer_config.json', 'generation_config.json'];
  for (let i = 0; i < 300; i++) {
    const name = i % 2 === 0 ? 'model.gguf' : (files[rng.below(files.length)] ?? '');
    const path = join(folder, name);
    const original = name === 'model.gguf' ? gguf : await readFile(join(FIXTURES, 'llama', name));
    const bytes = Uint8Array.from(original);
    const flips = 1 + rng.below(3);
    for (let flip = 0; flip < flips; flip++) {
      const at = rng.below(Math.min(bytes.byteLength, 20_000));
      bytes[at] = (bytes[at] ?? 0) ^ (1 << rng.below(8));
    }
    await writeFile(path, bytes);
    try {
      await using model = name === 'model.gguf' ? await openGgufModel(path) : await openHuggingFace(folder);
      model.tokenizer?.encode('Hello', 'withSpecials');
      for (const tensor of model.shapes.keys()) await model.tensor(tensor);
    } catch (thrown) {
      assert.ok(thrown instanceof AssayError, `${name}: ${String(thrown)}`);
    }
    await writeFile(path, original);
  }
});
