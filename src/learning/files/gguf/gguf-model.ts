/**
 * Opening a model from one GGUF file: the same ModelFiles as a Hugging Face folder gives.
 * llama.cpp renames tensors, and its converter reorders rows of queries and keys, adds 1 to norms and takes heads apart where
 * families want it; all of it is undone here.
 * Source: `convert_hf_to_gguf.py` and `gguf-py/gguf/tensor_mapping.py` of llama.cpp.
 */
import type { Shape } from '#engine/tensor.ts';
import { transformerParameters } from '#learning/models/parameters.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import type { ParameterSpec } from '#learning/nn/layers.ts';

import type { ChatTemplate } from '#learning/files/text/chat-template.ts';
import { chatTemplate } from '#learning/files/text/chat-template.ts';
import { ggufCompanions } from './gguf-companions.ts';
import { ggufConfig, type GgufDescription } from './gguf-config.ts';
import { ggufGeneration } from './gguf-generation.ts';
import { ggufName } from './gguf-names.ts';
import { ggufEndIds, ggufTokenizer } from './gguf-tokenizer.ts';
import type { GgufFile } from './gguf.ts';
import { openGguf } from './gguf.ts';
import type { ModelFiles, TensorRecipe, Weights } from '#learning/files/model-files.ts';
import { checkedWeights } from '#learning/files/model-files.ts';
import { isFrequencies, unexpectedContent } from '#learning/files/spare-tensors.ts';
import type { TextTokenizer } from '#learning/files/text/tokenizer.ts';

/**
 * Opens a GGUF model.
 * @param now The date told to a chat template that asks for it.
 * @throws AssayError naming what is missing, wrong or not supported.
 */
export async function openGgufModel(path: string, now?: Date): Promise<ModelFiles> {
  const file = await openGguf(path);
  const close = (): Promise<void> => file.close();
  try {
    const description = await ggufConfig(file);
    const weights = await ggufWeights(file, description);
    const tokenizer = ggufTokenizer(file.metadata, path);
    return {
      path,
      ...description.described,
      ...weights,
      tokenizer,
      chatTemplate: templateOf(file, tokenizer, now),
      generation: ggufGeneration(file.metadata, ggufEndIds(file.metadata)),
      companions: async () => ggufCompanions(file, description, ggufEndIds(file.metadata)),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

async function ggufWeights(file: GgufFile, description: GgufDescription): Promise<Weights> {
  const { described } = description;
  const { config } = described;
  const recipeOf = (parameter: ParameterSpec): TensorRecipe => {
    const own = headNorm(parameter, config);
    if (own !== undefined) return own;
    const rearrange = rearrangementOf(parameter, description);
    const storedName = ggufName(config, parameter.name);
    const stored = { storedName, storedShape: storedShape(parameter, file.tensors.get(storedName)?.shape) };
    return rearrange === undefined ? stored : { ...stored, rearrange };
  };
  const needed = transformerParameters(config);
  return await checkedWeights(file, `${described.modelType} model`, needed, recipeOf, (name) =>
    isSpare(file, description, name),
  );
}

/** The norm of one head, of a file that has those of all queries or keys in one tensor (StableLM 2 12B). */
function headNorm({ name }: ParameterSpec, config: TransformerConfig): TensorRecipe | undefined {
  const [, kind, place] = /\.([qk])_layernorm\.norms\.(\d+)\./.exec(name) ?? [];
  if (kind === undefined) return undefined;
  const { nHeads, nKvHeads, headDim } = config;
  const head = Number(place);
  return {
    storedName: ggufName(config, name),
    storedShape: [kind === 'q' ? nHeads : nKvHeads, headDim],
    rearrange: (rows) => rows.slice(head * headDim, (head + 1) * headDim),
  };
}

/** One row, the gate of an expert that all tokens have, may be a vector, as older converters wrote it. */
function storedShape({ shape }: ParameterSpec, found: Shape | undefined): Shape {
  return shape[0] === 1 && found?.length === 1 ? shape.slice(1) : shape;
}

/** What llama.cpp's converter did to a tensor, undone. */
function rearrangementOf(
  { name }: ParameterSpec,
  { described: { config }, isPaired }: GgufDescription,
): TensorRecipe['rearrange'] {
  const { nHeads, nKvHeads, headDim, norm } = config;
  const projection = /self_attn\.([qk])_proj\./.exec(name)?.[1];
  if (isPaired && projection !== undefined) {
    return (rows) => halvesOfPairs(rows, projection === 'q' ? nHeads : nKvHeads, headDim);
  }
  if (norm.plusOne === true && name.endsWith('norm.weight')) return (scale) => scale.map((value) => value - 1);
  const isByHead = config.family === 'neox' && name.includes('.query_key_value.');
  return isByHead ? (rows) => byHead(rows, nHeads, headDim) : undefined;
}

/** What is read with the config, and frequencies that old files keep. */
async function isSpare(
  file: GgufFile,
  { described: { config }, readTensors }: GgufDescription,
  name: string,
): Promise<boolean> {
  const { positions, headDim } = config;
  if (positions.kind !== 'rotary') return false;
  if (readTensors.includes(name)) return true;
  if (!/(?:^rope_freqs|\.attn_rot_embd(?:\.weight)?)$/.test(name)) return false;
  if (await isFrequencies(file, name, positions, headDim)) return true;
  throw unexpectedContent(file, name, "the rotation's frequencies");
}

/**
 * Undoes llama.cpp's reordering: within a head it keeps rows in pairs (0, K/2), (1, K/2 + 1), ...; Hugging Face keeps
 * the first halves and then the second ones.
 * @param stored Rows of queries or keys, shape [heads * headDim, ...]; also their bias.
 */
export function halvesOfPairs(stored: Float32Array, heads: number, headDim: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(stored.length);
  const width = stored.length / (heads * headDim);
  for (let head = 0; head < heads; head++) {
    for (let row = 0; row < headDim; row++) {
      const half = row % 2;
      const to = head * headDim + half * (headDim / 2) + (row - half) / 2;
      const from = (head * headDim + row) * width;
      out.set(stored.subarray(from, from + width), to * width);
    }
  }
  return out;
}

/**
 * From all queries, all keys and all values to the three of each head, as NeoX has them.
 * @param stored Shape [3 * heads * headDim, ...]; also its bias.
 */
export function byHead(stored: Float32Array, heads: number, headDim: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(stored.length);
  const size = stored.length / (3 * heads);
  if (size % headDim !== 0) throw new Error(`expected ${3 * heads} parts of ${headDim} rows`);
  for (let head = 0; head < heads; head++) {
    for (let part = 0; part < 3; part++) {
      const from = (part * heads + head) * size;
      out.set(stored.subarray(from, from + size), (head * 3 + part) * size);
    }
  }
  return out;
}

function templateOf(
  file: GgufFile,
  tokenizer: TextTokenizer | undefined,
  now: Date | undefined,
): ChatTemplate | undefined {
  const source = file.metadata.get('tokenizer.chat_template');
  return typeof source === 'string' ? chatTemplate(source, tokenizer?.specialTokens ?? {}, now) : undefined;
}
