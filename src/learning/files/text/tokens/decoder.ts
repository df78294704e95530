/** How tokens become text again: the decoders of `tokenizer.json`. */
import type { Json } from '#base/json.ts';

import { Component, partsOf } from './component.ts';
import { patternOf } from './pattern.ts';
import { BYTE_CHARACTERS } from './splitter.ts';

/** Tokens to pieces of text, which are put together at the end. */
type Decode = (tokens: readonly string[]) => readonly string[];

/** The text of tokens; without a decoder they stand with a space between them. @throws AssayError on what is not known. */
export function decoderOf(json: Json, where: string): (tokens: readonly string[]) => string {
  if (json === null) return (tokens) => tokens.join(' ');
  const decode = build(new Component(json, `${where}: decoder`));
  return (tokens) => decode(tokens).join('');
}

function build(component: Component): Decode {
  const decode = step(component);
  component.done();
  return decode;
}

function step(component: Component): Decode {
  switch (component.type) {
    case 'Sequence': {
      const steps = partsOf(component, 'decoders').map(build);
      return (tokens) => steps.reduce((done, next) => next(done), tokens);
    }
    case 'ByteLevel':
      component.unused('add_prefix_space', 'trim_offsets', 'use_regex');
      return (tokens) => [lossyUtf8.decode(Uint8Array.from(tokens.flatMap(bytesOf)))];
    case 'ByteFallback':
      return joinByteTokens;
    case 'Fuse':
      return (tokens) => [tokens.join('')];
    case 'Replace': {
      const [pattern, content] = [patternOf(component), component.text('content')];
      return (tokens) => tokens.map((token) => (pattern ? token.replaceAll(pattern, () => content) : token));
    }
    case 'Strip':
      return strip(component.text('content'), component.count('start'), component.count('stop'));
    case 'Metaspace':
      return metaspace(component);
    case 'WordPiece':
      return wordPiece(component.text('prefix', '##'), component.flag('cleanup', true));
    case 'BPEDecoder': {
      const suffix = component.text('suffix', '</w>');
      return (tokens) => tokens.map((token, i) => token.replaceAll(suffix, i === tokens.length - 1 ? '' : ' '));
    }
    default:
      return component.refuse('a decoder that is known', component.type);
  }
}

const lossyUtf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const utf8 = new TextEncoder();
const BYTES = new Map(BYTE_CHARACTERS.map((character, byte) => [character, byte]));

/** The bytes a token's characters stand for; its own where one of them stands for none. */
function bytesOf(token: string): readonly number[] {
  const bytes = Array.from(token, (character) => BYTES.get(character));
  const known = bytes.filter((byte) => byte !== undefined);
  return known.length === bytes.length ? known : Array.from(utf8.encode(token));
}

function strip(content: string, start: number, stop: number): Decode {
  return (tokens) =>
    tokens.map((token) => {
      const characters = Array.from(token);
      let [from, to] = [0, characters.length];
      while (from < start && characters[from] === content) from++;
      while (to > from && characters.length - to < stop && characters[to - 1] === content) to--;
      return characters.slice(from, to).join('');
    });
}

function metaspace(component: Component): Decode {
  const mark = component.text('replacement', '\u2581');
  const scheme = component.oneOf('prepend_scheme', ['always', 'first', 'never'], 'always');
  component.unused('split', 'str_rep', 'add_prefix_space');
  return (tokens) => tokens.map((token, i) => token.replaceAll(mark, i === 0 && scheme !== 'never' ? '' : ' '));
}

function wordPiece(prefix: string, cleansUp: boolean): Decode {
  const tidy = (text: string): string => (cleansUp ? cleanUp(text, [[' do not', " don't"]]) : text);
  return (tokens) =>
    tokens.map((token, i) => {
      if (i === 0) return tidy(token);
      return tidy(token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`);
    });
}

const SPACED: readonly (readonly [string, string])[] = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

/** Takes the spaces away that stand before punctuation and in contractions, as transformers does. */
export function cleanUp(text: string, more: readonly (readonly [string, string])[] = []): string {
  return [...SPACED, ...more].reduce((done, [spaced, tight]) => done.replaceAll(spaced, tight), text);
}

const BYTE_TOKEN = /^<0x([0-9A-F]{2})>$/i;

/** Joins runs of byte tokens such as <0xE2>: a run that is UTF-8 becomes its text, any other run one U+FFFD a byte. */
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
