/** The names of the towers' modules, as in the state dicts of Hugging Face, and of the places where their streams can be read. */
import type { ImageTowerConfig, TextTowerConfig, TowersConfig } from '#learning/models/towers/config.ts';

export interface EncoderBlockModules {
  readonly attentionNorm: string;
  readonly q: string;
  readonly k: string;
  readonly v: string;
  readonly attentionOut: string;
  readonly mlpNorm: string;
  readonly mlpUp: string;
  readonly mlpDown: string;
  /** Sites: after attention was added, and after the MLP was. */
  readonly afterAttention: string;
  readonly out: string;
}

export const IMAGE = {
  classToken: 'vision_model.embeddings.class_embedding',
  patches: 'vision_model.embeddings.patch_embedding',
  positions: 'vision_model.embeddings.position_embedding.weight',
  preNorm: 'vision_model.pre_layrnorm',
  finalNorm: 'vision_model.post_layernorm',
  head: {
    probe: 'vision_model.head.probe',
    qkv: 'vision_model.head.attention.in_proj',
    out: 'vision_model.head.attention.out_proj',
    norm: 'vision_model.head.layernorm',
    mlpUp: 'vision_model.head.mlp.fc1',
    mlpDown: 'vision_model.head.mlp.fc2',
  },
  projection: 'visual_projection',
  /** Sites: patches with their positions (and the class token); the same after the first norm, where there is one. */
  embeddings: 'vision_model.embeddings',
  normed: 'vision_model.pre_layrnorm',
  pooled: 'vision_model.pooled',
  projected: 'vision_model.projected',
  block: (layer: number): EncoderBlockModules => block(`vision_model.encoder.layers.${layer}`),
} as const;

export const TEXT = {
  tokens: 'text_model.embeddings.token_embedding.weight',
  positions: 'text_model.embeddings.position_embedding.weight',
  finalNorm: 'text_model.final_layer_norm',
  projection: 'text_projection',
  embeddings: 'text_model.embeddings',
  pooled: 'text_model.pooled',
  projected: 'text_model.projected',
  block: (layer: number): EncoderBlockModules => block(`text_model.encoder.layers.${layer}`),
} as const;

export const LOGIT_SCALE = 'logit_scale';
export const LOGIT_BIAS = 'logit_bias';

function block(at: string): EncoderBlockModules {
  return {
    attentionNorm: `${at}.layer_norm1`,
    q: `${at}.self_attn.q_proj`,
    k: `${at}.self_attn.k_proj`,
    v: `${at}.self_attn.v_proj`,
    attentionOut: `${at}.self_attn.out_proj`,
    mlpNorm: `${at}.layer_norm2`,
    mlpUp: `${at}.mlp.fc1`,
    mlpDown: `${at}.mlp.fc2`,
    afterAttention: `${at}.afterAttention`,
    out: `${at}.out`,
  };
}

/** A place in a tower. */
export interface TowerDepth {
  readonly site: string;
  /** `tokens`: a vector a token or patch, [B T, D] (a class token first in each row); `row`: one an image or text, [B, D]. */
  readonly per: 'token' | 'row';
  readonly width: number;
}

/** The places of the image tower in order: embeddings, (normed), the end of each block, pooled, projected. */
export function imageDepths({ encoder, preNorm, projection }: ImageTowerConfig): readonly TowerDepth[] {
  const { dModel, nLayers } = encoder;
  return [
    { site: IMAGE.embeddings, per: 'token', width: dModel },
    ...(preNorm ? [{ site: IMAGE.normed, per: 'token', width: dModel } as const] : []),
    ...blockEnds(IMAGE, nLayers, dModel),
    { site: IMAGE.pooled, per: 'row', width: dModel },
    { site: IMAGE.projected, per: 'row', width: projection ?? dModel },
  ];
}

/** The places of the text tower in order: embeddings, the end of each block, pooled, projected. */
export function textDepths({ encoder, projection }: TextTowerConfig): readonly TowerDepth[] {
  const { dModel, nLayers } = encoder;
  return [
    { site: TEXT.embeddings, per: 'token', width: dModel },
    ...blockEnds(TEXT, nLayers, dModel),
    { site: TEXT.pooled, per: 'row', width: dModel },
    { site: TEXT.projected, per: 'row', width: projection?.width ?? dModel },
  ];
}

/** Every site of both towers: what `withSites` and `recordingSites` may name. */
export function towerSites({ image, text }: TowersConfig): readonly string[] {
  return [...sitesOf(imageDepths(image), IMAGE), ...sitesOf(textDepths(text), TEXT)];
}

type Blocks = Pick<typeof IMAGE | typeof TEXT, 'block'>;

function blockEnds({ block: blockOf }: Blocks, nLayers: number, width: number): readonly TowerDepth[] {
  return Array.from({ length: nLayers }, (_, layer) => ({ site: blockOf(layer).out, per: 'token', width }));
}

/** The depths, and before the end of each block the place after its attention. */
function sitesOf(depths: readonly TowerDepth[], { block: blockOf }: Blocks): readonly string[] {
  const attention = new Map(depths.map((_, layer) => [blockOf(layer).out, blockOf(layer).afterAttention]));
  return depths.flatMap(({ site }) => {
    const before = attention.get(site);
    return before === undefined ? [site] : [before, site];
  });
}
