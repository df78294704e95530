/** Configs with the keys of published models are read, and refused by name where a key says what is not computed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AssayError } from '#base/errors.ts';
import type { JsonObject } from '#base/json.ts';
import { turnedDim } from '#learning/models/config.ts';
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
  'OPT-125M': {
    model_type: 'opt',
    _name_or_path: 'facebook/opt-125m',
    _remove_final_layer_norm: false,
    activation_dropout: 0,
    activation_function: 'relu',
    architectures: ['OPTForCausalLM'],
    attention_dropout: 0,
    bos_token_id: 2,
    do_layer_norm_before: true,
    dropout: 0.1,
    eos_token_id: 2,
    ffn_dim: 256,
    hidden_size: 64,
    init_std: 0.02,
    layerdrop: 0,
    max_position_embeddings: 128,
    num_attention_heads: 4,
    num_hidden_layers: 2,
    pad_token_id: 1,
    prefix: '</s>',
    torch_dtype: 'float16',
    use_cache: true,
    vocab_size: 64,
    word_embed_proj_dim: 64,
  },
  'GPT-J-6B': {
    model_type: 'gptj',
    activation_function: 'gelu_new',
    architectures: ['GPTJForCausalLM'],
    attn_pdrop: 0,
    bos_token_id: 63,
    embd_pdrop: 0,
    eos_token_id: 63,
    gradient_checkpointing: false,
    initializer_range: 0.02,
    layer_norm_epsilon: 1e-5,
    n_embd: 96,
    n_head: 2,
    n_inner: null,
    n_layer: 2,
    n_positions: 128,
    resid_pdrop: 0,
    rotary: true,
    rotary_dim: 12,
    scale_attn_weights: true,
    summary_activation: null,
    summary_first_dropout: 0.1,
    summary_proj_to_labels: true,
    summary_type: 'cls_index',
    summary_use_proj: true,
    task_specific_params: { 'text-generation': { do_sample: true, max_length: 50, temperature: 1 } },
    tie_word_embeddings: false,
    tokenizer_class: 'GPT2Tokenizer',
    use_cache: true,
    vocab_size: 64,
  },
  'AFM-4.5B': {
    ...SIZES,
    model_type: 'arcee',
    architectures: ['ArceeForCausalLM'],
    attention_bias: false,
    attention_dropout: 0,
    head_dim: 16,
    hidden_act: 'relu2',
    mlp_bias: false,
    rms_norm_eps: 1e-5,
    rope_scaling: {
      rope_type: 'yarn',
      factor: 20,
      beta_fast: 32,
      beta_slow: 1,
      mscale: 1,
      original_max_position_embeddings: 64,
    },
    rope_theta: 10_000,
    use_cache: false,
  },
  'ERNIE-4.5-0.3B': {
    ...SIZES,
    model_type: 'ernie4_5',
    architectures: ['Ernie4_5ForCausalLM'],
    head_dim: 16,
    hidden_act: 'silu',
    rms_norm_eps: 1e-5,
    rope_theta: 500_000,
    tie_word_embeddings: true,
    use_bias: false,
    use_cache: false,
  },
  'Minitron-4B': {
    ...SIZES,
    model_type: 'nemotron',
    architectures: ['NemotronForCausalLM'],
    hidden_act: 'relu2',
    initializer_range: 0.0134,
    kv_channels: 16,
    norm_eps: 1e-5,
    partial_rotary_factor: 0.5,
    rope_theta: 10_000,
    tie_word_embeddings: false,
  },
  'Seed-OSS-36B': {
    ...SIZES,
    model_type: 'seed_oss',
    architectures: ['SeedOssForCausalLM'],
    attention_bias: true,
    attention_dropout: 0.1,
    attention_out_bias: false,
    head_dim: 16,
    hidden_act: 'silu',
    mlp_bias: false,
    residual_dropout: 0.1,
    rms_norm_eps: 1e-6,
    rope_scaling: { rope_type: 'default' },
    rope_theta: 10_000_000,
    tie_word_embeddings: false,
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
  ['OPT-125M', { do_layer_norm_before: false }, /do_layer_norm_before to be true/],
  ['OPT-125M', { word_embed_proj_dim: 32 }, /word_embed_proj_dim to be 64/],
  ['OPT-125M', { _remove_final_layer_norm: true }, /_remove_final_layer_norm to be false/],
  ['OPT-125M', { prefix: 'A' }, /prefix to be "" or "<\/s>"/],
  ['OPT-125M', { layer_norm_eps: 1e-3 }, /unknown key layer_norm_eps/],
  ['GPT-J-6B', { rotary_dim: null }, /rotary_dim to be a positive integer/],
  ['GPT-J-6B', { rotary_dim: 64 }, /rotary_dim to be at most 48/],
  ['GPT-J-6B', { rotary: false }, /rotary to be true/],
  ['GPT-J-6B', { rope_theta: 10_000 }, /unknown key rope_theta/],
  ['ERNIE-4.5-0.3B', { compression_ratio: 2 }, /unknown key compression_ratio/],
  ['Minitron-4B', { kv_channels: 8 }, /kv_channels to be 16/],
  ['Minitron-4B', { layer_norm_eps: 1e-5 }, /unknown key layer_norm_eps/],
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
  const opt = read(PUBLISHED['OPT-125M'] ?? {}).config;
  assert.deepEqual(opt.positions, { kind: 'learned', length: 128, offset: 2 });
});

test('as many numbers of a head are turned as rotary_dim says, whatever its share rounds to', () => {
  for (let headDim = 2; headDim <= 256; headDim += 2) {
    for (let turned = 2; turned <= headDim; turned += 2) {
      const { positions } = read({ ...PUBLISHED['GPT-J-6B'], n_embd: 2 * headDim, rotary_dim: turned }).config;
      assert.ok(positions.kind === 'rotary' && turnedDim(positions, headDim) === turned, `${turned} of ${headDim}`);
    }
  }
});
