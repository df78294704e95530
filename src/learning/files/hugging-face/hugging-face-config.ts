/**
 * From a Hugging Face `config.json` to the description of a model.
 * Every key is read, or is one of those that are known to change nothing (hugging-face-keys.ts), or is refused by name.
 * Defaults are those of the configuration classes in transformers.
 */
import type { JsonObject } from '#base/json.ts';

import { fieldsOf } from '#learning/files/fields.ts';
import { checkSizes, type ModelDescription, type ModelType } from '#learning/files/model-description.ts';
import { refuseForeign } from './foreign.ts';
import { FAMILIES } from './hugging-face-families.ts';
import { isIdleConfigKey } from './hugging-face-keys.ts';

/** The classes a checkpoint of a model type may say it is, the first being the usual one. */
export const ARCHITECTURES: Readonly<Record<ModelType, readonly string[]>> = {
  llama: ['LlamaForCausalLM', 'LlamaModel', 'LLaMAForCausalLM'],
  qwen2: ['Qwen2ForCausalLM', 'Qwen2Model'],
  qwen3: ['Qwen3ForCausalLM', 'Qwen3Model'],
  gpt2: ['GPT2LMHeadModel', 'GPT2Model', 'GPT2DoubleHeadsModel'],
  apertus: ['ApertusForCausalLM', 'ApertusModel'],
  arcee: ['ArceeForCausalLM', 'ArceeModel'],
  cohere: ['CohereForCausalLM', 'CohereModel'],
  cohere2: ['Cohere2ForCausalLM', 'Cohere2Model'],
  ernie4_5: ['Ernie4_5ForCausalLM', 'Ernie4_5Model'],
  exaone4: ['Exaone4ForCausalLM', 'Exaone4Model'],
  gemma: ['GemmaForCausalLM', 'GemmaModel'],
  gemma3: ['Gemma3ForConditionalGeneration', 'Gemma3Model'],
  gemma2: ['Gemma2ForCausalLM', 'Gemma2Model'],
  gemma3_text: ['Gemma3ForCausalLM', 'Gemma3TextModel'],
  glm: ['GlmForCausalLM', 'GlmModel'],
  glm4: ['Glm4ForCausalLM', 'Glm4Model'],
  gpt_neox: ['GPTNeoXForCausalLM', 'GPTNeoXModel'],
  gptj: ['GPTJForCausalLM', 'GPTJModel'],
  granite: ['GraniteForCausalLM', 'GraniteModel'],
  hunyuan_v1_dense: ['HunYuanDenseV1ForCausalLM', 'HunYuanDenseV1Model'],
  ministral: ['MinistralForCausalLM', 'MinistralModel'],
  mistral3: ['Mistral3ForConditionalGeneration', 'Mistral3Model'],
  mistral: ['MistralForCausalLM', 'MistralModel'],
  mixtral: ['MixtralForCausalLM', 'MixtralModel'],
  nemotron: ['NemotronForCausalLM', 'NemotronModel'],
  olmo: ['OlmoForCausalLM', 'OlmoModel'],
  olmoe: ['OlmoeForCausalLM', 'OlmoeModel'],
  olmo2: ['Olmo2ForCausalLM', 'Olmo2Model'],
  olmo3: ['Olmo3ForCausalLM', 'Olmo3Model'],
  opt: ['OPTForCausalLM', 'OPTModel'],
  phi: ['PhiForCausalLM', 'PhiModel'],
  phi3: ['Phi3ForCausalLM', 'Phi3Model'],
  qwen2_moe: ['Qwen2MoeForCausalLM', 'Qwen2MoeModel'],
  qwen3_moe: ['Qwen3MoeForCausalLM', 'Qwen3MoeModel'],
  seed_oss: ['SeedOssForCausalLM', 'SeedOssModel'],
  smollm3: ['SmolLM3ForCausalLM', 'SmolLM3Model'],
  stablelm: ['StableLmForCausalLM', 'StableLmModel', 'StableLMEpochForCausalLM'],
  starcoder2: ['Starcoder2ForCausalLM', 'Starcoder2Model'],
};

/** The models that are read, by `model_type`. */
const MODEL_TYPES: ReadonlyMap<string, ModelType> = new Map(
  Object.keys(ARCHITECTURES).flatMap((name) => (isModelType(name) ? [[name, name] as const] : [])),
);

/**
 * The description of the model a `config.json` declares.
 * @throws AssayError naming what is missing, wrong, not supported or not known.
 */
export function huggingFaceConfig(json: JsonObject, where: string): ModelDescription {
  const fields = fieldsOf(new Map(Object.entries(json)), where);
  const modelType = fields.oneOf('model_type', MODEL_TYPES);
  refuseForeign(fields, modelType, ARCHITECTURES[modelType]);
  if (!fields.flag('is_causal', true)) throw fields.error('is_causal', 'true (only causal models are read)');
  const described = { modelType, ...FAMILIES[modelType](fields) };
  fields.refuseRest(isIdleConfigKey);
  checkSizes(described, where);
  return described;
}

function isModelType(name: string): name is ModelType {
  return name in ARCHITECTURES;
}
