/**
 * What the `config.json` of each family says, as transformers reads it: a family is data. Sizes and parts that families share
 * stand in `hugging-face-decoder.ts`; each entry in `families/` adds what is its own.
 * Source: the configuration and modeling files of transformers 5.24.
 */
import type { Fields } from '#learning/files/fields.ts';
import type { ModelType } from '#learning/files/model-description.ts';

import { GPT2S } from './families/gpt2s.ts';
import { LAYER_NORMED } from './families/layer-normed.ts';
import { LLAMAS } from './families/llamas.ts';
import { NORMED_AFTER } from './families/normed-after.ts';
import { WITH_IMAGES } from './families/with-images.ts';
import { WITH_EXPERTS } from './families/with-experts.ts';
import type { Described } from './hugging-face-decoder.ts';

/** How the config of each `model_type` is read. */
export const FAMILIES: Readonly<Record<ModelType, (fields: Fields) => Described>> = {
  ...GPT2S,
  ...LLAMAS,
  ...NORMED_AFTER,
  ...LAYER_NORMED,
  ...WITH_EXPERTS,
  ...WITH_IMAGES,
};
