/**
 * A pretrained model as the rest of Assay sees it, whatever files it came from: description, weights by their
 * Hugging Face names, tokenizer, chat template, sampling defaults.
 * Invariant: every tensor the description needs is there with the shape it needs, and no tensor is left unexplained;
 * both are checked when the model is opened.
 */
import { AssayError } from '#base/errors.ts';
import type { JsonObject } from '#base/json.ts';
import type { ParameterSpec } from '#learning/nn/layers.ts';

import type { ChatTemplate } from './text/chat-template.ts';
import type { ModelDescription } from './model-description.ts';
import { isGgufPath } from './model-place.ts';
import type { TensorSource } from './tensors/tensor-source.ts';
import { finite } from './tensors/tensor-source.ts';
import type { TextTokenizer } from './text/tokenizer.ts';

/** Sampling defaults a model comes with; absent where it says nothing. */
export interface GenerationConfig {
  /** Sampling stops at any of these tokens. */
  readonly stopIds: readonly number[];
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  /** Longest reply, in tokens. */
  readonly maxTokens?: number;
  /** False takes the most probable token at each step. */
  readonly isSampled?: boolean;
  /** The file that says it, such as `generation_config.json`; absent where none says anything. */
  readonly from?: string;
  /** What else it says that changes replies, as it is written there, such as `repetition_penalty 1.1`: nothing here follows it. */
  readonly unread?: readonly string[];
}

/** A file beside the weights. */
export interface Companion {
  /** Such as `config.json`. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A companion that holds JSON. */
export function jsonCompanion(name: string, content: JsonObject): Companion {
  const text = JSON.stringify(content, null, 2).replaceAll(WHOLE_FLOATS, '$1.0');
  return { name, bytes: new TextEncoder().encode(`${text}\n`) };
}

/** Settings that transformers 5 refuses as 50, where its configs say float and nothing else; it writes and reads 50.0. */
const WHOLE_FLOATS =
  /^( {2,4}"(?:(?:attn|final)_logit_softcapping|router_(?:jitter_noise|aux_loss_coef))": \d+)(?=,?$)/gm;

/** A tensor that is not read and goes with an export as it is: of what a model sees images by. */
export interface CarriedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  read(): Promise<Float32Array>;
}

/** An open model. Weights are read when asked for. */
export interface ModelFiles extends ModelDescription, AsyncDisposable {
  readonly path: string;
  /** Shapes of all tensors by Hugging Face name; linear maps are [dOut, dIn]. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** One tensor as float32, row-major, in the shape `shapes` says. */
  tensor(name: string): Promise<Float32Array<ArrayBuffer>>;
  /** None where left out. */
  readonly carried?: readonly CarriedTensor[];
  /** Undefined when the files bring none. */
  readonly tokenizer: TextTokenizer | undefined;
  /** Undefined when the files bring none. */
  readonly chatTemplate: ChatTemplate | undefined;
  readonly generation: GenerationConfig;
  /** What stands beside the weights in a Hugging Face folder of this model, its config saying float32. */
  companions(): Promise<readonly Companion[]>;
  close(): Promise<void>;
}

/** The tokenizer of files that are asked in text. @throws AssayError where they bring none, saying where one comes from. */
export function neededTokenizer({ path, tokenizer }: Pick<ModelFiles, 'path' | 'tokenizer'>): TextTokenizer {
  if (tokenizer !== undefined) return tokenizer;
  const remedy = isGgufPath(path)
    ? 'The file has no tokenizer.ggml keys: convert the model again from a folder with its tokenizer'
    : "Put the model's tokenizer.json and tokenizer_config.json into the folder; transformers writes both: AutoTokenizer.from_pretrained(NAME).save_pretrained(FOLDER)";
  throw new AssayError(
    'file',
    `${path}: expected a tokenizer (tokenizer.json), found none, so text cannot become tokens. ${remedy}.`,
  );
}

/** How a needed tensor is made from a stored one. */
export interface TensorRecipe {
  /** The name in the file. */
  readonly storedName: string;
  /** The shape in the file. */
  readonly storedShape: readonly number[];
  /** From the stored numbers to the ones the engine gets; absent when they are the same. */
  readonly rearrange?: (stored: Float32Array<ArrayBuffer>) => Float32Array<ArrayBuffer>;
}

/** The weights of a model behind Hugging Face names. */
export interface Weights {
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  tensor(name: string): Promise<Float32Array<ArrayBuffer>>;
}

/**
 * Checks a file against what a model needs.
 * @param what The model in words, such as "llama model".
 * @param needed Its parameters. @param recipeOf How each is stored.
 * @param isSpare Whether a stored tensor's content says nothing that is not known without it, such as a saved causal mask.
 * @throws AssayError naming the first tensor that is missing, misshapen or unexplained; `tensor` throws on numbers that
 * are not finite.
 */
export async function checkedWeights(
  source: TensorSource,
  what: string,
  needed: readonly ParameterSpec[],
  recipeOf: (parameter: ParameterSpec) => TensorRecipe,
  isSpare: (storedName: string) => Promise<boolean>,
): Promise<Weights> {
  const recipes = new Map<string, TensorRecipe>();
  const used = new Set<string>();
  for (const parameter of needed) {
    const recipe = recipeOf(parameter);
    const stored = source.tensors.get(recipe.storedName);
    if (stored === undefined) {
      throw new AssayError('file', `${source.path} lacks the tensor ${recipe.storedName} that its config calls for.`);
    }
    if (stored.shape.join() !== recipe.storedShape.join()) {
      const expected = `tensor ${recipe.storedName} of shape [${recipe.storedShape.join(', ')}]`;
      throw new AssayError('file', `${source.path}: expected ${expected}, found [${stored.shape.join(', ')}].`);
    }
    recipes.set(parameter.name, recipe);
    used.add(recipe.storedName);
  }
  for (const name of source.tensors.keys()) {
    if (used.has(name) || (await isSpare(name))) continue;
    const found = `${source.path} holds a tensor ${name.slice(0, 200)} that a ${what}`;
    throw new AssayError('file', `${found} of its config does not have: its meaning is not known.`);
  }
  return {
    shapes: new Map(needed.map(({ name, shape }) => [name, shape])),
    async tensor(name) {
      const recipe = recipes.get(name);
      if (recipe === undefined) throw new AssayError('file', `${source.path} has no tensor ${name} for the model.`);
      const stored = finite(await source.read(recipe.storedName), `${source.path}: tensor ${recipe.storedName}`);
      return recipe.rearrange === undefined ? stored : recipe.rearrange(stored);
    },
  };
}

/** The transpose of a row-major matrix, in tiles that stay in the cache. Shape [rows, columns] to [columns, rows]. */
export function transposed(matrix: Float32Array, rows: number, columns: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(matrix.length);
  const tile = 32;
  for (let r0 = 0; r0 < rows; r0 += tile) {
    for (let c0 = 0; c0 < columns; c0 += tile) {
      for (let r = r0; r < Math.min(r0 + tile, rows); r++) {
        for (let c = c0; c < Math.min(c0 + tile, columns); c++) out[c * rows + r] = matrix[r * columns + c] ?? 0;
      }
    }
  }
  return out;
}
