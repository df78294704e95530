/** What the config of each family says is read as its publishers wrote it, or refused by name where transformers passes over it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { JsonObject } from '#base/json.ts';

import { type Published, read, type Refusal, testRead, testRefused } from './config-fixture.ts';

const PHI_CODE = { AutoConfig: 'configuration_phi3.Phi3Config', AutoModelForCausalLM: 'modeling_phi3.Phi3ForCausalLM' };

/** Keys of published models, whose families have keys of their own; sizes are small. */
const PUBLISHED: Published = {
  'Phi-3-mini-4k': {
    model_type: 'phi3',
    architectures: ['Phi3ForCausalLM'],
    auto_map: PHI_CODE,
    attention_bias: false,
    hidden_size: 48,
    num_attention_heads: 4,
    num_key_value_heads: 4,
    num_hidden_layers: 2,
    intermediate_size: 96,
    vocab_size: 64,
    max_position_embeddings: 4096,
    original_max_position_embeddings: 4096,
    rope_theta: 10_000,
    rope_scaling: null,
    sliding_window: 2047,
    resid_pdrop: 0,
    embd_pdrop: 0,
    attention_dropout: 0,
    hidden_act: 'silu',
    rms_norm_eps: 1e-5,
    tie_word_embeddings: false,
    pad_token_id: 0,
  },
  'Phi-4-mini': {
    model_type: 'phi3',
    architectures: ['Phi3ForCausalLM'],
    attention_bias: false,
    mlp_bias: false,
    auto_map: { ...PHI_CODE, AutoTokenizer: 'Xenova/gpt-4o' },
    lm_head_bias: false,
    full_attn_mod: 1,
    hidden_size: 64,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    num_hidden_layers: 2,
    intermediate_size: 96,
    vocab_size: 64,
    max_position_embeddings: 131_072,
    original_max_position_embeddings: 4096,
    rope_theta: 10_000,
    partial_rotary_factor: 0.75,
    interpolate_factor: 1,
    sliding_window: 262_144,
    tie_word_embeddings: true,
    rope_scaling: {
      type: 'longrope',
      long_factor: [1, 1.118, 1.25, 1.39, 1.56, 1.74],
      short_factor: [1, 1, 1, 1, 1, 1],
    },
  },
  'Qwen3-30B-A3B': {
    model_type: 'qwen3_moe',
    architectures: ['Qwen3MoeForCausalLM'],
    attention_bias: false,
    attention_dropout: 0,
    decoder_sparse_step: 1,
    head_dim: 8,
    hidden_act: 'silu',
    hidden_size: 32,
    intermediate_size: 48,
    max_position_embeddings: 40_960,
    max_window_layers: 4,
    mlp_only_layers: [],
    moe_intermediate_size: 12,
    norm_topk_prob: true,
    num_attention_heads: 4,
    num_experts: 8,
    num_experts_per_tok: 2,
    num_hidden_layers: 4,
    num_key_value_heads: 2,
    output_router_logits: false,
    rms_norm_eps: 1e-6,
    rope_scaling: null,
    rope_theta: 1_000_000,
    router_aux_loss_coef: 0.001,
    sliding_window: null,
    tie_word_embeddings: false,
    use_cache: true,
    use_sliding_window: false,
    vocab_size: 64,
  },
  'Mixtral-8x7B': {
    model_type: 'mixtral',
    architectures: ['MixtralForCausalLM'],
    attention_dropout: 0,
    hidden_act: 'silu',
    hidden_size: 32,
    intermediate_size: 48,
    max_position_embeddings: 32_768,
    num_attention_heads: 4,
    num_experts_per_tok: 2,
    num_hidden_layers: 2,
    num_key_value_heads: 2,
    num_local_experts: 8,
    output_router_logits: false,
    rms_norm_eps: 1e-5,
    rope_theta: 1_000_000,
    router_aux_loss_coef: 0.02,
    sliding_window: null,
    tie_word_embeddings: false,
    use_cache: true,
    vocab_size: 64,
  },
  SmolLM3: {
    model_type: 'smollm3',
    architectures: ['SmolLM3ForCausalLM'],
    attention_bias: false,
    mlp_bias: false,
    hidden_size: 64,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    num_hidden_layers: 4,
    intermediate_size: 96,
    vocab_size: 64,
    max_position_embeddings: 65_536,
    rope_theta: 5_000_000,
    rope_scaling: null,
    no_rope_layer_interval: 4,
    no_rope_layers: [1, 1, 1, 0],
    max_window_layers: 28,
    sliding_window: null,
    use_sliding_window: false,
    pretraining_tp: 2,
    hidden_act: 'silu',
    rms_norm_eps: 1e-6,
  },
  Pythia: {
    model_type: 'gpt_neox',
    architectures: ['GPTNeoXForCausalLM'],
    hidden_act: 'gelu',
    layer_norm_eps: 1e-5,
    hidden_size: 64,
    num_attention_heads: 4,
    num_hidden_layers: 2,
    intermediate_size: 256,
    vocab_size: 64,
    max_position_embeddings: 2048,
    rotary_emb_base: 10_000,
    rotary_pct: 0.25,
    use_parallel_residual: true,
    tie_word_embeddings: false,
    torch_dtype: 'float16',
    initializer_range: 0.02,
    bos_token_id: 0,
  },
  'Gemma 3': {
    model_type: 'gemma3_text',
    architectures: ['Gemma3ForCausalLM'],
    attention_bias: false,
    head_dim: 16,
    hidden_size: 64,
    num_attention_heads: 4,
    num_key_value_heads: 1,
    num_hidden_layers: 6,
    intermediate_size: 96,
    vocab_size: 64,
    max_position_embeddings: 32_768,
    query_pre_attn_scalar: 256,
    sliding_window: 512,
    sliding_window_pattern: 6,
    rope_theta: 1_000_000,
    rope_local_base_freq: 10_000,
    rope_scaling: null,
    attn_logit_softcapping: null,
    final_logit_softcapping: null,
    cache_implementation: 'hybrid',
    hidden_activation: 'gelu_pytorch_tanh',
    rms_norm_eps: 1e-6,
  },
  'OLMo 3': {
    model_type: 'olmo3',
    architectures: ['Olmo3ForCausalLM'],
    attention_bias: false,
    hidden_act: 'silu',
    hidden_size: 64,
    num_attention_heads: 4,
    num_key_value_heads: 4,
    num_hidden_layers: 4,
    intermediate_size: 96,
    vocab_size: 64,
    max_position_embeddings: 8192,
    rope_theta: 500_000,
    sliding_window: 4096,
  },
};

testRead(PUBLISHED);

test('what families have of their own is what the engine is told', () => {
  const [phi4, smol, pythia, gemma] = ['Phi-4-mini', 'SmolLM3', 'Pythia', 'Gemma 3'].map((name) =>
    read(PUBLISHED[name] ?? {}),
  );
  assert.equal(phi4?.contextLength, 4096); // beyond it LongRoPE turns by other factors
  assert.deepEqual(phi4.config.positions, {
    kind: 'rotary',
    theta: 10_000,
    fraction: 0.75,
    attentionFactor: Math.sqrt(1 + Math.log(32) / Math.log(4096)),
    scaling: { kind: 'divisors', divisors: [1, 1, 1, 1, 1, 1] },
  });
  assert.deepEqual(
    smol?.config.layers?.map(({ positions }) => positions?.kind),
    [undefined, undefined, undefined, 'none'],
  );
  assert.deepEqual(pythia?.config.positions, { kind: 'rotary', theta: 10_000, fraction: 0.25 });
  assert.deepEqual(
    gemma?.config.layers?.map(({ window }) => window),
    [512, 512, 512, 512, 512, undefined],
  );
});

test('layers with a window are not turned by the rope_theta of those without, as in transformers', () => {
  const { rope_local_base_freq: _, ...gemma } = PUBLISHED['Gemma 3'] ?? {};
  const thetas = (change: JsonObject): readonly unknown[] => {
    const { positions, layers } = read({ ...gemma, ...change }).config;
    return [positions, layers?.[0]?.positions].map((one) => one?.kind === 'rotary' && one.theta);
  };
  assert.deepEqual(thetas({ rope_theta: 5000 }), [5000, 10_000]);
  assert.deepEqual(thetas({ rope_theta: 5000, rope_local_base_freq: 700 }), [5000, 700]);
  const nested = { full_attention: { rope_type: 'default' }, sliding_attention: { rope_type: 'default' } };
  assert.deepEqual(thetas({ rope_theta: 5000, rope_parameters: nested }), [5000, 10_000]);
});

/** Settings that another reader would pass over, or that no reader applies. */
const REFUSED: readonly Refusal[] = [
  ['Phi-3-mini-4k', { auto_map: { AutoModelForCausalLM: 'modeling_x.OtherForCausalLM' } }, /auto_map names code/],
  ['Phi-3-mini-4k', { auto_map: { SomethingElse: 'modeling_phi3.Phi3ForCausalLM' } }, /auto_map names code/],
  ['Phi-3-mini-4k', { rope_scaling: { type: 'linear', factor: 2 } }, /type to be "default" or "longrope" or "su"/],
  ['Phi-4-mini', { full_attn_mod: 2 }, /full_attn_mod to be 1/],
  ['Phi-4-mini', { partial_rotary_factor: 0.5 }, /expected 4 factors of the rotation, found 6/],
  ['Pythia', { hidden_size: 66 }, /json: expected a width of 66 to be a multiple of 4 heads/],
  ['Pythia', { rope_theta: 20_000 }, /rope_theta to be absent/],
  ['Pythia', { partial_rotary_factor: 0.5 }, /partial_rotary_factor to be absent/],
  ['Pythia', { rotary_pct: 0.2 }, /an even head dimension for rotations, found 3/],
  ['Gemma 3', { attn_logit_softcapping: 50 }, /attn_logit_softcapping to be absent/],
  ['OLMo 3', { rope_theta: 10_000 }, /rope_theta to be 500000/],
  ['Qwen3-30B-A3B', { output_router_logits: true }, /output_router_logits to be false/],
  ['Qwen3-30B-A3B', { num_experts_per_tok: 9 }, /num_experts_per_tok to be at most 8/],
  ['Qwen3-30B-A3B', { mlp_only_layers: 'all' }, /mlp_only_layers to be a list of layers/],
  ['Qwen3-30B-A3B', { shared_expert_intermediate_size: 12 }, /unknown key shared_expert_intermediate_size/],
  ['Mixtral-8x7B', { output_router_logits: true }, /output_router_logits to be false/],
  ['Mixtral-8x7B', { router_jitter_noise: 0.1 }, /router_jitter_noise to be 0/],
  ['SmolLM3', { no_rope_layers: [1, 0] }, /no_rope_layers to be a list of 4 numbers/],
];

testRefused(PUBLISHED, REFUSED);

test('which layers have experts is what transformers has', () => {
  const dense = (change: JsonObject): readonly number[] | undefined =>
    read({ ...PUBLISHED['Qwen3-30B-A3B'], ...change }).config.experts?.denseLayers;
  assert.deepEqual(dense({}), []);
  assert.deepEqual(dense({ decoder_sparse_step: 2 }), [0, 2]);
  assert.deepEqual(dense({ decoder_sparse_step: 2, mlp_only_layers: [3] }), [0, 2, 3]);
});

/** `num_key_value_heads` where a file does not say it, in the classes of transformers 5.24; others have as many as heads. */
const KV_HEADS: Readonly<Record<string, number>> = {
  qwen2: 32,
  qwen3: 32,
  gemma: 16,
  gemma2: 4,
  gemma3_text: 4,
  arcee: 64,
  cohere2: 64,
  ernie4_5: 2,
  olmo: 64,
  olmoe: 64,
  qwen2_moe: 16,
  exaone4: 32,
  hunyuan_v1_dense: 64,
  phi: 64,
  seed_oss: 8,
  glm: 2,
  glm4: 2,
  ministral: 8,
  mistral: 8,
  mixtral: 8,
  qwen3_moe: 4,
  smollm3: 4,
  stablelm: 32,
  starcoder2: 2,
  llama: 64,
  granite: 64,
  olmo2: 64,
  olmo3: 64,
  phi3: 64,
};

for (const [type, heads] of Object.entries(KV_HEADS)) {
  test(`a ${type} config without num_key_value_heads has ${heads} of them, and as many as heads where it says null`, () => {
    const sizes = {
      hidden_size: 512,
      num_attention_heads: 64,
      num_hidden_layers: 2,
      intermediate_size: 48,
      vocab_size: 64,
    };
    const kvHeads = (change: JsonObject): number => read({ model_type: type, ...sizes, ...change }).config.nKvHeads;
    assert.equal(kvHeads({}), heads);
    assert.equal(kvHeads({ num_key_value_heads: null }), 64);
    assert.equal(kvHeads({ num_key_value_heads: 2 }), 2);
  });
}

const EXPERTS = ['granitemoe', 'phimoe'] as const;

for (const type of EXPERTS) {
  test(`${type}, whose tokens are routed to experts, is refused by name`, () => {
    assert.throws(() => read({ model_type: type }), /model_type to be one of .*, found "(granitemoe|phimoe)"/);
  });
}
