/** One way to open a model, whatever the address: a folder, a GGUF file, or `hf://org/name[@revision]`. */
import { AssayError } from '#base/errors.ts';

import { openGgufModel } from './gguf-model.ts';
import type { HubOptions } from './hub.ts';
import { fetchModel, parseHubAddress } from './hub.ts';
import { openHuggingFace } from './hugging-face.ts';
import type { ModelFiles } from './model-files.ts';

/** How to open a model. */
export interface OpenOptions {
  /** Needed for `hf://` addresses. */
  readonly hub?: HubOptions;
  /** The date told to a chat template that asks for it. */
  readonly now?: Date;
}

/**
 * Opens a model.
 * @throws AssayError naming what is missing, wrong or not supported.
 */
export async function openModel(address: string, options: OpenOptions = {}): Promise<ModelFiles> {
  const onHub = parseHubAddress(address);
  if (onHub === undefined) {
    const open = address.toLowerCase().endsWith('.gguf') ? openGgufModel : openHuggingFace;
    return await open(address, options.now);
  }
  if (options.hub !== undefined) return await openHuggingFace(await fetchModel(onHub, options.hub), options.now);
  throw new AssayError(
    'usage',
    `${address}: expected hub options (a cache folder) to open a model by its hub address.`,
  );
}
