/** GPT-2 and those of its time, whose configs have names of their own. */
import type { Fields } from '#learning/files/fields.ts';
import { PRETRAINED_STD } from '#learning/files/model-description.ts';
import { ACTIVATIONS, type Described, type Families } from '#learning/files/hugging-face/hugging-face-decoder.ts';
import type { TransformerConfig } from '#learning/models/config.ts';

/** GPT-2, GPT-J and OPT, by `model_type`. */
export const GPT2S = { gpt2, gptj, opt } satisfies Families;

function gpt2(fields: Fields): Described {
  fields.only('scale_attn_by_inverse_layer_idx', [false]);
  fields.only('add_cross_attention', [false]);
  const { contextLength, ...shared } = gpt(fields, [50_257, 768, 12, 12, 1024]);
  const config: TransformerConfig = {
    family: 'gpt2',
    ...shared,
    positions: { kind: 'learned', length: contextLength },
    biases: { qkv: true, attentionOut: true, mlp: true },
    tied: fields.flag('tie_word_embeddings', true),
  };
  return { contextLength, config };
}

/** GPT-J's: attention and MLP over one normed stream, the beginning of each head turned in neighbouring pairs, a head with a bias. */
function gptj(fields: Fields): Described {
  fields.only('rotary', [true]);
  const { contextLength, ...shared } = gpt(fields, [50_400, 4096, 28, 16, 2048]);
  const { headDim } = shared;
  const turned = fields.size('rotary_dim', 64);
  if (turned > headDim) throw fields.error('rotary_dim', `at most ${headDim}, the size of a head`);
  const config: TransformerConfig = {
    family: 'gptj',
    ...shared,
    residual: 'parallelOneNorm',
    positions: {
      kind: 'rotary',
      theta: 10_000,
      ...(turned === headDim ? {} : { fraction: shareOf(turned, headDim) }),
      isInterleaved: true,
    },
    biases: { qkv: false, attentionOut: false, mlp: true, head: true },
    tied: fields.flag('tie_word_embeddings', false),
  };
  return { contextLength, config };
}

/** The share of a head of which `turnedDim` makes so many numbers again: their quotient, unless rounding makes one less of it. */
function shareOf(turned: number, headDim: number): number {
  const share = turned / headDim;
  return Math.floor(headDim * share) === turned ? share : (turned + 0.5) / headDim;
}

type Shared = Omit<TransformerConfig, 'biases' | 'family' | 'positions' | 'tied'> & { readonly contextLength: number };

/** What configs of GPT-2 and GPT-J have in common. */
function gpt(
  fields: Fields,
  [vocabulary, width, layers, heads, context]: readonly [number, number, number, number, number],
): Shared {
  fields.only('scale_attn_weights', [true]);
  const dModel = fields.size(fields.spelling('n_embd', 'hidden_size'), width);
  const nHeads = fields.size(fields.spelling('n_head', 'num_attention_heads'), heads);
  const contextLength = fields.size(fields.spelling('n_positions', 'max_position_embeddings', 'n_ctx'), context);
  fields.only('head_dim', [dModel / nHeads]);
  return {
    contextLength,
    vocabulary: fields.size('vocab_size', vocabulary),
    dModel,
    nLayers: fields.size(fields.spelling('n_layer', 'num_hidden_layers'), layers),
    nHeads,
    nKvHeads: nHeads,
    headDim: dModel / nHeads,
    dMlp: fields.optionalSize('n_inner', 4 * dModel),
    norm: { kind: 'layerNorm', epsilon: fields.positive('layer_norm_epsilon', 1e-5) },
    activation: fields.oneOf('activation_function', ACTIVATIONS, 'gelu_new'),
    mlp: 'plain',
    qkNorm: false,
    initialStd: PRETRAINED_STD,
  };
}

/** OPT's: learned positions behind two rows that no token uses. That of 350M, with norms after and narrower embeddings, is refused. */
function opt(fields: Fields): Described {
  const dModel = fields.size('hidden_size', 768);
  const nHeads = fields.size('num_attention_heads', 12);
  const contextLength = fields.size('max_position_embeddings', 2048);
  const bias = fields.flag('enable_bias', true);
  fields.only('do_layer_norm_before', [true]);
  fields.only('_remove_final_layer_norm', [false]);
  fields.only('word_embed_proj_dim', [dModel]);
  const hasScale = fields.flag('layer_norm_elementwise_affine', true);
  const config: TransformerConfig = {
    family: 'opt',
    vocabulary: fields.size('vocab_size', 50_272),
    dModel,
    nLayers: fields.size('num_hidden_layers', 12),
    nHeads,
    nKvHeads: nHeads,
    headDim: dModel / nHeads,
    dMlp: fields.size('ffn_dim', 3072),
    norm: { kind: 'layerNorm', epsilon: 1e-5, ...(hasScale ? {} : { parts: 'none' }) },
    activation: fields.oneOf('activation_function', ACTIVATIONS, 'relu'),
    mlp: 'plain',
    positions: { kind: 'learned', length: contextLength, offset: 2 },
    biases: { qkv: bias, attentionOut: bias, mlp: bias },
    qkNorm: false,
    tied: fields.flag('tie_word_embeddings', true),
    initialStd: PRETRAINED_STD,
  };
  return { contextLength, config };
}
