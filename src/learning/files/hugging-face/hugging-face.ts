/**
 * Opening a model from a Hugging Face folder: config.json, safetensors, tokenizer.json, chat template.
 * Nothing outside the folder is read, nothing is downloaded, no code of the model's is run but its chat template.
 */
import { join } from 'node:path';

import { AssayError } from '#base/errors.ts';
import type { Json, JsonObject } from '#base/json.ts';
import { isJsonObject } from '#base/json.ts';

import type { ChatTemplate } from '#learning/files/text/chat-template.ts';
import { chatTemplate } from '#learning/files/text/chat-template.ts';
import { huggingFaceConfig } from './hugging-face-config.ts';
import type { ModelConfig, NeededTensor } from '#learning/files/model-config.ts';
import type { Companion, GenerationConfig, ModelFiles, TensorRecipe, Weights } from '#learning/files/model-files.ts';
import { checkedWeights, jsonCompanion, transposed } from '#learning/files/model-files.ts';
import type { ModelFolder } from './model-folder.ts';
import { modelFolder } from './model-folder.ts';
import { openFolderWeights } from '#learning/files/tensors/sharded.ts';
import type { TensorSource } from '#learning/files/tensors/tensor-source.ts';
import { isCount } from '#learning/files/tensors/tensor-source.ts';
import type { TextTokenizer } from '#learning/files/text/tokenizer.ts';
import { textTokenizer } from '#learning/files/text/tokenizer.ts';

/** Llama 3's tokenizer has 17 MB; ten times that is refused. */
const MAX_TOKENIZER_BYTES = 200 << 20;

/**
 * Opens a model's folder.
 * @param now The date told to a chat template that asks for it.
 * @throws AssayError naming what is missing, wrong or not supported.
 */
export async function openHuggingFace(path: string, now?: Date): Promise<ModelFiles> {
  const folder = await modelFolder(path);
  const configJson = await folder.json('config.json');
  if (configJson === undefined) throw new AssayError('file', `${path}: expected a config.json, found none.`);
  const config = huggingFaceConfig(configJson, join(path, 'config.json'));
  const tokenizerConfig = (await folder.json('tokenizer_config.json')) ?? {};
  const generationJson = (await folder.json('generation_config.json')) ?? {};
  const ends = endsOf(generationJson, configJson);
  const tokenizer = await openTokenizer(folder, tokenizerConfig, ends);
  const template = await openTemplate(folder, tokenizerConfig, tokenizer, now);
  const generation = generationOf(generationJson, ends, tokenizer);
  const source = await openFolderWeights(folder);
  const close = (): Promise<void> => source.close();
  try {
    const weights = folderWeights(source, config);
    return {
      path,
      config,
      ...weights,
      tokenizer,
      chatTemplate: template,
      generation,
      companions: () => companionsOf(folder, configJson),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** Files beside the weights and the config that transformers reads; the slow tokenizers' own files too. */
const COMPANIONS = [
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
  'chat_template.json',
  'vocab.json',
  'merges.txt',
  'tokenizer.model',
];

async function companionsOf(folder: ModelFolder, configJson: JsonObject): Promise<Companion[]> {
  const dtype = configJson['torch_dtype'] === undefined ? 'dtype' : 'torch_dtype'; // its name before transformers 5
  const companions = [jsonCompanion('config.json', { ...configJson, [dtype]: 'float32' })];
  for (const name of COMPANIONS) {
    const bytes = await folder.bytes(name, MAX_TOKENIZER_BYTES);
    if (bytes !== undefined) companions.push({ name, bytes });
  }
  return companions;
}

/** Buffers and duplicates that checkpoints carry beside the weights. */
const SPARE = /(?:rotary_emb\.inv_freq|\.attn\.bias|\.attn\.masked_bias)$/;

function folderWeights(source: TensorSource, config: ModelConfig): Weights {
  const prefix = config.family === 'gpt2' ? 'transformer.' : 'model.';
  const storedName = (name: string): string => {
    const bare = name.startsWith(prefix) ? name.slice(prefix.length) : name;
    return source.tensors.has(bare) && !source.tensors.has(name) ? bare : name; // the base model saved alone
  };
  const recipeOf = (name: string, { shape, isTransposed }: NeededTensor): TensorRecipe => {
    if (!isTransposed) return { storedName: storedName(name), storedShape: shape };
    const [dOut = 0, dIn = 0] = shape; // GPT-2's Conv1D keeps [dIn, dOut]
    return { storedName: storedName(name), storedShape: [dIn, dOut], rearrange: (w) => transposed(w, dIn, dOut) };
  };
  const isSpare = (name: string): boolean => SPARE.test(name) || (config.tiedEmbeddings && name === 'lm_head.weight');
  return checkedWeights(source, config, recipeOf, isSpare);
}

async function openTokenizer(
  folder: ModelFolder,
  tokenizerConfig: JsonObject,
  endIds: readonly number[],
): Promise<TextTokenizer | undefined> {
  const json = await folder.json('tokenizer.json', MAX_TOKENIZER_BYTES);
  if (json === undefined) return undefined;
  const names = (await folder.json('special_tokens_map.json')) ?? {};
  const addedTokens = await folder.json('added_tokens.json');
  const where = join(folder.path, 'tokenizer.json');
  return textTokenizer(json, { ...names, ...tokenizerConfig }, where, { addedTokens, endIds });
}

/** The template of `chat_template.jinja`, or of `tokenizer_config.json`, where a list names several. */
async function openTemplate(
  folder: ModelFolder,
  tokenizerConfig: JsonObject,
  tokenizer: TextTokenizer | undefined,
  now: Date | undefined,
): Promise<ChatTemplate | undefined> {
  const source = (await folder.text('chat_template.jinja')) ?? defaultTemplate(tokenizerConfig['chat_template']);
  return source === undefined ? undefined : chatTemplate(source, tokenizer?.specialTokens ?? {}, now);
}

function defaultTemplate(value: Json | undefined): string | undefined {
  if (typeof value === 'string') return value;
  const entry = Array.isArray(value)
    ? value.find((item) => isJsonObject(item) && item['name'] === 'default')
    : undefined;
  return isJsonObject(entry) && typeof entry['template'] === 'string' ? entry['template'] : undefined;
}

/** The ids at which replies end, as the configs declare them. */
function endsOf(json: JsonObject, configJson: JsonObject): readonly number[] {
  const declared = json['eos_token_id'] ?? configJson['eos_token_id'] ?? [];
  return (Array.isArray(declared) ? declared : [declared]).filter(isCount);
}

function generationOf(
  json: JsonObject,
  ends: readonly number[],
  tokenizer: TextTokenizer | undefined,
): GenerationConfig {
  const { eos_token: eosToken } = tokenizer?.specialTokens ?? {};
  const named = eosToken === undefined ? undefined : tokenizer?.idOf(eosToken);
  const stopIds = [...new Set(named === undefined ? ends : [...ends, named])];
  const number = (key: string): number | undefined => {
    const value = json[key];
    return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined;
  };
  const [temperature, topP, topK] = [number('temperature'), number('top_p'), number('top_k')];
  return {
    stopIds,
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(topK === undefined ? {} : { topK }),
  };
}
