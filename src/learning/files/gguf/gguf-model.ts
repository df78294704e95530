/**
 * Opening a model from one GGUF file: the same ModelFiles as a Hugging Face folder gives.
 * llama.cpp renames tensors, drops the rotary parameters it folds into numbers, and for the llama architecture
 * reorders the rows of queries and keys; all of it is undone here.
 * Source: `convert_hf_to_gguf.py` and `gguf-py/gguf/tensor_mapping.py` of llama.cpp.
 */
import { AssayError } from '#base/errors.ts';
import { transformerParameters } from '#learning/models/parameters.ts';
import type { ParameterSpec } from '#learning/nn/layers.ts';

import type { ChatTemplate } from '#learning/files/text/chat-template.ts';
import { chatTemplate } from '#learning/files/text/chat-template.ts';
import { ggufCompanions } from './gguf-companions.ts';
import { ggufConfig, ROPE_DIVISORS } from './gguf-config.ts';
import { ggufEndIds, ggufTokenizer } from './gguf-tokenizer.ts';
import type { GgufFile } from './gguf.ts';
import { openGguf } from './gguf.ts';
import type { ModelDescription } from '#learning/files/model-description.ts';
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
    const described = await ggufConfig(file);
    const weights = await ggufWeights(file, described);
    const tokenizer = ggufTokenizer(file.metadata, path);
    return {
      path,
      ...described,
      ...weights,
      tokenizer,
      chatTemplate: templateOf(file, tokenizer, now),
      generation: { stopIds: ggufEndIds(file.metadata) },
      companions: async () => ggufCompanions(file, described, ggufEndIds(file.metadata)),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** Names outside and inside blocks, Hugging Face to GGUF. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['model.embed_tokens', 'token_embd'],
  ['model.norm', 'output_norm'],
  ['lm_head', 'output'],
  ['transformer.wte', 'token_embd'],
  ['transformer.wpe', 'position_embd'],
  ['transformer.ln_f', 'output_norm'],
  ['input_layernorm', 'attn_norm'],
  ['self_attn.q_proj', 'attn_q'],
  ['self_attn.k_proj', 'attn_k'],
  ['self_attn.v_proj', 'attn_v'],
  ['self_attn.o_proj', 'attn_output'],
  ['self_attn.q_norm', 'attn_q_norm'],
  ['self_attn.k_norm', 'attn_k_norm'],
  ['post_attention_layernorm', 'ffn_norm'],
  ['mlp.gate_proj', 'ffn_gate'],
  ['mlp.up_proj', 'ffn_up'],
  ['mlp.down_proj', 'ffn_down'],
  ['ln_1', 'attn_norm'],
  ['attn.c_attn', 'attn_qkv'],
  ['attn.c_proj', 'attn_output'],
  ['ln_2', 'ffn_norm'],
  ['mlp.c_fc', 'ffn_up'],
  ['mlp.c_proj', 'ffn_down'],
]);

/** The GGUF name of a Hugging Face tensor: `model.layers.3.mlp.up_proj.weight` is `blk.3.ffn_up.weight`. */
export function ggufName(name: string): string {
  const [, block, stem = '', kind = ''] =
    /^(?:(?:model\.layers|transformer\.h)\.(\d+)\.)?(.+)\.(weight|bias)$/.exec(name) ?? [];
  const mapped = NAMES.get(stem);
  if (mapped === undefined) throw new AssayError('file', `There is no GGUF name for the tensor ${name}.`);
  return `${block === undefined ? '' : `blk.${block}.`}${mapped}.${kind}`;
}

async function ggufWeights(file: GgufFile, described: ModelDescription): Promise<Weights> {
  const { modelType, config } = described;
  const recipeOf = ({ name, shape }: ParameterSpec): TensorRecipe => {
    const stored = { storedName: ggufName(name), storedShape: shape };
    const projection = /self_attn\.([qk])_proj\./.exec(name)?.[1];
    if (modelType !== 'llama' || projection === undefined) return stored;
    const heads = projection === 'q' ? config.nHeads : config.nKvHeads;
    return { ...stored, rearrange: (rows) => halvesOfPairs(rows, heads, config.headDim) };
  };
  const needed = transformerParameters(described.config);
  return await checkedWeights(file, `${described.modelType} model`, needed, recipeOf, (name) =>
    isSpare(file, described, name),
  );
}

/** What is read with the config, and frequencies that old files keep. */
async function isSpare(file: GgufFile, { modelType, config }: ModelDescription, name: string): Promise<boolean> {
  const { positions, headDim } = config;
  if (positions.kind !== 'rotary') return false;
  if (name === ROPE_DIVISORS) return modelType === 'llama';
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

function templateOf(
  file: GgufFile,
  tokenizer: TextTokenizer | undefined,
  now: Date | undefined,
): ChatTemplate | undefined {
  const source = file.metadata.get('tokenizer.chat_template');
  return typeof source === 'string' ? chatTemplate(source, tokenizer?.specialTokens ?? {}, now) : undefined;
}
