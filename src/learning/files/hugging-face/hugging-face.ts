/**
 * Opening a model from a Hugging Face folder: config.json, safetensors, tokenizer.json, chat template.
 * Nothing outside the folder is read, nothing is downloaded, no code of the model's is run but its chat template.
 */
import { join } from 'node:path';

import { AssayError } from '#base/errors.ts';
import type { Json, JsonObject } from '#base/json.ts';
import { isJsonObject } from '#base/json.ts';

import type { ChatTemplate } from '#learning/files/text/chat-template.ts';
import { chatTemplate, withToolTemplate } from '#learning/files/text/chat-template.ts';
import { storedConstants } from '#learning/models/activations.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { MODULES } from '#learning/models/modules.ts';
import { transformerParameters } from '#learning/models/parameters.ts';
import type { ParameterSpec } from '#learning/nn/layers.ts';
import { isOfImages, olderName } from './families/with-images.ts';
import { folderTokenizer, MAX_TOKENIZER_BYTES, ranksOfFolder } from './folder-tokenizer.ts';
import { generationOptions } from './generation-options.ts';
import { huggingFaceConfig } from './hugging-face-config.ts';
import { isStoredTransposed, type ModelDescription } from '#learning/files/model-description.ts';
import type {
  CarriedTensor,
  Companion,
  GenerationConfig,
  ModelFiles,
  TensorRecipe,
  Weights,
} from '#learning/files/model-files.ts';
import { checkedWeights, jsonCompanion, transposed } from '#learning/files/model-files.ts';
import { lacksConfig } from '#learning/files/model-place.ts';
import type { ModelFolder } from './model-folder.ts';
import { modelFolder } from './model-folder.ts';
import { openFolderWeights } from '#learning/files/tensors/sharded.ts';
import type { TensorSource } from '#learning/files/tensors/tensor-source.ts';
import {
  isCausalMask,
  isFrequencies,
  isMaskedScore,
  isNumber,
  isSame,
  unexpectedContent,
} from '#learning/files/spare-tensors.ts';
import type { TextTokenizer } from '#learning/files/text/tokenizer.ts';
import type { TokenizerFiles } from './tiktoken.ts';

/**
 * Opens a model's folder.
 * @param now The date told to a chat template that asks for it.
 * @throws AssayError naming what is missing, wrong or not supported.
 */
export async function openHuggingFace(path: string, now?: Date): Promise<ModelFiles> {
  const folder = await modelFolder(path, 'language model');
  await refuseAdapter(folder);
  const configJson = await folder.json('config.json');
  if (configJson === undefined) throw lacksConfig(path, 'language model');
  const declared = huggingFaceConfig(configJson, join(path, 'config.json'));
  const tokenizerConfig = (await folder.json('tokenizer_config.json')) ?? {};
  const { contextLength } = declared;
  const generationJson = await folder.json('generation_config.json');
  const options = generationOptions({ generation: generationJson, config: configJson, contextLength, path });
  const ranks = await ranksOfFolder(folder, tokenizerConfig);
  const tokenizer = await folderTokenizer(folder, ranks?.config ?? tokenizerConfig, options.stopIds, ranks?.tokenizer);
  const template = await openTemplate(folder, tokenizerConfig, tokenizer, now);
  const source = await openFolderWeights(folder);
  const close = (): Promise<void> => source.close();
  try {
    const described = await withOwnHead(declared, source);
    const weights = await folderWeights(source, described);
    return {
      path,
      ...described,
      ...weights,
      carried: carriedTensors(source, described),
      tokenizer,
      chatTemplate: template,
      generation: withNamedEnd(options, tokenizer),
      companions: () => companionsOf(folder, { ...configJson, tie_word_embeddings: described.config.tied }, ranks),
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
  'preprocessor_config.json', // of models with images
  'processor_config.json',
  'vocab.json',
  'merges.txt',
  'tokenizer.model',
];

async function companionsOf(
  folder: ModelFolder,
  configJson: JsonObject,
  ranks: TokenizerFiles | undefined,
): Promise<Companion[]> {
  const dtypes = ['torch_dtype', 'dtype'].filter((name) => configJson[name] !== undefined); // the first before transformers 5
  const float32 = Object.fromEntries((dtypes.length === 0 ? ['dtype'] : dtypes).map((name) => [name, 'float32']));
  const { text_config: text = null, tie_word_embeddings: tied = false } = configJson;
  const inner = isJsonObject(text) ? { text_config: { ...text, tie_word_embeddings: tied } } : {}; // where transformers 4 looks
  const companions = [jsonCompanion('config.json', { ...configJson, ...inner, ...float32 })];
  const made = new Map<string, JsonObject>(
    ranks === undefined
      ? []
      : [
          ['tokenizer.json', ranks.tokenizer],
          ['tokenizer_config.json', ranks.config],
        ],
  );
  for (const [name, content] of made) companions.push(jsonCompanion(name, content));
  for (const name of COMPANIONS.filter((each) => !made.has(each))) {
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

const headOf = ({ family }: TransformerConfig): string => `${MODULES[family].head}.weight`;

/** As transformers 5: a head that is stored and differs from the embedding is used, though the config ties the two. */
async function withOwnHead(described: ModelDescription, source: TensorSource): Promise<ModelDescription> {
  const { config } = described;
  const head = storedName(source, config, headOf(config));
  if (!config.tied || !source.tensors.has(head)) return described;
  const embedding = storedName(source, config, MODULES[config.family].tokenEmbedding);
  if (embedding === head || (await isSame(source, head, embedding))) return described;
  return { ...described, config: { ...config, tied: false } };
}

/** The name of a needed tensor in the file. */
function storedName(source: TensorSource, config: TransformerConfig, name: string): string {
  const { tokenEmbedding } = MODULES[config.family];
  const prefix = tokenEmbedding.slice(0, tokenEmbedding.indexOf('.') + 1);
  if (source.tensors.has(name)) return name;
  const older = olderName(config, name);
  if (source.tensors.has(older)) return older;
  const bare = name.startsWith(prefix) ? name.slice(prefix.length) : name;
  if (source.tensors.has(bare)) return bare; // the base model saved alone
  if (!config.tied || name !== tokenEmbedding) return name;
  const heads = [headOf(config), olderName(config, headOf(config))];
  return heads.find((head) => source.tensors.has(head)) ?? name; // the tied head alone was saved
}

/** What goes with an export as it is. */
function carriedTensors(source: TensorSource, { config }: ModelDescription): readonly CarriedTensor[] {
  return [...source.tensors.values()]
    .filter(({ name }) => isOfImages(config, name))
    .map(({ name, shape }) => ({ name, shape, read: () => source.read(name) }));
}

async function folderWeights(source: TensorSource, described: ModelDescription): Promise<Weights> {
  const { config } = described;
  const recipeOf = (parameter: ParameterSpec): TensorRecipe => {
    const { shape } = parameter;
    const stored = storedName(source, config, parameter.name);
    if (!isStoredTransposed(config, parameter)) return { storedName: stored, storedShape: shape };
    const [dOut = 0, dIn = 0] = shape; // GPT-2's Conv1D keeps [dIn, dOut]
    return { storedName: stored, storedShape: [dIn, dOut], rearrange: (w) => transposed(w, dIn, dOut) };
  };
  const needed = transformerParameters(config);
  return await checkedWeights(source, `${described.modelType} model`, needed, recipeOf, (name) =>
    isSpare(source, described, name),
  );
}

/** What the attention is called in families whose checkpoints keep the causal mask in it. */
const ATTENTION_WITH_MASKS: Readonly<Partial<Record<TransformerConfig['family'], string>>> = {
  gpt2: 'attn',
  gptj: 'attn',
  neox: 'attention',
};

/** Buffers and duplicates that checkpoints carry beside the weights. */
async function isSpare(source: TensorSource, described: ModelDescription, name: string): Promise<boolean> {
  const { config, contextLength } = described;
  const { positions } = config;
  if (isOfImages(config, name)) return true;
  const constant = [...storedConstants(config)].find(([full]) => storedName(source, config, full) === name)?.[1];
  if (constant !== undefined) {
    if (await isNumber(source, name, constant)) return true;
    throw unexpectedContent(source, name, String(constant));
  }
  const head = headOf(config);
  if ((name === head || name === olderName(config, head)) && config.tied) return true; // the same as the embedding: `withOwnHead` has looked
  if (/(?:^|\.)rotary_emb\.inv_freq$/.test(name) && positions.kind === 'rotary') {
    if (await isFrequencies(source, name, positions, config.headDim)) return true;
    throw unexpectedContent(source, name, "the rotation's frequencies");
  }
  const attention = ATTENTION_WITH_MASKS[config.family];
  if (attention === undefined) return false;
  if (name.endsWith(`.${attention}.bias`)) {
    if (await isCausalMask(source, name, contextLength)) return true;
    throw unexpectedContent(source, name, 'a causal mask');
  }
  if (!name.endsWith(`.${attention}.masked_bias`)) return false;
  if (await isMaskedScore(source, name)) return true;
  throw unexpectedContent(source, name, 'one number of -10000 or less');
}

/** The template of `chat_template.jinja`, or of `tokenizer_config.json`, where a list names several. */
async function openTemplate(
  folder: ModelFolder,
  tokenizerConfig: JsonObject,
  tokenizer: TextTokenizer | undefined,
  now: Date | undefined,
): Promise<ChatTemplate | undefined> {
  const compile = (source: string): ChatTemplate => chatTemplate(source, tokenizer?.specialTokens ?? {}, now);
  const alone = await folder.text('chat_template.jinja');
  if (alone !== undefined) return compile(alone);
  const listed = namedTemplates(tokenizerConfig['chat_template'] ?? null, folder.path);
  const byDefault = listed.get('default');
  if (byDefault === undefined) return undefined;
  const forTools = listed.get('tool_use');
  return forTools === undefined ? compile(byDefault) : withToolTemplate(compile(byDefault), compile(forTools));
}

/** Templates by name; one without a name is the default. */
function namedTemplates(value: Json, path: string): ReadonlyMap<string, string> {
  if (value === null) return new Map();
  if (typeof value === 'string') return new Map([['default', value]]);
  const named = (Array.isArray(value) ? value : []).flatMap((item: Json) => {
    const { name, template } = isJsonObject(item) ? item : {};
    return typeof name === 'string' && typeof template === 'string' ? [[name, template] as const] : [];
  });
  if (named.some(([name]) => name === 'default')) return new Map(named);
  const expected = 'chat_template in tokenizer_config.json to be text, or a list with a template named default';
  throw new AssayError('file', `${path}: expected ${expected}, found ${JSON.stringify(value).slice(0, 80)}.`);
}

/** The end token by the tokenizer's name for it ends replies too. */
function withNamedEnd(options: GenerationConfig, tokenizer: TextTokenizer | undefined): GenerationConfig {
  const { eos_token: eosToken } = tokenizer?.specialTokens ?? {};
  const named = eosToken === undefined ? undefined : tokenizer?.idOf(eosToken);
  const stopIds = new Set(named === undefined ? options.stopIds : [...options.stopIds, named]);
  return { ...options, stopIds: [...stopIds] };
}
