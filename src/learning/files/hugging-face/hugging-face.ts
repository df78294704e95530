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
import { neededTensors } from '#learning/files/model-config.ts';
import type { Companion, GenerationConfig, ModelFiles, TensorRecipe, Weights } from '#learning/files/model-files.ts';
import { checkedWeights, jsonCompanion, transposed } from '#learning/files/model-files.ts';
import type { ModelFolder } from './model-folder.ts';
import { modelFolder } from './model-folder.ts';
import { openFolderWeights } from '#learning/files/tensors/sharded.ts';
import type { TensorSource } from '#learning/files/tensors/tensor-source.ts';
import { isCount } from '#learning/files/tensors/tensor-source.ts';
import {
  isCausalMask,
  isFrequencies,
  isMaskedScore,
  isSame,
  unexpectedContent,
} from '#learning/files/spare-tensors.ts';
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
  await refuseAdapter(folder);
  const configJson = await folder.json('config.json');
  if (configJson === undefined) throw new AssayError('file', `${path}: expected a config.json, found none.`);
  const declared = huggingFaceConfig(configJson, join(path, 'config.json'));
  const tokenizerConfig = (await folder.json('tokenizer_config.json')) ?? {};
  const tokenizer = await openTokenizer(folder, tokenizerConfig);
  const template = await openTemplate(folder, tokenizerConfig, tokenizer, now);
  const generation = generationOf((await folder.json('generation_config.json')) ?? {}, configJson, tokenizer);
  const source = await openFolderWeights(folder);
  const close = (): Promise<void> => source.close();
  try {
    const config = await withOwnHead(declared, source);
    const weights = await folderWeights(source, config);
    return {
      path,
      config,
      ...weights,
      tokenizer,
      chatTemplate: template,
      generation,
      companions: () => companionsOf(folder, { ...configJson, tie_word_embeddings: config.tiedEmbeddings }),
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
  const dtypes = ['torch_dtype', 'dtype'].filter((name) => configJson[name] !== undefined); // the first before transformers 5
  const float32 = Object.fromEntries((dtypes.length === 0 ? ['dtype'] : dtypes).map((name) => [name, 'float32']));
  const companions = [jsonCompanion('config.json', { ...configJson, ...float32 })];
  for (const name of COMPANIONS) {
    const bytes = await folder.bytes(name, MAX_TOKENIZER_BYTES);
    if (bytes !== undefined) companions.push({ name, bytes });
  }
  return companions;
}

/** transformers applies an adapter that lies in a model's folder; here it is applied where a setting names it. */
async function refuseAdapter(folder: ModelFolder): Promise<void> {
  const names = ['adapter_config.json', 'adapter_model.safetensors', 'adapter_model.bin'];
  for (const name of names) {
    if ((await folder.find(name)) === undefined) continue;
    if ((await folder.find('config.json')) === undefined) {
      const remedy = 'Give the model it belongs to as "model", and this folder as "adapter"';
      throw new AssayError('file', `${folder.path} holds an adapter (${name}) and no config.json. ${remedy}.`);
    }
    const remedy = 'Move its adapter files into a folder of their own, and give that as "adapter" to apply it';
    throw new AssayError('file', `${folder.path} holds a model and an adapter (${name}). ${remedy}.`);
  }
}

const HEAD = 'lm_head.weight';

/** As transformers 5: a head that is stored and differs from the embedding is used, though the config ties the two. */
async function withOwnHead(config: ModelConfig, source: TensorSource): Promise<ModelConfig> {
  const [embedding] = neededTensors(config).keys();
  if (!config.tiedEmbeddings || !source.tensors.has(HEAD) || embedding === undefined) return config;
  const stored = storedName(source, config, embedding);
  if (stored === HEAD || (await isSame(source, HEAD, stored))) return config;
  return { ...config, tiedEmbeddings: false };
}

/** The name of a needed tensor in the file. */
function storedName(source: TensorSource, config: ModelConfig, name: string): string {
  const prefix = config.family === 'gpt2' ? 'transformer.' : 'model.';
  if (source.tensors.has(name)) return name;
  const bare = name.startsWith(prefix) ? name.slice(prefix.length) : name;
  if (source.tensors.has(bare)) return bare; // the base model saved alone
  const isEmbedding = /\.(?:embed_tokens|wte)\.weight$/.test(name);
  return isEmbedding && config.tiedEmbeddings && source.tensors.has(HEAD) ? HEAD : name; // the head alone was saved
}

async function folderWeights(source: TensorSource, config: ModelConfig): Promise<Weights> {
  const recipeOf = (name: string, { shape, isTransposed }: NeededTensor): TensorRecipe => {
    const stored = storedName(source, config, name);
    if (!isTransposed) return { storedName: stored, storedShape: shape };
    const [dOut = 0, dIn = 0] = shape; // GPT-2's Conv1D keeps [dIn, dOut]
    return { storedName: stored, storedShape: [dIn, dOut], rearrange: (w) => transposed(w, dIn, dOut) };
  };
  return await checkedWeights(source, config, recipeOf, (name) => isSpare(source, config, name));
}

/** Buffers and duplicates that checkpoints carry beside the weights. */
async function isSpare(source: TensorSource, config: ModelConfig, name: string): Promise<boolean> {
  if (name === HEAD && config.tiedEmbeddings) return true; // the same as the embedding: `withOwnHead` has looked
  if (/(?:^|\.)rotary_emb\.inv_freq$/.test(name) && config.position.kind === 'rope') {
    if (await isFrequencies(source, name, config.position, config.headDim)) return true;
    throw unexpectedContent(source, name, "the rotation's frequencies");
  }
  if (config.family !== 'gpt2') return false;
  if (name.endsWith('.attn.bias')) {
    if (await isCausalMask(source, name, config.contextLength)) return true;
    throw unexpectedContent(source, name, 'a causal mask');
  }
  if (!name.endsWith('.attn.masked_bias')) return false;
  if (await isMaskedScore(source, name)) return true;
  throw unexpectedContent(source, name, 'one number of -10000 or less');
}

async function openTokenizer(folder: ModelFolder, tokenizerConfig: JsonObject): Promise<TextTokenizer | undefined> {
  const json = await folder.json('tokenizer.json', MAX_TOKENIZER_BYTES);
  if (json === undefined) return undefined;
  const names = (await folder.json('special_tokens_map.json')) ?? {};
  return textTokenizer(json, { ...names, ...tokenizerConfig }, join(folder.path, 'tokenizer.json'));
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

function generationOf(
  json: JsonObject,
  configJson: JsonObject,
  tokenizer: TextTokenizer | undefined,
): GenerationConfig {
  const declared = json['eos_token_id'] ?? configJson['eos_token_id'] ?? [];
  const ends = (Array.isArray(declared) ? declared : [declared]).filter(isCount);
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
