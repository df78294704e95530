/** Families with experts in place of MLPs (ADR 0187). */
import { decoder, type Families, noMlpBias, sharedWidth } from '#learning/files/hugging-face/hugging-face-decoder.ts';
import {
  boundOf,
  denseLayers,
  everywhere,
  expertsOf,
  slidingLayers,
  windowOf,
} from '#learning/files/hugging-face/hugging-face-layers.ts';

/** Those with experts, by `model_type`. */
export const WITH_EXPERTS = {
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
  olmoe: (fields) => {
    const bias = fields.flag('attention_bias', false);
    fields.only('head_dim', [sharedWidth(fields)]);
    return decoder(fields, {
      contextLength: 4096,
      norm: { kind: 'rmsNorm', epsilon: fields.positive('rms_norm_eps', 1e-5) },
      biases: { qkv: bias, attentionOut: bias, mlp: noMlpBias(fields) },
      parts: {
        qkNorm: 'allHeads',
        ...boundOf(fields),
        experts: expertsOf(fields, {
          count: fields.size(fields.spelling('num_experts', 'num_local_experts'), 64),
          perToken: fields.size('num_experts_per_tok', 8),
          dHidden: fields.size('intermediate_size'),
          isNormed: fields.flag('norm_topk_prob', false),
          denseLayers: [],
        }),
      },
    });
  },
  qwen2_moe: (fields) => {
    const window = fields.flag('use_sliding_window', false) ? windowOf(fields, 4096) : undefined;
    for (const idle of ['sliding_window', 'max_window_layers']) fields.value(idle);
    if (window !== undefined && !fields.has('layer_types')) {
      throw fields.error('layer_types', 'given: versions of transformers differ in which layers have a window');
    }
    return decoder(fields, {
      contextLength: 32_768,
      kvHeads: 16,
      biases: { qkv: fields.flag('qkv_bias', true), attentionOut: false, mlp: noMlpBias(fields) },
      layers: (each) => slidingLayers(fields, { ...each, window, isSliding: () => false }),
      parts: {
        experts: expertsOf(fields, {
          count: fields.size('num_experts', 60),
          perToken: fields.size('num_experts_per_tok', 4),
          dHidden: fields.size('moe_intermediate_size', 1408),
          isNormed: fields.flag('norm_topk_prob', false),
          denseLayers: denseLayers(fields),
          sharedHidden: fields.size('shared_expert_intermediate_size', 5632),
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
} satisfies Families;
