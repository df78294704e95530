/** One way to open a model, whatever its files: a folder, or a GGUF file. Addresses on a hub are fetched before (`desk/hub`). */
import { openGgufModel } from './gguf/gguf-model.ts';
import { openHuggingFace } from './hugging-face/hugging-face.ts';
import type { ModelFiles } from './model-files.ts';
import { checkModelPlace, isGgufPath } from './model-place.ts';

/** How to open a model. */
export interface OpenOptions {
  /** The date told to a chat template that asks for it. */
  readonly now?: Date;
}

/**
 * Opens a model.
 * @throws AssayError naming what is missing, wrong or not supported.
 */
export async function openModel(path: string, options: OpenOptions = {}): Promise<ModelFiles> {
  checkModelPlace(path, 'language model');
  const open = isGgufPath(path) ? openGgufModel : openHuggingFace;
  return await open(path, options.now);
}
