/**
 * From a GGUF file's metadata to the description of a model, meaning what llama.cpp means by it.
 * Every key that engines read is read, or is one of those that are known to change nothing (gguf-keys.ts), or is refused
 * by name.
 * Source: `load_hparams` of llama.cpp, https://github.com/ggml-org/llama.cpp.
 */
import { AssayError } from '#base/errors.ts';
import type { RopeScaling, RotaryPositions, TransformerConfig } from '#learning/models/config.ts';

import type { GgufFile } from './gguf.ts';
import { isIdleGgufKey, ONLY } from './gguf-keys.ts';
import { type Fields, fieldsOf, listedNumbers } from '#learning/files/fields.ts';
import {
  checkSizes,
  type ModelDescription,
  type ModelType,
  PRETRAINED_STD,
} from '#learning/files/model-description.ts';
import { finite } from '#learning/files/tensors/tensor-source.ts';

const ARCHITECTURES: ReadonlyMap<string, ModelType> = new Map(
  (['llama', 'qwen2', 'qwen3', 'gpt2'] as const).map((name) => [name, name]),
);

/** A divisor of each frequency, for long contexts. */
export const ROPE_DIVISORS = 'rope_freqs.weight';

/**
 * The description of the model in a file.
 * @throws AssayError naming what is missing, wrong, not supported or not known.
 */
export async function ggufConfig(file: GgufFile): Promise<ModelDescription> {
  const general = fieldsOf(file.metadata, file.path);
  refuseOtherKinds(general);
  const modelType = general.oneOf('general.architecture', ARCHITECTURES);
  for (const name of READ_ELSEWHERE) general.value(name);
  general.refuseRest((name) => name.startsWith(`${modelType}.`) || isIdleGgufKey(name, modelType));
  const fields = fieldsOf(file.metadata, file.path, `${modelType}.`);
  for (const [name, allowed] of Object.entries(ONLY)) fields.only(name, allowed);
  const described = await descriptionOf(file, fields, modelType);
  fields.refuseRest((name) => isIdleGgufKey(`${modelType}.${name}`, modelType));
  checkSizes(described, file.path);
  return described;
}

const READ_ELSEWHERE = ['general.alignment', 'split.count', 'split.no', 'split.tensors.count'];

/** Refuses files of the same form that hold no model. */
function refuseOtherKinds(general: Fields): void {
  if (general.value('general.type') === 'adapter' || general.has('adapter.type')) {
    const remedy = 'Convert it to PEFT form, and give its folder as "adapter" beside the model it belongs to';
    throw new AssayError('file', `${general.where} holds an adapter (LoRA), not a model. ${remedy}.`);
  }
  general.only('general.type', ['model']);
}

async function descriptionOf(file: GgufFile, fields: Fields, modelType: ModelType): Promise<ModelDescription> {
  const isGpt2 = modelType === 'gpt2';
  const nLayers = fields.size('block_count');
  const nHeads = inEveryLayer(fields, 'attention.head_count', nLayers);
  const dModel = fields.size('embedding_length');
  const headDim = fields.size('attention.key_length', dModel / nHeads);
  const contextLength = fields.size('context_length');
  const vocabulary = file.tensors.get('token_embd.weight')?.shape[0] ?? 0;
  const has = (name: string): boolean => file.tensors.has(name);
  fields.only('attention.value_length', [headDim]);
  fields.only('vocab_size', [vocabulary]);
  refuseOtherAttention(fields, headDim, contextLength);
  const config: TransformerConfig = {
    family: isGpt2 ? 'gpt2' : 'llama', // Qwen keeps Llama's names
    vocabulary,
    dModel,
    nLayers,
    nHeads,
    nKvHeads: inEveryLayer(fields, 'attention.head_count_kv', nLayers, nHeads),
    headDim,
    dMlp: inEveryLayer(fields, 'feed_forward_length', nLayers),
    norm: {
      kind: isGpt2 ? 'layerNorm' : 'rmsNorm',
      epsilon: float(fields, `attention.layer_norm_${isGpt2 ? '' : 'rms_'}epsilon`),
    },
    activation: isGpt2 ? 'geluTanh' : 'silu',
    mlp: isGpt2 ? 'plain' : 'gated',
    positions: isGpt2 ? { kind: 'learned', length: contextLength } : await rotaryPositions(file, fields, headDim),
    biases: {
      qkv: isGpt2 || has('blk.0.attn_q.bias'),
      attentionOut: isGpt2 || has('blk.0.attn_output.bias'),
      mlp: isGpt2 || has('blk.0.ffn_down.bias'),
    },
    qkNorm: modelType === 'qwen3',
    tied: !has('output.weight'),
    initialStd: PRETRAINED_STD,
  };
  return { modelType, contextLength, config };
}

/** A size that may be given for each layer; all must be the same. */
function inEveryLayer(fields: Fields, name: string, nLayers: number, byDefault?: number): number {
  const sizes = listedNumbers(fields.value(name));
  if (sizes === undefined) return fields.size(name, byDefault);
  const [first = 0] = sizes;
  const isOne = sizes.length === nLayers && sizes.every((size) => size === first);
  if (isOne && Number.isSafeInteger(first) && first > 0) return first;
  throw fields.error(name, `one positive integer for all ${nLayers} layers`);
}

/** Refuses attention that is scaled or cut off; a scale that is the usual one says nothing, nor does a window as long as the context. */
function refuseOtherAttention(fields: Fields, headDim: number, contextLength: number): void {
  const scale = fields.value('attention.scale') ?? 0; // 0 is llama.cpp's "not set"
  const usual = Math.fround(1 / Math.sqrt(headDim));
  const isUsual = scale === 0 || (typeof scale === 'number' && Math.abs(scale / usual - 1) < FLOAT32_STEP);
  if (!isUsual) throw fields.error('attention.scale', `${usual}, the root of one head's size`);
  const window = fields.value('attention.sliding_window') ?? 0;
  if (window === 0 || (typeof window === 'number' && window >= contextLength)) return;
  throw fields.error('attention.sliding_window', 'off: attention must see the whole context');
}

const FLOAT32_STEP = 2 ** -22;

const SCALINGS: ReadonlyMap<string, 'none' | 'linear'> = new Map<string, 'none' | 'linear'>([
  ['none', 'none'],
  ['linear', 'linear'],
]);

async function rotaryPositions(file: GgufFile, fields: Fields, headDim: number): Promise<RotaryPositions> {
  fields.only('rope.dimension_count', [headDim]);
  const theta = float(fields, 'rope.freq_base', 10_000);
  const scaling = await ropeScaling(file, fields, headDim);
  return { kind: 'rotary', theta, ...(scaling === undefined ? {} : { scaling }) };
}

/** A factor and divisors of single frequencies, which both apply; a factor without a type scales linearly, as in llama.cpp. */
async function ropeScaling(file: GgufFile, fields: Fields, headDim: number): Promise<RopeScaling | undefined> {
  const kind = fields.oneOf('rope.scaling.type', SCALINGS, 'linear');
  const name = fields.spelling('rope.scaling.factor', 'rope.scale_linear');
  const given = fields.value(name) === 0 ? 1 : float(fields, name, 1); // 0 is llama.cpp's "not set"
  const factor = kind === 'none' ? 1 : given;
  const info = file.tensors.get(ROPE_DIVISORS);
  if (info === undefined) return factor === 1 ? undefined : { kind: 'linear', factor };
  if (info.shape.join() !== String(headDim / 2)) {
    throw new AssayError('file', `${file.path}: expected ${headDim / 2} numbers in ${ROPE_DIVISORS}.`);
  }
  const divisors = finite(await file.read(ROPE_DIVISORS), `${file.path}: tensor ${ROPE_DIVISORS}`);
  if (divisors.every((divisor) => divisor > 0)) {
    return { kind: 'divisors', divisors: Array.from(divisors, (divisor) => factor * divisor) };
  }
  throw new AssayError('file', `${file.path}: expected positive numbers in ${ROPE_DIVISORS}.`);
}

/** A float32 in the metadata, as the shortest decimal that means it: 1e-5, not 0.00000999999974737875. */
function float(fields: Fields, name: string, byDefault?: number): number {
  const value = fields.positive(name, byDefault);
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return short;
  }
  return value;
}
