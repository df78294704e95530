/** A GGUF file's metadata means what it means to llama.cpp, or is refused by name. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { AssayError } from '#base/errors.ts';
import { openGguf } from '#learning/files/gguf/gguf.ts';
import { openModel } from '#learning/files/open-model.ts';
import { ropeFrequencies } from '#learning/models/rotary-tables.ts';

import { alteredFolder, MODELS, type MetadataValue, withMetadata } from './altered-files.ts';
import { assertLogits, lastLogits } from './last-logits.ts';

const IDS = [3, 17, 5, 29, 11, 2, 38, 7];

type Metadata = Readonly<Record<string, MetadataValue>>;

async function alteredGguf(model: string, metadata: Metadata): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'assay-gguf-')), 'model.gguf');
  await writeFile(path, withMetadata(await readFile(join(MODELS, `${model}.gguf`)), metadata));
  return path;
}

async function logitsOf(path: string): Promise<Float32Array> {
  await using model = await openModel(path);
  return await lastLogits(model, IDS);
}

const LINEAR: readonly (readonly [what: string, Metadata])[] = [
  ['a type and a factor', { 'qwen2.rope.scaling.type': 'linear', 'qwen2.rope.scaling.factor': { f32: 4 } }],
  ['a factor without a type', { 'qwen2.rope.scaling.factor': { f32: 4 } }],
  ['scale_linear, as older files say it', { 'qwen2.rope.scale_linear': { f32: 4 } }],
];

for (const [what, metadata] of LINEAR) {
  test(`rotations scaled by ${what} are those of a linear factor in a folder`, async () => {
    const rope = { rope_theta: 1e6, rope_type: 'linear', factor: 4 };
    const folder = await alteredFolder('qwen2', { config: { rope_parameters: rope } });
    assertLogits(await logitsOf(await alteredGguf('qwen2', metadata)), await logitsOf(folder));
    assert.notDeepEqual(await logitsOf(folder), await logitsOf(join(MODELS, 'qwen2')));
  });
}

test('divisors of single frequencies and a linear factor both apply', async () => {
  await using plain = await openModel(join(MODELS, 'llama3.gguf'));
  await using scaled = await openModel(await alteredGguf('llama3', { 'llama.rope.scale_linear': { f32: 4 } }));
  const [one, other] = [plain.config.positions, scaled.config.positions];
  assert.ok(one.kind === 'rotary' && other.kind === 'rotary');
  const frequencies = ropeFrequencies(one.theta, 16, one.scaling);
  assert.deepEqual(
    ropeFrequencies(other.theta, 16, other.scaling),
    frequencies.map((frequency) => frequency / 4),
  );
});

test('a factor is not applied where the type is none, as in llama.cpp', async () => {
  const metadata = { 'llama.rope.scaling.type': 'none', 'llama.rope.scaling.factor': { f32: 4 } };
  await using plain = await openModel(join(MODELS, 'llama3.gguf'));
  await using none = await openModel(await alteredGguf('llama3', metadata));
  assert.deepEqual(none.config, plain.config);
});

/** Metadata that says what is so anyway. */
const SAME: readonly Metadata[] = [
  { 'llama.expert_count': { u32: 0 }, 'llama.expert_used_count': { u32: 0 } },
  { 'llama.attention.head_count_kv': { u32s: [2, 2] } },
  { 'llama.attention.head_count': { u32s: [4, 4] }, 'llama.feed_forward_length': { u32s: [48, 48] } },
  { 'llama.attention.sliding_window': { u32: 0 }, 'llama.attention.causal': true },
  { 'llama.attention.sliding_window': { u32: 64 } }, // as long as the context
  { 'llama.attention.scale': { f32: 1 / Math.sqrt(8) }, 'llama.logit_scale': { f32: 1 } },
  { 'llama.rope.scaling.type': 'none', 'llama.rope.scaling.finetuned': false, 'llama.rope.scaling.factor': { f32: 0 } },
  { 'llama.vocab_size': { u32: 424 }, 'llama.tensor_data_layout': 'Meta AI original pth' },
  { 'general.type': 'model', 'general.name': 'x', 'general.base_model.0.name': 'y', 'general.file_type': { u32: 1 } },
  { 'mradermacher.quantized_by': 'somebody', 'quantize.imatrix.file': 'x.dat' },
];

for (const metadata of SAME) {
  test(`a GGUF file that says ${JSON.stringify(metadata)} is the same model`, async () => {
    await using model = await openModel(join(MODELS, 'llama.gguf'));
    await using again = await openModel(await alteredGguf('llama', metadata));
    assert.deepEqual([again.config, again.contextLength], [model.config, model.contextLength]);
  });
}

test('what a GGUF file asks of sampling is told: by name what a study sets itself, as it is written what nothing follows', async () => {
  await using silent = await openModel(join(MODELS, 'llama.gguf'));
  assert.deepEqual(Object.keys(silent.generation), ['stopIds']);
  const idle = { min_p: { f32: 0 }, penalty_repeat: { f32: 1 }, mirostat: { u32: 0 }, mirostat_tau: { f32: 5 } };
  const asked = { temp: { f32: 0.6 }, top_p: { f32: 0.95 }, top_k: { u32: 20 }, xtc_probability: { f32: 0.5 } };
  const sampling = Object.entries({ ...idle, ...asked, sequence: 'kpt', new_sampler: { u32: 3 } });
  const metadata = Object.fromEntries(sampling.map(([key, value]) => [`general.sampling.${key}`, value]));
  await using model = await openModel(await alteredGguf('llama', metadata));
  assert.deepEqual(model.generation, {
    stopIds: silent.generation.stopIds,
    from: 'file (general.sampling)',
    temperature: 0.6,
    topP: 0.95,
    topK: 20,
    unread: ['xtc_probability 0.5', 'sequence kpt', 'new_sampler 3'],
  });
});

const REFUSED: readonly (readonly [Metadata, RegExp])[] = [
  [
    { 'llama.attention.head_count_kv': { u32s: [2, 1] } },
    /head_count_kv to be one positive integer for all 2 layers, found \[2,1\]/,
  ],
  [{ 'llama.attention.head_count_kv': { u32s: [2, 2, 2] } }, /for all 2 layers/],
  [{ 'llama.expert_count': { u32: 8 } }, /llama\.expert_used_count/],
  [{ 'llama.attention.sliding_window': { u32: 16 } }, /llama\.attention\.sliding_window to be off/],
  [{ 'llama.attention.causal': false }, /llama\.attention\.causal to be true/],
  [{ 'llama.attention.scale': { f32: 0.1 } }, /llama\.attention\.scale to be 0\.35/],
  [{ 'llama.attention.value_length': { u32: 4 } }, /llama\.attention\.value_length to be 8/],
  [{ 'llama.logit_scale': { f32: 0.5 } }, /llama\.logit_scale to be 0 or 1/],
  [{ 'llama.rope.dimension_count': { u32: 4 } }, /llama\.rope\.dimension_count to be 8/],
  [{ 'llama.rope.scaling.type': 'longrope' }, /llama\.rope\.scaling\.type to be one of none, linear, yarn/],
  [{ 'llama.rope.scaling.type': 'yarn' }, /llama\.rope\.scaling\.factor to be a number for yarn/],
  [{ 'llama.rope.scaling.attn_factor': { f32: 2 } }, /attn_factor to be 1/],
  [{ 'llama.rope.scale_linear': { f32: 2 }, 'llama.rope.scaling.factor': { f32: 4 } }, /are one setting, and disagree/],
  [{ 'llama.rope.freq_base_swa': { f32: 2 } }, /unknown key llama\.rope\.freq_base_swa \(2\)/],
  [
    { 'llama.attention.sliding_window_pattern': { u32s: [1, 0] } },
    /unknown key llama\.attention\.sliding_window_pattern/,
  ],
  [
    { 'llama.something_new': { u32: 2 } },
    /unknown key llama\.something_new \(2\): it may change what the model computes/,
  ],
  [{ 'general.something_new': true }, /unknown key general\.something_new/],
  [{ 'tokenizer.something_new': true }, /unknown key tokenizer\.something_new/],
  [{ 'llama.vocab_size': { u32: 500 } }, /llama\.vocab_size to be 424/],
  [{ 'general.type': 'adapter', 'adapter.type': 'lora' }, /holds an adapter \(LoRA\), not a model/],
  [{ 'adapter.lora.alpha': { f32: 16 } }, /unknown key adapter\.lora\.alpha/],
  [{ 'general.type': 'mmproj' }, /general\.type to be "model"/],
  [{ 'tokenizer.ggml.eos_token_id': { u32: 424 } }, /eos_token_id to be the id of one of 424 tokens, found 424/],
  [{ 'tokenizer.ggml.bos_token_id': { f32: 0.5 } }, /bos_token_id to be the id of one of 424 tokens, found 0\.5/],
  [{ 'tokenizer.ggml.add_bos_token': { u32: 0 } }, /add_bos_token to be true or false, found 0/],
];

for (const [metadata, message] of REFUSED) {
  test(`a GGUF file that says ${JSON.stringify(metadata)} is refused, naming the key`, async () => {
    const path = await alteredGguf('llama', metadata);
    await assert.rejects(
      () => openModel(path),
      (thrown) => thrown instanceof AssayError && message.test(thrown.message),
    );
  });
}

test('a GGUF weight that is not finite is refused, naming the tensor', async () => {
  const bytes = await readFile(join(MODELS, 'llama.gguf'));
  await using file = await openGguf(join(MODELS, 'llama.gguf'));
  const weight = file.tensors.get('blk.1.ffn_up.weight');
  assert.equal(weight?.format, 'F16');
  const path = join(await mkdtemp(join(tmpdir(), 'assay-gguf-')), 'model.gguf');
  bytes.writeUInt16LE(0x7e00, weight.position); // NaN in half precision
  await writeFile(path, bytes);
  await assert.rejects(
    () => logitsOf(path),
    /tensor blk\.1\.ffn_up\.weight: expected finite numbers, found NaN at element 0/,
  );
  await writeFile(path, `version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n`);
  await assert.rejects(() => openModel(path), /model\.gguf is a Git LFS pointer/);
});
