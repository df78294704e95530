/**
 * Text to token ids and back, as a model's `tokenizer.json` says: the same ids and the same text as transformers.
 * Each step is read from the file completely: an option that is not known is refused (tokens/component.ts).
 * A tokenizer holds regular expressions from the model's author, which may be slow by design.
 */
import { AssayError, messageOf } from '#base/errors.ts';
import type { Json, JsonObject } from '#base/json.ts';
import { isJsonObject } from '#base/json.ts';

import { isCount } from '#learning/files/tensors/tensor-source.ts';
import { type AddedToken, finder } from './tokens/added-tokens.ts';
import { type Around, aroundOf } from './tokens/around.ts';
import { Component } from './tokens/component.ts';
import { cleanUp, decoderOf } from './tokens/decoder.ts';
import { modelOf } from './tokens/model.ts';
import { normalizerOf } from './tokens/normalizer.ts';
import { checkAround, checkSettings, type NamedToken, namedTokens, withPrefixSpace } from './tokens/settings.ts';
import { splitterOf } from './tokens/splitter.ts';
import type { Encode, Vocabulary } from './tokens/vocabulary.ts';

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
  /** What the model puts around a text. */
  readonly around: Around;
  /** The text of token ids. @throws AssayError on an id the tokenizer does not know. */
  decode(ids: ArrayLike<number>, specials?: 'keep' | 'skip'): string;
  tokenOf(id: number): string | undefined;
  idOf(token: string): number | undefined;
  /** Whether an id stands for a special token, such as the end of a turn: by its flag, its role, or as an end of replies. */
  isSpecial(id: number): boolean;
  /** All special tokens as they are written in text, longest first. */
  readonly specialTexts: readonly string[];
}

/** What files beside the two of a tokenizer say of it. */
export interface TokenizerCompanions {
  /** Content of `added_tokens.json`: ids by token. */
  readonly addedTokens?: JsonObject | undefined;
  /** Ids at which replies end (`generation_config.json`). */
  readonly endIds?: readonly number[];
}

/** No vocabulary comes near; a larger id is a corrupt file. */
const MAX_TOKEN_ID = 1 << 24;

/**
 * A tokenizer from its files.
 * @param tokenizerJson Content of `tokenizer.json`.
 * @param config Content of `tokenizer_config.json`; {} when there is none.
 * @param where Named in errors.
 * @throws AssayError when the files are not understood.
 */
export function textTokenizer(
  tokenizerJson: JsonObject,
  config: JsonObject,
  where: string,
  companions: TokenizerCompanions = {},
): TextTokenizer {
  const file = new Component(withPrefixSpace(tokenizerJson, config, where), where);
  file.unused('version', 'truncation', 'padding', 'added_tokens', 'model', 'type');
  const model = modelComponent(file.json('model'), where);
  const vocabulary = vocabularyOf(model);
  const added = addedTokens(tokenizerJson, config, companions, vocabulary, where);
  const ids = new Map([...vocabulary, ...added.map(({ content, id }) => [content, id] as const)]);
  checkSettings(config, (text) => ids.has(text), where);
  const names = namedTokens(config, where);
  const encodePiece = modelOf(model, vocabulary);
  const encodeText = encoder(added, {
    normalize: normalizerOf(file.json('normalizer') ?? null, where),
    split: splitterOf(file.json('pre_tokenizer') ?? null, where),
    encodePiece,
  });
  const around = aroundOf(file.json('post_processor') ?? null, where);
  checkAround(around, config, (role) => ids.get(names.byRole[role]?.content ?? ''), where);
  const decodeTokens = decoderOf(file.json('decoder') ?? null, where);
  file.done();
  const tokens = new Map(Array.from(ids, ([token, id]) => [id, token]));
  for (const { id, content } of added) tokens.set(id, content);
  const specialIds = specialIdsOf(added, [...Object.values(names.byRole), ...names.others], ids, companions);
  const cleansUp = config['clean_up_tokenization_spaces'] === true;
  const idLimit = 1 + Math.max(-1, ...lastIds(tokens.keys()));
  return {
    vocabSize: idLimit,
    specialTokens: Object.fromEntries(Object.entries(names.byRole).map(([role, { content }]) => [role, content])),
    around,
    encode(text, extras) {
      const plain = checked(text, encodeText, where);
      return extras === 'plain' ? plain : [...around.before, ...plain, ...around.after];
    },
    decode(given, specials = 'keep') {
      const list = Array.from(given);
      const unknown = list.find((id) => !tokens.has(id));
      if (unknown !== undefined) {
        const expected = `token ids below ${idLimit} that have a token`;
        throw new AssayError('data', `${where}: expected ${expected}, found ${unknown}.`);
      }
      const kept = specials === 'skip' ? list.filter((id) => !specialIds.has(id)) : list;
      if (kept.length === 0) return '';
      const text = decodeTokens(kept.map((id) => tokens.get(id) ?? ''));
      return cleansUp ? cleanUp(text) : text;
    },
    tokenOf: (id) => tokens.get(id),
    idOf: (token) => ids.get(token),
    isSpecial: (id) => specialIds.has(id),
    specialTexts: Array.from(specialIds, (id) => tokens.get(id) ?? '')
      .filter((text) => text !== '')
      .toSorted((a, b) => b.length - a.length),
  };
}

/** The largest of some ids, without spreading all of them over a call. */
function lastIds(ids: Iterable<number>): readonly number[] {
  let largest = -1;
  for (const id of ids) largest = Math.max(largest, id);
  return [largest];
}

interface Steps {
  readonly normalize: (text: string) => string;
  readonly split: (text: string, isStart: boolean) => readonly string[];
  readonly encodePiece: Encode;
}

/** Added tokens first, then normalizing, then added tokens of normalized text, then pieces. */
function encoder(added: readonly AddedToken[], { normalize, split, encodePiece }: Steps): (text: string) => number[] {
  const findWritten = finder(
    added.filter(({ normalized }) => !normalized),
    ({ content }) => content,
  );
  const findNormalized = finder(
    added.filter(({ normalized }) => normalized),
    ({ content }) => normalize(content),
  );
  return (text) => {
    const ids: number[] = [];
    for (const section of findWritten(text)) {
      if (section.kind === 'token') ids.push(section.id);
      else {
        for (const inner of findNormalized(normalize(section.text))) {
          if (inner.kind === 'token') ids.push(inner.id);
          else
            for (const piece of split(inner.text, section.at === 0 && inner.at === 0)) ids.push(...encodePiece(piece));
        }
      }
    }
    return ids;
  };
}

function checked(text: string, encodeText: (text: string) => number[], where: string): number[] {
  try {
    return encodeText(text.toWellFormed());
  } catch (thrown) {
    const start = JSON.stringify(text.slice(0, 60));
    throw new AssayError('data', `${where}: could not tokenize ${start}: ${messageOf(thrown)}`, { cause: thrown });
  }
}

/** The model of a file; those before 2020 do not name its type. */
function modelComponent(json: Json | undefined, where: string): Component {
  if (!isJsonObject(json)) throw new AssayError('file', `${where}: expected a model with a vocabulary.`);
  return new Component(json, `${where}: model`);
}

function vocabularyOf(model: Component): Vocabulary {
  const vocab = model.json('vocab');
  if (Array.isArray(vocab)) {
    return new Map(vocab.map((entry: Json, id) => [Array.isArray(entry) ? String(entry[0]) : '', id]));
  }
  if (!isJsonObject(vocab)) return model.refuse('a model with a vocabulary', vocab);
  for (const [token, id] of Object.entries(vocab)) {
    if (!isTokenId(id)) {
      model.refuse(`token ids from 0 to ${MAX_TOKEN_ID}`, `${token.slice(0, 60)}: ${JSON.stringify(id)}`);
    }
  }
  return new Map(Object.entries(vocab).map(([token, id]) => [token, Number(id)]));
}

/** All special tokens: by flag, by role, as an end of replies. */
function specialIdsOf(
  added: readonly AddedToken[],
  named: readonly NamedToken[],
  ids: Vocabulary,
  { endIds = [] }: TokenizerCompanions,
): ReadonlySet<number> {
  const byName = named.map(({ content }) => ids.get(content)).filter((id) => id !== undefined);
  return new Set([...added.filter(({ special }) => special).map(({ id }) => id), ...byName, ...endIds]);
}

/**
 * The added tokens of `tokenizer.json`, and those that only `tokenizer_config.json` or `added_tokens.json` know, and
 * special tokens of the vocabulary that are not among them, as transformers adds them.
 */
function addedTokens(
  tokenizerJson: JsonObject,
  config: JsonObject,
  companions: TokenizerCompanions,
  vocabulary: Vocabulary,
  where: string,
): readonly AddedToken[] {
  const listed = tokenizerJson['added_tokens'] ?? [];
  if (!Array.isArray(listed)) throw new AssayError('file', `${where}: expected added_tokens to be a list.`);
  const tokens = listed.map((token: Json) => addedToken(token, undefined, where));
  const known = new Set(tokens.map(({ content }) => content));
  const { byRole, others } = namedTokens(config, where);
  const add = (token: AddedToken): void => {
    if (known.has(token.content)) return;
    tokens.push(token);
    known.add(token.content);
  };
  const decoder = config['added_tokens_decoder'];
  if (isJsonObject(decoder)) {
    const byId = Object.entries(decoder).toSorted(([a], [b]) => Number(a) - Number(b));
    for (const [id, token] of byId) add(addedToken(token, Number(id), where));
  }
  const specials = new Set([...Object.values(byRole), ...others].map(({ content }) => content));
  const alone = Object.entries(companions.addedTokens ?? {}).toSorted(([, a], [, b]) => Number(a) - Number(b));
  for (const [content, id] of alone) {
    const special = specials.has(content);
    add(addedToken({ id, content, special, normalized: !special }, undefined, `${where}: added_tokens.json`));
  }
  for (const [role, { content, json }] of [...Object.entries(byRole), ...others.map((token) => ['', token] as const)]) {
    const id = vocabulary.get(content);
    if (known.has(content)) continue;
    if (id === undefined) throw notInVocabulary(role, content, where);
    add(addedToken({ ...json, content, special: true }, id, where));
  }
  checkIds(tokens, vocabulary, where);
  return tokens;
}

function notInVocabulary(role: string, content: string, where: string): AssayError {
  const what = role === '' ? 'special tokens' : role;
  return new AssayError(
    'file',
    `${where}: expected ${what} to be in the vocabulary, found ${JSON.stringify(content.slice(0, 80))}, which is not (transformers would give it a new id, which the model has never seen). Correct tokenizer_config.json or special_tokens_map.json.`,
  );
}

/** Whatever ids the files give, transformers takes that of the vocabulary, or else the next one that is free. */
function checkIds(tokens: readonly AddedToken[], vocabulary: Vocabulary, where: string): void {
  let next = vocabulary.size;
  for (const { content, id } of tokens) {
    const given = vocabulary.get(content) ?? next;
    if (given !== id) {
      const found = `${id} for ${JSON.stringify(content.slice(0, 60))}, which transformers takes for ${given}`;
      throw new AssayError(
        'file',
        `${where}: expected added tokens with the ids of the vocabulary or after it, found ${found}.`,
      );
    }
    next = Math.max(next, given + 1);
  }
}

const FLAGS = ['single_word', 'lstrip', 'rstrip', 'normalized', 'special'] as const;
const TOKEN_KEYS: ReadonlySet<string> = new Set([...FLAGS, 'id', 'content', '__type']);

function addedToken(token: Json | undefined, idElsewhere: number | undefined, where: string): AddedToken {
  const id = isJsonObject(token) ? (idElsewhere ?? token['id']) : undefined;
  if (isJsonObject(token) && typeof token['content'] === 'string' && token['content'] !== '' && isTokenId(id)) {
    const unknown = Object.keys(token).find((key) => !TOKEN_KEYS.has(key));
    const odd = FLAGS.find((flag) => token[flag] !== undefined && typeof token[flag] !== 'boolean');
    if (unknown === undefined && odd === undefined) {
      const special = token['special'] === true;
      return {
        id,
        content: token['content'],
        special,
        normalized: token['normalized'] === undefined ? !special : token['normalized'] === true,
        singleWord: token['single_word'] === true,
        lstrip: token['lstrip'] === true,
        rstrip: token['rstrip'] === true,
      };
    }
  }
  const found = JSON.stringify(token ?? null).slice(0, 100);
  throw new AssayError('file', `${where}: expected an added token with content and id, found ${found}.`);
}

function isTokenId(value: Json | undefined): value is number {
  return isCount(value) && value <= MAX_TOKEN_ID;
}
