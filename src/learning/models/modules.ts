/** The module names of each family, as in Hugging Face state dicts; adapters and checkpoints refer to them. */
import type { TransformerConfig } from '#learning/models/config.ts';

export interface BlockModules {
  readonly attentionNorm: string;
  readonly qkv:
    | { readonly kind: 'fused'; readonly module: string }
    | { readonly kind: 'apart'; readonly q: string; readonly k: string; readonly v: string };
  readonly queryNorm: string;
  readonly keyNorm: string;
  readonly attentionOut: string;
  readonly mlpNorm: string;
  readonly mlpGate: string;
  readonly mlpUp: string;
  readonly mlpDown: string;
  /** Sites of the residual stream: after attention was added, and after the MLP was. */
  readonly afterAttention: string;
  readonly out: string;
}

export interface FamilyModules {
  readonly tokenEmbedding: string;
  /** Only read where positions are learned. */
  readonly positionEmbedding: string;
  readonly finalNorm: string;
  /** Only read where the head is not tied. */
  readonly head: string;
  /** The site of the residual stream before the first block. */
  readonly embeddings: string;
  block(layer: number): BlockModules;
}

export const MODULES: { readonly [F in TransformerConfig['family']]: FamilyModules } = {
  gpt2: {
    tokenEmbedding: 'transformer.wte.weight',
    positionEmbedding: 'transformer.wpe.weight',
    finalNorm: 'transformer.ln_f',
    head: 'lm_head',
    embeddings: 'transformer.embeddings',
    block: (layer) => {
      const at = `transformer.h.${layer}`;
      return {
        attentionNorm: `${at}.ln_1`,
        qkv: { kind: 'fused', module: `${at}.attn.c_attn` },
        queryNorm: `${at}.attn.q_norm`,
        keyNorm: `${at}.attn.k_norm`,
        attentionOut: `${at}.attn.c_proj`,
        mlpNorm: `${at}.ln_2`,
        mlpGate: `${at}.mlp.c_gate`,
        mlpUp: `${at}.mlp.c_fc`,
        mlpDown: `${at}.mlp.c_proj`,
        afterAttention: `${at}.afterAttention`,
        out: `${at}.out`,
      };
    },
  },
  llama: {
    tokenEmbedding: 'model.embed_tokens.weight',
    positionEmbedding: 'model.embed_positions.weight',
    finalNorm: 'model.norm',
    head: 'lm_head',
    embeddings: 'model.embeddings',
    block: (layer) => {
      const at = `model.layers.${layer}`;
      return {
        attentionNorm: `${at}.input_layernorm`,
        qkv: {
          kind: 'apart',
          q: `${at}.self_attn.q_proj`,
          k: `${at}.self_attn.k_proj`,
          v: `${at}.self_attn.v_proj`,
        },
        queryNorm: `${at}.self_attn.q_norm`,
        keyNorm: `${at}.self_attn.k_norm`,
        attentionOut: `${at}.self_attn.o_proj`,
        mlpNorm: `${at}.post_attention_layernorm`,
        mlpGate: `${at}.mlp.gate_proj`,
        mlpUp: `${at}.mlp.up_proj`,
        mlpDown: `${at}.mlp.down_proj`,
        afterAttention: `${at}.afterAttention`,
        out: `${at}.out`,
      };
    },
  },
};

/** The sites of a transformer's residual stream, in order: the embeddings, then two a block. */
export function transformerSites({ family, nLayers }: TransformerConfig): readonly string[] {
  const { embeddings, block } = MODULES[family];
  const blocks = Array.from({ length: nLayers }, (_, layer) => {
    const { afterAttention, out } = block(layer);
    return [afterAttention, out];
  });
  return [embeddings, ...blocks.flat()];
}
