/**
 * What the metadata of each architecture says, in the fields of a `config.json`: a GGUF file is another spelling of one, so
 * that one description of a family serves both, and an exported folder has its config.
 * A key means what llama.cpp does with it; what it does without a key (Gemma's scale of scores by the number of layers,
 * SmolLM3's layers without rotation) is said here too.
 * Source: `load_arch_hparams` in `src/models/` and `conversion/` of llama.cpp.
 */
import type { JsonObject } from '#base/json.ts';

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
  windowOrNone,
  windows,
} from './gguf-family.ts';
import { LATER_GGUF_FAMILIES } from './gguf-later-families.ts';
import { float, ropeFields } from './gguf-rope.ts';

const PAIRED: Pick<GgufFamily, 'rope' | 'isPaired'> = { rope: { divisors: 'one' }, isPaired: true };
const [ATTENTION_CAP, LOGIT_CAP] = ['attn_logit_softcapping', 'final_logit_softcapping'];

/** Layers of the Gemma models whose scale of scores is that of the whole width. */
const [GEMMA2_27B, GEMMA3_27B] = [46, 62];

/** By `general.architecture`. */
export const GGUF_FAMILIES: ReadonlyMap<string, GgufFamily> = new Map<string, GgufFamily>([
  [
    'gpt2',
    {
      rope: undefined,
      config: ({ fields, dModel, nLayers, nHeads, dMlp, contextLength }) => ({
        model_type: 'gpt2',
        n_embd: dModel,
        n_layer: nLayers,
        n_head: nHeads,
        n_inner: dMlp,
        n_positions: contextLength,
        layer_norm_epsilon: float(fields, 'attention.layer_norm_epsilon'),
        activation_function: 'gelu_new',
      }),
    },
  ],
  ['llama', { ...PAIRED, reads: [EXPERTS, EXPERTS_USED], config: llamaOrMixtral }],
  [
    'mistral3',
    { ...PAIRED, config: (reading) => ({ ...rmsNormed(reading), model_type: 'mistral', sliding_window: null }) },
  ],
  ['smollm3', { ...PAIRED, rope: {}, config: smolLm3 }],
  [
    'granite',
    { ...PAIRED, reads: ['embedding_scale', 'residual_scale', 'logit_scale', 'attention.scale'], config: granite },
  ],
  ['qwen2', { rope: {}, config: (reading) => ({ ...rmsNormed(reading), model_type: 'qwen2' }) }],
  [
    'qwen3',
    {
      rope: {},
      config: (reading) => ({ ...rmsNormed(reading, { attention_bias: hasQkvBias(reading) }), model_type: 'qwen3' }),
    },
  ],
  ['qwen3moe', { rope: {}, reads: [EXPERTS, EXPERTS_USED], config: qwen3Moe }],
  ['gemma', { rope: {}, config: (reading) => ({ ...gemma(reading), model_type: 'gemma' }) }],
  ['gemma2', { rope: {}, reads: [ATTENTION_CAP, LOGIT_CAP, WINDOW], config: gemma2 }],
  ['gemma3', { rope: { isLayered: true }, reads: [LOGIT_CAP, WINDOW], config: gemma3 }],
  ['olmo2', { rope: {}, reads: [WINDOW], config: olmo }],
  [
    'phi3',
    { rope: { isPartial: true, divisors: 'longrope' }, reads: [WINDOW, 'rope.scaling.attn_factor'], config: phi3 },
  ],
  ['gptneox', { rope: { isPartial: true }, reads: ['use_parallel_residual'], config: neox }],
  ['stablelm', { rope: { isPartial: true }, reads: ['use_parallel_residual'], config: stableLm }],
  [
    'starcoder2',
    {
      rope: {},
      config: (reading) => ({
        ...shared(reading),
        ...ropeFields(reading.rope),
        model_type: 'starcoder2',
        hidden_act: 'gelu_pytorch_tanh',
        norm_epsilon: float(reading.fields, 'attention.layer_norm_epsilon'),
        use_bias: hasQkvBias(reading),
      }),
    },
  ],
  ...LATER_GGUF_FAMILIES,
]);

function llama(reading: GgufReading): JsonObject {
  const mlpBias = reading.has('blk.0.ffn_down.bias');
  return rmsNormed(reading, { attention_bias: hasQkvBias(reading), mlp_bias: mlpBias });
}

/** Mixtral is llama with experts, each as wide as the MLP would be. */
function llamaOrMixtral(reading: GgufReading): Config {
  const { fields } = reading;
  if ((fields.value(EXPERTS) ?? 0) === 0) {
    fields.only(EXPERTS_USED, [0]);
    return { ...llama(reading), model_type: 'llama' };
  }
  const experts = { num_local_experts: fields.size(EXPERTS), num_experts_per_tok: fields.size(EXPERTS_USED) };
  return { ...rmsNormed(reading, experts), model_type: 'mixtral', sliding_window: null };
}

/** llama.cpp has experts in every layer and divides by the sum of those chosen, whatever the model's config said. */
function qwen3Moe(reading: GgufReading): Config {
  const { fields, dMlp } = reading;
  const used = fields.size(EXPERTS_USED);
  return {
    ...rmsNormed(reading, { attention_bias: hasQkvBias(reading) }),
    model_type: 'qwen3_moe',
    num_experts: fields.size(EXPERTS),
    num_experts_per_tok: used,
    moe_intermediate_size: fields.size('expert_feed_forward_length', Math.floor(dMlp / used)),
    norm_topk_prob: true,
  };
}

/** llama.cpp turns three layers of four, whatever the model's config said. */
function smolLm3(reading: GgufReading): Config {
  return { ...llama(reading), model_type: 'smollm3', no_rope_layer_interval: 4, use_sliding_window: false, ...NO_PAD };
}

/** 0 is llama.cpp's "not set". */
function granite(reading: GgufReading): Config {
  const { fields, headDim } = reading;
  const factor = (name: string, otherwise: number): number =>
    (fields.value(name) ?? 0) === 0 ? otherwise : float(fields, name);
  fields.only('rope.scaling.finetuned', [true]); // without it no layer is turned
  return {
    ...llama(reading),
    model_type: 'granite',
    embedding_multiplier: factor('embedding_scale', 1),
    residual_multiplier: factor('residual_scale', 1),
    attention_multiplier: factor('attention.scale', 1 / Math.sqrt(headDim)),
    logits_scaling: float(fields, 'logit_scale'),
  };
}

function gemma(reading: GgufReading): JsonObject {
  const activation = 'gelu_pytorch_tanh';
  const bias = hasQkvBias(reading);
  return rmsNormed(reading, { hidden_act: activation, hidden_activation: activation, attention_bias: bias });
}

function gemma2(reading: GgufReading): Config {
  const { fields, rope } = reading;
  fields.only('rope.freq_base_swa', [rope.theta]);
  return {
    ...gemma(reading),
    model_type: 'gemma2',
    query_pre_attn_scalar: scoreWidth(reading, GEMMA2_27B),
    attn_logit_softcapping: float(fields, ATTENTION_CAP, 50),
    final_logit_softcapping: float(fields, LOGIT_CAP, 30),
    ...windows(reading, fields.size(WINDOW, 4096), 2),
  };
}

function gemma3(reading: GgufReading): Config {
  const { fields } = reading;
  const isCapped = (fields.value(LOGIT_CAP) ?? 0) !== 0;
  return {
    ...gemma(reading),
    model_type: 'gemma3_text',
    query_pre_attn_scalar: scoreWidth(reading, GEMMA3_27B),
    final_logit_softcapping: isCapped ? float(fields, LOGIT_CAP) : null,
    rope_local_base_freq: float(fields, 'rope.freq_base_swa', 10_000),
    ...windows(reading, windowOrNone(fields), 6),
  };
}

/** What scores are divided by the root of. */
function scoreWidth({ nLayers, dModel, nHeads, headDim }: GgufReading, layersOf27B: number): number {
  return nLayers === layersOf27B ? Math.floor(dModel / nHeads) : headDim;
}

/** OLMo 3 is OLMo 2 with windows, between which layers see all. */
function olmo(reading: GgufReading): Config {
  const { fields, rope } = reading;
  const window = windowOrNone(fields);
  if (window === undefined) return { ...rmsNormed(reading), model_type: 'olmo2' };
  fields.only('rope.freq_base_swa', [rope.theta]);
  return { ...rmsNormed(reading), model_type: 'olmo3', ...windows(reading, window, 4) };
}

/** llama.cpp warns that it passes over the window, which the model was trained with; it is read as the file says it. */
function phi3(reading: GgufReading): Config {
  const { fields, contextLength, rope } = reading;
  return {
    ...rmsNormed(reading),
    model_type: 'phi3',
    ...NO_PAD,
    sliding_window: windowOrNone(fields) ?? null,
    partial_rotary_factor: rope.fraction,
    original_max_position_embeddings: fields.size('rope.scaling.original_context_length', contextLength),
  };
}

function neox(reading: GgufReading): Config {
  const { fields, rope, dModel, nHeads, nKvHeads, headDim } = reading;
  if (headDim * nHeads !== dModel) throw fields.error('attention.key_length', String(dModel / nHeads));
  if (nKvHeads !== nHeads) throw fields.error('attention.head_count_kv', `${nHeads}, as many as heads`);
  const { head_dim: _, num_key_value_heads: __, ...sizes } = shared(reading);
  return {
    ...sizes,
    model_type: 'gpt_neox',
    hidden_act: 'gelu', // as the family's configs have it; llama.cpp takes the tanh form
    layer_norm_eps: float(fields, 'attention.layer_norm_epsilon'),
    attention_bias: hasQkvBias(reading),
    use_parallel_residual: fields.flag('use_parallel_residual', true),
    rotary_emb_base: rope.theta,
    rotary_pct: rope.fraction,
    ...(rope.scaling === undefined ? {} : { rope_scaling: rope.scaling }),
  };
}

/** llama.cpp takes a block for parallel where it has one norm, whatever the key says. */
function stableLm(reading: GgufReading): Config {
  const { fields, rope } = reading;
  fields.value('use_parallel_residual');
  return {
    ...shared(reading),
    ...ropeFields(rope),
    model_type: 'stablelm',
    hidden_act: 'silu',
    layer_norm_eps: float(fields, 'attention.layer_norm_epsilon'),
    use_qkv_bias: hasQkvBias(reading),
    qk_layernorm: reading.has('blk.0.attn_q_norm.weight'),
    use_parallel_residual: !reading.has('blk.0.ffn_norm.weight'),
    partial_rotary_factor: rope.fraction,
  };
}
