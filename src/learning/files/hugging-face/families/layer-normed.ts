/** Families with LayerNorm; in some of them attention and MLP read the same stream. */
import type { Fields } from '#learning/files/fields.ts';
import {
  ACTIVATIONS,
  decoder,
  type Described,
  type Families,
  headDimOf,
  noMlpBias,
  type Own,
  sharedWidth,
} from '#learning/files/hugging-face/hugging-face-decoder.ts';
import { needTheta } from '#learning/files/hugging-face/hugging-face-rope.ts';
import { boundOf, everywhere, slidingLayers, windowOf } from '#learning/files/hugging-face/hugging-face-layers.ts';

/** Those with LayerNorm, by `model_type`. */
export const LAYER_NORMED = {
  cohere: (fields) => {
    needTheta(fields);
    return cohere(fields, {
      rope: { isInterleaved: true },
      parts: fields.flag('use_qk_norm', false) ? { qkNorm: 'eachHead' } : {},
    });
  },
  cohere2: (fields) => {
    const pattern = fields.size('sliding_window_pattern', 4);
    fields.only('layer_switch', [pattern]); // older names of it, which transformers passes over
    fields.only('_sliding_window_pattern', [pattern]);
    fields.only('order_of_interleaved_layers', ['local_attn_first']);
    fields.only('head_dim', [sharedWidth(fields)]);
    const window = windowOf(fields, 4096);
    if (window === undefined) throw fields.error('sliding_window', 'a number');
    return cohere(fields, {
      rope: { isInterleaved: true },
      layers: (each) =>
        slidingLayers(fields, {
          ...each,
          window,
          isSliding: (layer) => (layer + 1) % pattern !== 0,
          full: { positions: { kind: 'none' } },
        }),
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
  nemotron: (fields) => {
    const bias = fields.flag('attention_bias', false);
    const headDim = headDimOf(fields, sharedWidth(fields));
    fields.only('kv_channels', [headDim]); // an older name of it
    return decoder(fields, {
      contextLength: 4096,
      norm: { kind: 'layerNorm', epsilon: fields.positive('norm_eps', 1e-5), plusOne: true },
      activation: fields.oneOf('hidden_act', ACTIVATIONS, 'relu2'),
      biases: { qkv: bias, attentionOut: bias, mlp: fields.flag('mlp_bias', false) },
      rope: { fraction: 0.5 },
      parts: { mlp: 'plain' },
    });
  },
  olmo: (fields) => {
    const bias = fields.flag('attention_bias', false);
    return decoder(fields, {
      contextLength: 2048,
      norm: { kind: 'layerNorm', epsilon: 1e-5, parts: 'none' },
      biases: { qkv: bias, attentionOut: bias, mlp: noMlpBias(fields) },
      parts: boundOf(fields),
    });
  },
  phi: (fields) =>
    decoder(fields, {
      contextLength: 2048,
      norm: { kind: 'layerNorm', epsilon: fields.positive('layer_norm_eps', 1e-5) },
      activation: fields.oneOf('hidden_act', ACTIVATIONS, 'gelu_new'),
      biases: { qkv: true, attentionOut: true, mlp: true, head: true },
      rope: { fraction: 0.5 },
      parts: {
        family: 'phi',
        mlp: 'plain',
        residual: 'parallelOneNorm',
        qkNorm: fields.flag('qk_layernorm', false),
      },
    }),
  stablelm: (fields) => {
    fields.only('norm_eps', [fields.positive('layer_norm_eps', 1e-5)]); // an older name of it, which transformers passes over
    const isParallel = fields.flag('use_parallel_residual', false);
    return decoder(fields, {
      contextLength: 4096,
      kvHeads: 32,
      norm: { kind: 'layerNorm', epsilon: fields.positive('layer_norm_eps', 1e-5) },
      biases: { qkv: fields.flag('use_qkv_bias', false), attentionOut: false, mlp: false },
      rope: { fraction: 0.25 },
      parts: {
        family: 'stablelm',
        qkNorm: fields.flag('qk_layernorm', false) ? 'headByHead' : false,
        ...(isParallel ? { residual: 'parallelOneNorm' } : {}),
      },
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
} satisfies Families;

/** Cohere's: norms without a bias, attention and MLP over the same normed stream, heads turned in neighbouring pairs. */
function cohere(fields: Fields, own: Pick<Own, 'layers' | 'parts' | 'rope'>): Described {
  const bias = fields.flag('attention_bias', false);
  for (const always of ['use_embedding_sharing', 'use_gated_activation', 'use_parallel_block'])
    fields.only(always, [true]);
  fields.only('position_embedding_type', ['rope_gptj']);
  fields.only('rotary_pct', [1]);
  fields.value('use_parallel_embedding'); // how the embedding is spread over devices
  return decoder(fields, {
    contextLength: 8192,
    tied: true,
    norm: { kind: 'layerNorm', epsilon: fields.positive('layer_norm_eps', 1e-5), parts: 'scale' },
    biases: { qkv: bias, attentionOut: bias, mlp: noMlpBias(fields) },
    ...own,
    parts: {
      residual: 'parallelOneNorm',
      multipliers: { logits: fields.positive('logit_scale', 0.0625) },
      ...own.parts,
    },
  });
}
