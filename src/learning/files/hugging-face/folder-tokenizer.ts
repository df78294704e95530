/** The tokenizer of a model's folder, from `tokenizer.json` and the files that change what it says. */
import { join } from 'node:path';

import type { JsonObject } from '#base/json.ts';
import { type TextTokenizer, textTokenizer } from '#learning/files/text/tokenizer.ts';

import type { ModelFolder } from './model-folder.ts';
import { TIKTOKEN_FILES, tiktokenFiles, type TokenizerFiles } from './tiktoken.ts';

/** Llama 3's tokenizer has 17 MB; ten times that is refused. */
export const MAX_TOKENIZER_BYTES = 200 << 20;

/**
 * What a folder's ranks of tiktoken say in place of `tokenizer.json`; undefined where it has that, or no ranks that are known.
 * @throws AssayError when the ranks are not understood.
 */
export async function ranksOfFolder(
  folder: ModelFolder,
  tokenizerConfig: JsonObject,
): Promise<TokenizerFiles | undefined> {
  if ((await folder.find('tokenizer.json')) !== undefined) return undefined;
  for (const name of TIKTOKEN_FILES) {
    const ranks = await folder.text(name, MAX_TOKENIZER_BYTES);
    if (ranks !== undefined) return tiktokenFiles(name, ranks, tokenizerConfig, join(folder.path, name));
  }
  return undefined;
}

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
