/**
 * From a Hugging Face `config.json` to the description of a model.
 * Every key is read, or is one of those that are known to change nothing (hugging-face-keys.ts), or is refused by name.
 * Defaults are those of the configuration classes in transformers.
 */
import type { JsonObject } from '#base/json.ts';

import { type Fields, fieldsOf } from '#learning/files/fields.ts';
import {
  checkSizes,
  type ModelDescription,
  type ModelType,
  PRETRAINED_STD,
} from '#learning/files/model-description.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { refuseForeign } from './foreign.ts';
import { isIdleConfigKey } from './hugging-face-keys.ts';
import { rotaryPositions } from './hugging-face-rope.ts';

/** The models that are read, by `model_type`. */
const MODEL_TYPES: ReadonlyMap<string, ModelType> = new Map([
  ['llama', 'llama'],
  ['qwen2', 'qwen2'],
  ['qwen3', 'qwen3'],
  ['gpt2', 'gpt2'],
]);

type Activation = TransformerConfig['activation'];

const ACTIVATIONS: ReadonlyMap<string, Activation> = new Map<string, Activation>([
  ['silu', 'silu'],
  ['swish', 'silu'],
  ['gelu', 'gelu'],
  ['gelu_new', 'geluTanh'],
  ['gelu_pytorch_tanh', 'geluTanh'],
]);

/** The classes a checkpoint of a model type may say it is, the first being the usual one. */
export const ARCHITECTURES: Readonly<Record<ModelType, readonly string[]>> = {
  llama: ['LlamaForCausalLM', 'LlamaModel', 'LLaMAForCausalLM'],
  qwen2: ['Qwen2ForCausalLM', 'Qwen2Model'],
  qwen3: ['Qwen3ForCausalLM', 'Qwen3Model'],
  gpt2: ['GPT2LMHeadModel', 'GPT2Model', 'GPT2DoubleHeadsModel'],
};

/**
 * The description of the model a `config.json` declares.
 * @throws AssayError naming what is missing, wrong, not supported or not known.
 */
export function huggingFaceConfig(json: JsonObject, where: string): ModelDescription {
  const fields = fieldsOf(new Map(Object.entries(json)), where);
  const modelType = fields.oneOf('model_type', MODEL_TYPES);
  refuseForeign(fields, modelType, ARCHITECTURES[modelType]);
  if (!fields.flag('is_causal', true)) throw fields.error('is_causal', 'true (only causal models are read)');
  const described = modelType === 'gpt2' ? gpt2(fields) : llama(modelType, fields);
  fields.refuseRest(isIdleConfigKey);
  checkSizes(described, where);
  return described;
}

function llama(modelType: Exclude<ModelType, 'gpt2'>, fields: Fields): ModelDescription {
  const dModel = fields.size('hidden_size');
  const nHeads = fields.size('num_attention_heads');
  const nLayers = fields.size('num_hidden_layers');
  const contextLength = fields.size('max_position_embeddings', modelType === 'llama' ? 2048 : 32_768);
  refuseWindows(modelType, fields, nLayers, contextLength);
  const attentionBias = fields.flag('attention_bias', false); // of Qwen2 it says nothing: its tensors are what they are
  const mlpBias = fields.flag('mlp_bias', false);
  if (mlpBias && modelType !== 'llama') throw fields.error('mlp_bias', 'false');
  const config: TransformerConfig = {
    family: 'llama', // Qwen keeps Llama's names
    vocabulary: fields.size('vocab_size'),
    dModel,
    nLayers,
    nHeads,
    nKvHeads: fields.optionalSize('num_key_value_heads', nHeads),
    headDim: fields.optionalSize('head_dim', modelType === 'qwen3' ? 128 : dModel / nHeads),
    dMlp: fields.size('intermediate_size'),
    norm: { kind: 'rmsNorm', epsilon: fields.positive('rms_norm_eps', 1e-6) },
    activation: fields.oneOf('hidden_act', ACTIVATIONS, 'silu'),
    mlp: 'gated',
    positions: rotaryPositions(fields, contextLength),
    biases: {
      qkv: modelType === 'qwen2' || attentionBias, // Qwen2 has them always, and none on the output
      attentionOut: modelType !== 'qwen2' && attentionBias,
      mlp: mlpBias,
    },
    qkNorm: modelType === 'qwen3',
    tied: fields.flag('tie_word_embeddings', false),
    initialStd: PRETRAINED_STD,
  };
  return { modelType, contextLength, config };
}

/** Refuses attention that does not see the whole context. A window that no row can outgrow is none. */
function refuseWindows(modelType: ModelType, fields: Fields, nLayers: number, contextLength: number): void {
  const kinds = fields.value('layer_types') ?? [];
  if (!Array.isArray(kinds) || kinds.some((kind) => kind !== 'full_attention')) {
    throw fields.error('layer_types', 'full_attention in every layer');
  }
  if (kinds.length !== 0 && kinds.length !== nLayers) throw fields.error('layer_types', `${nLayers} kinds`);
  const [from, given] = [fields.value('max_window_layers') ?? 28, fields.value('sliding_window')];
  if (modelType === 'llama') fields.only('use_sliding_window', [false]);
  else if (!fields.flag('use_sliding_window', false)) return;
  const isFull =
    modelType === 'llama' ? given === undefined : kinds.length > 0 || (typeof from === 'number' && from >= nLayers);
  if (isFull || (typeof given === 'number' && given >= contextLength)) return;
  throw fields.error('sliding_window', 'off: attention must see the whole context');
}

function gpt2(fields: Fields): ModelDescription {
  fields.only('scale_attn_weights', [true]);
  fields.only('scale_attn_by_inverse_layer_idx', [false]);
  fields.only('add_cross_attention', [false]);
  const dModel = fields.size(fields.spelling('n_embd', 'hidden_size'), 768);
  const nHeads = fields.size(fields.spelling('n_head', 'num_attention_heads'), 12);
  const contextLength = fields.size(fields.spelling('n_positions', 'max_position_embeddings', 'n_ctx'), 1024);
  fields.only('head_dim', [dModel / nHeads]);
  const config: TransformerConfig = {
    family: 'gpt2',
    vocabulary: fields.size('vocab_size', 50_257),
    dModel,
    nLayers: fields.size(fields.spelling('n_layer', 'num_hidden_layers'), 12),
    nHeads,
    nKvHeads: nHeads,
    headDim: fields.size('head_dim', dModel / nHeads),
    dMlp: fields.optionalSize('n_inner', 4 * dModel),
    norm: { kind: 'layerNorm', epsilon: fields.positive('layer_norm_epsilon', 1e-5) },
    activation: fields.oneOf('activation_function', ACTIVATIONS, 'gelu_new'),
    mlp: 'plain',
    positions: { kind: 'learned', length: contextLength },
    biases: { qkv: true, attentionOut: true, mlp: true },
    qkNorm: false,
    tied: fields.flag('tie_word_embeddings', true),
    initialStd: PRETRAINED_STD,
  };
  return { modelType: 'gpt2', contextLength, config };
}
