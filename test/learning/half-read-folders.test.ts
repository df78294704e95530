/** Whatever changes a model's numbers is read from its folder, or refused by name: tensors, spellings, files beside. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { AssayError } from '#base/errors.ts';
import type { JsonObject } from '#base/json.ts';
import { writeHuggingFace } from '#learning/files/hugging-face/hugging-face-write.ts';
import { readPeftAdapter } from '#learning/files/hugging-face/peft.ts';
import { openModel } from '#learning/files/open-model.ts';
import type { TensorToWrite } from '#learning/files/tensors/safetensors-write.ts';
import { writeSafetensors } from '#learning/files/tensors/safetensors-write.ts';
import { ropeFrequencies } from '#learning/models/rotary-tables.ts';

import { type Alteration, alteredFolder, MODELS, rounded, tensor, tensorsOf } from './altered-files.ts';
import { assertLogits, lastLogits } from './last-logits.ts';

interface Reference {
  readonly ids: readonly number[];
  readonly logits: Readonly<
    Record<string, { readonly model: string; readonly options: JsonObject; readonly logits: readonly number[] }>
  >;
}
const REFERENCE: Reference = JSON.parse(
  await readFile(new URL('../reference/files-configs.json', import.meta.url), 'utf8'),
);

type Tensors = readonly TensorToWrite[];

const EMBEDDING = 'model.embed_tokens.weight';
const HEAD = 'lm_head.weight';

/** 0.3 sin(1.3 (i + 1)), as in test/reference/files-configs.py. */
const sines = (name: string, shape: readonly number[]): TensorToWrite =>
  tensor(name, shape, (i) => 0.3 * Math.sin(1.3 * (i + 1)));

const embeddingOf = (tensors: Tensors): TensorToWrite => {
  const found = tensors.find(({ name }) => name === EMBEDDING || name === 'transformer.wte.weight');
  assert.ok(found !== undefined);
  return found;
};

const ownHead = (tensors: Tensors): Tensors => [...tensors, sines(HEAD, embeddingOf(tensors).shape)];
const headAlone = (tensors: Tensors): Tensors =>
  tensors.map((stored) => (stored.name === EMBEDDING ? { ...stored, name: HEAD } : stored));

const CHANGES: Readonly<Record<string, (tensors: Tensors) => Tensors>> = {
  'a tied model with a head of its own': ownHead,
  'a tied GPT-2 with a head of its own': ownHead,
  'a tied model whose embedding is stored as the head': headAlone,
};

for (const [what, { model: name, options, logits }] of Object.entries(REFERENCE.logits)) {
  test(`${what}: the logits are those of transformers 5`, async () => {
    const folder = await alteredFolder(name, { config: options, tensors: CHANGES[what] ?? ((tensors) => tensors) });
    await using model = await openModel(folder);
    assertLogits(await lastLogits(model, REFERENCE.ids), logits);
  });
}

async function logitsOf(path: string): Promise<Float32Array> {
  await using model = await openModel(path);
  return await lastLogits(model, REFERENCE.ids);
}

test('a head of its own stays one when the model is written, and is trained apart', async () => {
  await using model = await openModel(await alteredFolder('qwen2', { tensors: ownHead }));
  assert.equal(model.config.tied, false);
  const weights = new Map<string, Float32Array>();
  for (const name of model.shapes.keys()) weights.set(name, await model.tensor(name));
  const folder = join(await mkdtemp(join(tmpdir(), 'assay-own-head-')), 'model');
  await writeHuggingFace(folder, model, (name) => weights.get(name) ?? new Float32Array());
  const written: JsonObject = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
  assert.equal(written['tie_word_embeddings'], false);
  assert.deepEqual(await logitsOf(folder), await lastLogits(model, REFERENCE.ids));
});

/** The last shape is [1, 1, 64, 64]: a saved causal mask. */
const mask = (name: string, valueAt = (row: number, column: number): number => Number(column <= row)): TensorToWrite =>
  tensor(name, [1, 1, 64, 64], (i) => valueAt(Math.floor(i / 64), i % 64));
const frequencies = (theta: number, name = 'model.layers.0.self_attn.rotary_emb.inv_freq'): TensorToWrite =>
  tensor(name, [8], (i) => ropeFrequencies(theta, 16)[i] ?? 0);
const scalar = (name: string, value: number): TensorToWrite => tensor(name, [], () => value);

const adding = (...added: Tensors): Alteration => ({ tensors: (tensors) => [...tensors, ...added] });
const MASK_BYTES: TensorToWrite = {
  name: 'transformer.h.1.attn.bias',
  shape: [1, 1, 64, 64],
  dtype: 'U8',
  values: Uint8Array.from({ length: 4096 }, (_, i) => Number(i % 64 <= Math.floor(i / 64))),
};

const SPARE: readonly (readonly [what: string, model: string, Alteration])[] = [
  ['a head that is the embedding', 'qwen2', { tensors: (t) => [...t, { ...embeddingOf(t), name: HEAD }] }],
  ['the frequencies of the rotation', 'qwen3', adding(frequencies(10_000))],
  ['frequencies in half precision', 'qwen3', adding(await rounded(frequencies(10_000), 'F16'))],
  ['frequencies in bfloat16', 'qwen3', adding(await rounded(frequencies(10_000), 'BF16'))],
  [
    'masks and masked scores',
    'gpt2',
    adding(mask('transformer.h.0.attn.bias'), scalar('transformer.h.0.attn.masked_bias', -1e4)),
  ],
  ['a mask in bytes', 'gpt2', adding(MASK_BYTES)],
];

for (const [what, name, alteration] of SPARE) {
  test(`a ${name} folder with ${what} beside is the same model`, async () => {
    assert.deepEqual(await logitsOf(await alteredFolder(name, alteration)), await logitsOf(join(MODELS, name)));
  });
}

const NAN = Number.NaN;
/** The first tensor of a folder with one value broken. */
const broken = (value: number): Alteration => ({
  tensors: (t) =>
    t.map((stored, i) =>
      i === 3 && stored.dtype === 'F32' ? { ...stored, values: stored.values.with(5, value) } : stored,
    ),
});
const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 1\n`;
const files = (name: string, content = '{}'): Alteration => ({ files: { [name]: content } });

const REFUSED: readonly (readonly [what: string, model: string, Alteration, RegExp])[] = [
  [
    'other frequencies',
    'qwen3',
    adding(frequencies(500_000)),
    /expected tensor \S+inv_freq to hold the rotation's frequencies/,
  ],
  [
    'frequencies of another size',
    'qwen3',
    adding(tensor('model.rotary_emb.inv_freq', [4], () => 1)),
    /inv_freq to hold/,
  ],
  [
    'a mask that sees ahead',
    'gpt2',
    adding(mask('transformer.h.0.attn.bias', () => 1)),
    /attn\.bias to hold a causal mask/,
  ],
  [
    'a mask of fewer positions',
    'gpt2',
    adding(tensor('transformer.h.0.attn.bias', [1, 1, 1, 1], () => 1)),
    /hold a causal mask/,
  ],
  [
    'masked scores of 0',
    'gpt2',
    adding(scalar('transformer.h.0.attn.masked_bias', 0)),
    /masked_bias to hold one number of -10000/,
  ],
  [
    'a mask under a llama model',
    'qwen3',
    adding(mask('model.layers.0.attn.bias')),
    /holds a tensor model\.layers\.0\.attn\.bias/,
  ],
  ['a tensor of no known meaning', 'qwen3', adding(scalar('model.scale', 2)), /holds a tensor model\.scale/],
  [
    'the embedding under two names',
    'qwen3',
    { tensors: (t) => [...t, sines('embed_tokens.weight', embeddingOf(t).shape)] },
    /holds a tensor embed_tokens\.weight/,
  ],
  ['an adapter', 'qwen3', files('adapter_config.json'), /holds a model and an adapter \(adapter_config\.json\)\. Move/],
  [
    'pickled adapter weights',
    'qwen3',
    files('adapter_model.bin'),
    /holds a model and an adapter \(adapter_model\.bin\)/,
  ],
  [
    'an index of shards too',
    'qwen3',
    files('model.safetensors.index.json', '{"weight_map": {"a": "b.safetensors"}}'),
    /expected the weights once/,
  ],
  [
    'a Git LFS pointer for weights',
    'qwen3',
    files('model.safetensors', POINTER),
    /model\.safetensors is a Git LFS pointer/,
  ],
  ['a Git LFS pointer for its config', 'qwen3', files('config.json', POINTER), /config\.json is a Git LFS pointer/],
  [
    'a Git LFS pointer for its tokenizer',
    'qwen3',
    files('tokenizer.json', POINTER),
    /tokenizer\.json is a Git LFS pointer/,
  ],
  [
    'a web page for its tokenizer',
    'qwen3',
    files('tokenizer.json', '<!doctype html><html>'),
    /tokenizer\.json is an HTML page/,
  ],
  ['an empty config', 'qwen3', files('config.json', ''), /config\.json is empty/],
  ['NaN in a weight', 'qwen3', broken(NAN), /tensor \S+: expected finite numbers, found NaN at element 5/],
  [
    'infinity in a weight',
    'gpt2',
    broken(-Infinity),
    /tensor \S+: expected finite numbers, found -Infinity at element 5/,
  ],
];

const refusedWith = (message: RegExp) => (thrown: unknown) =>
  thrown instanceof AssayError && message.test(thrown.message);

for (const [what, name, alteration, message] of REFUSED) {
  test(`a ${name} folder with ${what} is refused`, async () => {
    const folder = await alteredFolder(name, alteration);
    await assert.rejects(() => logitsOf(folder), refusedWith(message));
  });
}

test('an index that names the one file of weights, as some tools write, is no second form', async () => {
  const index = JSON.stringify({ weight_map: { [EMBEDDING]: 'model.safetensors' } });
  const folder = await alteredFolder('qwen3', files('model.safetensors.index.json', index));
  assert.deepEqual(await logitsOf(folder), await logitsOf(join(MODELS, 'qwen3')));
});

test('a config with a byte order mark is the same config', async () => {
  const config = await readFile(join(MODELS, 'qwen3/config.json'), 'utf8');
  const folder = await alteredFolder('qwen3', files('config.json', `\uFEFF${config}`));
  assert.deepEqual(await logitsOf(folder), await logitsOf(join(MODELS, 'qwen3')));
});

const SHARD = 'model-00002-of-00003.safetensors';

test('a tensor that stands in a shard but not in the index, or in another shard, is refused', async () => {
  for (const [name, message] of [
    ['model.extra', /00002-of-00003.safetensors holds model\.extra, which the index does not name/],
    [EMBEDDING, /holds model\.embed_tokens\.weight, which the index says is in model-00001/],
  ] as const) {
    const folder = await alteredFolder('llama', {});
    const stored = await tensorsOf(join(folder, SHARD));
    await writeSafetensors(join(folder, SHARD), [...stored, sines(name, [4])], { format: 'pt' });
    await assert.rejects(() => openModel(folder), refusedWith(message));
  }
});

test('weights that are missing say what is there instead', async () => {
  for (const [name, hint] of [
    ['model.safetensors.incomplete', /There is model\.safetensors\.incomplete: a download not finished/],
    ['pytorch_model.bin', /Pickled PyTorch files can run code and are not read/],
    ['tf_model.h5', /TensorFlow weights are not read/],
  ] as const) {
    const folder = await alteredFolder('qwen3', {});
    await rename(join(folder, 'model.safetensors'), join(folder, name));
    await assert.rejects(() => openModel(folder), refusedWith(hint));
  }
  const sharded = await alteredFolder('llama', {});
  await rename(join(sharded, SHARD), join(sharded, `${SHARD}.part`));
  await assert.rejects(() => openModel(sharded), refusedWith(/which is missing\. .* a download not finished/));
});

test('an adapter given as the model says how to give it', async () => {
  const adapter = new URL('../fixtures/peft/all-linear', import.meta.url).pathname;
  await assert.rejects(
    () => openModel(adapter),
    refusedWith(/holds an adapter .* Give the model it belongs to as "model"/),
  );
});

test('an adapter that is not finite is refused, naming the tensor', async () => {
  const folder = join(await mkdtemp(join(tmpdir(), 'assay-adapter-')), 'adapter');
  await cp(new URL('../fixtures/peft/irregular', import.meta.url), folder, { recursive: true });
  const path = join(folder, 'adapter_model.safetensors');
  const stored = await tensorsOf(path);
  await writeSafetensors(
    path,
    stored.map((one) => (one.dtype === 'F32' ? { ...one, values: one.values.with(0, Infinity) } : one)),
  );
  await assert.rejects(
    () => readPeftAdapter(folder),
    refusedWith(/lora_[AB]\.weight: expected finite numbers, found Infinity/),
  );
  await writeFile(path, POINTER);
  await assert.rejects(() => readPeftAdapter(folder), refusedWith(/adapter_model\.safetensors is a Git LFS pointer/));
});
