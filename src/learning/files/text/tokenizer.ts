/**
 * Text to token ids and back, as a model's `tokenizer.json` says: the same ids and the same text as transformers.
 * The work is done by @huggingface/tokenizers; this file checks what goes in and out, and repairs its decoding of
 * single bytes and its idea of a digit. A tokenizer holds regular expressions from the model's author, which may be slow by design.
 */
import { ByteFallbackDecoder, SequenceDecoder, Tokenizer } from '@huggingface/tokenizers';

import { AssayError, messageOf } from '#base/errors.ts';
import type { Json, JsonObject } from '#base/json.ts';
import { isJsonObject } from '#base/json.ts';

import { isCount } from '#learning/files/tensors/tensor-source.ts';

/** A model's tokenizer. */
export interface TextTokenizer {
  /** One more than the largest token id; a model's embedding may have more rows. */
  readonly vocabSize: number;
  /** Special tokens by role, such as `bos_token` and `eos_token`, where the model names them. */
  readonly specialTokens: Readonly<Record<string, string>>;
  /**
   * Token ids of a text. Special tokens written out in the text are recognised.
   * @param extras 'withSpecials' adds what the model puts around a text (such as a first <s>), 'plain' does not.
   * Text from a chat template is 'plain': the template wrote them.
   */
  encode(text: string, extras: 'plain' | 'withSpecials'): number[];
  /** The text of token ids. @throws AssayError on an id the tokenizer does not know. */
  decode(ids: ArrayLike<number>, specials?: 'keep' | 'skip'): string;
  tokenOf(id: number): string | undefined;
  idOf(token: string): number | undefined;
  /** Whether an id stands for a special token, such as the end of a turn. */
  isSpecial(id: number): boolean;
  /** All special tokens as they are written in text, longest first. */
  readonly specialTexts: readonly string[];
}

/** No vocabulary comes near; a larger id is a corrupt file. */
const MAX_TOKEN_ID = 1 << 24;

/** The roles of special tokens in a `tokenizer_config.json`. */
const SPECIAL_ROLES = ['bos_token', 'eos_token', 'unk_token', 'pad_token', 'sep_token', 'cls_token', 'mask_token'];

/**
 * A tokenizer from its two files.
 * @param tokenizerJson Content of `tokenizer.json`.
 * @param config Content of `tokenizer_config.json`; {} when there is none.
 * @param where Named in errors.
 * @throws AssayError when the files are not understood.
 */
export function textTokenizer(tokenizerJson: JsonObject, config: JsonObject, where: string): TextTokenizer {
  const complete = {
    ...tokenizerJson,
    pre_tokenizer: repairedDigits(tokenizerJson['pre_tokenizer'] ?? null),
    added_tokens: addedTokens(tokenizerJson, config, where),
  };
  const idLimit = 1 + largestId(tokenizerJson, complete.added_tokens, where);
  const cleanUp = config['clean_up_tokenization_spaces'] === true;
  let tokenizer: Tokenizer;
  try {
    tokenizer = new Tokenizer(complete, { ...config, clean_up_tokenization_spaces: cleanUp });
  } catch (thrown) {
    throw new AssayError('file', `${where}: the tokenizer is not understood: ${messageOf(thrown)}`, { cause: thrown });
  }
  repairByteFallback(tokenizer);
  const specialIds = new Set(complete.added_tokens.filter(({ special }) => special).map(({ id }) => id));
  const specialTexts = complete.added_tokens
    .flatMap(({ special, content }) => (special ? [content] : []))
    .toSorted((a, b) => b.length - a.length);
  const specialTokens = tokenNames(config);
  return {
    vocabSize: idLimit,
    specialTokens,
    encode(text, extras) {
      if (text === '') return extras === 'plain' ? [] : checkedIds(tokenizer, '', true, where);
      return checkedIds(tokenizer, text, extras === 'withSpecials', where);
    },
    decode(ids, specials = 'keep') {
      const list = Array.from(ids);
      const unknown = list.find((id) => tokenizer.id_to_token(id) === undefined);
      if (unknown !== undefined) {
        throw new AssayError(
          'data',
          `${where}: expected token ids below ${idLimit} that have a token, found ${unknown}.`,
        );
      }
      if (list.length === 0) return '';
      return tokenizer.decode(list, {
        skip_special_tokens: specials === 'skip',
        clean_up_tokenization_spaces: cleanUp,
      });
    },
    tokenOf: (id) => tokenizer.id_to_token(id),
    idOf: (token) => tokenizer.token_to_id(token),
    isSpecial: (id) => specialIds.has(id),
    specialTexts,
  };
}

function checkedIds(tokenizer: Tokenizer, text: string, withSpecials: boolean, where: string): number[] {
  let ids: (number | undefined)[];
  try {
    ({ ids } = tokenizer.encode(text.toWellFormed(), { add_special_tokens: withSpecials }));
  } catch (thrown) {
    const start = JSON.stringify(text.slice(0, 60));
    throw new AssayError('data', `${where}: could not tokenize ${start}: ${messageOf(thrown)}`, { cause: thrown });
  }
  return ids.map((id) => {
    if (id !== undefined) return id;
    const start = JSON.stringify(text.slice(0, 60));
    throw new AssayError(
      'data',
      `${where}: ${start} holds something the tokenizer has no token for, nor an unknown token.`,
    );
  });
}

interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
}

/** The added tokens of `tokenizer.json`, and those only `tokenizer_config.json` knows, as transformers adds them. */
function addedTokens(tokenizerJson: JsonObject, config: JsonObject, where: string): AddedToken[] {
  const listed = tokenizerJson['added_tokens'] ?? [];
  if (!Array.isArray(listed)) throw new AssayError('file', `${where}: expected added_tokens to be a list.`);
  const tokens = listed.map((token: Json) => addedToken(token, undefined, where));
  const known = new Set(tokens.map(({ content }) => content));
  const decoder = config['added_tokens_decoder'];
  if (!isJsonObject(decoder)) return tokens;
  for (const [id, token] of Object.entries(decoder)) {
    const extra = addedToken(token, Number(id), where);
    if (!known.has(extra.content)) tokens.push(extra);
  }
  return tokens;
}

function addedToken(token: Json | undefined, idElsewhere: number | undefined, where: string): AddedToken {
  const id = isJsonObject(token) ? (idElsewhere ?? token['id']) : undefined;
  if (isJsonObject(token) && typeof token['content'] === 'string' && token['content'] !== '' && isTokenId(id)) {
    return { ...token, id, content: token['content'], special: token['special'] === true };
  }
  const found = JSON.stringify(token ?? null).slice(0, 100);
  throw new AssayError('file', `${where}: expected an added token with content and id, found ${found}.`);
}

function isTokenId(value: Json | undefined): value is number {
  return isCount(value) && value <= MAX_TOKEN_ID;
}

/** The largest id there is, after a check that every id is one. */
function largestId(tokenizerJson: JsonObject, added: readonly AddedToken[], where: string): number {
  const model = tokenizerJson['model'];
  const vocab = isJsonObject(model) ? model['vocab'] : undefined;
  let largest = -1;
  for (const { id } of added) largest = Math.max(largest, id);
  if (Array.isArray(vocab)) return Math.max(largest, vocab.length - 1);
  if (!isJsonObject(vocab)) throw new AssayError('file', `${where}: expected a model with a vocabulary.`);
  for (const [token, id] of Object.entries(vocab)) {
    if (!isTokenId(id)) {
      const found = `${JSON.stringify(token.slice(0, 60))}: ${JSON.stringify(id ?? null).slice(0, 60)}`;
      throw new AssayError('file', `${where}: expected token ids from 0 to ${MAX_TOKEN_ID}, found ${found}.`);
    }
    largest = Math.max(largest, id);
  }
  return largest;
}

/** Special tokens by role; a config gives each as text or as an object with `content`. */
function tokenNames(config: JsonObject): Readonly<Record<string, string>> {
  const names = SPECIAL_ROLES.flatMap((role) => {
    const value = config[role];
    const content = isJsonObject(value) ? value['content'] : value;
    return typeof content === 'string' ? [[role, content] as const] : [];
  });
  return Object.fromEntries(names);
}

/**
 * Says the `Digits` step as a split on numeric characters, which is what the reference does; the library (0.2.0)
 * splits on decimal digits alone, and so merges a space with the first byte of a superscript or a Roman numeral.
 */
function repairedDigits(step: Json): Json {
  if (!isJsonObject(step)) return step;
  if (step['type'] === 'Digits') {
    const regex = step['individual_digits'] === true ? '\\p{N}' : '\\p{N}+';
    return { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false };
  }
  const steps: Json = step['pretokenizers'] ?? null;
  return Array.isArray(steps) ? { ...step, pretokenizers: steps.map(repairedDigits) } : step;
}

/** Puts `bytesToText` in the place of the library's own rule, wherever the decoder has one. */
function repairByteFallback(tokenizer: Tokenizer): void {
  const { decoder } = tokenizer;
  for (const step of decoder instanceof SequenceDecoder ? decoder.decoders : [decoder]) {
    if (step instanceof ByteFallbackDecoder) step.decode_chain = joinByteTokens;
  }
}

const BYTE_TOKEN = /^<0x([0-9A-F]{2})>$/i;

/**
 * Joins runs of byte tokens such as <0xE2>: a run that is UTF-8 becomes its text, any other run one U+FFFD a byte.
 * (@huggingface/tokenizers 0.2.0 drops a byte order mark here and writes fewer U+FFFD than the reference.)
 */
export function joinByteTokens(tokens: readonly string[]): string[] {
  const texts: string[] = [];
  let run: number[] = [];
  const endRun = (): void => {
    if (run.length > 0) texts.push(...bytesToText(run));
    run = [];
  };
  for (const token of tokens) {
    const hex = BYTE_TOKEN.exec(token)?.[1];
    if (hex === undefined) {
      endRun();
      texts.push(token);
    } else run.push(Number.parseInt(hex, 16));
  }
  endRun();
  return texts;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function bytesToText(bytes: readonly number[]): string[] {
  try {
    return [strictUtf8.decode(Uint8Array.from(bytes))];
  } catch {
    return bytes.map(() => '\uFFFD');
  }
}
