/**
 * Opening a model from one GGUF file: the same ModelFiles as a Hugging Face folder gives.
 * llama.cpp renames tensors, drops the rotary parameters it folds into numbers, and for the llama architecture
 * reorders the rows of queries and keys; all of it is undone here.
 * Source: `convert_hf_to_gguf.py` and `gguf-py/gguf/tensor_mapping.py` of llama.cpp.
 */
import { AssayError } from '#base/errors.ts';
import type { RopeScaling } from '#learning/models/config.ts';

import type { ChatTemplate } from '#learning/files/text/chat-template.ts';
import { chatTemplate } from '#learning/files/text/chat-template.ts';
import { ggufCompanions } from './gguf-companions.ts';
import { ggufTokenizer } from './gguf-tokenizer.ts';
import type { GgufFile } from './gguf.ts';
import { openGguf } from './gguf.ts';
import { checkSizes } from '#learning/files/hugging-face/hugging-face-config.ts';
import type { ModelConfig, ModelFamily, NeededTensor } from '#learning/files/model-config.ts';
import type { ModelFiles, TensorRecipe, Weights } from '#learning/files/model-files.ts';
import { checkedWeights } from '#learning/files/model-files.ts';
import { isCount } from '#learning/files/tensors/tensor-source.ts';
import type { TextTokenizer } from '#learning/files/text/tokenizer.ts';

const FAMILIES: readonly ModelFamily[] = ['llama', 'qwen2', 'qwen3', 'gpt2'];

/**
 * Opens a GGUF model.
 * @param now The date told to a chat template that asks for it.
 * @throws AssayError naming what is missing, wrong or not supported.
 */
export async function openGgufModel(path: string, now?: Date): Promise<ModelFiles> {
  const file = await openGguf(path);
  const close = (): Promise<void> => file.close();
  try {
    const config = await ggufConfig(file);
    const weights = ggufWeights(file, config);
    const tokenizer = ggufTokenizer(file.metadata, path);
    return {
      path,
      config,
      ...weights,
      tokenizer,
      chatTemplate: templateOf(file, tokenizer, now),
      generation: { stopIds: stopIds(file) },
      companions: async () => ggufCompanions(file, config, stopIds(file)),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

async function ggufConfig(file: GgufFile): Promise<ModelConfig> {
  const architecture = file.metadata.get('general.architecture');
  const family = FAMILIES.find((name) => name === architecture);
  if (family === undefined) {
    const found = String(architecture).slice(0, 80);
    throw new AssayError('file', `${file.path}: expected architecture ${FAMILIES.join(', ')}, found ${found}.`);
  }
  const size = (key: string, byDefault?: number): number => {
    const value = file.metadata.get(`${family}.${key}`) ?? byDefault;
    if (isCount(value) && value > 0) return value;
    throw new AssayError(
      'file',
      `${file.path}: expected ${family}.${key} to be a positive integer, found ${String(value).slice(0, 80)}.`,
    );
  };
  if (size('expert_count', 1) > 1) throw new AssayError('file', `${file.path}: mixtures of experts are not supported.`);
  const isGpt2 = family === 'gpt2';
  const nHeads = size('attention.head_count');
  const dModel = size('embedding_length');
  const headDim = size('attention.key_length', dModel / nHeads);
  const has = (name: string): boolean => file.tensors.has(name);
  const config: ModelConfig = {
    family,
    dModel,
    nLayers: size('block_count'),
    nHeads,
    nKvHeads: size('attention.head_count_kv', nHeads),
    headDim,
    dMlp: size('feed_forward_length'),
    vocabSize: file.tensors.get('token_embd.weight')?.shape[0] ?? 0,
    contextLength: size('context_length'),
    norm: {
      kind: isGpt2 ? 'layer' : 'rms',
      eps: float(file, `${family}.attention.layer_norm_${isGpt2 ? '' : 'rms_'}epsilon`),
    },
    mlp: { kind: isGpt2 ? 'plain' : 'gated', activation: isGpt2 ? 'geluTanh' : 'silu' },
    position: isGpt2
      ? { kind: 'learned' }
      : {
          kind: 'rope',
          theta: float(file, `${family}.rope.freq_base`, 10_000),
          scaling: await ropeScaling(file, family, headDim),
        },
    tiedEmbeddings: !has('output.weight'),
    biases: {
      qkv: isGpt2 || has('blk.0.attn_q.bias'),
      attentionOut: isGpt2 || has('blk.0.attn_output.bias'),
      mlp: isGpt2 || has('blk.0.ffn_down.bias'),
    },
    qkNorm: family === 'qwen3',
  };
  checkSizes(config, file.path);
  return config;
}

async function ropeScaling(file: GgufFile, family: ModelFamily, headDim: number): Promise<RopeScaling> {
  const rotated = file.metadata.get(`${family}.rope.dimension_count`) ?? headDim;
  if (rotated !== headDim) {
    throw new AssayError(
      'file',
      `${file.path}: rotating ${String(rotated)} of ${headDim} dimensions is not supported.`,
    );
  }
  const kind = file.metadata.get(`${family}.rope.scaling.type`) ?? 'none';
  if (kind === 'linear') return { kind, factor: float(file, `${family}.rope.scaling.factor`) };
  if (kind !== 'none') {
    throw new AssayError(
      'file',
      `${file.path}: expected rope.scaling.type none or linear, found ${String(kind).slice(0, 80)}.`,
    );
  }
  const info = file.tensors.get(ROPE_DIVISORS);
  if (info === undefined) return { kind: 'none' };
  if (info.shape.join() !== String(headDim / 2)) {
    throw new AssayError('file', `${file.path}: expected ${headDim / 2} numbers in ${ROPE_DIVISORS}.`);
  }
  return { kind: 'divisors', divisors: [...(await file.read(ROPE_DIVISORS))] };
}

const ROPE_DIVISORS = 'rope_freqs.weight';

/** A float32 in the metadata, as the shortest decimal that means it: 1e-5, not 0.00000999999974737875. */
function float(file: GgufFile, key: string, byDefault?: number): number {
  const value = file.metadata.get(key) ?? byDefault;
  if (typeof value !== 'number' || !(value > 0 && value < Infinity)) {
    throw new AssayError(
      'file',
      `${file.path}: expected ${key} to be a positive number, found ${String(value).slice(0, 80)}.`,
    );
  }
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return short;
  }
  return value;
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

function ggufWeights(file: GgufFile, config: ModelConfig): Weights {
  const recipeOf = (name: string, { shape }: NeededTensor): TensorRecipe => {
    const stored = { storedName: ggufName(name), storedShape: shape };
    const projection = /self_attn\.([qk])_proj\./.exec(name)?.[1];
    if (config.family !== 'llama' || projection === undefined) return stored;
    const heads = projection === 'q' ? config.nHeads : config.nKvHeads;
    return { ...stored, rearrange: (rows) => halvesOfPairs(rows, heads, config.headDim) };
  };
  const isSpare = (name: string): boolean => name === ROPE_DIVISORS || name.endsWith('.attn_rot_embd');
  return checkedWeights(file, config, recipeOf, isSpare);
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

function stopIds(file: GgufFile): number[] {
  const ids = ['eos_token_id', 'eot_token_id', 'eom_token_id'].map((key) => file.metadata.get(`tokenizer.ggml.${key}`));
  return [...new Set(ids.filter(isCount))];
}
