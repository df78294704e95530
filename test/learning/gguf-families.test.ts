/** GGUF files of every family, as llama.cpp's converter writes them: from the file to numbers and back, against transformers and llama.cpp. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { AssayError } from '#base/errors.ts';
import { writeHuggingFace } from '#learning/files/hugging-face/hugging-face-write.ts';
import { openModel } from '#learning/files/open-model.ts';

import { type MetadataValue, withMetadata } from './altered-files.ts';
import { assertLogits, lastLogits } from './last-logits.ts';

const FILES = join(import.meta.dirname, '../fixtures/gguf-families');

interface Expected {
  readonly ids: readonly number[];
  readonly files: Readonly<
    Record<
      string,
      { readonly modelType: string; readonly logits: readonly number[]; readonly llamaCpp: readonly number[] }
    >
  >;
}
const EXPECTED: Expected = JSON.parse(await readFile(join(FILES, 'expected.json'), 'utf8'));

/** Of the largest logit: llama.cpp's GELU is a table in half precision. */
const LLAMA_CPP_TOLERANCE = 2e-3;
/** llama.cpp passes over Phi's window. */
const DIFFERS_IN_LLAMA_CPP = new Set(['phi3']);

for (const [name, { modelType, logits, llamaCpp }] of Object.entries(EXPECTED.files)) {
  test(`a ${name} GGUF file gives the logits of transformers${DIFFERS_IN_LLAMA_CPP.has(name) ? '' : ' and of llama.cpp'}`, async () => {
    await using model = await openModel(join(FILES, `${name}.gguf`));
    assert.equal(model.modelType, name === 'mistral' ? 'llama' : modelType);
    const found = await lastLogits(model, EXPECTED.ids);
    assertLogits(found, logits);
    const largest = Math.max(...logits.map(Math.abs));
    const apart = Math.max(...llamaCpp.map((value, i) => Math.abs(value - (found[i] ?? Number.NaN)))) / largest;
    assert.equal(apart < LLAMA_CPP_TOLERANCE, !DIFFERS_IN_LLAMA_CPP.has(name), `apart by ${apart}`);
  });

  test(`what is exported from a ${name} GGUF file is the same model`, async () => {
    await using model = await openModel(join(FILES, `${name}.gguf`));
    const weights = new Map<string, Float32Array>();
    for (const parameter of model.shapes.keys()) weights.set(parameter, await model.tensor(parameter));
    const folder = join(await mkdtemp(join(tmpdir(), 'assay-exported-')), 'model');
    await writeHuggingFace(folder, model, (parameter) => weights.get(parameter) ?? new Float32Array());
    await using again = await openModel(folder);
    assert.deepEqual(
      [again.modelType, again.config, again.contextLength],
      [model.modelType, model.config, model.contextLength],
    );
    assertLogits(await lastLogits(again, EXPECTED.ids), logits);
  });
}

async function altered(name: string, metadata: Readonly<Record<string, MetadataValue>>): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'assay-gguf-')), 'model.gguf');
  await writeFile(path, withMetadata(await readFile(join(FILES, `${name}.gguf`)), metadata));
  return path;
}

/** Keys that would change what is computed, and that nothing here follows. */
const REFUSED: readonly (readonly [name: string, Readonly<Record<string, MetadataValue>>, RegExp])[] = [
  ['mistral', { 'general.architecture': 'phimoe' }, /general\.architecture to be one of .*granite.*, found "phimoe"/],
  ['mistral', { 'llama.expert_count': { u32: 8 } }, /llama\.expert_used_count/],
  ['mistral', { 'llama.expert_used_count': { u32: 2 } }, /llama\.expert_used_count to be 0/],
  ['mistral3', { 'mistral3.expert_count': { u32: 8 } }, /mistral3\.expert_count to be 0/],
  ['mixtral', { 'llama.expert_count': { u32: 2 } }, /ffn_gate_inp\.weight of shape \[2, 16\]/],
  ['mixtral', { 'llama.expert_count': { u32: 4 } }, /ffn_gate_inp\.weight of shape \[4, 16\]/],
  ['mixtral', { 'llama.expert_used_count': { u32: 4 } }, /num_experts_per_tok to be at most 3/],
  ['mixtral', { 'llama.expert_shared_count': { u32: 1 } }, /llama\.expert_shared_count to be 0/],
  ['qwen3moe', { 'qwen3moe.expert_count': { u32: 0 } }, /qwen3moe\.expert_count to be a positive integer/],
  ['qwen3moe', { 'qwen3moe.expert_feed_forward_length': { u32: 8 } }, /ffn_\w+_exps\.0\.weight of shape \[/],
  ['qwen3moe', { 'qwen3moe.expert_gating_func': { u32: 2 } }, /unknown key qwen3moe\.expert_gating_func/],
  ['qwen3moe', { 'qwen3moe.expert_weights_scale': { f32: 2 } }, /unknown key qwen3moe\.expert_weights_scale/],
  ['mistral', { 'llama.embedding_scale': { f32: 2 } }, /llama\.embedding_scale to be 0 or 1/],
  ['mistral3', { 'mistral3.attention.temperature_scale': { f32: 0.1 } }, /mistral3\.attention\.temperature_scale/],
  ['mistral3', { 'mistral3.rope.scaling.yarn_log_multiplier': { f32: 1 } }, /yarn_log_multiplier/],
  [
    'llama-yarn',
    { 'llama.rope.scaling.yarn_beta_fast': { f32: 8 } },
    /yarn_beta_fast to be 32: llama\.cpp takes no other/,
  ],
  ['llama-yarn', { 'llama.rope.scaling.yarn_attn_factor': { f32: 1 } }, /yarn_attn_factor to be 1\.13/],
  ['llama-yarn', { 'llama.rope.scaling.factor': { f32: 0.5 } }, /rope\.scaling\.factor to be at least 1/],
  ['smollm3', { 'smollm3.attention.sliding_window': { u32: 4 } }, /smollm3\.attention\.sliding_window to be off/],
  ['granite', { 'granite.rope.scaling.finetuned': false }, /granite\.rope\.scaling\.finetuned to be true/],
  ['granite', { 'granite.logit_scale': { f32: 0 } }, /granite\.logit_scale to be a positive number/],
  ['gemma', { 'gemma.attention.scale': { f32: 0.1 } }, /gemma\.attention\.scale to be 0\.28/],
  ['gemma', { 'gemma.final_logit_softcapping': { f32: 30 } }, /gemma\.final_logit_softcapping to be 0/],
  ['gemma2', { 'gemma2.attn_logit_softcapping': { f32: 0 } }, /attn_logit_softcapping to be a positive number/],
  ['gemma2', { 'gemma2.rope.freq_base_swa': { f32: 5000 } }, /gemma2\.rope\.freq_base_swa to be 10000/],
  ['gemma3', { 'gemma3.attn_logit_softcapping': { f32: 50 } }, /gemma3\.attn_logit_softcapping to be 0/],
  ['gemma3', { 'gemma3.rope.scaling.type': 'yarn' }, /gemma3\.rope\.scaling\.type to be one of none, linear/],
  ['gemma3', { 'gemma3.attention.sliding_window_pattern': { u32s: [1, 0] } }, /one number for each of 6 layers/],
  ['gemma3', { 'gemma3.attention.key_length_swa': { u32: 4 } }, /unknown key gemma3\.attention\.key_length_swa/],
  ['olmo3', { 'olmo2.rope.freq_base_swa': { f32: 10_000 } }, /olmo2\.rope\.freq_base_swa to be 500000/],
  ['olmo3', { 'olmo2.rope.freq_base': { f32: 10_000 } }, /(?:freq_base_swa|rope_theta)/],
  ['phi3', { 'phi3.rope.scaling.type': 'longrope' }, /phi3\.rope\.scaling\.type to be one of none, linear, yarn/],
  ['phi3-longrope', { 'phi3.rope.scaling.type': 'yarn' }, /phi3\.rope\.scaling\.type to be one of longrope/],
  ['phi3-longrope', { 'phi3.rope.dimension_count': { u32: 4 } }, /expected 2 numbers in rope_factors_short\.weight/],
  ['glm4', { 'glm4.rope.dimension_sections': { u32s: [2, 2, 2, 0] } }, /unknown key glm4\.rope\.dimension_sections/],
  ['glm4', { 'glm4.nextn_predict_layers': { u32: 1 } }, /glm4\.nextn_predict_layers to be 0/],
  ['cohere2', { 'cohere2.rope.freq_base_swa': { f32: 5000 } }, /cohere2\.rope\.freq_base_swa to be 50000/],
  ['command-r', { 'command-r.attention.clamp_kqv': { f32: 8 } }, /command-r\.attention\.clamp_kqv to be 0/],
  ['olmo', { 'olmo.attention.layer_norm_epsilon': { f32: 1e-3 } }, /layer_norm_epsilon to be 0\.00001/],
  ['exaone4', { 'exaone4.attention.sliding_window': { u32: 4 } }, /exaone4\.attention\.sliding_window to be off/],
  ['exaone4', { 'exaone4.block_count': { u32: 64 } }, /exaone4\.block_count to be another than 64/],
  ['qwen2moe', { 'qwen2moe.expert_weights_norm': true }, /unknown key qwen2moe\.expert_weights_norm/],
  ['gptneox', { 'gptneox.attention.head_count_kv': { u32: 1 } }, /head_count_kv to be 2, as many as heads/],
  ['gptneox', { 'gptneox.rope.dimension_count': { u32: 10 } }, /rope\.dimension_count to be at most 8/],
  ['stablelm', { 'stablelm.expert_count': { u32: 2 } }, /stablelm\.expert_count to be 0/],
  ['starcoder2', { 'starcoder2.rope.dimension_count': { u32: 4 } }, /rope\.dimension_count to be 8/],
];

for (const [name, metadata, message] of REFUSED) {
  test(`a ${name} GGUF file that says ${JSON.stringify(metadata)} is refused, naming the key`, async () => {
    const path = await altered(name, metadata);
    await assert.rejects(
      () => openModel(path),
      (thrown) => thrown instanceof AssayError && message.test(thrown.message),
    );
  });
}

test("StableLM's blocks are parallel where they have one norm, as in llama.cpp, whatever the key says", async () => {
  for (const [name, residual] of [
    ['stablelm', undefined],
    ['stablelm-parallel', 'parallelOneNorm'],
  ] as const) {
    for (const said of [true, false]) {
      await using model = await openModel(await altered(name, { 'stablelm.use_parallel_residual': said }));
      assert.equal(model.config.residual, residual);
    }
  }
});

test('layers with a window follow the pattern that a GGUF file gives, and the one of its family where it gives none', async () => {
  const windowed = async (path: string): Promise<readonly boolean[]> => {
    await using model = await openModel(path);
    return (model.config.layers ?? []).map(({ window }) => window !== undefined);
  };
  const key = 'gemma3.attention.sliding_window_pattern';
  assert.deepEqual(await windowed(join(FILES, 'gemma3.gguf')), [true, true, true, true, true, false]);
  assert.deepEqual(await windowed(join(FILES, 'gemma2.gguf')), [true, false]);
  assert.deepEqual(await windowed(await altered('gemma3', { [key]: { u32: 2 } })), [
    true,
    false,
    true,
    false,
    true,
    false,
  ]);
  assert.deepEqual(await windowed(await altered('gemma3', { [key]: { u32s: [0, 0, 1, 0, 0, 1] } })), [
    false,
    false,
    true,
    false,
    false,
    true,
  ]);
});
