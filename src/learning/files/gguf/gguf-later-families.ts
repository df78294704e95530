/**
 * What the metadata of further architectures says, in the fields of a `config.json` (see `gguf-families.ts`): GLM 4, Phi 2,
 * Command R, Nemotron, OLMo 1, OLMoE, AFM, ERNIE 4.5, EXAONE 4, Hunyuan, Qwen2-MoE.
 * Source: `load_arch_hparams` and the graphs in `src/models/` and `conversion/` of llama.cpp.
 */
import type { JsonObject } from '#base/json.ts';
import type { Fields } from '#learning/files/fields.ts';

import {
  type Config,
  EXPERTS,
  EXPERTS_USED,
  type GgufFamily,
  type GgufReading,
  hasQkvBias,
  NO_PAD,
  rmsNormed,
  shared,
  WINDOW,
  windows,
} from './gguf-family.ts';
import { float, ropeFields } from './gguf-rope.ts';

const [LOGIT_SCALE, BOUND, SHARED_WIDTH] = ['logit_scale', 'attention.clamp_kqv', 'expert_shared_feed_forward_length'];

/** OLMo's norms have no other. */
const OLMO_EPSILON = 1e-5;

/** By `general.architecture`. */
export const LATER_GGUF_FAMILIES: readonly (readonly [string, GgufFamily])[] = [
  [
    'glm4',
    {
      rope: { isPartial: true },
      config: (reading) => ({
        ...rmsNormed(reading, { attention_bias: hasQkvBias(reading), partial_rotary_factor: reading.rope.fraction }),
        model_type: 'glm4',
        ...NO_PAD,
      }),
    },
  ],
  ['phi2', { rope: { isPartial: true }, config: phi }],
  [
    'command-r',
    { rope: {}, reads: [LOGIT_SCALE], config: (reading) => ({ ...cohere(reading), model_type: 'cohere' }) },
  ],
  ['cohere2', { rope: {}, reads: [LOGIT_SCALE, WINDOW], config: cohere2 }],
  ['nemotron', { rope: { isPartial: true }, config: nemotron }],
  ['olmo', { rope: {}, isPaired: true, reads: [BOUND], config: olmo }],
  ['olmoe', { rope: {}, reads: [EXPERTS, EXPERTS_USED], config: olmoe }],
  ['arcee', { rope: { divisors: 'one' }, isPaired: true, config: arcee }],
  [
    'ernie4_5',
    {
      rope: {},
      config: (reading) => ({ ...rmsNormed(reading, { use_bias: hasQkvBias(reading) }), model_type: 'ernie4_5' }),
    },
  ],
  ['exaone4', { rope: { divisors: 'one' }, config: exaone4 }],
  [
    'hunyuan-dense',
    {
      rope: { divisors: 'one' }, // its base is stretched already
      config: (reading) => ({
        ...rmsNormed(reading, { attention_bias: hasQkvBias(reading) }),
        model_type: 'hunyuan_v1_dense',
      }),
    },
  ],
  ['qwen2moe', { rope: {}, reads: [EXPERTS, EXPERTS_USED], config: qwen2Moe }],
];

/** Sizes of a model with LayerNorm, and its rotation. */
function layerNormed(reading: GgufReading): JsonObject {
  return { ...shared(reading), ...ropeFields(reading.rope) };
}

function phi(reading: GgufReading): Config {
  return {
    ...layerNormed(reading),
    model_type: 'phi',
    hidden_act: 'gelu_new',
    layer_norm_eps: float(reading.fields, 'attention.layer_norm_epsilon'),
    partial_rotary_factor: reading.rope.fraction,
  };
}

/** The scale of logits is 1 where it is not set. */
function cohere(reading: GgufReading): JsonObject {
  const { fields, has } = reading;
  return {
    ...layerNormed(reading),
    hidden_act: 'silu',
    layer_norm_eps: float(fields, 'attention.layer_norm_epsilon'),
    logit_scale: (fields.value(LOGIT_SCALE) ?? 0) === 0 ? 1 : float(fields, LOGIT_SCALE),
    attention_bias: hasQkvBias(reading),
    ...(has('blk.0.attn_q_norm.weight') ? { use_qk_norm: true } : {}),
  };
}

function cohere2(reading: GgufReading): Config {
  const { fields, rope } = reading;
  fields.only('rope.freq_base_swa', [rope.theta]);
  return { ...cohere(reading), model_type: 'cohere2', ...windows(reading, fields.size(WINDOW), 4) };
}

function nemotron(reading: GgufReading): Config {
  reading.fields.value('attention.layer_norm_rms_epsilon'); // the same number for norms of another kind
  return {
    ...layerNormed(reading),
    model_type: 'nemotron',
    hidden_act: 'relu2',
    norm_eps: float(reading.fields, 'attention.layer_norm_epsilon'),
    attention_bias: hasQkvBias(reading),
    mlp_bias: reading.has('blk.0.ffn_up.bias'),
    partial_rotary_factor: reading.rope.fraction,
  };
}

function olmo(reading: GgufReading): Config {
  const { fields } = reading;
  const epsilon = 'attention.layer_norm_epsilon';
  if (float(fields, epsilon) !== OLMO_EPSILON) throw fields.error(epsilon, String(OLMO_EPSILON));
  return {
    ...layerNormed(reading),
    model_type: 'olmo',
    hidden_act: 'silu',
    clip_qkv: (fields.value(BOUND) ?? 0) === 0 ? null : float(fields, BOUND),
  };
}

/** llama.cpp has experts in every layer; the weights of those chosen stay as the router gives them. */
function expertsOf(fields: Fields): JsonObject {
  return {
    num_experts: fields.size(EXPERTS),
    num_experts_per_tok: fields.size(EXPERTS_USED),
    norm_topk_prob: false,
  };
}

function olmoe(reading: GgufReading): Config {
  return { ...rmsNormed(reading, expertsOf(reading.fields)), model_type: 'olmoe' };
}

function qwen2Moe(reading: GgufReading): Config {
  const { fields, dMlp } = reading;
  const used = fields.size(EXPERTS_USED);
  return {
    ...rmsNormed(reading, expertsOf(fields)),
    model_type: 'qwen2_moe',
    qkv_bias: hasQkvBias(reading),
    moe_intermediate_size: fields.size('expert_feed_forward_length', Math.floor(dMlp / used)),
    shared_expert_intermediate_size: fields.size(SHARED_WIDTH, dMlp),
  };
}

function arcee(reading: GgufReading): Config {
  const own = { hidden_act: 'relu2', attention_bias: hasQkvBias(reading), mlp_bias: false };
  return { ...rmsNormed(reading, own), model_type: 'arcee' };
}

/** llama.cpp gives windows to models of 64 layers alone, whatever the keys say. */
function exaone4(reading: GgufReading): Config {
  const { fields, nLayers } = reading;
  if (nLayers === 64) throw fields.error('block_count', 'another than 64, whose layers have windows');
  return {
    ...rmsNormed(reading),
    model_type: 'exaone4',
    sliding_window: null,
    layer_types: Array.from({ length: nLayers }, () => 'full_attention'),
  };
}
