/**
 * What `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json` change of a `tokenizer.json`.
 * Every setting is read, known to change neither ids nor text, or refused by name.
 * Source: `PreTrainedTokenizerFast` of transformers 4 and `TokenizersBackend` of transformers 5; where the two differ,
 * the setting is refused.
 */
import { AssayError } from '#base/errors.ts';
import type { Json, JsonObject } from '#base/json.ts';
import { isJsonObject } from '#base/json.ts';

import type { Around } from './around.ts';

/** The roles a special token may have. */
const ROLES = ['bos_token', 'eos_token', 'unk_token', 'pad_token', 'sep_token', 'cls_token', 'mask_token'];
const MORE_SPECIALS = ['additional_special_tokens', 'extra_special_tokens', 'model_specific_special_tokens'];

/** Settings that change neither ids nor text here: files, classes, lengths, padding, what other software needs. */
const NO_EFFECT = new Set(
  `added_tokens_decoder add_bos_token add_eos_token add_prefix_space added_tokens_file backend cache_dir chat_template
  clean_up_tokenization_spaces device_map errors fix_mistral_regex is_local legacy local_files_only max_length
  max_seq_length merges_file model_input_names model_max_length name_or_path pad_to_multiple_of pad_token_id
  pad_token_type_id padding padding_side processor_class response_schema response_template return_token_type_ids revision
  spaces_between_special_tokens special_tokens_map_file stride subfolder tokenizer_class tokenizer_file tokenizer_type
  trust_remote_code truncation truncation_side truncation_strategy unk_id use_default_system_prompt use_fast verbose
  vocab_file vocab_size bos_token_id eos_token_id unk_token_id sep_token_id cls_token_id mask_token_id image_seq_len
  wordpieces_prefix tool_parser_type model_type transformers_version`.split(/\s+/),
);

/** Settings that change ids, with the only value under which they do nothing. */
const NOT_BUILT: Readonly<Record<string, string>> = {
  split_special_tokens: 'special tokens in a text would be split',
  from_slow: 'another tokenizer would be made from other files',
  remove_space: 'white space would be joined',
  keep_accents: 'accents would be treated otherwise',
  do_lowercase_and_remove_accent: 'texts would be changed',
  target_lang: 'the vocabulary would be another',
  tokenize_chinese_chars: 'texts would be changed',
  do_lower_case: 'texts would be changed',
  do_basic_tokenize: 'texts would be changed',
  strip_accents: 'texts would be changed',
  never_split: 'texts would be split otherwise',
};

/** A special token as a file names it. */
export interface NamedToken {
  readonly content: string;
  /** The object, where one gives more than the text. */
  readonly json: JsonObject;
}

/** Special tokens: those with a role, and the others. */
export interface NamedTokens {
  readonly byRole: Readonly<Record<string, NamedToken>>;
  readonly others: readonly NamedToken[];
}

/** @throws AssayError on a token that is neither text nor an object with `content`. */
export function namedTokens(config: JsonObject, where: string): NamedTokens {
  const byRole = ROLES.flatMap((role) => {
    const value = config[role] ?? null;
    return value === null ? [] : [[role, namedToken(value, `${where}: ${role}`)] as const];
  });
  const others = MORE_SPECIALS.flatMap((key) => {
    const value = config[key] ?? null;
    const list: readonly Json[] = isJsonObject(value) ? Object.values(value) : Array.isArray(value) ? value : [];
    return list.map((item) => namedToken(item, `${where}: ${key}`));
  });
  return { byRole: Object.fromEntries(byRole), others };
}

function namedToken(value: Json, where: string): NamedToken {
  const content = isJsonObject(value) ? value['content'] : value;
  if (typeof content === 'string' && content !== '') return { content, json: isJsonObject(value) ? value : {} };
  throw new AssayError('file', `${where}: expected a token, found ${JSON.stringify(value).slice(0, 80)}.`);
}

/**
 * Refuses settings that nobody reads.
 * @param isToken Whether a text is a token: settings such as `image_token` may name one.
 */
export function checkSettings(config: JsonObject, isToken: (text: string) => boolean, where: string): void {
  for (const [name, value] of Object.entries(config)) {
    const means = NOT_BUILT[name];
    const isOff = value === null || value === false || (Array.isArray(value) && value.length === 0);
    const isEmpty = isOff || (isJsonObject(value) && Object.keys(value).length === 0) || value === '';
    if (isEmpty || NO_EFFECT.has(name) || ROLES.includes(name) || MORE_SPECIALS.includes(name)) continue;
    if (means !== undefined) refuse(where, `${name} to be off (${means})`, value);
    if (name === 'auto_map') {
      if (isJsonObject(value) && value['AutoTokenizer'] === undefined) continue;
      refuse(where, 'a tokenizer without code of its own (auto_map)', value);
    }
    if (name.endsWith('_token') && typeof value === 'string' && isToken(value)) continue;
    refuse(where, 'settings of tokenizer_config.json that are known', `${name}: ${JSON.stringify(value)}`);
  }
}

function refuse(where: string, expected: string, found: Json): never {
  const shown = JSON.stringify(found).slice(0, 100);
  throw new AssayError('file', `${where}: the tokenizer is not understood: expected ${expected}, found ${shown}.`);
}

/** Classes whose own `add_prefix_space` wins over `tokenizer.json`. */
const PREFIX_WINS = /^(?:GPT2|Llama)Tokenizer(?:Fast)?$/;

/**
 * A `tokenizer.json` with the `add_prefix_space` of `tokenizer_config.json`.
 * @throws AssayError where the two differ and versions of transformers disagree about who is right.
 */
export function withPrefixSpace(tokenizer: JsonObject, config: JsonObject, where: string): JsonObject {
  const { add_prefix_space: wanted, tokenizer_class: tokenizerClass } = config;
  if (typeof wanted !== 'boolean') return tokenizer;
  const splitter = tokenizer['pre_tokenizer'] ?? null;
  const flags = [...flagsOf(splitter), ...flagsOf(tokenizer['normalizer'] ?? null)];
  const agrees = wanted ? flags.includes(true) : !flags.includes(true);
  if (flags.length === 0 || agrees) return tokenizer;
  const isPlain = flagsOf(tokenizer['normalizer'] ?? null).length === 0;
  if (typeof tokenizerClass === 'string' && PREFIX_WINS.test(tokenizerClass) && isPlain) {
    return { ...tokenizer, pre_tokenizer: withFlag(splitter, wanted, config['legacy'] === false) };
  }
  return refuse(where, `add_prefix_space as tokenizer.json has it (${!wanted})`, wanted);
}

const STEP_LISTS = ['pretokenizers', 'normalizers'] as const;

/** Whether the steps that can begin a text with a space do so. */
function flagsOf(step: Json): readonly boolean[] {
  if (!isJsonObject(step)) return [];
  if (step['type'] === 'ByteLevel') return [step['add_prefix_space'] !== false];
  if (step['type'] === 'Metaspace') return [step['prepend_scheme'] !== 'never'];
  if (step['type'] === 'Prepend') return [true];
  return STEP_LISTS.flatMap((name) => {
    const steps = step[name];
    return Array.isArray(steps) ? steps.flatMap((inner: Json) => flagsOf(inner)) : [];
  });
}

function withFlag(step: Json, wanted: boolean, isNew: boolean): Json {
  if (!isJsonObject(step)) return step;
  if (step['type'] === 'ByteLevel') return { ...step, add_prefix_space: wanted };
  if (step['type'] === 'Metaspace') {
    return { ...step, add_prefix_space: wanted, prepend_scheme: wanted ? (isNew ? 'first' : 'always') : 'never' };
  }
  const steps = step['pretokenizers'];
  if (!Array.isArray(steps)) return step;
  return { ...step, pretokenizers: steps.map((inner: Json) => withFlag(inner, wanted, isNew)) };
}

/** Classes that wrote the post-processor anew in transformers 4; in 5 that of `tokenizer.json` stands for all. */
const AROUND_ANEW = /^(?:Code)?(?:Llama|Gemma|Cohere)Tokenizer(?:Fast)?$/;

/**
 * Refuses an `add_bos_token` or `add_eos_token` that differs from the post-processor where versions of transformers
 * disagree about who is right. For all other classes the post-processor stands.
 * @param idOf The id of the special token with a role.
 */
export function checkAround(
  { before, after }: Around,
  config: JsonObject,
  idOf: (role: string) => number | undefined,
  where: string,
): void {
  const { tokenizer_class: tokenizerClass } = config;
  if (typeof tokenizerClass !== 'string' || !AROUND_ANEW.test(tokenizerClass)) return;
  for (const [setting, role, ids] of [
    ['add_bos_token', 'bos_token', before],
    ['add_eos_token', 'eos_token', after],
  ] as const) {
    const [wanted, id] = [config[setting], idOf(role)];
    if (typeof wanted !== 'boolean' || id === undefined || ids.includes(id) === wanted) continue;
    refuse(where, `${setting} as the post_processor of tokenizer.json has it (${!wanted})`, wanted);
  }
}
