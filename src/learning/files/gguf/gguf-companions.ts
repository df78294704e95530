/**
 * What a Hugging Face folder of a GGUF model holds beside the weights: its config, its tokenizer, its chat template.
 * A GGUF file does not keep everything: sampling defaults but the stop tokens, and normalising options of rare
 * tokenizers, are not there to be written.
 */
import { AssayError } from '#base/errors.ts';
import type { JsonObject } from '#base/json.ts';
import type { RotaryPositions } from '#learning/models/config.ts';

import { ggufTokenizerJson } from './gguf-tokenizer.ts';
import type { GgufFile } from './gguf.ts';
import { ARCHITECTURES } from '#learning/files/hugging-face/hugging-face-config.ts';
import type { ModelDescription } from '#learning/files/model-description.ts';
import type { Companion } from '#learning/files/model-files.ts';
import { jsonCompanion } from '#learning/files/model-files.ts';

/** The files. @throws AssayError when the model is one that no config of its family describes. */
export function ggufCompanions(file: GgufFile, described: ModelDescription, stopIds: readonly number[]): Companion[] {
  const companions = [jsonCompanion('config.json', configJson(file, described))];
  if (stopIds.length > 0) companions.push(jsonCompanion('generation_config.json', { eos_token_id: stopIds }));
  const tokenizer = ggufTokenizerJson(file.metadata, file.path);
  if (tokenizer !== undefined) {
    const settings = { ...tokenizer.names, clean_up_tokenization_spaces: false, tokenizer_class: GENERIC_TOKENIZER };
    companions.push(
      jsonCompanion('tokenizer.json', tokenizer.tokenizer),
      jsonCompanion('tokenizer_config.json', settings),
    );
  }
  const template = file.metadata.get('tokenizer.chat_template');
  if (typeof template === 'string') {
    companions.push({ name: 'chat_template.jinja', bytes: new TextEncoder().encode(template) });
  }
  return companions;
}

/** The class that takes everything from `tokenizer.json`. */
const GENERIC_TOKENIZER = 'PreTrainedTokenizerFast';

function configJson(file: GgufFile, described: ModelDescription): JsonObject {
  const { modelType, config } = described;
  const id = (key: string): number | null => {
    const value = file.metadata.get(`tokenizer.ggml.${key}_token_id`);
    return typeof value === 'number' ? value : null;
  };
  return {
    architectures: ARCHITECTURES[modelType].slice(0, 1),
    model_type: modelType,
    dtype: 'float32',
    vocab_size: config.vocabulary,
    tie_word_embeddings: config.tied,
    bos_token_id: id('bos'),
    eos_token_id: id('eos'),
    ...(modelType === 'gpt2' ? gpt2Fields(described) : llamaFields(described, file.path)),
  };
}

function gpt2Fields({ config, contextLength }: ModelDescription): JsonObject {
  return {
    n_embd: config.dModel,
    n_layer: config.nLayers,
    n_head: config.nHeads,
    n_inner: config.dMlp,
    n_positions: contextLength,
    layer_norm_epsilon: config.norm.epsilon,
    activation_function: 'gelu_new',
  };
}

function llamaFields({ modelType, config, contextLength }: ModelDescription, where: string): JsonObject {
  const { biases, positions } = config;
  const { qkv, attentionOut } = biases;
  if (modelType === 'llama' ? qkv !== attentionOut : attentionOut) {
    throw new AssayError(
      'file',
      `${where}: no config of a ${modelType} model says which of its linear maps have a bias.`,
    );
  }
  return {
    hidden_size: config.dModel,
    num_hidden_layers: config.nLayers,
    num_attention_heads: config.nHeads,
    num_key_value_heads: config.nKvHeads,
    head_dim: config.headDim,
    intermediate_size: config.dMlp,
    max_position_embeddings: contextLength,
    rms_norm_eps: config.norm.epsilon,
    hidden_act: 'silu',
    ...(modelType === 'qwen2' ? {} : { attention_bias: qkv }),
    ...(modelType === 'llama' ? { mlp_bias: biases.mlp } : {}),
    ...(positions.kind === 'rotary' ? ropeFields(positions, contextLength) : {}),
  };
}

/** `rope_theta` and `rope_scaling`, which every version of transformers reads. */
function ropeFields({ theta, scaling }: RotaryPositions, contextLength: number): JsonObject {
  if (scaling === undefined) return { rope_theta: theta };
  switch (scaling.kind) {
    case 'linear':
      return { rope_theta: theta, rope_scaling: { rope_type: 'linear', factor: scaling.factor } };
    // GGUF keeps the numbers that 'llama3' comes to, not what they came from; this says the same rotation.
    case 'divisors': {
      const factors = { short_factor: scaling.divisors, long_factor: scaling.divisors };
      const plain = { factor: 1, attention_factor: 1, original_max_position_embeddings: contextLength };
      return { rope_theta: theta, rope_scaling: { rope_type: 'longrope', ...factors, ...plain } };
    }
    case 'llama3': {
      const { factor, lowFreqFactor: low, highFreqFactor: high, originalContextLength: original } = scaling;
      const llama3 = { factor, low_freq_factor: low, high_freq_factor: high };
      return {
        rope_theta: theta,
        rope_scaling: { rope_type: 'llama3', ...llama3, original_max_position_embeddings: original },
      };
    }
    case 'yarn':
      throw new Error('no GGUF file is read that says yarn');
    default:
      return scaling satisfies never;
  }
}
