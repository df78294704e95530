/**
 * The tokenizer inside a GGUF file, put into the form of a `tokenizer.json`.
 * GGUF names the way a text is split before merging (`tokenizer.ggml.pre`) instead of giving the expression: a name
 * that is not listed here is an error, since another split gives other tokens.
 * Source: `llama-vocab.cpp` of llama.cpp; for SentencePiece models the merges are rebuilt from the scores as in
 * `convert_slow_tokenizer.py` of transformers.
 */
import { AssayError } from '#base/errors.ts';
import type { JsonObject } from '#base/json.ts';

import type { GgufValue } from './gguf-header.ts';
import { isCount } from '#learning/files/tensors/tensor-source.ts';
import type { TextTokenizer } from '#learning/files/text/tokenizer.ts';
import { textTokenizer } from '#learning/files/text/tokenizer.ts';

const LLAMA3_SPLIT =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const QWEN2_SPLIT = LLAMA3_SPLIT.replace('\\p{N}{1,3}', '\\p{N}');

const GPT2_STEP: JsonObject = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };

/** What every `tokenizer.json` starts with. */
const HEAD: JsonObject = { version: '1.0', truncation: null, padding: null };

/** How a text is split and whether whole words skip the merges, by `tokenizer.ggml.pre`. */
interface Splitting {
  readonly steps: readonly JsonObject[];
  readonly ignoreMerges: boolean;
  readonly normalizer: JsonObject | null;
  /** Whether a text starts with the start token when the file does not say. */
  readonly startsByDefault: boolean;
}

const GPT2: Splitting = { steps: [GPT2_STEP], ignoreMerges: false, normalizer: null, startsByDefault: false };
const DIGITS: Splitting = { ...GPT2, steps: [{ type: 'Digits', individual_digits: true }, GPT2_STEP] };
const NEOX: Splitting = { ...GPT2, normalizer: { type: 'NFC' } };
const CL100K: Splitting = { ...GPT2, steps: splitThenBytes(LLAMA3_SPLIT) };
const LLAMA3: Splitting = { ...CL100K, ignoreMerges: true, startsByDefault: true };
const QWEN2: Splitting = { ...GPT2, steps: splitThenBytes(QWEN2_SPLIT), normalizer: { type: 'NFC' } };
const TEKKEN: Splitting = { ...LLAMA3, steps: splitThenBytes(casedSplit('', '\\p{N}')) };
const GPT4O: Splitting = {
  ...GPT2,
  steps: splitThenBytes(casedSplit("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", '\\p{N}{1,3}')),
};

const SPLITTINGS: ReadonlyMap<string, Splitting> = new Map([
  ['gpt-2', GPT2],
  ['phi-2', GPT2],
  ['smollm', DIGITS],
  ['starcoder', DIGITS],
  ['refact', DIGITS], // Granite's
  ['olmo', NEOX],
  ['mpt', NEOX],
  ['command-r', { ...DIGITS, normalizer: { type: 'NFC' } }],
  ['dbrx', CL100K], // Phi-4's
  ['smaug-bpe', CL100K],
  ['glm4', CL100K],
  ['chatglm-bpe', CL100K],
  ['llama-bpe', LLAMA3],
  ['llama3', LLAMA3],
  ['llama-v3', LLAMA3],
  ['qwen2', QWEN2],
  ['deepseek-r1-qwen', QWEN2], // Qwen's, with other special tokens
  ['stablelm2', QWEN2], // as StableLM 2's own class splits and normalises, tokenization_arcade100k.py
  ['tekken', TEKKEN], // Mistral Nemo's and later
  ['gpt-4o', GPT4O], // Phi-4 mini's
]);

/** Words that end where small letters are followed by capitals. @param ending What may follow a word. @param digits One group of them. */
function casedSplit(ending: string, digits: string): string {
  const [before, upper, lower] = [
    '[^\\r\\n\\p{L}\\p{N}]?',
    '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]',
    '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]',
  ];
  const words = `${before}${upper}*${lower}+${ending}|${before}${upper}+${lower}*${ending}`;
  return `${words}|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;
}

function splitThenBytes(regex: string): readonly JsonObject[] {
  const bytes = { ...GPT2_STEP, use_regex: false };
  return [{ type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false }, bytes];
}

/** Kinds of tokens in `tokenizer.ggml.token_type`. */
const UNKNOWN = 2;
const CONTROL = 3;
const USER_DEFINED = 4;

type Metadata = ReadonlyMap<string, GgufValue>;

/** What Hugging Face keeps in two files. */
export interface TokenizerJson {
  /** A `tokenizer.json`. */
  readonly tokenizer: JsonObject;
  /** Special tokens by role, the part of a `tokenizer_config.json` that a GGUF file knows. */
  readonly names: Readonly<Record<string, string>>;
}

/** The tokenizer of a GGUF file, or undefined when it has none. @throws AssayError as `ggufTokenizerJson`. */
export function ggufTokenizer(metadata: Metadata, where: string): TextTokenizer | undefined {
  const json = ggufTokenizerJson(metadata, where);
  if (json === undefined) return undefined;
  return textTokenizer(json.tokenizer, json.names, where, { endIds: ggufEndIds(metadata) });
}

/** Ids at which replies end: of the text, of a turn, of a message. */
export function ggufEndIds(metadata: Metadata): readonly number[] {
  const ids = ['eos_token_id', 'eot_token_id', 'eom_token_id'].map((key) => metadata.get(`tokenizer.ggml.${key}`));
  return [...new Set(ids.filter(isCount))];
}

/** What may stand under `tokenizer.ggml.`: keys that are read, and those that change no id here. */
const KNOWN_KEYS =
  /^(?:model|pre|tokens|token_type|scores|merges|(?:bos|eos|eot|eom|unknown|padding|seperator|separator|cls|mask|fim_(?:pre|suf|mid|pad|rep|sep)|prefix|suffix|middle)_token_id|add_bos_token|add_eos_token|add_space_prefix|token_type_count|chat_template)$/;
const GGML = 'tokenizer.ggml.';

/** @throws AssayError on a key whose meaning is not known, such as a character map or words that are added. */
function refuseUnknownKeys(metadata: Metadata, where: string): void {
  const unknown = [...metadata.keys()].find(
    (key) => key.startsWith(GGML) && !isKnown(key.slice(GGML.length), metadata),
  );
  if (unknown === undefined) return;
  throw new AssayError(
    'file',
    `${where}: expected keys of a tokenizer that are known, found ${unknown.slice(0, 120)}.`,
  );
}

/** Tokens that texts begin and end with: an id that is no token's would be no token at all. */
const AROUND = ['bos', 'eos', 'eot', 'eom'];
const SWITCHES = ['add_bos_token', 'add_eos_token', 'add_space_prefix'];

/** @throws AssayError on ids that are of no token, and on switches that are neither true nor false. */
function refuseOtherKinds(metadata: Metadata, count: number, where: string): void {
  const refuse = (key: string, expected: string): never => {
    const found = String(metadata.get(GGML + key)).slice(0, 80);
    throw new AssayError('file', `${where}: expected ${GGML}${key} to be ${expected}, found ${found}.`);
  };
  for (const key of AROUND.map((name) => `${name}_token_id`)) {
    const id = metadata.get(GGML + key);
    if (id !== undefined && !(isCount(id) && id < count)) refuse(key, `the id of one of ${count} tokens`);
  }
  for (const key of SWITCHES) {
    const value = metadata.get(GGML + key);
    if (value !== undefined && typeof value !== 'boolean') refuse(key, 'true or false');
  }
}

/** A setting that is off changes nothing. */
function isKnown(key: string, metadata: Metadata): boolean {
  return KNOWN_KEYS.test(key) || metadata.get(GGML + key) === false;
}

/**
 * The tokenizer of a GGUF file in Hugging Face's form, or undefined when it has none.
 * @throws AssayError on a kind of tokenizer or splitting that is not known.
 */
export function ggufTokenizerJson(metadata: Metadata, where: string): TokenizerJson | undefined {
  const model = metadata.get('tokenizer.ggml.model');
  if (model === undefined || model === 'none' || model === 'no_vocab') return undefined;
  refuseUnknownKeys(metadata, where);
  const tokens = textList(metadata, 'tokenizer.ggml.tokens', where);
  refuseOtherKinds(metadata, tokens.length, where);
  if (model === 'gpt2') return bytePairTokenizer(metadata, tokens, where);
  if (model === 'llama') return sentencePieceTokenizer(metadata, tokens, where);
  const found = String(model).slice(0, 80);
  throw new AssayError('file', `${where}: expected tokenizer.ggml.model gpt2 or llama, found ${found}.`);
}

function bytePairTokenizer(metadata: Metadata, tokens: readonly string[], where: string): TokenizerJson {
  const pre = metadata.get('tokenizer.ggml.pre');
  const splitting = typeof pre === 'string' ? SPLITTINGS.get(pre) : undefined;
  if (splitting === undefined) {
    const known = [...SPLITTINGS.keys()].join(', ');
    throw new AssayError(
      'file',
      `${where}: expected tokenizer.ggml.pre among ${known}, found ${String(pre).slice(0, 80)}.`,
    );
  }
  const tokenizer: JsonObject = {
    ...HEAD,
    normalizer: splitting.normalizer,
    pre_tokenizer: { type: 'Sequence', pretokenizers: splitting.steps },
    model: {
      type: 'BPE',
      vocab: vocabulary(tokens),
      merges: textList(metadata, 'tokenizer.ggml.merges', where),
      ignore_merges: splitting.ignoreMerges,
    },
    post_processor: aroundText(metadata, tokens, splitting.startsByDefault),
    decoder: GPT2_STEP,
    added_tokens: addedTokens(metadata, tokens),
  };
  return { tokenizer, names: specialNames(metadata, tokens) };
}

/** Every split of a piece is looked at, so a long one would take for ever; real pieces have up to 50 characters. */
const MAX_PIECE_LENGTH = 256;

/** SentencePiece BPE: pieces with scores, spaces written as U+2581, unknown characters as bytes. */
function sentencePieceTokenizer(metadata: Metadata, tokens: readonly string[], where: string): TokenizerJson {
  const scores = metadata.get('tokenizer.ggml.scores');
  if (!(scores instanceof Float32Array) || scores.length !== tokens.length) {
    throw new AssayError('file', `${where}: expected tokenizer.ggml.scores, one float for each token.`);
  }
  const space: JsonObject = { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' };
  const long = tokens.find((token) => token.length > MAX_PIECE_LENGTH);
  if (long !== undefined) {
    const found = `${long.length} characters (${JSON.stringify(long.slice(0, 40))}...)`;
    throw new AssayError(
      'file',
      `${where}: expected pieces of at most ${MAX_PIECE_LENGTH} characters, found ${found}.`,
    );
  }
  const startsWithSpace = metadata.get('tokenizer.ggml.add_space_prefix') !== false;
  const normalizers = startsWithSpace ? [{ type: 'Prepend', prepend: '\u2581' }, space] : [space];
  const decoders: JsonObject[] = [
    { type: 'Replace', pattern: { String: '\u2581' }, content: ' ' },
    { type: 'ByteFallback' },
    { type: 'Fuse' },
  ];
  if (startsWithSpace) decoders.push({ type: 'Strip', content: ' ', start: 1, stop: 0 });
  const names = specialNames(metadata, tokens);
  const tokenizer: JsonObject = {
    ...HEAD,
    normalizer: { type: 'Sequence', normalizers },
    pre_tokenizer: null,
    model: {
      type: 'BPE',
      vocab: vocabulary(tokens),
      merges: mergesOfScores(tokens, scores),
      unk_token: names['unk_token'] ?? null,
      fuse_unk: true,
      byte_fallback: true,
    },
    post_processor: aroundText(metadata, tokens, true),
    decoder: { type: 'Sequence', decoders },
    added_tokens: addedTokens(metadata, tokens),
  };
  return { tokenizer, names };
}

/** Every way to make a piece of two others, best piece first: what the scores of SentencePiece BPE mean. */
function mergesOfScores(tokens: readonly string[], scores: Float32Array): [string, string][] {
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const merges: { readonly pair: [string, string]; readonly score: number; readonly ids: readonly [number, number] }[] =
    [];
  for (const [id, token] of tokens.entries()) {
    for (let at = 1; at < token.length; at++) {
      const pair: [string, string] = [token.slice(0, at), token.slice(at)];
      const [left, right] = [idOf.get(pair[0]), idOf.get(pair[1])];
      if (left !== undefined && right !== undefined) merges.push({ pair, score: scores[id] ?? 0, ids: [left, right] });
    }
  }
  merges.sort((a, b) => b.score - a.score || a.ids[0] - b.ids[0] || a.ids[1] - b.ids[1]);
  return merges.map(({ pair }) => pair);
}

/** Ids by token; of two equal tokens the first counts. */
function vocabulary(tokens: readonly string[]): Readonly<Record<string, number>> {
  const ids = new Map<string, number>();
  for (const [id, token] of tokens.entries()) if (!ids.has(token)) ids.set(token, id);
  return Object.fromEntries(ids);
}

function addedTokens(metadata: Metadata, tokens: readonly string[]): JsonObject[] {
  const types = metadata.get('tokenizer.ggml.token_type');
  if (!(types instanceof Int32Array)) return [];
  const ids = vocabulary(tokens);
  const isPhi3 = metadata.get('general.architecture') === 'phi3' && metadata.get('tokenizer.ggml.model') === 'llama';
  return tokens.flatMap((content, id) => {
    const type = ids[content] === id ? types[id] : undefined;
    const isAdded = type === CONTROL || type === USER_DEFINED || type === UNKNOWN;
    const rstrip = isPhi3 && !PHI3_PLAIN.has(content);
    const [special, off] = [type !== USER_DEFINED, { single_word: false, lstrip: false, rstrip }];
    return isAdded && content !== '' ? [{ id, content, ...off, normalized: false, special }] : [];
  });
}

/** The special tokens of Phi-3 that leave the white space behind them; the others take it, which no key of a GGUF file says. */
const PHI3_PLAIN: ReadonlySet<string> = new Set(['<unk>', '<s>', '<|endoftext|>']);

/** The start and end tokens a text is put between, where the file asks for them. */
function aroundText(metadata: Metadata, tokens: readonly string[], startsByDefault: boolean): JsonObject | null {
  const names = specialNames(metadata, tokens);
  const wants = (key: string, byDefault: boolean): boolean =>
    (metadata.get(`tokenizer.ggml.${key}`) ?? byDefault) === true;
  const start = wants('add_bos_token', startsByDefault) ? names['bos_token'] : undefined;
  const end = wants('add_eos_token', false) ? names['eos_token'] : undefined;
  if (start === undefined && end === undefined) return null;
  const special = (token: string | undefined): JsonObject[] =>
    token === undefined ? [] : [{ SpecialToken: { id: token, type_id: 0 } }];
  const single = [...special(start), { Sequence: { id: 'A', type_id: 0 } }, ...special(end)];
  const used = [start, end].filter((token) => token !== undefined);
  const specials = used.map((token) => [token, { id: token, ids: [tokens.indexOf(token)], tokens: [token] }]);
  const pair = [...single, { Sequence: { id: 'B', type_id: 0 } }]; // transformers wants it, Assay never encodes pairs
  return { type: 'TemplateProcessing', single, pair, special_tokens: Object.fromEntries(specials) };
}

/** Special tokens by role, as a `tokenizer_config.json` gives them. */
function specialNames(metadata: Metadata, tokens: readonly string[]): Readonly<Record<string, string>> {
  const roles = [
    ['bos_token', 'bos_token_id'],
    ['eos_token', 'eos_token_id'],
    ['unk_token', 'unknown_token_id'],
    ['pad_token', 'padding_token_id'],
  ] as const;
  const named = roles.flatMap(([role, key]) => {
    const id = metadata.get(`tokenizer.ggml.${key}`);
    const token = isCount(id) ? tokens[id] : undefined;
    return token === undefined ? [] : [[role, token] as const];
  });
  return Object.fromEntries(named);
}

function textList(metadata: Metadata, key: string, where: string): readonly string[] {
  const value = metadata.get(key);
  const isTexts = Array.isArray(value) && value.every((item) => typeof item === 'string');
  if (isTexts) return value;
  throw new AssayError('file', `${where}: expected ${key} to be a list of texts.`);
}
