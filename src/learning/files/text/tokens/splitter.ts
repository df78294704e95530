/** How a text is split before its pieces become tokens: the pre-tokenizers of `tokenizer.json`. */
import type { Json } from '#base/json.ts';

import { Component, partsOf } from './component.ts';
import { escaped, patternOf, WHITE, WORD } from './pattern.ts';

/** Pieces of a text. @param isStart Whether the text stands at the start of what is encoded. */
export type SplitText = (text: string, isStart: boolean) => readonly string[];

/** @throws AssayError on a pre-tokenizer or an option that is not known. */
export function splitterOf(json: Json, where: string): SplitText {
  return json === null ? (text) => [text] : build(new Component(json, `${where}: pre_tokenizer`));
}

function build(component: Component): SplitText {
  const split = step(component);
  component.done();
  return split;
}

const BEHAVIORS = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'] as const;
type Behavior = (typeof BEHAVIORS)[number];

const PUNCTUATION = '\\p{P}!-\\/:-@\\[-`{-~';

function step(component: Component): SplitText {
  switch (component.type) {
    case 'Sequence':
      return sequence(partsOf(component, 'pretokenizers').map(build));
    case 'ByteLevel':
      return byteLevel(component);
    case 'Metaspace':
      return metaspace(component);
    case 'Split': {
      const pattern = patternOf(component);
      const [behavior, invert] = [component.oneOf('behavior', BEHAVIORS), component.flag('invert', false)];
      return (text) => splitBy(text, pattern, behavior, invert);
    }
    case 'Digits':
      return each('\\p{N}', component.flag('individual_digits', false) ? 'Isolated' : 'Contiguous');
    case 'Punctuation':
      return each(`[${PUNCTUATION}]`, component.oneOf('behavior', BEHAVIORS, 'Isolated'));
    case 'Whitespace':
      return each(`[${WORD}]+|[^${WORD}${WHITE}]+`, 'Removed', true);
    case 'WhitespaceSplit':
      return each(WHITE, 'Removed');
    case 'CharDelimiterSplit':
      return each(escaped(component.text('delimiter')), 'Removed');
    case 'BertPreTokenizer':
      return sequence([each(WHITE, 'Removed'), each(`[${PUNCTUATION}]`, 'Isolated')]);
    case 'FixedLength': {
      const length = component.count('length', 5);
      if (length === 0) component.refuse('length to be at least 1', 0);
      const pieces = new RegExp(`[^]{1,${length}}`, 'gu');
      return (text) => text.match(pieces) ?? [];
    }
    default:
      return component.refuse('a pre-tokenizer that is known', component.type);
  }
}

function sequence(steps: readonly SplitText[]): SplitText {
  return (text, isStart) =>
    steps.reduce<readonly string[]>(
      (pieces, split) => pieces.flatMap((piece, i) => split(piece, isStart && i === 0)),
      [text],
    );
}

function each(source: string, behavior: Behavior, invert = false): SplitText {
  const pattern = new RegExp(source, 'gu');
  return (text) => splitBy(text, pattern, behavior, invert);
}

interface Piece {
  readonly text: string;
  readonly isMatch: boolean;
}

function splitBy(text: string, pattern: RegExp | undefined, behavior: Behavior, invert: boolean): readonly string[] {
  const pieces = piecesOf(text, pattern).map((piece) => ({ ...piece, isMatch: piece.isMatch !== invert }));
  const joined = join(pieces, behavior);
  return joined.filter((piece) => piece !== '');
}

function piecesOf(text: string, pattern: RegExp | undefined): readonly Piece[] {
  if (pattern === undefined) return [{ text, isMatch: false }];
  const pieces: Piece[] = [];
  let from = 0;
  for (const { 0: match, index } of text.matchAll(pattern)) {
    if (index > from) pieces.push({ text: text.slice(from, index), isMatch: false });
    pieces.push({ text: match, isMatch: true });
    from = index + match.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), isMatch: false });
  return pieces;
}

/** What happens to the matches, as `NormalizedString::split` of the `tokenizers` library does it. */
function join(pieces: readonly Piece[], behavior: Behavior): readonly string[] {
  switch (behavior) {
    case 'Isolated':
      return pieces.map(({ text }) => text);
    case 'Removed':
      return pieces.filter(({ isMatch }) => !isMatch).map(({ text }) => text);
    case 'Contiguous':
      return glued(pieces, (isMatch, previous) => isMatch === previous);
    case 'MergedWithPrevious':
      return glued(pieces, (isMatch, previous) => isMatch && !previous);
    case 'MergedWithNext':
      return glued(pieces.toReversed(), (isMatch, previous) => isMatch && !previous, true).toReversed();
    default:
      return behavior satisfies never;
  }
}

function glued(
  pieces: readonly Piece[],
  sticks: (isMatch: boolean, previous: boolean) => boolean,
  isBackwards = false,
): readonly string[] {
  const done: string[] = [];
  let previous = false;
  for (const { text, isMatch } of pieces) {
    const last = sticks(isMatch, previous) ? done.pop() : undefined;
    done.push(last === undefined ? text : isBackwards ? text + last : last + text);
    previous = isMatch;
  }
  return done;
}

/** The split of GPT-2. */
const WORDS = new RegExp(
  `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^${WHITE}\\p{L}\\p{N}]+|${WHITE}+(?!\\P{White_Space})|${WHITE}+`,
  'gu',
);

function byteLevel(component: Component): SplitText {
  const [prefix, useRegex] = [component.flag('add_prefix_space', true), component.flag('use_regex', true)];
  component.unused('trim_offsets');
  return (text) => {
    const whole = prefix && !text.startsWith(' ') ? ` ${text}` : text;
    return (useRegex ? splitBy(whole, WORDS, 'Isolated', false) : [whole]).map(bytesAsCharacters);
  };
}

function metaspace(component: Component): SplitText {
  const mark = component.text('replacement', '\u2581');
  const scheme = component.oneOf('prepend_scheme', ['always', 'first', 'never'], 'always');
  const [splits, prefix] = [component.flag('split', true), component.json('add_prefix_space') ?? scheme !== 'never'];
  component.unused('str_rep');
  if (prefix !== (scheme !== 'never')) component.refuse('add_prefix_space as prepend_scheme says', prefix);
  const pattern = new RegExp(escaped(mark), 'gu');
  return (text, isStart) => {
    const marked = text.replaceAll(' ', mark);
    const prepends = !marked.startsWith(mark) && (scheme === 'always' || (scheme === 'first' && isStart));
    const whole = prepends ? mark + marked : marked;
    return splits ? splitBy(whole, pattern, 'MergedWithNext', false) : [whole];
  };
}

/** A printable character for each byte, as GPT-2 writes them. */
export const BYTE_CHARACTERS: readonly string[] = byteCharacters();

function byteCharacters(): readonly string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrinted = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCharCode(isPrinted ? byte : next++);
  });
}

const utf8 = new TextEncoder();

function bytesAsCharacters(text: string): string {
  return Array.from(utf8.encode(text), (byte) => BYTE_CHARACTERS[byte] ?? '').join('');
}
