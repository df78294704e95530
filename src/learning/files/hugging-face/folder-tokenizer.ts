/** The tokenizer of a model's folder, from `tokenizer.json` and the files that change what it says. */
import { join } from 'node:path';

import type { JsonObject } from '#base/json.ts';
import { type TextTokenizer, textTokenizer } from '#learning/files/text/tokenizer.ts';

import type { ModelFolder } from './model-folder.ts';

/** Llama 3's tokenizer has 17 MB; ten times that is refused. */
export const MAX_TOKENIZER_BYTES = 200 << 20;

/**
 * Undefined where there is no `tokenizer.json`.
 * @param tokenizerConfig Content of `tokenizer_config.json`. @param endIds Ids at which replies end.
 * @param byDefault What stands for `tokenizer.json` where there is none.
 * @throws AssayError when the files are not understood.
 */
export async function folderTokenizer(
  folder: ModelFolder,
  tokenizerConfig: JsonObject,
  endIds: readonly number[] = [],
  byDefault?: JsonObject,
): Promise<TextTokenizer | undefined> {
  const json = (await folder.json('tokenizer.json', MAX_TOKENIZER_BYTES)) ?? byDefault;
  if (json === undefined) return undefined;
  const names = (await folder.json('special_tokens_map.json')) ?? {};
  const addedTokens = await folder.json('added_tokens.json');
  const where = join(folder.path, 'tokenizer.json');
  return textTokenizer(json, { ...names, ...tokenizerConfig }, where, { addedTokens, endIds });
}
