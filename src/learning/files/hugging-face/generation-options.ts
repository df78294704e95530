/**
 * The options of a model's `generation_config.json`: every one is used, known to change no token of an ordinary reply, or
 * told as it is written (`unread`), so that a study can say what it does not follow. Bad values of those that are used are refused.
 * Without that file transformers takes the same options from `config.json`, so they are looked for there.
 * Source: GenerationConfig of transformers 5.24; what each does was tried (test/reference/generation-options.py).
 */
import { join } from 'node:path';

import { AssayError } from '#base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import { isCount } from '#learning/files/tensors/tensor-source.ts';
import type { GenerationConfig } from '#learning/files/model-files.ts';

/** Options that change no token, whatever their value, by the reason. */
const IDLE: ReadonlySet<string> = new Set(
  Object.values({
    'how the same numbers are computed': [
      'cache_config', // of the quantized cache, which `cache_implementation` names
      'continuous_batching_config',
      'disable_compile',
      'low_memory',
      'max_cache_len',
      'prefill_chunk_size',
      'use_cache',
    ],
    'what a call returns besides': [
      'output_attentions',
      'output_hidden_states',
      'output_logits',
      'output_scores',
      'return_dict_in_generate',
    ],
    'how many replies a question has: the study says it': ['num_return_sequences'],
    'tokens of batches, of empty prompts and of encoders': ['bos_token_id', 'decoder_start_token_id', 'pad_token_id'],
    'only with beams, and their number is told': ['diversity_penalty', 'length_penalty', 'num_beam_groups'],
    'drafts that the model accepts or not: other draws of the same distribution': [
      'assistant_confidence_threshold',
      'assistant_early_exit',
      'assistant_lookbehind',
      'max_matching_ngram_size',
      'num_assistant_tokens',
      'num_assistant_tokens_schedule',
      'prompt_lookup_num_tokens',
      'speculation_type',
      'target_lookbehind',
      'use_mtp',
    ],
    'numbers that broke are refused, probabilities have the sum 1': ['remove_invalid_values', 'renormalize_logits'],
    'where the file comes from': [
      '_commit_hash',
      '_from_model_config',
      '_original_object_hash',
      'transformers_version',
    ],
  }).flat(),
);

const CACHES: readonly Json[] = [
  'dynamic',
  'hybrid',
  'hybrid_chunked',
  'offloaded',
  'offloaded_hybrid',
  'offloaded_hybrid_chunked',
  'offloaded_static',
  'sliding_window',
  'static', // not `quantized`: other keys and values
];

type Test = (value: Json, contextLength: number) => boolean;

const none: Test = () => false;
const is =
  (...values: readonly Json[]): Test =>
  (value) =>
    values.includes(value);
const isList = (value: Json): value is readonly Json[] => Array.isArray(value);
const isEmpty: Test = (value) => isList(value) && value.length === 0;
const isNoShare: Test = (value) => typeof value === 'number' && (value <= 0 || value >= 1);

/** Options that change tokens, with the values under which they do not. */
const CHANGING: ReadonlyMap<string, Test> = new Map(
  Object.entries({
    assistant_ensemble_weight: none,
    bad_words_ids: none,
    begin_suppress_tokens: isEmpty,
    cache_implementation: is(...CACHES),
    compile_config: none, // no file may have one in transformers
    constraints: none,
    dola_layers: none,
    early_stopping: is(false, true, 'never'), // only with beams
    encoder_no_repeat_ngram_size: is(0), // prompts count as what an encoder reads
    encoder_repetition_penalty: is(1),
    epsilon_cutoff: isNoShare,
    eta_cutoff: isNoShare,
    exponential_decay_length_penalty: none,
    force_words_ids: none,
    forced_bos_token_id: none,
    forced_eos_token_id: none,
    guidance_scale: is(1),
    is_assistant: is(false),
    max_length: (value, contextLength) => typeof value === 'number' && value >= contextLength,
    max_time: none,
    min_length: is(0),
    min_new_tokens: is(0),
    min_p: is(0),
    no_repeat_ngram_size: is(0),
    num_beams: is(1),
    penalty_alpha: none,
    repetition_penalty: is(1),
    sequence_bias: none,
    stop_strings: none,
    suppress_tokens: isEmpty,
    token_healing: is(false),
    top_h: none,
    typical_p: (value) => typeof value === 'number' && value >= 1,
    watermarking_config: none,
  } satisfies Record<string, Test>),
);

/** Options that are used, or that a study's own settings stand in for. */
const READ: ReadonlySet<string> = new Set([
  'do_sample',
  'eos_token_id',
  'max_new_tokens',
  'temperature',
  'top_k',
  'top_p',
]);

/** All that is known of the file: no option of transformers is missing (a test compares). */
export const GENERATION_OPTIONS: ReadonlySet<string> = new Set([...READ, ...CHANGING.keys(), ...IDLE]);

const FILE = 'generation_config.json';

/** What a folder's files say of replies. */
export interface GenerationFiles {
  /** Content of `generation_config.json`, where there is one. */
  readonly generation: JsonObject | undefined;
  readonly config: JsonObject;
  readonly contextLength: number;
  /** Named in errors. */
  readonly path: string;
}

/** Reads the options. @throws AssayError naming an option that is used and has no value of its kind. */
export function generationOptions({ generation, config, contextLength, path }: GenerationFiles): GenerationConfig {
  const from = generation === undefined ? 'config.json' : FILE;
  const options = generation ?? optionsIn(config);
  const where = join(path, from);
  const number = (name: string, expected: string, isGood: (value: number) => boolean): number | undefined => {
    const value = options[name] ?? undefined;
    if (value === undefined || (typeof value === 'number' && isGood(value))) return value;
    throw wrong(where, name, expected, value);
  };
  const temperature = number('temperature', 'a number, 0 or more', (value) => value >= 0);
  const topP = number('top_p', 'a number, 0 or more', (value) => value >= 0);
  const topK = number('top_k', 'a whole number, 0 or more', isCount);
  const maxTokens = number('max_new_tokens', 'a whole number above 0', (value) => isCount(value) && value > 0);
  const isSampled = options['do_sample'] ?? undefined;
  if (isSampled !== undefined && typeof isSampled !== 'boolean') {
    throw wrong(where, 'do_sample', 'true or false', isSampled);
  }
  const unread = unreadOf(options, contextLength);
  const stopIds = stopIdsOf(options['eos_token_id'] ?? config['eos_token_id'] ?? [], where);
  const asked = {
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP: Math.min(topP, 1) }),
    ...(topK === undefined ? {} : { topK }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(isSampled === undefined ? {} : { isSampled }),
    ...(unread.length === 0 ? {} : { unread }),
  };
  return Object.keys(asked).length === 0 ? { stopIds } : { stopIds, from, ...asked };
}

function stopIdsOf(declared: Json, where: string): readonly number[] {
  const ids: readonly Json[] = isList(declared) ? declared : [declared];
  if (ids.every(isCount)) return ids;
  throw wrong(where, 'eos_token_id', 'the id of a token, or a list of such', declared);
}

/** What the options say beside those that are read, as it is written. */
function unreadOf(options: JsonObject, contextLength: number): readonly string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === null || READ.has(name) || IDLE.has(name)) return [];
    const isIdle = CHANGING.get(name)?.(value, contextLength) ?? value === false; // what nobody knows is told unless it is off
    return isIdle ? [] : [`${name} ${JSON.stringify(value)}`];
  });
}

/** The options among the keys of a `config.json`: its own, then those of the text model inside. */
function optionsIn(config: JsonObject): JsonObject {
  const inner = config['text_config'] ?? null;
  const known = (json: JsonObject): [string, Json][] =>
    Object.entries(json).filter(([name, value]) => GENERATION_OPTIONS.has(name) && value !== null);
  return Object.fromEntries([...(isJsonObject(inner) ? known(inner) : []), ...known(config)]);
}

function wrong(where: string, name: string, expected: string, found: Json): AssayError {
  const shown = JSON.stringify(found).slice(0, 100);
  return new AssayError('file', `${where}: expected ${name} to be ${expected}, found ${shown}. Mend it, or remove it.`);
}
