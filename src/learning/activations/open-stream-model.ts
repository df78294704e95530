/** A pretrained model from its files (a Hugging Face folder or a GGUF file), read whole, for what looks at its stream. */
import { createHash } from 'node:crypto';

import { neededTokenizer } from '#learning/files/model-files.ts';
import { openModel } from '#learning/files/open-model.ts';
import { transformerParameters } from '#learning/models/parameters.ts';

import { streamModel, type StreamModel } from './model-activations.ts';

/** A model in memory, with its tokenizer. */
export interface OpenedModel {
  readonly model: StreamModel;
  /** Of its weights: what `ModelActivations.model` takes. */
  readonly identity: string;
  /** Longest sequence the model was made for, in tokens. */
  readonly contextLength: number;
  /** The token ids of a text, with what the model puts around a text, such as a first <s>. @throws AssayError where the files bring no tokenizer. */
  tokens(text: string): Int32Array;
}

/** Reads a model. @throws AssayError naming what is missing, wrong or not supported. */
export async function openStreamModel(path: string): Promise<OpenedModel> {
  await using files = await openModel(path);
  const { config, contextLength, tokenizer } = files;
  const weights = new Map<string, Float32Array>();
  const hash = createHash('sha256');
  for (const { name } of transformerParameters(config)) {
    const values = await files.tensor(name);
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    weights.set(name, values);
  }
  return {
    model: streamModel(config, weights),
    identity: hash.digest('hex'),
    contextLength,
    tokens: (text) => Int32Array.from(neededTokenizer({ path, tokenizer }).encode(text, 'withSpecials')),
  };
}
