/**
 * What readers of a GGUF file's architectures share: what every one has, and the fields of a `config.json` that many have.
 * Source: `load_arch_hparams` in `src/models/` and `conversion/` of llama.cpp.
 */
import type { JsonObject } from '#base/json.ts';
import { type Fields, listedNumbers } from '#learning/files/fields.ts';
import type { ModelType } from '#learning/files/model-description.ts';

import { float, type GgufRope, ropeFields, type RopeOfFamily } from './gguf-rope.ts';

/** What every architecture has. */
export interface GgufReading {
  readonly fields: Fields;
  readonly nLayers: number;
  readonly nHeads: number;
  readonly nKvHeads: number;
  readonly dModel: number;
  readonly dMlp: number;
  readonly headDim: number;
  readonly contextLength: number;
  readonly rope: GgufRope;
  /** Whether the file has a tensor. */
  has(name: string): boolean;
}

/** How an architecture is read. */
export interface GgufFamily {
  /** Absent where positions are learned. */
  readonly rope: RopeOfFamily | undefined;
  /** Keys that it reads and that others may only have switched off. */
  readonly reads?: readonly string[];
  /** Whether query and key rows stand in pairs, as llama.cpp turns them. */
  readonly isPaired?: boolean;
  /** The fields of its own in a config, `model_type` among them; they replace those that families share. */
  config(reading: GgufReading): JsonObject & { readonly model_type: ModelType };
}

/** What a reader makes: the fields of a config. */
export type Config = ReturnType<GgufFamily['config']>;

/** The key of the window, and of how many experts there are and a token gets. */
export const WINDOW = 'attention.sliding_window';
export const [EXPERTS, EXPERTS_USED] = ['expert_count', 'expert_used_count'];

/** Sizes. */
export function shared({ dModel, nLayers, nHeads, nKvHeads, headDim, dMlp, contextLength }: GgufReading): JsonObject {
  return {
    hidden_size: dModel,
    num_hidden_layers: nLayers,
    num_attention_heads: nHeads,
    num_key_value_heads: nKvHeads,
    head_dim: headDim,
    intermediate_size: dMlp,
    max_position_embeddings: contextLength,
  };
}

/** With RMSNorm, SwiGLU and rotations: Llama's fields, and some of a family's own. */
export function rmsNormed(reading: GgufReading, own: JsonObject = {}): JsonObject {
  return {
    ...shared(reading),
    rms_norm_eps: float(reading.fields, 'attention.layer_norm_rms_epsilon'),
    hidden_act: 'silu',
    ...own,
    ...ropeFields(reading.rope),
  };
}

/** Whether queries, keys and values have a bias. */
export function hasQkvBias({ has }: GgufReading): boolean {
  return has('blk.0.attn_q.bias') || has('blk.0.attn_qkv.bias');
}

/** Where a config says nothing, its class has a token that small vocabularies lack. */
export const NO_PAD = { pad_token_id: null };

/** 0 is llama.cpp's "none". */
export function windowOrNone(fields: Fields): number | undefined {
  return (fields.value(WINDOW) ?? 0) === 0 ? undefined : fields.size(WINDOW);
}

/** Which layers have a window: by a list of them, or all but every n-th. @param period n, where the file says nothing. */
export function windows({ fields, nLayers }: GgufReading, window: number | undefined, period: number): JsonObject {
  const key = `${WINDOW}_pattern`;
  const listed = listedNumbers(fields.value(key));
  if (listed !== undefined && listed.length !== nLayers)
    throw fields.error(key, `one number for each of ${nLayers} layers`);
  const every = listed === undefined ? fields.size(key, period) : 0;
  const isSliding = (layer: number): boolean =>
    window !== undefined && (listed === undefined ? layer % every < every - 1 : listed[layer] !== 0);
  return {
    sliding_window: window ?? null,
    layer_types: Array.from({ length: nLayers }, (_, layer) =>
      isSliding(layer) ? 'sliding_attention' : 'full_attention',
    ),
  };
}
