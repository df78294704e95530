/** What a `config.json` says is read or refused by name: against the configs of known models and what transformers makes of them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { AssayError } from '#base/errors.ts';
import type { JsonObject } from '#base/json.ts';
import type { TransformerConfig } from '#learning/models/config.ts';

import { huggingFaceConfig } from './hugging-face-config.ts';

interface Means extends Pick<
  TransformerConfig,
  'dModel' | 'nLayers' | 'nHeads' | 'nKvHeads' | 'headDim' | 'vocabulary' | 'tied'
> {
  readonly family: string;
  readonly contextLength: number;
  readonly epsilon: number;
  readonly theta?: number;
  readonly rope?: string;
}

const REFERENCE: {
  readonly configs: Readonly<Record<string, { readonly config: JsonObject; readonly means: Means }>>;
} = JSON.parse(readFileSync(join(import.meta.dirname, '../../../../test/reference/files-configs.json'), 'utf8'));

for (const [name, { config: json, means }] of Object.entries(REFERENCE.configs)) {
  test(`the config of ${name} is read, and means what it means to transformers`, () => {
    const { modelType, contextLength, config } = huggingFaceConfig(json, 'config.json');
    const { positions } = config;
    const rotary =
      positions.kind === 'rotary' ? { theta: positions.theta, rope: positions.scaling?.kind ?? 'default' } : {};
    const { dModel, nLayers, nHeads, nKvHeads, headDim, vocabulary, tied, norm } = config;
    const sizes = { dModel, nLayers, nHeads, nKvHeads, headDim, vocabulary, tied, epsilon: norm.epsilon };
    assert.deepEqual({ family: modelType, contextLength, ...sizes, ...rotary }, means);
  });
}

const published = (name: string): JsonObject => REFERENCE.configs[name]?.config ?? {};
const LLAMA = published('TinyLlama-1.1B-Chat-v1.0');
const LLAMA3 = published('Llama-3.2-1B');
const QWEN = published('Qwen2.5-0.5B');
const GPT2 = published('gpt2');

/** What does not stand in a config's own line is refused by name. */
const REFUSED: readonly (readonly [base: JsonObject, change: JsonObject, message: RegExp])[] = [
  // keys that nobody knows, or that other families have
  [LLAMA, { attn_logit_softcapping: 30 }, /unknown key attn_logit_softcapping \(30\): it may change/],
  [LLAMA, { embedding_multiplier: 12 }, /unknown key embedding_multiplier/],
  [LLAMA, { n_embd: 64 }, /unknown key n_embd/],
  [LLAMA, { use_qk_norm: false }, /unknown key use_qk_norm/],
  [GPT2, { hidden_act: 'relu' }, /unknown key hidden_act/],
  [GPT2, { intermediate_size: 100 }, /unknown key intermediate_size/],
  // settings that change what is computed
  [LLAMA, { is_causal: false }, /is_causal to be true/],
  [LLAMA, { is_causal: null }, /is_causal to be true/],
  [LLAMA, { sliding_window: 1024 }, /sliding_window to be off/],
  [QWEN, { layer_types: ['full_attention'] }, /layer_types to be 24 kinds/],
  [QWEN, { mlp_bias: true }, /mlp_bias to be false/],
  [LLAMA, { auto_map: { AutoModelForCausalLM: 'modeling_x.X' } }, /auto_map names code/],
  [LLAMA, { architectures: ['LlamaForSequenceClassification'] }, /architectures to be \["LlamaForCausalLM"/],
  [LLAMA, { pruned_heads: { '0': [1] } }, /pruned_heads to be empty/],
  [LLAMA, { per_layer_config: { '3': { head_dim: 32 } } }, /per_layer_config to be empty/],
  [LLAMA, { use_bidirectional_attention: true }, /use_bidirectional_attention to be false/],
  [GPT2, { scale_attn_by_inverse_layer_idx: true }, /scale_attn_by_inverse_layer_idx to be false/],
  [GPT2, { head_dim: 32 }, /head_dim to be 64/],
  [LLAMA, { torch_dtype: 'float8_e4m3fn' }, /torch_dtype to be "float32"/],
  // null is no default where transformers has none
  [LLAMA, { rms_norm_eps: null }, /rms_norm_eps to be a positive number, found null/],
  [LLAMA, { rope_theta: null }, /rope_theta to be a positive number, found null/],
  // two spellings that disagree
  [LLAMA, { dtype: 'float16' }, /dtype \("float16"\) and torch_dtype \("bfloat16"\) are one setting, and disagree/],
  [GPT2, { hidden_size: 512 }, /n_embd \(768\) and hidden_size \(512\) are one setting/],
  [GPT2, { n_ctx: 512 }, /n_positions \(1024\) and n_ctx \(512\) are one setting/],
  [LLAMA3, { rope_parameters: { rope_type: 'default', rope_theta: 500_000 } }, /rope_parameters and rope_scaling/],
  [LLAMA, { rope_scaling: { rope_type: 'linear', factor: 2, rope_theta: 5 } }, /rope_theta is 5, and 10000 beside it/],
  [LLAMA, { rope_scaling: { rope_type: 'linear', type: 'dynamic', factor: 2 } }, /rope_type \("linear"\) and type/],
  [LLAMA3, { original_max_position_embeddings: 4096 }, /original_max_position_embeddings is 8192, and 4096 beside it/],
  // the rotation's own settings
  [LLAMA, { rope_scaling: { rope_type: 'linear', factor: 2, beta_fast: 32 } }, /rope_scaling: unknown key beta_fast/],
  [LLAMA, { rope_scaling: { rope_type: 'default', factor: 2 } }, /rope_scaling: unknown key factor/],
  [
    LLAMA,
    { rope_scaling: { rope_type: 'linear', factor: 2, partial_rotary_factor: 0.5 } },
    /partial_rotary_factor to be 1/,
  ],
  [LLAMA, { rope_parameters: { full_attention: { rope_type: 'default' } } }, /unknown key full_attention/],
  [LLAMA, { rope_scaling: 'linear' }, /rope_scaling to be an object/],
];

for (const [base, change, message] of REFUSED) {
  test(`a ${JSON.stringify(base['model_type'])} config with ${JSON.stringify(change)} is refused, naming what is wrong`, () => {
    assert.throws(
      () => huggingFaceConfig({ ...base, ...change }, 'config.json'),
      (thrown) => thrown instanceof AssayError && message.test(thrown.message),
    );
  });
}

/** What says the same in other words is read as that. */
const SAME: readonly (readonly [base: JsonObject, change: JsonObject])[] = [
  [LLAMA, { torch_dtype: 'torch.bfloat16', is_causal: true, auto_map: {}, rope_scaling: {}, unheard_of: null }],
  [LLAMA, { rope_parameters: { rope_type: 'default', rope_theta: 10_000 } }],
  [LLAMA, { sliding_window: 2048 }], // as long as the context
  [LLAMA3, { rope_parameters: { ...Object(LLAMA3['rope_scaling']), rope_theta: 500_000 } }],
  [QWEN, { use_sliding_window: true, max_window_layers: 24, sliding_window: 64 }], // from a layer there is not
  [QWEN, { use_sliding_window: true, max_window_layers: 0, sliding_window: 32_768 }],
  [QWEN, { layer_types: Array.from({ length: 24 }, () => 'full_attention') }],
  [GPT2, { hidden_size: 768, num_attention_heads: 12, n_inner: null, reorder_and_upcast_attn: true }],
];

for (const [base, change] of SAME) {
  test(`a ${JSON.stringify(base['model_type'])} config with ${JSON.stringify(change).slice(0, 100)} is the same model`, () => {
    const changed = huggingFaceConfig({ ...base, ...change }, 'config.json');
    assert.deepEqual(changed, huggingFaceConfig(base, 'config.json'));
  });
}
