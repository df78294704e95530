/**
 * Models that see images beside text: the language model inside is read, what sees is not. Its tensors are left as they are and go
 * with what is exported (`SEES`), so that the whole opens again as what it was.
 * Source: the configuration and modeling files of transformers 5.24, and its table of older names (`conversion_mapping.py`).
 */
import { isJsonObject, type Json } from '#base/json.ts';
import { type Fields, fieldsOf } from '#learning/files/fields.ts';
import { refuseForeign } from '#learning/files/hugging-face/foreign.ts';
import type { Described, Families } from '#learning/files/hugging-face/hugging-face-decoder.ts';
import { isIdleConfigKey } from '#learning/files/hugging-face/hugging-face-keys.ts';
import type { TransformerConfig } from '#learning/models/config.ts';

import { LLAMAS } from './llamas.ts';
import { NORMED_AFTER } from './normed-after.ts';

/** Those with images, by `model_type`. */
export const WITH_IMAGES = {
  gemma3: (fields) => {
    for (const idle of ['boi_token_index', 'eoi_token_index', 'mm_tokens_per_image']) fields.value(idle);
    return inner(fields, {
      family: 'gemma3',
      modelType: 'gemma3_text',
      architectures: ['Gemma3ForCausalLM', 'Gemma3TextModel'],
      read: (own) => {
        own.only('final_logit_softcapping', []); // transformers applies it where the language model stands alone
        return NORMED_AFTER.gemma3_text(own);
      },
      byDefault: {
        vocab_size: 262_208,
        hidden_size: 2304,
        intermediate_size: 9216,
        num_hidden_layers: 26,
        num_attention_heads: 8,
      },
    });
  },
  mistral3: (fields) => {
    for (const idle of ['multimodal_projector_bias', 'projector_hidden_act', 'spatial_merge_size']) fields.value(idle);
    fields.value('vision_feature_layer');
    return inner(fields, {
      family: 'mistral3',
      modelType: 'mistral',
      architectures: ['MistralForCausalLM', 'MistralModel'],
      read: LLAMAS.mistral,
      byDefault: {},
    });
  },
} satisfies Families;

/** Tensors of what sees, under their names today and before transformers 4.52. */
const SEES = /^(?:model\.)?(?:vision_tower|multi_modal_projector)\./;

/** Whether a tensor belongs to what a model sees images by: it is not read, and goes with an export. */
export function isOfImages({ family }: TransformerConfig, name: string): boolean {
  return family in WITH_IMAGES && SEES.test(name);
}

/** A tensor's name before transformers 4.52, where a model with images had another; as it is for every other model. */
export function olderName({ family }: TransformerConfig, name: string): string {
  if (!(family in WITH_IMAGES)) return name;
  return name.startsWith('lm_head.')
    ? `language_model.${name}`
    : name.replace(/^model\.language_model\./, 'language_model.model.');
}

interface Inner {
  readonly family: TransformerConfig['family'];
  /** The type that the language model says it has. */
  readonly modelType: string;
  readonly architectures: readonly string[];
  readonly read: (fields: Fields) => Described;
  /** What its class says where the file says nothing: published files leave it out. */
  readonly byDefault: Readonly<Record<string, number>>;
}

function inner(fields: Fields, { family, modelType, architectures, read, byDefault }: Inner): Described {
  for (const idle of ['image_token_id', 'image_token_index', 'vision_config']) fields.value(idle);
  const given = fields.value('text_config') as Json | undefined; // fields hold what JSON held
  if (given === undefined || !isJsonObject(given)) throw fields.error('text_config', 'the config of a language model');
  const tied = fields.flag('tie_word_embeddings', true); // whatever text_config says, as in transformers 5
  const own = fieldsOf(
    new Map<string, unknown>(Object.entries({ ...byDefault, ...given, tie_word_embeddings: tied })),
    `${fields.where}: text_config`,
  );
  own.only('model_type', [modelType]);
  refuseForeign(own, modelType, architectures);
  const { config, contextLength } = read(own);
  own.refuseRest(isIdleConfigKey);
  return { contextLength, config: { ...config, family } };
}
