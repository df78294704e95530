/** Gemma, whose later models norm what attention and MLP give as well, and OLMo 2 and EXAONE 4, which norm nothing else. */
import type { Fields } from '#learning/files/fields.ts';
import {
  type Activation,
  ACTIVATIONS,
  contextOf,
  decoder,
  type Described,
  type Families,
  type Own,
} from '#learning/files/hugging-face/hugging-face-decoder.ts';
import { slidingLayers, windowOf } from '#learning/files/hugging-face/hugging-face-layers.ts';
import type { TransformerConfig } from '#learning/models/config.ts';

/** Both spellings of Gemma's activation mean the tanh form. */
const GEMMA_ACTIVATIONS: ReadonlyMap<string, Activation> = new Map<string, Activation>([
  ['gelu', 'geluTanh'],
  ['gelu_pytorch_tanh', 'geluTanh'],
]);

const OLMO3_THETA = 500_000;

/** Gemma's, OLMo's and EXAONE's, by `model_type`. */
export const NORMED_AFTER = {
  exaone4: (fields) => {
    const window = windowOf(fields, 4096);
    const hasLayers = fields.has('layer_types');
    if (window === undefined && !hasLayers) throw fields.error('layer_types', 'given, where sliding_window is null');
    const pattern = hasLayers ? 1 : fields.size('sliding_window_pattern', 4);
    fields.value('sliding_window_pattern'); // "LLLG" in published files, where layer_types has the layers
    return decoder(fields, {
      contextLength: 2048,
      kvHeads: 32,
      norm: { kind: 'rmsNorm', epsilon: fields.positive('rms_norm_eps', 1e-5) },
      layers: (each) =>
        slidingLayers(fields, {
          ...each,
          window,
          isSliding: (layer) => (layer + 1) % pattern !== 0,
          full: window === undefined ? {} : { positions: { kind: 'none' } },
        }),
      parts: { normPlacement: 'post', qkNorm: true },
    });
  },
  gemma: (fields) => {
    fields.only('hidden_activation', ['gelu_pytorch_tanh']);
    return gemma(fields, { activation: fields.oneOf('hidden_act', GEMMA_ACTIVATIONS, 'gelu_pytorch_tanh') });
  },
  gemma2: (fields) =>
    gemma(fields, {
      ...twiceNormed(fields),
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
      ...twiceNormed(fields),
      kvHeads: 4,
      contextLength: 131_072,
      rope: { theta: 1_000_000 },
      sliding: local,
      layers: (each) =>
        slidingLayers(fields, { ...each, window: windowOf(fields, 4096), isSliding: (i) => (i + 1) % pattern !== 0 }),
      parts: { family: 'gemma2', normPlacement: 'both', qkNorm: true, ...scoresOf(fields, {}) },
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
} satisfies Families;

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
function twiceNormed(fields: Fields): { readonly activation: Activation } {
  fields.value('hidden_act');
  return { activation: fields.oneOf('hidden_activation', ACTIVATIONS, 'gelu_pytorch_tanh') };
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
