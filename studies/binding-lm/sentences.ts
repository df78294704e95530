/**
 * Prompts of templated sentences: a place is a slot of a fixed number of tokens, which holds a sentence of an object ("Tom lives in Rome.") or
 * a filler; then one object is asked for. So an object's order among objects and its place in the text are not the same, and at one place
 * of the text always stands the same part of a sentence.
 */
import { AssayError } from 'assay';
import type { Rng } from 'assay/learn';
import type { Prompt, PromptObject } from 'assay/studies/binding-task/prompts.ts';

/** A language in tokens. */
export interface Language {
  /** Tokens before the first sentence. */
  readonly start: readonly number[];
  /** Tokens of a sentence, with any key and value in their places, and of a query with any key. */
  readonly sentence: readonly number[];
  readonly query: readonly number[];
  /** Where in a sentence its key and value stand, and where in a query the key. */
  readonly at: { readonly key: number; readonly value: number; readonly asked: number };
  /** Each as long as a sentence. */
  readonly fillers: readonly (readonly number[])[];
  readonly keys: readonly number[];
  readonly values: readonly number[];
}

/** How a language is told in words: `{key}` and `{value}` stand for words, and every text brings its own leading space. */
export interface Wording {
  readonly start: string;
  readonly sentence: string;
  readonly query: string;
  readonly fillers: readonly string[];
  readonly keys: readonly string[];
  readonly values: readonly string[];
}

/** Objects in a prompt, and slots for them and for fillers. */
export interface PromptShape {
  readonly objects: number;
  readonly slots: number;
}

/** Which pairings of key and value are drawn. */
export type Pairings = 'all' | 'trained' | 'heldOut';

/** One pairing in so many is held out from finetuning. */
export const HELD_OUT_OF = 8;

export function isHeldOut(key: number, value: number): boolean {
  return (5 * key + value) % HELD_OUT_OF === 0;
}

/** Whether a prompt of any keys has a value for each among pairings that are held out, where they are asked. */
export function canAskHeldOut(keys: number, values: number, { objects }: Pick<PromptShape, 'objects'>): boolean {
  const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);
  return numbers(Math.min(keys, HELD_OUT_OF)).every((key) => {
    const rivals = numbers(keys).filter((other) => other % HELD_OUT_OF === key).length;
    return numbers(values).filter((value) => isHeldOut(key, value)).length >= Math.min(objects, rivals);
  });
}

export function promptLength({ start, sentence, query }: Language, { slots }: PromptShape): number {
  return start.length + slots * sentence.length + query.length;
}

export function drawPrompt(language: Language, shape: PromptShape, rng: Rng, pairings: Pairings = 'all'): Prompt {
  const { start, sentence, at } = language;
  const keys = Array.from(rng.permutation(language.keys.length).subarray(0, shape.objects));
  const values: number[] = [];
  for (const key of keys) values.push(drawnValue(language, key, values, rng, pairings));
  const slots = Array.from(rng.permutation(shape.slots).subarray(0, shape.objects)).toSorted((a, b) => a - b);
  const objects = keys.map((key, i): PromptObject => {
    const [value, slot] = [values[i] ?? 0, start.length + (slots[i] ?? 0) * sentence.length];
    const place = { key: slot + at.key, value: slot + at.value };
    return { key, value, query: queryOf(language, key), answer: language.values[value] ?? 0, place };
  });
  const context = [...start];
  for (let slot = 0; slot < shape.slots; slot++) {
    const object = objects[slots.indexOf(slot)];
    const filler = language.fillers[rng.below(language.fillers.length)] ?? [];
    context.push(...(object === undefined ? filler : sentenceOf(language, object)));
  }
  const asked = objects[rng.below(objects.length)];
  if (asked === undefined) throw new Error('a prompt without objects');
  return { context, objects, asked };
}

function drawnValue({ values }: Language, key: number, taken: readonly number[], rng: Rng, pairings: Pairings): number {
  for (;;) {
    const value = rng.below(values.length);
    const fits = pairings === 'all' || isHeldOut(key, value) === (pairings === 'heldOut');
    if (fits && !taken.includes(value)) return value;
  }
}

export function sentenceOf({ sentence, at, keys, values }: Language, { key, value }: PromptObject): readonly number[] {
  return sentence.with(at.key, keys[key] ?? 0).with(at.value, values[value] ?? 0);
}

function queryOf({ query, at, keys }: Language, key: number): readonly number[] {
  return query.with(at.asked, keys[key] ?? 0);
}

/**
 * Words in a tokenizer's tokens. @param encode Tokens of a text, with what the model puts before one.
 * @throws AssayError naming the words that are no single token where they stand, and fillers that are not as long as a sentence.
 */
export function languageOf(wording: Wording, encode: (text: string) => readonly number[]): Language {
  const before = encode('');
  const bare = (text: string): readonly number[] => {
    const tokens = encode(text);
    return before.every((token, i) => tokens[i] === token) ? tokens.slice(before.length) : tokens;
  };
  const [aKey, aValue] = [wording.keys[0] ?? '', wording.values[0] ?? ''];
  const filled = (text: string, key: string, value: string): string =>
    text.replace('{key}', key).replace('{value}', value);
  const words = (text: string, list: readonly string[], fill: (word: string) => string): Placed =>
    placedWords(text, list, (word) => bare(fill(word)));
  const { sentence, query } = wording;
  const keys = words(sentence, wording.keys, (word) => filled(sentence, word, aValue));
  const values = words(sentence, wording.values, (word) => filled(sentence, aKey, word));
  const asked = words(query, wording.keys, (word) => filled(query, word, ''));
  const language = {
    start: encode(wording.start),
    sentence: keys.tokens,
    query: asked.tokens,
    at: { key: keys.at, value: values.at, asked: asked.at },
    fillers: wording.fillers.map(bare),
    keys: keys.words,
    values: values.words,
  };
  checkFillers(wording, language);
  checkJoined(wording, language, encode);
  return language;
}

interface Placed {
  readonly tokens: readonly number[];
  readonly at: number;
  readonly words: readonly number[];
}

/** Where in a template's tokens its words stand, one token each. */
function placedWords(text: string, list: readonly string[], tokensOf: (word: string) => readonly number[]): Placed {
  const all = list.map(tokensOf);
  // Words that are single tokens make the template as short as it can be.
  const length = Math.min(...all.map((tokens) => tokens.length));
  const whole = all.filter((tokens) => tokens.length === length);
  const [first = []] = whole;
  const at = first.findIndex((token, i) => whole.some((tokens) => tokens[i] !== token));
  const isOne = (tokens: readonly number[]): boolean =>
    tokens.length === length && tokens.every((token, i) => i === at || token === first[i]);
  const wrong = list.filter((_, i) => !isOne(all[i] ?? []));
  if (at < 0 || wrong.length > 0) {
    throw new AssayError(
      'config',
      `prompt: expected words that are one token each in "${text}", found ${(wrong.length > 0 ? wrong : list).join(', ')}. Give others, such as --set 'prompt.keys=["Tom","Anna",...]' or prompt.values.`,
    );
  }
  const words = all.map((tokens) => tokens[at] ?? 0);
  if (new Set(words).size === words.length) return { tokens: first, at, words };
  throw new AssayError('config', `prompt: expected words that differ, found one twice in ${list.join(', ')}.`);
}

function checkFillers({ fillers }: Wording, language: Language): void {
  const { length } = language.sentence;
  const wrong = fillers.find((_, i) => language.fillers[i]?.length !== length);
  if (wrong === undefined) return;
  const found = language.fillers[fillers.indexOf(wrong)]?.length ?? 0;
  throw new AssayError(
    'config',
    `prompt.fillers: expected fillers of ${length} tokens, as a sentence has, found ${found} in "${wrong}".`,
  );
}

/** Tokens of a text must be those of its parts in a row, or places would not be where they are looked for. */
function checkJoined(wording: Wording, language: Language, encode: (text: string) => readonly number[]): void {
  const fill = (text: string): string =>
    text.replace('{key}', wording.keys[0] ?? '').replace('{value}', wording.values[0] ?? '');
  const [filler = '', fillerTokens = []] = [wording.fillers[0], language.fillers[0]];
  const whole = encode(wording.start + filler + fill(wording.sentence) + filler + fill(wording.query));
  const { start, sentence, query, keys, values, at } = language;
  const [key = 0, value = 0] = [keys[0], values[0]];
  const parts = [
    ...start,
    ...fillerTokens,
    ...sentence.with(at.key, key).with(at.value, value),
    ...fillerTokens,
    ...query.with(at.asked, key),
  ];
  if (whole.join() === parts.join()) return;
  throw new AssayError(
    'config',
    `prompt: expected texts whose tokens stay as they are where they are joined, found others. Let every text begin with a space, and none end with one.`,
  );
}
