/** What any `config.json` may say that makes of a model of a known type another one: refused by name, whatever the type. */
import { AssayError } from '#base/errors.ts';
import type { Fields } from '#learning/files/fields.ts';

import { ONLY } from './hugging-face-keys.ts';

/** Number formats a checkpoint may be made for; Assay computes in float32 whatever it says. */
const DTYPES = ['float32', 'float16', 'bfloat16', 'auto'].flatMap((name) => [name, `torch.${name}`]);

/**
 * Refuses what is a model of another kind, whatever its type.
 * @param known The classes it may say it is.
 * @throws AssayError naming the setting.
 */
export function refuseForeign(fields: Fields, modelType: string, known: readonly string[]): void {
  const { where } = fields;
  const architectures = fields.value('architectures') ?? [];
  if (!Array.isArray(architectures) || architectures.some((name) => !known.includes(String(name)))) {
    throw fields.error('architectures', `[${known.map((name) => JSON.stringify(name)).join(' or ')}]`);
  }
  if (fields.has('quantization_config')) {
    throw new AssayError('file', `${where}: quantization_config is not supported; use unquantized weights or GGUF.`);
  }
  if (!isOwnClass(fields.value('auto_map'), known)) {
    const remedy = `if the model is a plain ${modelType} one, remove auto_map`;
    throw new AssayError('file', `${where}: auto_map names code of the model's own, which is not run; ${remedy}.`);
  }
  for (const name of ['per_layer_config', 'pruned_heads']) {
    if (!isNothing(fields.value(name))) throw fields.error(name, 'empty (all layers must be alike)');
  }
  fields.only(fields.spelling('dtype', 'torch_dtype'), DTYPES);
  for (const [name, allowed] of Object.entries(ONLY)) fields.only(name, allowed);
}

/**
 * Whether `auto_map` names no code for the model but a copy of the family's own class, which transformers does not run either
 * unless it is asked to (Phi-3). Its tokenizer is looked at where tokenizers are read.
 */
function isOwnClass(autoMap: unknown, known: readonly string[]): boolean {
  if (isNothing(autoMap)) return true;
  if (typeof autoMap !== 'object' || autoMap === null) return false;
  return Object.entries(autoMap).every(([what, code]) => {
    if (!what.startsWith('AutoModel')) return what === 'AutoConfig' || what === 'AutoTokenizer';
    return typeof code === 'string' && known.includes(code.slice(code.lastIndexOf('.') + 1));
  });
}

/** An empty object or list says nothing. */
function isNothing(value: unknown): boolean {
  return value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}
