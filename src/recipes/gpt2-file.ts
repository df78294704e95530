/**
 * A GPT-2 model as Hugging Face keeps it: config.json and model.safetensors, whose linear layers (Conv1D) are stored
 * [dIn, dOut]. For the small base models made here, which have no text tokenizer.
 */
import type { JsonObject } from '#base/json.ts';
import { bytesSource } from '#learning/files/tensors/byte-source.ts';
import { isStoredTransposed } from '#learning/files/model-description.ts';
import { transposed } from '#learning/files/model-files.ts';
import { safetensorsBytes } from '#learning/files/tensors/safetensors-write.ts';
import { readSafetensors } from '#learning/files/tensors/safetensors.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { transformerParameters } from '#learning/models/parameters.ts';
import type { Memory } from '#learning/weights.ts';

/** The bytes of model.safetensors. */
export function gpt2File(model: TransformerConfig, weights: Memory): Uint8Array {
  const tensors = transformerParameters(model).map((parameter) => {
    const { name, shape } = parameter;
    const values = weights.get(name) ?? new Float32Array();
    const [dOut = 0, dIn = 0] = shape;
    return isStoredTransposed(model, parameter)
      ? { name, shape: [dIn, dOut], dtype: 'F32' as const, values: transposed(values, dOut, dIn) }
      : { name, shape, dtype: 'F32' as const, values };
  });
  return safetensorsBytes(tensors, { format: 'pt' });
}

/** The weights in model.safetensors. @throws AssayError on a damaged file or one of another model. */
export async function readGpt2File(model: TransformerConfig, bytes: Uint8Array, path: string): Promise<Memory> {
  await using file = await readSafetensors(bytesSource(bytes, path));
  const weights = new Map<string, Float32Array>();
  for (const parameter of transformerParameters(model)) {
    const { name, shape } = parameter;
    const values = await file.read(name);
    const [dOut = 0, dIn = 0] = shape;
    weights.set(name, isStoredTransposed(model, parameter) ? transposed(values, dIn, dOut) : values);
  }
  return weights;
}

/** config.json. */
export function gpt2Json(model: TransformerConfig): JsonObject {
  return {
    model_type: 'gpt2',
    architectures: ['GPT2LMHeadModel'],
    vocab_size: model.vocabulary,
    n_positions: model.positions.kind === 'learned' ? model.positions.length : 0,
    n_embd: model.dModel,
    n_layer: model.nLayers,
    n_head: model.nHeads,
    activation_function: 'gelu',
    layer_norm_epsilon: model.norm.epsilon,
    tie_word_embeddings: model.tied,
  };
}
