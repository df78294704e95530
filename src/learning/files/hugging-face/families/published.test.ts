/** Configs with the keys of published models are read, and refused by name where a key says what is not computed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AssayError } from '#base/errors.ts';
import type { JsonObject } from '#base/json.ts';
import { huggingFaceConfig } from '#learning/files/hugging-face/hugging-face-config.ts';

const SIZES: JsonObject = {
  hidden_size: 64,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  num_hidden_layers: 4,
  intermediate_size: 96,
  vocab_size: 64,
  max_position_embeddings: 512,
};

/** Keys of published models, with small sizes. */
const PUBLISHED: Readonly<Record<string, JsonObject>> = {
  'GLM-4-9B-chat': {
    ...SIZES,
    model_type: 'glm',
    architectures: ['GlmForCausalLM'],
    attention_bias: true,
    attention_dropout: 0,
    eos_token_id: [60, 61],
    head_dim: 16,
    hidden_act: 'silu',
    initializer_range: 0.02,
    pad_token_id: 60,
    partial_rotary_factor: 0.5,
    rms_norm_eps: 1.5625e-7,
    rope_scaling: null,
    rope_theta: 10_000,
    tie_word_embeddings: false,
    use_cache: true,
  },
  'Phi-2': {
    ...SIZES,
    model_type: 'phi',
    architectures: ['PhiForCausalLM'],
    attention_dropout: 0,
    embd_pdrop: 0,
    hidden_act: 'gelu_new',
    initializer_range: 0.02,
    layer_norm_eps: 1e-5,
    num_key_value_heads: 4,
    partial_rotary_factor: 0.5,
    qk_layernorm: false,
    resid_pdrop: 0.1,
    rope_scaling: null,
    rope_theta: 10_000,
    tie_word_embeddings: false,
    torch_dtype: 'float16',
    use_cache: true,
  },
  'Command R': {
    ...SIZES,
    model_type: 'cohere',
    architectures: ['CohereForCausalLM'],
    attention_bias: false,
    attention_dropout: 0,
    bos_token_id: 5,
    eos_token_id: 63,
    hidden_act: 'silu',
    initializer_range: 0.02,
    layer_norm_eps: 1e-5,
    logit_scale: 0.0625,
    model_max_length: 131_072,
    pad_token_id: 0,
    pretraining_tp: 1,
    rope_theta: 8_000_000,
    torch_dtype: 'float16',
    use_cache: true,
    use_qk_norm: false,
  },
  'Command R7B': {
    ...SIZES,
    model_type: 'cohere2',
    architectures: ['Cohere2ForCausalLM'],
    attention_bias: false,
    cache_implementation: 'hybrid',
    head_dim: 16,
    hidden_act: 'silu',
    layer_norm_eps: 1e-5,
    layer_switch: 4,
    logit_scale: 0.25,
    order_of_interleaved_layers: 'local_attn_first',
    position_embedding_type: 'rope_gptj',
    rope_scaling: null,
    rope_theta: 50_000,
    rotary_pct: 1,
    sliding_window: 128,
    sliding_window_pattern: 4,
    use_embedding_sharing: true,
    use_gated_activation: true,
    use_parallel_block: true,
    use_parallel_embedding: false,
  },
};

const read = (config: JsonObject) => huggingFaceConfig(config, 'config.json');

for (const [name, config] of Object.entries(PUBLISHED)) {
  test(`a config with the keys of ${name} is read`, () => {
    assert.equal(read(config).modelType, config['model_type']);
  });
}

/** Settings that are not computed, or that other readers pass over. */
const REFUSED: readonly (readonly [name: string, change: JsonObject, message: RegExp])[] = [
  ['GLM-4-9B-chat', { mlp_bias: true }, /mlp_bias to be false/],
  ['GLM-4-9B-chat', { multi_query_attention: true }, /unknown key multi_query_attention/],
  ['GLM-4-9B-chat', { partial_rotary_factor: 0.2 }, /an even head dimension for rotations/],
  ['Phi-2', { hidden_act: 'relu6' }, /hidden_act to be one of/],
  ['Phi-2', { rotary_dim: 4 }, /unknown key rotary_dim/],
  ['Command R', { use_parallel_block: false }, /use_parallel_block to be true/],
  ['Command R', { logit_scale: null }, /logit_scale to be a positive number/],
  ['Command R', { mlp_bias: true }, /mlp_bias to be false/],
  ['Command R7B', { sliding_window: null }, /sliding_window to be a number/],
  ['Command R7B', { layer_switch: 2 }, /layer_switch to be 4/],
  ['Command R7B', { head_dim: 8 }, /head_dim to be 16/],
  ['Command R7B', { position_embedding_type: 'alibi' }, /position_embedding_type to be "rope_gptj"/],
  ['Command R7B', { use_qk_norm: true }, /unknown key use_qk_norm/],
];

for (const [name, change, message] of REFUSED) {
  test(`a config of ${name} with ${JSON.stringify(change)} is refused, naming what is wrong`, () => {
    assert.throws(
      () => read({ ...PUBLISHED[name], ...change }),
      (thrown) => thrown instanceof AssayError && message.test(thrown.message),
    );
  });
}

test('what families have of their own is what the engine is told', () => {
  const glm = read(PUBLISHED['GLM-4-9B-chat'] ?? {}).config;
  assert.deepEqual(glm.positions, { kind: 'rotary', theta: 10_000, fraction: 0.5, isInterleaved: true });
  assert.deepEqual(glm.biases, { qkv: true, attentionOut: false, mlp: false });
  const phi = read(PUBLISHED['Phi-2'] ?? {}).config;
  assert.equal(phi.residual, 'parallelOneNorm');
  assert.equal(phi.biases.head, true);
  const command = read(PUBLISHED['Command R7B'] ?? {}).config;
  assert.deepEqual(command.layers?.at(-1), { positions: { kind: 'none' } });
  assert.deepEqual(
    command.layers?.map(({ window }) => window),
    [128, 128, 128, undefined],
  );
  assert.equal(command.norm.parts, 'scale');
});
