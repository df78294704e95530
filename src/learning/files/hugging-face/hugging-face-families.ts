/**
 * What the `config.json` of each family says, as transformers reads it: a family is data. Sizes and parts that families share
 * stand in `hugging-face-decoder.ts`; each entry adds what is its own.
 * Source: the configuration and modeling files of transformers 5.24.
 */
import type { Fields } from '#learning/files/fields.ts';
import { type ModelType, PRETRAINED_STD } from '#learning/files/model-description.ts';
import type { TransformerConfig } from '#learning/models/config.ts';

import { type Activation, ACTIVATIONS, contextOf, decoder, type Described, type Own } from './hugging-face-decoder.ts';
import {
  denseLayers,
  everywhere,
  expertsOf,
  qwenWindows,
  refuseSliding,
  slidingLayers,
  smolLm3Layers,
  windowOf,
} from './hugging-face-layers.ts';

/** Both spellings of Gemma's activation mean the tanh form. */
const GEMMA_ACTIVATIONS: ReadonlyMap<string, Activation> = new Map<string, Activation>([
  ['gelu', 'geluTanh'],
  ['gelu_pytorch_tanh', 'geluTanh'],
]);

const OLMO3_THETA = 500_000;

/** How the config of each `model_type` is read. */
export const FAMILIES: Readonly<Record<ModelType, (fields: Fields) => Described>> = {
  llama: (fields) => {
    const contextLength = contextOf(fields, 2048);
    const window = fields.value('sliding_window');
    fields.only('use_sliding_window', [false]);
    refuseSliding(fields);
    if (window !== undefined && !(typeof window === 'number' && window >= contextLength)) {
      throw fields.error('sliding_window', 'off: attention must see the whole context');
    }
    const bias = fields.flag('attention_bias', false);
    return decoder(fields, {
      contextLength: 2048,
      biases: { qkv: bias, attentionOut: bias, mlp: fields.flag('mlp_bias', false) },
    });
  },
  qwen2: (fields) => {
    fields.value('attention_bias'); // it says nothing: its tensors are what they are
    return decoder(fields, {
      contextLength: 32_768,
      kvHeads: 32,
      biases: { qkv: true, attentionOut: false, mlp: noMlpBias(fields) },
      layers: (each) => qwenWindows(fields, each),
    });
  },
  qwen3: (fields) => {
    const bias = fields.flag('attention_bias', false);
    return decoder(fields, {
      contextLength: 32_768,
      kvHeads: 32,
      headDim: 128,
      biases: { qkv: bias, attentionOut: bias, mlp: noMlpBias(fields) },
      layers: (each) => qwenWindows(fields, each),
      parts: { qkNorm: true },
    });
  },
  gpt2,
  gemma: (fields) => {
    fields.only('hidden_activation', ['gelu_pytorch_tanh']);
    return gemma(fields, { activation: fields.oneOf('hidden_act', GEMMA_ACTIVATIONS, 'gelu_pytorch_tanh') });
  },
  gemma2: (fields) =>
    gemma(fields, {
      ...twiceNormed(fields, 'hidden_activation'),
      kvHeads: 4,
      layers: (each) =>
        slidingLayers(fields, { ...each, window: windowOf(fields, 4096), isSliding: (i) => i % 2 === 0 }),
      parts: { family: 'gemma2', normPlacement: 'both', ...scoresOf(fields, { attention: 50, logits: 30 }) },
    }),
  gemma3_text: (fields) => {
    fields.only('attn_logit_softcapping', []); // transformers has it in the config and does not apply it
    const pattern = fields.size(fields.spelling('sliding_window_pattern', '_sliding_window_pattern'), 6);
    const local = { contextLength: contextOf(fields, 131_072), theta: 10_000, thetaName: 'rope_local_base_freq' };
    return gemma(fields, {
      ...twiceNormed(fields, 'hidden_activation'),
      kvHeads: 4,
      contextLength: 131_072,
      rope: { theta: 1_000_000 },
      sliding: local,
      layers: (each) =>
        slidingLayers(fields, { ...each, window: windowOf(fields, 4096), isSliding: (i) => (i + 1) % pattern !== 0 }),
      parts: { family: 'gemma2', normPlacement: 'both', qkNorm: true, ...scoresOf(fields, {}) },
    });
  },
  gpt_neox: (fields) => {
    const bias = fields.flag('attention_bias', true);
    const isParallel = fields.flag('use_parallel_residual', true);
    fields.only('rope_theta', []); // transformers takes neither beside rotary_emb_base and rotary_pct
    fields.only('partial_rotary_factor', []);
    return decoder(fields, {
      contextLength: 2048,
      norm: { kind: 'layerNorm', epsilon: fields.positive('layer_norm_eps', 1e-5) },
      activation: fields.oneOf('hidden_act', ACTIVATIONS, 'gelu'),
      kvHeads: 'heads',
      biases: { qkv: bias, attentionOut: bias, mlp: true },
      rope: { fraction: 0.25, thetaName: 'rotary_emb_base', fractionName: 'rotary_pct' },
      parts: { family: 'neox', mlp: 'plain', residual: isParallel ? 'parallel' : 'serial' },
    });
  },
  granite: (fields) => {
    const bias = fields.flag('attention_bias', false);
    const multipliers = {
      embedding: fields.positive('embedding_multiplier', 1),
      residual: fields.positive('residual_multiplier', 1),
      logits: 1 / fields.positive('logits_scaling', 1),
    };
    return decoder(fields, {
      contextLength: 2048,
      biases: { qkv: bias, attentionOut: bias, mlp: fields.flag('mlp_bias', false) },
      parts: { multipliers, attentionScale: fields.positive('attention_multiplier', 1) },
    });
  },
  ministral: (fields) =>
    decoder(fields, {
      contextLength: 131_072,
      kvHeads: 8,
      layers: (each) => slidingLayers(fields, { ...each, window: windowOf(fields, 4096), isSliding: () => true }),
    }),
  mistral: (fields) => {
    refuseSliding(fields);
    const window = windowOf(fields, 4096);
    return decoder(fields, { contextLength: 131_072, kvHeads: 8, layers: (each) => everywhere(each, window) });
  },
  mixtral: (fields) => {
    fields.only('router_jitter_noise', [0]);
    const window = windowOf(fields);
    return decoder(fields, {
      contextLength: 131_072,
      kvHeads: 8,
      norm: { kind: 'rmsNorm', epsilon: fields.positive('rms_norm_eps', 1e-5) },
      rope: { theta: 1_000_000 },
      layers: (each) => everywhere(each, window),
      parts: {
        family: 'mixtral',
        experts: expertsOf(fields, {
          count: fields.size('num_local_experts', 8),
          perToken: fields.size('num_experts_per_tok', 2),
          dHidden: fields.size('intermediate_size'),
          isNormed: true,
          denseLayers: [],
        }),
      },
    });
  },
  qwen3_moe: (fields) => {
    const bias = fields.flag('attention_bias', false);
    const window = fields.flag('use_sliding_window', false) ? windowOf(fields, 4096) : undefined;
    for (const idle of ['sliding_window', 'max_window_layers']) fields.value(idle); // one for all layers, where it is switched on
    return decoder(fields, {
      contextLength: 32_768,
      kvHeads: 4,
      biases: { qkv: bias, attentionOut: bias, mlp: noMlpBias(fields) },
      layers: (each) => everywhere(each, window),
      parts: {
        qkNorm: true,
        experts: expertsOf(fields, {
          count: fields.size(fields.spelling('num_experts', 'num_local_experts'), 128),
          perToken: fields.size('num_experts_per_tok', 8),
          dHidden: fields.size('moe_intermediate_size', 768),
          isNormed: fields.flag('norm_topk_prob', false),
          denseLayers: denseLayers(fields),
        }),
      },
    });
  },
  olmo2: (fields) => olmo(fields, {}),
  olmo3: (fields) => {
    fields.only('rope_theta', [OLMO3_THETA]); // of any other, versions of transformers differ in which layers it turns
    return olmo(fields, {
      rope: { theta: OLMO3_THETA },
      sliding: { contextLength: contextOf(fields, 2048), theta: OLMO3_THETA },
      layers: (each) =>
        slidingLayers(fields, { ...each, window: windowOf(fields, 4096), isSliding: (i) => (i + 1) % 4 !== 0 }),
    });
  },
  phi3: (fields) => {
    fields.only('attention_bias', [false]);
    fields.only('mlp_bias', [false]);
    fields.only('lm_head_bias', [false]);
    for (const name of ['full_attn_mod', 'interpolate_factor']) fields.only(name, [1]); // of Phi-4 mini's own code
    fields.value('original_max_position_embeddings'); // read with the rotation that needs it
    const window = windowOf(fields);
    return decoder(fields, {
      contextLength: 4096,
      norm: { kind: 'rmsNorm', epsilon: fields.positive('rms_norm_eps', 1e-5) },
      rope: { fraction: 1, kinds: ['default', 'longrope', 'su'] },
      layers: (each) => everywhere(each, window),
      parts: { family: 'phi3' },
    });
  },
  smollm3: (fields) => {
    fields.value('max_window_layers'); // Qwen's; its own windows stand in layer_types, or follow from no_rope_layers
    const bias = fields.flag('attention_bias', false);
    return decoder(fields, {
      contextLength: 32_768,
      kvHeads: 4,
      tied: true,
      biases: { qkv: bias, attentionOut: bias, mlp: fields.flag('mlp_bias', false) },
      rope: { theta: 2_000_000 },
      layers: (each) => smolLm3Layers(fields, each),
    });
  },
  stablelm: (fields) => {
    fields.only('qk_layernorm', [false]);
    fields.only('norm_eps', [fields.positive('layer_norm_eps', 1e-5)]); // an older name of it, which transformers passes over
    const isParallel = fields.flag('use_parallel_residual', false);
    return decoder(fields, {
      contextLength: 4096,
      kvHeads: 32,
      norm: { kind: 'layerNorm', epsilon: fields.positive('layer_norm_eps', 1e-5) },
      biases: { qkv: fields.flag('use_qkv_bias', false), attentionOut: false, mlp: false },
      rope: { fraction: 0.25 },
      parts: isParallel ? { residual: 'parallelOneNorm' } : {},
    });
  },
  starcoder2: (fields) => {
    const bias = fields.flag('use_bias', true);
    const epsilon = fields.positive('norm_epsilon', 1e-5);
    fields.only('layer_norm_epsilon', [epsilon]); // an older name of it, which transformers passes over
    const window = windowOf(fields);
    fields.only('mlp_type', ['default']);
    fields.only('norm_type', ['layer_norm']);
    return decoder(fields, {
      contextLength: 4096,
      kvHeads: 2,
      tied: true,
      norm: { kind: 'layerNorm', epsilon },
      activation: fields.oneOf('hidden_act', ACTIVATIONS, 'gelu_pytorch_tanh'),
      biases: { qkv: bias, attentionOut: bias, mlp: bias },
      layers: (each) => everywhere(each, window),
      parts: { family: 'starcoder2', mlp: 'plain' },
    });
  },
};

/** Gemma's: norms whose scale is 1 + weight, embeddings times the root of their width, a tied head. */
function gemma(fields: Fields, own: Omit<Own, 'contextLength'> & { readonly contextLength?: number }): Described {
  const bias = fields.flag('attention_bias', false);
  const { parts, ...rest } = own;
  return decoder(fields, {
    contextLength: 8192,
    kvHeads: 16,
    headDim: 256,
    tied: true,
    norm: { kind: 'rmsNorm', epsilon: fields.positive('rms_norm_eps', 1e-6), plusOne: true },
    biases: { qkv: bias, attentionOut: bias, mlp: false },
    ...rest,
    parts: { multipliers: { embedding: Math.sqrt(fields.size('hidden_size')) }, ...parts },
  });
}

/** The activation under Gemma 2's name for it; Gemma 1's name may stand beside it and says nothing. */
function twiceNormed(fields: Fields, name: string): { readonly activation: Activation } {
  fields.value('hidden_act');
  return { activation: fields.oneOf(name, ACTIVATIONS, 'gelu_pytorch_tanh') };
}

/** Gemma 2's scale of scores and its caps. @param byDefault What holds where the file says nothing; null says none. */
function scoresOf(
  fields: Fields,
  byDefault: { readonly attention?: number; readonly logits?: number },
): Pick<TransformerConfig, 'attentionScale' | 'caps'> {
  const cap = (name: string, usual: number | undefined): number | undefined =>
    fields.isNull(name) || (usual === undefined && !fields.has(name)) ? undefined : fields.positive(name, usual);
  const attention = cap('attn_logit_softcapping', byDefault.attention);
  const logits = cap('final_logit_softcapping', byDefault.logits);
  return {
    attentionScale: 1 / Math.sqrt(fields.positive('query_pre_attn_scalar', 256)),
    caps: { ...(attention === undefined ? {} : { attention }), ...(logits === undefined ? {} : { logits }) },
  };
}

/** OLMo 2's: norms behind attention and MLP, queries and keys normed over all heads. */
function olmo(fields: Fields, own: Partial<Own>): Described {
  const bias = fields.flag('attention_bias', false);
  return decoder(fields, {
    contextLength: 2048,
    norm: { kind: 'rmsNorm', epsilon: fields.positive('rms_norm_eps', 1e-5) },
    biases: { qkv: bias, attentionOut: bias, mlp: false },
    ...own,
    parts: { normPlacement: 'post', qkNorm: 'allHeads' },
  });
}

function noMlpBias(fields: Fields): false {
  if (fields.flag('mlp_bias', false)) throw fields.error('mlp_bias', 'false');
  return false;
}

function gpt2(fields: Fields): Described {
  fields.only('scale_attn_weights', [true]);
  fields.only('scale_attn_by_inverse_layer_idx', [false]);
  fields.only('add_cross_attention', [false]);
  const dModel = fields.size(fields.spelling('n_embd', 'hidden_size'), 768);
  const nHeads = fields.size(fields.spelling('n_head', 'num_attention_heads'), 12);
  const contextLength = fields.size(fields.spelling('n_positions', 'max_position_embeddings', 'n_ctx'), 1024);
  fields.only('head_dim', [dModel / nHeads]);
  const config: TransformerConfig = {
    family: 'gpt2',
    vocabulary: fields.size('vocab_size', 50_257),
    dModel,
    nLayers: fields.size(fields.spelling('n_layer', 'num_hidden_layers'), 12),
    nHeads,
    nKvHeads: nHeads,
    headDim: fields.size('head_dim', dModel / nHeads),
    dMlp: fields.optionalSize('n_inner', 4 * dModel),
    norm: { kind: 'layerNorm', epsilon: fields.positive('layer_norm_epsilon', 1e-5) },
    activation: fields.oneOf('activation_function', ACTIVATIONS, 'gelu_new'),
    mlp: 'plain',
    positions: { kind: 'learned', length: contextLength },
    biases: { qkv: true, attentionOut: true, mlp: true },
    qkNorm: false,
    tied: fields.flag('tie_word_embeddings', true),
    initialStd: PRETRAINED_STD,
  };
  return { contextLength, config };
}
