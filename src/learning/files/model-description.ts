/**
 * What a model's files say of it, whatever form they have: the config that the engine builds from, and the few things
 * only files know. Its tensors are the parameters of that config (`transformerParameters`), under Hugging Face names.
 */
import { AssayError } from '#base/errors.ts';
import { type TransformerConfig, turnedDim } from '#learning/models/config.ts';
import type { ParameterSpec } from '#learning/nn/layers.ts';

/** The kinds of models whose files are understood, by Hugging Face's `model_type`. */
export type ModelType =
  | 'apertus'
  | 'arcee'
  | 'ernie4_5'
  | 'nemotron'
  | 'seed_oss'
  | 'hunyuan_v1_dense'
  | 'llama'
  | 'qwen2'
  | 'qwen3'
  | 'cohere'
  | 'cohere2'
  | 'gpt2'
  | 'exaone4'
  | 'gemma'
  | 'gemma2'
  | 'gemma3'
  | 'gemma3_text'
  | 'glm'
  | 'glm4'
  | 'gpt_neox'
  | 'gptj'
  | 'granite'
  | 'ministral'
  | 'mistral'
  | 'mistral3'
  | 'mixtral'
  | 'olmo'
  | 'olmo2'
  | 'olmo3'
  | 'opt'
  | 'olmoe'
  | 'phi'
  | 'phi3'
  | 'qwen2_moe'
  | 'qwen3_moe'
  | 'smollm3'
  | 'stablelm'
  | 'starcoder2';

/** A pretrained model without its weights. Plain JSON. */
export interface ModelDescription {
  readonly modelType: ModelType;
  /** Longest sequence the model was made for, in tokens. */
  readonly contextLength: number;
  readonly config: TransformerConfig;
}

/** Hugging Face's usual `initializer_range`: a pretrained model's weights are read, so it draws nothing. */
export const PRETRAINED_STD = 0.02;

/** Whether files of a model keep a parameter as [dIn, dOut]: GPT-2's linear layers (Conv1D). */
export function isStoredTransposed({ family }: TransformerConfig, { role }: ParameterSpec): boolean {
  return family === 'gpt2' && role === 'matrix';
}

const MAX_LAYERS = 2000;
const MAX_SIZE = 1 << 26;

/** Refuses sizes that do not fit together or that no model has. @param where Named in errors. */
export function checkSizes({ config, contextLength }: ModelDescription, where: string): void {
  const { dModel, nHeads, nKvHeads, headDim, nLayers, positions } = config;
  if (!Number.isInteger(headDim)) {
    throw new AssayError('file', `${where}: expected a width of ${dModel} to be a multiple of ${nHeads} heads.`);
  }
  if (nHeads % nKvHeads !== 0) {
    throw new AssayError('file', `${where}: expected ${nHeads} heads to be a multiple of ${nKvHeads} key-value heads.`);
  }
  const turned = positions.kind === 'rotary' ? turnedDim(positions, headDim) : 0;
  if (positions.kind === 'rotary' && (turned % 2 !== 0 || turned === 0)) {
    throw new AssayError('file', `${where}: expected an even head dimension for rotations, found ${turned}.`);
  }
  if (positions.kind === 'rotary' && positions.scaling?.kind === 'divisors') {
    const { length } = positions.scaling.divisors;
    if (length !== turned / 2) {
      throw new AssayError('file', `${where}: expected ${turned / 2} factors of the rotation, found ${length}.`);
    }
  }
  const sizes = [
    dModel,
    config.dMlp,
    config.experts?.count ?? 1,
    config.experts?.dHidden ?? 1,
    config.experts?.sharedHidden ?? 1,
    config.vocabulary,
    nHeads,
    headDim,
    contextLength,
  ];
  const tooLarge = nLayers > MAX_LAYERS ? nLayers : sizes.find((size) => size > MAX_SIZE);
  if (tooLarge !== undefined) throw new AssayError('file', `${where}: no model has a size of ${tooLarge}.`);
}
