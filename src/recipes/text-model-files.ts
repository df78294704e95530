/** What is in a language model's files, said before any run; what is wrong with them is refused here, once, and not in every run. */
import { type ModelFiles, neededTokenizer } from '#learning/files/model-files.ts';
import type { TextTokenizer } from '#learning/files/text/tokenizer.ts';
import { openModel } from '#learning/files/open-model.ts';
import type { FileSummary } from '#study/recipe.ts';

/** A language model without its weights. */
export interface KnownTextModel extends Pick<ModelFiles, 'path' | 'config' | 'contextLength' | 'chatTemplate'> {
  readonly parameters: number;
  readonly tokenizer: TextTokenizer;
  /** The token ids of a text, with what the model puts around a text, such as a first <s>. */
  tokens(text: string): Int32Array;
}

/**
 * For `files` of recipes that ask a language model in text. Reads a model whole, each content once, whatever the arms that name it.
 * @param hashOf Of `modelHashes`, the recipe's own: a large file is hashed once.
 * @returns A function of the model's path and of a look at what is known of it, which throws where the recipe's texts do not suit the model.
 * @throws AssayError (the function) where there is no model at the path, its files are broken or not supported, or bring no tokenizer.
 */
export function textModelSummaries(
  hashOf: (model: string) => string,
): (model: string, look?: (known: KnownTextModel) => void | Promise<void>) => Promise<FileSummary> {
  const known = new Map<string, KnownTextModel>();
  return async (model, look) => {
    const content = hashOf(model);
    const read = known.get(content) ?? (await knownTextModel(model));
    known.set(content, read);
    await look?.(read);
    return { file: model, counts: { parameters: read.parameters, 'tokens at most in a text': read.contextLength } };
  };
}

async function knownTextModel(path: string): Promise<KnownTextModel> {
  await using files = await openModel(path);
  const { config, contextLength, chatTemplate } = files;
  const tokenizer = neededTokenizer(files);
  const parameters = await checkWeights(files);
  const tokens = (text: string): Int32Array => Int32Array.from(tokenizer.encode(text, 'withSpecials'));
  return { path, config, contextLength, chatTemplate, parameters, tokenizer, tokens };
}

/** Reads every weight once and counts them. @throws AssayError naming the first that is broken. */
export async function checkWeights(files: Pick<ModelFiles, 'shapes' | 'tensor'>): Promise<number> {
  let parameters = 0;
  for (const name of files.shapes.keys()) parameters += (await files.tensor(name)).length;
  return parameters;
}
