/**
 * A decoder with Llama's keys in its `config.json`, but for what a family has of its own: what families share is read here once.
 * Source: the configuration and modeling files of transformers 5.24.
 */
import type { Fields } from '#learning/files/fields.ts';
import { type ModelDescription, type ModelType, PRETRAINED_STD } from '#learning/files/model-description.ts';
import type { LayerConfig, TransformerConfig } from '#learning/models/config.ts';

import type { Each } from './hugging-face-layers.ts';
import { layeredPositions, type RopeDefaults, rotaryPositions } from './hugging-face-rope.ts';

/** What a config says of a model, but for its type. */
export type Described = Omit<ModelDescription, 'modelType'>;
/** How configs of some model types are read. */
export type Families = Readonly<Partial<Record<ModelType, (fields: Fields) => Described>>>;
export type Activation = TransformerConfig['activation'];

/** The activations that are built, by the names that configs have for them. */
export const ACTIVATIONS: ReadonlyMap<string, Activation> = new Map<string, Activation>([
  ['silu', 'silu'],
  ['swish', 'silu'],
  ['relu', 'relu'],
  ['relu2', 'reluSquared'],
  ['gelu', 'gelu'],
  ['gelu_new', 'geluTanh'],
  ['gelu_pytorch_tanh', 'geluTanh'],
]);

/** What a family has of its own. */
export interface Own {
  /** `max_position_embeddings` where the file has none. */
  readonly contextLength: number;
  readonly headDim?: number;
  /**
   * Heads of keys and values where the file says nothing of them: as many as queries where left out, and whatever the file says for
   * `heads`. Null says as many as queries.
   */
  readonly kvHeads?: 'heads' | number;
  readonly norm?: TransformerConfig['norm'];
  readonly activation?: Activation;
  readonly biases?: TransformerConfig['biases'];
  readonly tied?: boolean;
  readonly rope?: Omit<RopeDefaults, 'contextLength'>;
  /** The rotation of layers with a window, where it is another one. */
  readonly sliding?: RopeDefaults;
  readonly layers?: (each: Each) => readonly LayerConfig[] | undefined;
  readonly parts?: Partial<TransformerConfig>;
}

/** The model of a config. @throws AssayError naming what is missing, wrong or not supported. */
export function decoder(fields: Fields, own: Own): Described {
  const { contextLength: declared, ...size } = sizes(fields, own);
  const rope = { contextLength: declared, ...own.rope };
  const { full, sliding } =
    own.sliding === undefined
      ? { full: rotaryPositions(fields, rope), sliding: undefined }
      : layeredPositions(fields, { full: rope, sliding: own.sliding });
  const contextLength = Math.min(full.contextLength, sliding?.contextLength ?? Infinity);
  const layers = own.layers?.({ nLayers: size.nLayers, contextLength, sliding: sliding?.positions });
  const config: TransformerConfig = {
    family: 'llama',
    ...size,
    norm: own.norm ?? { kind: 'rmsNorm', epsilon: fields.positive('rms_norm_eps', 1e-6) },
    activation: own.activation ?? fields.oneOf('hidden_act', ACTIVATIONS, 'silu'),
    mlp: 'gated',
    positions: full.positions,
    biases: own.biases ?? { qkv: false, attentionOut: false, mlp: false },
    qkNorm: false,
    tied: fields.flag('tie_word_embeddings', own.tied ?? false),
    initialStd: PRETRAINED_STD,
    ...own.parts,
    ...(layers === undefined ? {} : { layers }),
  };
  return { contextLength, config };
}

type Sizes = Pick<TransformerConfig, 'vocabulary' | 'dModel' | 'nLayers' | 'nHeads' | 'nKvHeads' | 'headDim' | 'dMlp'>;

function sizes(
  fields: Fields,
  own: Pick<Own, 'contextLength' | 'headDim' | 'kvHeads'>,
): Sizes & { contextLength: number } {
  const dModel = fields.size('hidden_size');
  const nHeads = fields.size('num_attention_heads');
  return {
    vocabulary: fields.size('vocab_size'),
    dModel,
    nLayers: fields.size('num_hidden_layers'),
    nHeads,
    nKvHeads: own.kvHeads === 'heads' ? nHeads : kvHeadsOf(fields, own.kvHeads ?? nHeads, nHeads),
    headDim: own.kvHeads === 'heads' ? dModel / nHeads : headDimOf(fields, own.headDim ?? dModel / nHeads),
    dMlp: fields.size('intermediate_size'),
    contextLength: contextOf(fields, own.contextLength),
  };
}

/** @param absent Where the file says nothing, as its class has it. */
function kvHeadsOf(fields: Fields, absent: number, nHeads: number): number {
  const name = 'num_key_value_heads';
  return fields.isNull(name) ? nHeads : fields.size(name, absent);
}

/** The size of a head where heads share the stream's width. */
export function sharedWidth(fields: Fields): number {
  return fields.size('hidden_size') / fields.size('num_attention_heads');
}

/** `head_dim`. @param byDefault Where the file says nothing or null; a width that heads do not divide is refused with all sizes. */
export function headDimOf(fields: Fields, byDefault: number): number {
  return fields.has('head_dim') ? fields.size('head_dim') : byDefault;
}

/** Tokens. @param byDefault Where the file says nothing. */
export function contextOf(fields: Fields, byDefault: number): number {
  return fields.size('max_position_embeddings', byDefault);
}

/** For families whose MLP has none. */
export function noMlpBias(fields: Fields): false {
  if (fields.flag('mlp_bias', false)) throw fields.error('mlp_bias', 'false');
  return false;
}
