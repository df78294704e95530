/** One way to open a model, whatever its files: a folder, or a GGUF file. Addresses on a hub are fetched before (`desk/hub`). */
import { AssayError } from '#base/errors.ts';

import { openGgufModel } from './gguf/gguf-model.ts';
import { openHuggingFace } from './hugging-face/hugging-face.ts';
import type { ModelFiles } from './model-files.ts';

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
  if (path.startsWith('hf://')) {
    throw new AssayError(
      'usage',
      `${path}: expected a folder or a GGUF file, found a hub address. Such addresses are fetched where a study is planned; give the folder it was fetched into.`,
    );
  }
  const open = path.toLowerCase().endsWith('.gguf') ? openGgufModel : openHuggingFace;
  return await open(path, options.now);
}
