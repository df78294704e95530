/** Families with Llama's blocks: a norm before attention and one before a gated MLP, heads that are turned. */
import type { Fields } from '#learning/files/fields.ts';
import {
  type Activation,
  ACTIVATIONS,
  contextOf,
  decoder,
  type Described,
  type Families,
  headDimOf,
  noMlpBias,
  sharedWidth,
} from '#learning/files/hugging-face/hugging-face-decoder.ts';
import {
  everywhere,
  qwenWindows,
  refuseSliding,
  slidingLayers,
  smolLm3Layers,
  windowOf,
} from '#learning/files/hugging-face/hugging-face-layers.ts';
import { saysRotation } from '#learning/files/hugging-face/hugging-face-rope.ts';
import type { TransformerConfig } from '#learning/models/config.ts';

/** Llama's kin, by `model_type`. */
export const LLAMAS = {
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
  mistral: (fields) => {
    refuseSliding(fields);
    const window = windowOf(fields, 4096);
    return decoder(fields, { contextLength: 131_072, kvHeads: 8, layers: (each) => everywhere(each, window) });
  },
  ministral: (fields) =>
    decoder(fields, {
      contextLength: 131_072,
      kvHeads: 8,
      layers: (each) => slidingLayers(fields, { ...each, window: windowOf(fields, 4096), isSliding: () => true }),
    }),
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
  apertus,
  arcee: (fields) => {
    const bias = fields.flag('attention_bias', false);
    return decoder(fields, {
      contextLength: 4096,
      norm: { kind: 'rmsNorm', epsilon: fields.positive('rms_norm_eps', 1e-5) },
      activation: fields.oneOf('hidden_act', ACTIVATIONS, 'relu2'),
      biases: { qkv: bias, attentionOut: bias, mlp: fields.flag('mlp_bias', false) },
      parts: { mlp: 'plain' },
    });
  },
  ernie4_5: (fields) => {
    const bias = fields.flag('use_bias', false);
    return decoder(fields, {
      contextLength: 131_072,
      kvHeads: 2,
      headDim: 128,
      tied: true,
      norm: { kind: 'rmsNorm', epsilon: fields.positive('rms_norm_eps', 1e-5) },
      biases: { qkv: bias, attentionOut: bias, mlp: bias },
      rope: { theta: 500_000, isInterleaved: true },
    });
  },
  hunyuan_v1_dense: hunyuan,
  seed_oss: (fields) =>
    decoder(fields, {
      contextLength: 524_288,
      kvHeads: 8,
      headDim: 128,
      biases: {
        qkv: fields.flag('attention_bias', true),
        attentionOut: fields.flag('attention_out_bias', false),
        mlp: fields.flag('mlp_bias', false),
      },
    }),
  glm: (fields) => glm(fields, {}),
  glm4: (fields) => glm(fields, { normPlacement: 'both' }),
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
} satisfies Families;

/** GLM's: half of each head turned in neighbouring pairs, gate and up in one matrix; GLM 4 of 2025 norms what is added as well. */
function glm(fields: Fields, parts: Pick<TransformerConfig, 'normPlacement'>): Described {
  return decoder(fields, {
    contextLength: 131_072,
    kvHeads: 2,
    headDim: 128,
    norm: { kind: 'rmsNorm', epsilon: fields.positive('rms_norm_eps', 1.5625e-7) },
    biases: { qkv: fields.flag('attention_bias', true), attentionOut: false, mlp: noMlpBias(fields) },
    rope: { fraction: 0.5, isInterleaved: true },
    parts: { family: 'glm', ...parts },
  });
}

/** HunYuan's: heads are normed after they are turned; `alpha` stretches the base of rotations once and for all. */
function hunyuan(fields: Fields): Described {
  const bias = fields.flag('attention_bias', false);
  const headDim = headDimOf(fields, sharedWidth(fields));
  const always = { use_qk_norm: true, use_cla: false, norm_type: 'rms', num_experts: 1, attention_head_dim: headDim };
  for (const [name, value] of Object.entries(always)) fields.only(name, [value]); // transformers reads none of them
  for (const idle of ['cla_share_factor', 'eod_token_id', 'org_vocab_size', 'pad_id']) fields.value(idle);
  return decoder(fields, {
    contextLength: 2048,
    norm: { kind: 'rmsNorm', epsilon: fields.positive('rms_norm_eps', 1e-5) },
    biases: { qkv: bias, attentionOut: bias, mlp: noMlpBias(fields) },
    rope: { stretchedOver: headDim },
    parts: { family: 'hunyuan', qkNorm: true, isNormedTurned: true },
  });
}

const APERTUS_ACTIVATIONS: ReadonlyMap<string, Activation> = new Map([...ACTIVATIONS, ['xielu', 'xielu']]);

/** Apertus': a plain MLP whose activation has learned numbers. Without a rotation of its own it would have one that rope_theta does not change. */
function apertus(fields: Fields): Described {
  const bias = fields.flag('attention_bias', false);
  fields.only('post_norm', [false]); // of its first code
  fields.only('qk_norm', [true]);
  if (!saysRotation(fields)) throw fields.error('rope_scaling', 'given');
  return decoder(fields, {
    contextLength: 65_536,
    norm: { kind: 'rmsNorm', epsilon: fields.positive('rms_norm_eps', 1e-5) },
    activation: fields.oneOf('hidden_act', APERTUS_ACTIVATIONS, 'xielu'),
    biases: { qkv: bias, attentionOut: bias, mlp: noMlpBias(fields) },
    rope: { theta: 12_000_000 },
    parts: { family: 'apertus', mlp: 'plain', qkNorm: true },
  });
}
