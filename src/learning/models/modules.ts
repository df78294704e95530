/** The module names of each family, as in Hugging Face state dicts; adapters and checkpoints refer to them. */
import { AssayError } from '#base/errors.ts';
import type { TransformerConfig } from '#learning/models/config.ts';

export interface BlockModules {
  readonly attentionNorm: string;
  readonly qkv:
    | { readonly kind: 'fused'; readonly module: string; readonly layout: 'stacked' | 'byHead' }
    | { readonly kind: 'apart'; readonly q: string; readonly k: string; readonly v: string };
  readonly queryNorm: string;
  readonly keyNorm: string;
  readonly attentionOut: string;
  /** Only read where norms stand after. */
  readonly attentionPostNorm: string;
  readonly mlpNorm: string;
  /** Only read where norms stand after. */
  readonly mlpPostNorm: string;
  /** The same as `mlpUp` where one linear layer gives the gate and then what it gates. */
  readonly mlpGate: string;
  readonly mlpUp: string;
  readonly mlpDown: string;
  /** Only read where the activation has parameters. */
  readonly activation: string;
  /** Only read where there are experts; absent in families that have none. */
  readonly experts?: ExpertModules;
  /** Sites of the residual stream: after attention was added, and after the MLP was. */
  readonly afterAttention: string;
  readonly out: string;
}

/** A router, and the three linear layers of each expert. */
export interface ExpertModules {
  readonly router: string;
  expert(index: number): ExpertMatrices;
  /** Of the expert that all tokens have, and its gate; only read where there is one. */
  readonly shared: ExpertMatrices;
  readonly sharedGate: string;
}

interface ExpertMatrices {
  readonly gate: string;
  readonly up: string;
  readonly down: string;
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
  gpt2: gpt2Like((at) => ({
    qkv: { kind: 'fused', module: `${at}.attn.c_attn`, layout: 'stacked' },
    attentionOut: `${at}.attn.c_proj`,
    mlpUp: `${at}.mlp.c_fc`,
    mlpDown: `${at}.mlp.c_proj`,
  })),
  gptj: gpt2Like((at) => ({
    qkv: { kind: 'apart', q: `${at}.attn.q_proj`, k: `${at}.attn.k_proj`, v: `${at}.attn.v_proj` },
    attentionOut: `${at}.attn.out_proj`,
    mlpUp: `${at}.mlp.fc_in`,
    mlpDown: `${at}.mlp.fc_out`,
  })),
  llama: llamaLike({}),
  gemma2: llamaLike({ mlpNorm: 'pre_feedforward_layernorm' }),
  gemma3: llamaLike({ root: 'model.language_model', mlpNorm: 'pre_feedforward_layernorm' }), // beside images
  mistral3: llamaLike({ root: 'model.language_model' }), // beside images
  phi3: llamaLike({ qkv: 'self_attn.qkv_proj', gate: 'mlp.gate_up_proj', up: 'mlp.gate_up_proj' }),
  glm: llamaLike({
    attentionPostNorm: 'post_self_attn_layernorm',
    mlpPostNorm: 'post_mlp_layernorm',
    gate: 'mlp.gate_up_proj',
    up: 'mlp.gate_up_proj',
  }),
  apertus: llamaLike({ attentionNorm: 'attention_layernorm', mlpNorm: 'feedforward_layernorm' }),
  hunyuan: llamaLike({ queryNorm: 'query_layernorm', keyNorm: 'key_layernorm' }),
  phi: llamaLike({
    finalNorm: 'final_layernorm',
    queryNorm: 'q_layernorm',
    keyNorm: 'k_layernorm',
    attentionOut: 'dense',
    up: 'mlp.fc1',
    down: 'mlp.fc2',
  }),
  stablelm: llamaLike({ queryNorm: 'q_layernorm', keyNorm: 'k_layernorm' }),
  opt: llamaLike({
    root: 'model.decoder',
    finalNorm: 'final_layer_norm',
    attentionNorm: 'self_attn_layer_norm',
    attentionOut: 'out_proj',
    mlpNorm: 'final_layer_norm',
    up: 'fc1',
    down: 'fc2',
  }),
  starcoder2: llamaLike({ up: 'mlp.c_fc', down: 'mlp.c_proj' }),
  mixtral: llamaLike({ experts: { at: 'block_sparse_moe', gate: 'w1', up: 'w3', down: 'w2' } }),
  neox: {
    tokenEmbedding: 'gpt_neox.embed_in.weight',
    positionEmbedding: 'gpt_neox.embed_positions.weight',
    finalNorm: 'gpt_neox.final_layer_norm',
    head: 'embed_out',
    embeddings: 'gpt_neox.embeddings',
    block: (layer) => {
      const at = `gpt_neox.layers.${layer}`;
      return {
        attentionNorm: `${at}.input_layernorm`,
        qkv: { kind: 'fused', module: `${at}.attention.query_key_value`, layout: 'byHead' },
        queryNorm: `${at}.attention.q_norm`,
        keyNorm: `${at}.attention.k_norm`,
        attentionOut: `${at}.attention.dense`,
        attentionPostNorm: `${at}.attention_post_layernorm`,
        mlpNorm: `${at}.post_attention_layernorm`,
        mlpPostNorm: `${at}.mlp_post_layernorm`,
        mlpGate: `${at}.mlp.dense_gate`,
        mlpUp: `${at}.mlp.dense_h_to_4h`,
        mlpDown: `${at}.mlp.dense_4h_to_h`,
        activation: `${at}.mlp.act_fn`,
        afterAttention: `${at}.afterAttention`,
        out: `${at}.out`,
      };
    },
  },
};

interface ExpertNames extends ExpertMatrices {
  readonly at: string;
}

function expertModules(at: string, { gate, up, down }: ExpertNames): ExpertModules {
  const of = (one: string): ExpertMatrices => ({ gate: `${one}.${gate}`, up: `${one}.${up}`, down: `${one}.${down}` });
  return {
    router: `${at}.gate`,
    expert: (index) => of(`${at}.experts.${index}`),
    shared: of(`${at}.shared_expert`),
    sharedGate: `${at}.shared_expert_gate`,
  };
}

/** GPT-2's names. @param own What families call differently, in the block of a name. */
function gpt2Like(
  own: (at: string) => Pick<BlockModules, 'attentionOut' | 'mlpDown' | 'mlpUp' | 'qkv'>,
): FamilyModules {
  return {
    tokenEmbedding: 'transformer.wte.weight',
    positionEmbedding: 'transformer.wpe.weight',
    finalNorm: 'transformer.ln_f',
    head: 'lm_head',
    embeddings: 'transformer.embeddings',
    block: (layer) => {
      const at = `transformer.h.${layer}`;
      return {
        ...own(at),
        attentionNorm: `${at}.ln_1`,
        queryNorm: `${at}.attn.q_norm`,
        keyNorm: `${at}.attn.k_norm`,
        attentionPostNorm: `${at}.ln_1_post`,
        mlpNorm: `${at}.ln_2`,
        mlpPostNorm: `${at}.ln_2_post`,
        mlpGate: `${at}.mlp.c_gate`,
        activation: `${at}.mlp.act_fn`,
        afterAttention: `${at}.afterAttention`,
        out: `${at}.out`,
      };
    },
  };
}

/** Llama's names, with what a family has under others. */
function llamaLike(own: {
  readonly root?: string;
  readonly qkv?: string;
  readonly attentionNorm?: string;
  readonly finalNorm?: string;
  readonly queryNorm?: string;
  readonly keyNorm?: string;
  readonly attentionOut?: string;
  readonly attentionPostNorm?: string;
  readonly mlpNorm?: string;
  readonly mlpPostNorm?: string;
  readonly gate?: string;
  readonly up?: string;
  readonly down?: string;
  readonly experts?: ExpertNames;
}): FamilyModules {
  const { qkv, mlpNorm = 'post_attention_layernorm', attentionPostNorm = 'post_attention_layernorm' } = own;
  const { root = 'model', attentionNorm = 'input_layernorm' } = own;
  const { finalNorm = 'norm', queryNorm = 'q_norm', keyNorm = 'k_norm', attentionOut = 'o_proj' } = own;
  const { mlpPostNorm = 'post_feedforward_layernorm' } = own;
  const { experts = { at: 'mlp', gate: 'gate_proj', up: 'up_proj', down: 'down_proj' } } = own;
  const { gate = 'mlp.gate_proj', up = 'mlp.up_proj', down = 'mlp.down_proj' } = own;
  return {
    tokenEmbedding: `${root}.embed_tokens.weight`,
    positionEmbedding: `${root}.embed_positions.weight`,
    finalNorm: `${root}.${finalNorm}`,
    head: 'lm_head',
    embeddings: `${root}.embeddings`,
    block: (layer) => {
      const at = `${root}.layers.${layer}`;
      const attention = `${at}.self_attn`;
      return {
        attentionNorm: `${at}.${attentionNorm}`,
        qkv:
          qkv === undefined
            ? { kind: 'apart', q: `${attention}.q_proj`, k: `${attention}.k_proj`, v: `${attention}.v_proj` }
            : { kind: 'fused', module: `${at}.${qkv}`, layout: 'stacked' },
        queryNorm: `${attention}.${queryNorm}`,
        keyNorm: `${attention}.${keyNorm}`,
        attentionOut: `${attention}.${attentionOut}`,
        attentionPostNorm: `${at}.${attentionPostNorm}`,
        mlpNorm: `${at}.${mlpNorm}`,
        mlpPostNorm: `${at}.${mlpPostNorm}`,
        mlpGate: `${at}.${gate}`,
        mlpUp: `${at}.${up}`,
        mlpDown: `${at}.${down}`,
        activation: `${at}.mlp.act_fn`,
        experts: expertModules(`${at}.${experts.at}`, experts),
        afterAttention: `${at}.afterAttention`,
        out: `${at}.out`,
      };
    },
  };
}

/** The names of a block's experts. @throws AssayError for a family that has none. */
export function expertModulesOf({ experts, mlpUp }: BlockModules): ExpertModules {
  if (experts !== undefined) return experts;
  throw new AssayError('config', `Transformer config: no family has experts in place of ${mlpUp}.`);
}

/** The sites of a transformer's residual stream, in order: the embeddings, then two a block. */
export function transformerSites({ family, nLayers }: TransformerConfig): readonly string[] {
  const { embeddings, block } = MODULES[family];
  const blocks = Array.from({ length: nLayers }, (_, layer) => {
    const { afterAttention, out } = block(layer);
    return [afterAttention, out];
  });
  return [embeddings, ...blocks.flat()];
}
