/**
 * From a Hugging Face `config.json` to a ModelConfig.
 * An option that would change the numbers and is not supported is an error naming it: none is skipped silently.
 * Defaults are those of the configuration classes in transformers.
 */
import { AssayError } from '#base/errors.ts';
import type { Json, JsonObject } from '#base/json.ts';
import { isJsonObject } from '#base/json.ts';
import type { RopeScaling } from '#learning/models/config.ts';

import type { Activation, ModelConfig, ModelFamily, PositionConfig } from '#learning/files/model-config.ts';
import { isCount } from '#learning/files/tensors/tensor-source.ts';

/** The architectures that are read, by the name in `architectures` or `model_type`. */
const FAMILIES: ReadonlyMap<string, ModelFamily> = new Map([
  ['llama', 'llama'],
  ['qwen2', 'qwen2'],
  ['qwen3', 'qwen3'],
  ['gpt2', 'gpt2'],
]);

const ACTIVATIONS: ReadonlyMap<string, Activation> = new Map<string, Activation>([
  ['silu', 'silu'],
  ['swish', 'silu'],
  ['gelu', 'gelu'],
  ['gelu_new', 'geluTanh'],
  ['gelu_pytorch_tanh', 'geluTanh'],
  ['relu', 'relu'],
]);

/**
 * The description of the model a `config.json` declares.
 * @throws AssayError naming what is missing, wrong or not supported.
 */
export function huggingFaceConfig(json: JsonObject, where: string): ModelConfig {
  const fields = fieldsOf(json, where);
  const modelType = json['model_type'];
  const family = typeof modelType === 'string' ? FAMILIES.get(modelType) : undefined;
  if (family === undefined) {
    const known = [...FAMILIES.keys()].join(', ');
    throw fields.error('model_type', `one of ${known}`);
  }
  if (json['quantization_config'] !== undefined && json['quantization_config'] !== null) {
    throw new AssayError('file', `${where}: quantization_config is not supported; use unquantized weights or GGUF.`);
  }
  const config = family === 'gpt2' ? gpt2Config(fields) : llamaConfig(family, fields);
  checkSizes(config, where);
  return config;
}

/** Refuses sizes that do not fit together or that no model has. */
export function checkSizes(config: ModelConfig, where: string): void {
  const { nHeads, nKvHeads, headDim, nLayers } = config;
  if (nHeads % nKvHeads !== 0) {
    throw new AssayError('file', `${where}: expected ${nHeads} heads to be a multiple of ${nKvHeads} key-value heads.`);
  }
  if (headDim % 2 !== 0 && config.position.kind === 'rope') {
    throw new AssayError('file', `${where}: expected an even head dimension for rotations, found ${headDim}.`);
  }
  const { position } = config;
  if (position.kind === 'rope' && position.scaling.kind === 'divisors') {
    const { length } = position.scaling.divisors;
    if (length !== headDim / 2) {
      throw new AssayError('file', `${where}: expected ${headDim / 2} factors of the rotation, found ${length}.`);
    }
  }
  const sizes = [config.dModel, config.dMlp, config.vocabSize, nHeads, headDim, config.contextLength];
  const tooLarge = nLayers > MAX_LAYERS ? nLayers : sizes.find((size) => size > MAX_SIZE);
  if (tooLarge !== undefined) throw new AssayError('file', `${where}: no model has a size of ${tooLarge}.`);
}

const MAX_LAYERS = 2000;
const MAX_SIZE = 1 << 26;

function llamaConfig(family: 'llama' | 'qwen2' | 'qwen3', fields: Fields): ModelConfig {
  const dModel = fields.size('hidden_size');
  const nHeads = fields.size('num_attention_heads');
  fields.only('use_sliding_window', [false]);
  fields.only('partial_rotary_factor', [1]);
  if (family === 'llama') fields.only('sliding_window', [null]);
  const layerTypes = fields.json['layer_types'] ?? [];
  if (!Array.isArray(layerTypes) || layerTypes.some((kind) => kind !== 'full_attention')) {
    throw fields.error('layer_types', 'full_attention in every layer');
  }
  const attentionBias = fields.flag('attention_bias', false);
  return {
    family,
    dModel,
    nLayers: fields.size('num_hidden_layers'),
    nHeads,
    nKvHeads: fields.size('num_key_value_heads', nHeads),
    headDim: fields.size('head_dim', family === 'qwen3' ? 128 : dModel / nHeads),
    dMlp: fields.size('intermediate_size'),
    vocabSize: fields.size('vocab_size'),
    contextLength: fields.size('max_position_embeddings', 2048),
    norm: { kind: 'rms', eps: fields.positive('rms_norm_eps', 1e-6) },
    mlp: { kind: 'gated', activation: fields.activation('hidden_act', 'silu') },
    position: ropePosition(fields),
    tiedEmbeddings: fields.flag('tie_word_embeddings', false),
    biases: {
      qkv: family === 'qwen2' || attentionBias, // Qwen2 has them always, and none on the output
      attentionOut: family !== 'qwen2' && attentionBias,
      mlp: family === 'llama' && fields.flag('mlp_bias', false),
    },
    qkNorm: family === 'qwen3',
  };
}

function gpt2Config(fields: Fields): ModelConfig {
  fields.only('scale_attn_weights', [true]);
  fields.only('scale_attn_by_inverse_layer_idx', [false]);
  fields.only('add_cross_attention', [false]);
  const dModel = fields.size('n_embd', 768);
  const nHeads = fields.size('n_head', 12);
  return {
    family: 'gpt2',
    dModel,
    nLayers: fields.size('n_layer', 12),
    nHeads,
    nKvHeads: nHeads,
    headDim: fields.size('head_dim', dModel / nHeads),
    dMlp: fields.size('n_inner', 4 * dModel),
    vocabSize: fields.size('vocab_size', 50_257),
    contextLength: fields.size('n_positions', 1024),
    norm: { kind: 'layer', eps: fields.positive('layer_norm_epsilon', 1e-5) },
    mlp: { kind: 'plain', activation: fields.activation('activation_function', 'gelu_new') },
    position: { kind: 'learned' },
    tiedEmbeddings: fields.flag('tie_word_embeddings', true),
    biases: { qkv: true, attentionOut: true, mlp: true },
    qkNorm: false,
  };
}

/** Reads `rope_theta` with `rope_scaling`, or `rope_parameters` as transformers 5 writes them. */
function ropePosition(fields: Fields): PositionConfig {
  const joint = fields.json['rope_parameters'] ?? undefined;
  const apart = fields.json['rope_scaling'] ?? undefined;
  const scaling = fieldsOf(isJsonObject(joint) ? joint : isJsonObject(apart) ? apart : {}, `${fields.where}: rope`);
  const theta = isJsonObject(joint) && joint['rope_theta'] !== undefined ? scaling : fields;
  scaling.only('partial_rotary_factor', [1]);
  return { kind: 'rope', theta: theta.positive('rope_theta', 10_000), scaling: ropeScaling(scaling, fields) };
}

function ropeScaling(scaling: Fields, fields: Fields): RopeScaling {
  const kind = scaling.json['rope_type'] ?? scaling.json['type'] ?? 'default';
  if (kind === 'default') return { kind: 'none' };
  if (kind === 'linear') return { kind: 'linear', factor: scaling.positive('factor') };
  if (kind === 'longrope') return { kind: 'divisors', divisors: ropeDivisors(scaling) };
  if (kind !== 'llama3') throw scaling.error('rope_type', 'one of default, linear, llama3, longrope');
  const llama3 = {
    kind: 'llama3',
    factor: scaling.positive('factor'),
    lowFreqFactor: scaling.positive('low_freq_factor'),
    highFreqFactor: scaling.positive('high_freq_factor'),
    originalContextLength: scaling.size(
      'original_max_position_embeddings',
      fields.size('original_max_position_embeddings', fields.size('max_position_embeddings', 2048)),
    ),
  } as const;
  if (llama3.highFreqFactor > llama3.lowFreqFactor) return llama3;
  throw scaling.error('high_freq_factor', 'a number above low_freq_factor');
}

/** 'longrope' whose factors do not depend on the length: a divisor a frequency, as Assay writes models that came from GGUF. */
function ropeDivisors(scaling: Fields): readonly number[] {
  const { short_factor: short, long_factor: long } = scaling.json;
  scaling.only('attention_factor', [1]);
  if (scaling.json['attention_factor'] === undefined) throw scaling.error('attention_factor', '1');
  if (JSON.stringify(short) !== JSON.stringify(long)) throw scaling.error('long_factor', 'the same as short_factor');
  const isDivisor = (value: Json): value is number => typeof value === 'number' && value > 0 && Number.isFinite(value);
  if (Array.isArray(short) && short.every(isDivisor)) return short;
  throw scaling.error('short_factor', 'a list of positive numbers');
}

/** Checked access to the fields of one JSON object; null counts as absent, as in Python. */
interface Fields {
  readonly json: JsonObject;
  readonly where: string;
  /** A positive integer. */
  size(name: string, byDefault?: number): number;
  /** A positive finite number. */
  positive(name: string, byDefault?: number): number;
  flag(name: string, byDefault: boolean): boolean;
  activation(name: string, byDefault: string): Activation;
  /** Refuses any value but these; absent is fine. */
  only(name: string, allowed: readonly Json[]): void;
  error(name: string, expected: string): AssayError;
}

function fieldsOf(json: JsonObject, where: string): Fields {
  const error = (name: string, expected: string): AssayError => {
    const value = json[name];
    const found = value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 100);
    return new AssayError('file', `${where}: expected ${name} to be ${expected}, found ${found}.`);
  };
  return {
    json,
    where,
    error,
    size(name, byDefault) {
      const value = json[name] ?? byDefault;
      if (isCount(value) && value > 0) return value;
      throw error(name, 'a positive integer');
    },
    positive(name, byDefault) {
      const value = json[name] ?? byDefault;
      if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return value;
      throw error(name, 'a positive number');
    },
    flag(name, byDefault) {
      const value = json[name] ?? byDefault;
      if (typeof value === 'boolean') return value;
      throw error(name, 'true or false');
    },
    activation(name, byDefault) {
      const value = json[name] ?? byDefault;
      const activation = typeof value === 'string' ? ACTIVATIONS.get(value) : undefined;
      if (activation !== undefined) return activation;
      throw error(name, `one of ${[...ACTIVATIONS.keys()].join(', ')}`);
    },
    only(name, allowed) {
      const value = json[name] ?? null;
      if (value !== null && !allowed.includes(value)) {
        throw error(name, `${allowed.map((item) => JSON.stringify(item)).join(' or ')} (nothing else is supported)`);
      }
    },
  };
}
