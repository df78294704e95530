/**
 * What a Hugging Face folder of a GGUF model holds beside the weights: its config, its tokenizer, its chat template.
 * A GGUF file does not keep everything: sampling defaults but the stop tokens, and normalising options of rare
 * tokenizers, are not there to be written.
 */
import type { JsonObject } from '#base/json.ts';

import { ARCHITECTURES } from '#learning/files/hugging-face/hugging-face-config.ts';
import type { Companion } from '#learning/files/model-files.ts';
import { jsonCompanion } from '#learning/files/model-files.ts';

import type { GgufDescription } from './gguf-config.ts';
import { ggufTokenizerJson } from './gguf-tokenizer.ts';
import type { GgufFile } from './gguf.ts';

/** The files. @throws AssayError when the model is one that no config of its family describes. */
export function ggufCompanions(file: GgufFile, description: GgufDescription, stopIds: readonly number[]): Companion[] {
  const companions = [jsonCompanion('config.json', configJson(file, description))];
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

function configJson(file: GgufFile, { described, configJson: fieldsOf }: GgufDescription): JsonObject {
  const id = (key: string): number | null => {
    const value = file.metadata.get(`tokenizer.ggml.${key}_token_id`);
    return typeof value === 'number' ? value : null;
  };
  const { model_type, vocab_size, tie_word_embeddings, ...fields } = fieldsOf();
  const padding = id('padding');
  return {
    architectures: ARCHITECTURES[described.modelType].slice(0, 1),
    model_type,
    dtype: 'float32',
    vocab_size,
    tie_word_embeddings,
    bos_token_id: id('bos'),
    eos_token_id: id('eos'),
    ...fields,
    ...(padding === null ? {} : { pad_token_id: padding }),
  };
}
