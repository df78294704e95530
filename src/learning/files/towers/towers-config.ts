/**
 * From a Hugging Face `config.json` of CLIP, SigLIP or SigLIP 2 (NaFlex) to the description of two towers.
 * Every key is read, or is one of those that change nothing, or is refused by name; defaults are those of the
 * configuration classes of transformers 5. (SigLIP 2 at a fixed resolution says `siglip`, and is one.)
 */
import { AssayError } from '#base/errors.ts';
import { isJsonObject, type JsonObject } from '#base/json.ts';
import { type Fields, fieldsOf } from '#learning/files/fields.ts';
import { refuseForeign } from '#learning/files/hugging-face/foreign.ts';
import { isIdleConfigKey } from '#learning/files/hugging-face/hugging-face-keys.ts';
import { PRETRAINED_STD } from '#learning/files/model-description.ts';
import {
  checkedTowers,
  type EncoderConfig,
  type ImageTowerConfig,
  type TextTowerConfig,
  type TowerActivation,
  type TowersConfig,
} from '#learning/models/towers/config.ts';
import type { PooledPlace } from '#learning/models/towers/inputs.ts';

/** By Hugging Face's `model_type`. */
export type TowersFamily = 'clip' | 'siglip' | 'siglip2';

/** Two pretrained towers without their weights. Plain JSON. */
export interface TowersDescription {
  readonly family: TowersFamily;
  readonly config: TowersConfig;
  /** Pixels a side of the square images that are read; null where they have sizes of their own. */
  readonly imageSize: number | null;
  /** Where texts are pooled; null where it is the last token. */
  readonly pooledPlace: PooledPlace | null;
}

const FAMILIES: ReadonlyMap<string, TowersFamily> = new Map([
  ['clip', 'clip'],
  ['siglip', 'siglip'],
  ['siglip2', 'siglip2'],
]);

const ARCHITECTURES: Readonly<Record<TowersFamily, readonly string[]>> = {
  clip: ['CLIPModel'],
  siglip: ['SiglipModel'],
  siglip2: ['Siglip2Model'],
};

const ACTIVATIONS: ReadonlyMap<string, TowerActivation> = new Map<string, TowerActivation>([
  ['quick_gelu', 'quickGelu'],
  ['gelu', 'gelu'],
  ['gelu_python', 'gelu'],
  ['gelu_new', 'geluTanh'],
  ['gelu_pytorch_tanh', 'geluTanh'],
  ['gelu_python_tanh', 'geluTanh'],
  ['gelu_fast', 'geluTanh'],
  ['gelu_accurate', 'geluTanh'],
  ['silu', 'silu'],
  ['swish', 'silu'],
  ['relu', 'relu'],
]);

/** Widths and depths where a config says nothing. */
interface Defaults {
  readonly dModel: number;
  readonly dMlp: number;
  readonly nHeads: number;
  readonly vocabulary: number;
  readonly length: number;
  readonly patch: number;
  readonly activation: string;
  readonly epsilon: number;
}

const CLIP_TEXT: Defaults = {
  dModel: 512,
  dMlp: 2048,
  nHeads: 8,
  vocabulary: 49_408,
  length: 77,
  patch: 32,
  activation: 'quick_gelu',
  epsilon: 1e-5,
};
const CLIP_IMAGE: Defaults = { ...CLIP_TEXT, dModel: 768, dMlp: 3072, nHeads: 12 };
const SIGLIP: Defaults = {
  ...CLIP_IMAGE,
  vocabulary: 32_000,
  length: 64,
  patch: 16,
  activation: 'gelu_pytorch_tanh',
  epsilon: 1e-6,
};

/** Beside those of all models (`isIdleConfigKey`): starts before training, dropout, and widths that the pair itself says. */
const IDLE: ReadonlySet<string> = new Set(['initializer_factor', 'dropout', 'tie_word_embeddings', 'projection_dim']);

/** What is read of a part; one that `<name>_dict` overrides is read there. */
const PART_KEYS: ReadonlySet<string> = new Set([
  ...['hidden_size', 'num_hidden_layers', 'num_attention_heads', 'intermediate_size', 'hidden_act', 'layer_norm_eps'],
  ...['image_size', 'patch_size', 'num_channels', 'vocab_size', 'max_position_embeddings', 'model_type'],
]);

const isIdle = (name: string): boolean => IDLE.has(name) || isIdleConfigKey(name);

const MAX_SIZE = 1 << 24;

/**
 * The description of the towers a `config.json` declares.
 * @throws AssayError naming what is missing, wrong, not supported or not known.
 */
export function towersConfig(json: JsonObject, where: string): TowersDescription {
  const fields = fieldsOf(new Map(Object.entries(json)), where);
  const family = fields.oneOf('model_type', FAMILIES);
  refuseForeign(fields, family, ARCHITECTURES[family]);
  const described = family === 'clip' ? clip(fields) : siglip(family, fields);
  fields.refuseRest((name) => name !== 'projection_dim' && isIdle(name));
  const { image, text } = described.config;
  const sizes = [image.encoder, text.encoder].flatMap(({ dModel, dMlp, nLayers }) => [dModel, dMlp, nLayers]);
  const tooLarge = [...sizes, text.vocabulary, text.length, described.imageSize ?? 0].find((size) => size > MAX_SIZE);
  if (tooLarge !== undefined) throw new AssayError('file', `${where}: no model has a size of ${tooLarge}.`);
  try {
    checkedTowers(described.config);
  } catch (thrown) {
    throw thrown instanceof AssayError ? new AssayError('file', `${where}: ${thrown.message}`) : thrown;
  }
  return described;
}

function clip(fields: Fields): TowersDescription {
  const text = part(fields, 'text_config', 'clip_text_model');
  const vision = part(fields, 'vision_config', 'clip_vision_model');
  const width = fields.size('projection_dim', 512);
  const logitScale = fields.value('logit_scale_init_value') ?? 2.6592;
  if (typeof logitScale !== 'number') throw fields.error('logit_scale_init_value', 'a number');
  const end = text.value('eos_token_id') ?? 49_407;
  if (typeof end !== 'number') throw text.error('eos_token_id', 'one token id');
  const imageSize = vision.size('image_size', 224);
  const image = imageTowerOf(vision, CLIP_IMAGE, imageSize);
  const described: TowersDescription = {
    family: 'clip',
    config: {
      image: {
        ...image,
        patches: { ...image.patches, bias: false },
        classToken: true,
        preNorm: true,
        pooling: 'class',
        projection: width,
      },
      text: { ...textTowerOf(text, CLIP_TEXT), causal: true, pooling: 'at', projection: { width, bias: false } },
      logitScale,
      logitBias: null,
    },
    imageSize,
    // Configs before 2023 say 2, whatever the tokenizer's end is: transformers takes the largest id then.
    pooledPlace: end === 2 ? { kind: 'largest' } : { kind: 'first', id: end },
  };
  text.refuseRest(isIdle);
  vision.refuseRest(isIdle);
  return described;
}

function siglip(family: 'siglip' | 'siglip2', fields: Fields): TowersDescription {
  const text = part(fields, 'text_config', `${family}_text_model`);
  const vision = part(fields, 'vision_config', `${family}_vision_model`);
  vision.only('vision_use_head', [true]);
  const isResized = family === 'siglip2';
  const imageSize = isResized ? null : vision.size('image_size', 224);
  const image = isResized ? resizedTowerOf(vision) : imageTowerOf(vision, SIGLIP, imageSize ?? 0);
  const texts = textTowerOf(text, SIGLIP);
  const projection = { width: text.optionalSize('projection_size', texts.encoder.dModel), bias: true };
  text.refuseRest(isIdle);
  vision.refuseRest(isIdle);
  return {
    family,
    config: { image, text: { ...texts, projection }, logitScale: 0, logitBias: 0 },
    imageSize,
    pooledPlace: null,
  };
}

/**
 * One tower's part of a config. Old files have it twice: where `<name>_dict` is given, it and the defaults of the class
 * override all of `<name>`, as in transformers; what only the overridden one has is refused, since it may mean something.
 */
function part(fields: Fields, name: string, modelType: string): Fields {
  const given = objectOf(fields, name);
  const older = objectOf(fields, `${name}_dict`);
  const where = `${fields.where}: ${name}`;
  if (older !== undefined && given !== undefined) {
    fieldsOf(new Map(Object.entries(given)), where).refuseRest(
      (key) => isIdle(key) || PART_KEYS.has(key) || Object.hasOwn(older, key),
    );
  }
  const own = fieldsOf(new Map(Object.entries(older ?? given ?? {})), where);
  refuseForeign(own, modelType, []);
  own.only('model_type', [modelType]);
  return own;
}

function objectOf(fields: Fields, name: string): JsonObject | undefined {
  const value = fields.value(name);
  if (value === undefined) return undefined;
  if (typeof value === 'object' && value !== null && isJsonObject(value as JsonObject)) return value as JsonObject;
  throw fields.error(name, 'an object');
}

function encoderOf(fields: Fields, defaults: Defaults): EncoderConfig {
  return {
    dModel: fields.size('hidden_size', defaults.dModel),
    nLayers: fields.size('num_hidden_layers', 12),
    nHeads: fields.size('num_attention_heads', defaults.nHeads),
    dMlp: fields.size('intermediate_size', defaults.dMlp),
    activation: fields.oneOf('hidden_act', ACTIVATIONS, defaults.activation),
    epsilon: fields.positive('layer_norm_eps', defaults.epsilon),
    initialStd: PRETRAINED_STD,
  };
}

/** An image tower of SigLIP's kind; the convolution leaves out pixels beyond whole patches. */
function imageTowerOf(fields: Fields, defaults: Defaults, imageSize: number): ImageTowerConfig {
  const size = fields.size('patch_size', defaults.patch);
  const side = Math.floor(imageSize / size);
  return {
    encoder: encoderOf(fields, defaults),
    patches: {
      channels: fields.size('num_channels', 3),
      size,
      order: 'chw',
      bias: true,
      rows: side,
      columns: side,
      grid: 'fixed',
      initialStd: { weight: PRETRAINED_STD, position: PRETRAINED_STD },
    },
    classToken: false,
    preNorm: false,
    pooling: 'attention',
    projection: null,
  };
}

function resizedTowerOf(fields: Fields): ImageTowerConfig {
  const count = fields.size('num_patches', 256);
  const side = Math.round(Math.sqrt(count));
  if (side * side !== count) throw fields.error('num_patches', 'a square number (a square table of positions)');
  const fixed = imageTowerOf(fields, SIGLIP, side * fields.size('patch_size', SIGLIP.patch));
  return { ...fixed, patches: { ...fixed.patches, order: 'hwc', grid: 'resized' } };
}

function textTowerOf(fields: Fields, defaults: Defaults): TextTowerConfig {
  return {
    encoder: encoderOf(fields, defaults),
    vocabulary: fields.size('vocab_size', defaults.vocabulary),
    length: fields.size('max_position_embeddings', defaults.length),
    causal: false,
    pooling: 'last',
    projection: null,
    initialStd: { token: PRETRAINED_STD, position: PRETRAINED_STD },
  };
}
