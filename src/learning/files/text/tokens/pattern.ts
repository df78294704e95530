/**
 * The patterns of a tokenizer as JavaScript's regular expressions. Their own dialect (Oniguruma) is rewritten by
 * @huggingface/tokenizers; what it would rewrite to something else is refused.
 */
import { SplitPreTokenizer } from '@huggingface/tokenizers';

import { messageOf } from '#base/errors.ts';
import { isJsonObject } from '#base/json.ts';

import type { Component } from './component.ts';

/** White space of Unicode, as the `tokenizers` library knows it (JavaScript's `\s` differs in two characters). */
export const WHITE = '\\p{White_Space}';
/** A character of a word. */
export const WORD = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}';

/** Quantifiers that give nothing back, atomic groups, flags in the middle: other matches in JavaScript. */
const NOT_SAME = /\(\?>|(?:[+*?]|\{\d+(?:,\d*)?\})\+|\(\?(?!i:|:|=|!|<=|<!|<[A-Za-z])|\\[GKRXky]|\\\d/;

/** The pattern at `pattern` of a component; undefined for the empty text, which matches nothing. */
export function patternOf(component: Component): RegExp | undefined {
  const value = component.json('pattern');
  if (isJsonObject(value) && Object.keys(value).length === 1) {
    const { String: literal, Regex: source } = value;
    if (literal === '') return undefined;
    if (typeof literal === 'string') return new RegExp(escaped(literal), 'gu');
    if (typeof source === 'string') return regularExpression(source, component);
  }
  return component.refuse('pattern to be {"String": ...} or {"Regex": ...}', value);
}

function regularExpression(source: string, component: Component): RegExp {
  const outside = source
    .replaceAll(/\\\\/g, '')
    .replaceAll(/\\[[\]]/g, '')
    .replaceAll(/\[(?:\[[^\]]*\]|[^\]])*\]/g, '[]');
  const other = NOT_SAME.exec(outside.replaceAll(/\\[+*?{}()]/g, ''))?.[0];
  if (other !== undefined) component.refuse(`a regular expression without ${other}`, source);
  try {
    const { pattern } = new SplitPreTokenizer({
      type: 'Split',
      pattern: { Regex: source },
      behavior: 'Isolated',
      invert: false,
    });
    if (pattern === null) return component.refuse('a regular expression', source);
    return new RegExp(withFolds(pattern.source, source), 'gu');
  } catch (thrown) {
    return component.refuse(`a regular expression (${messageOf(thrown)})`, source);
  }
}

/** In `(?i:...)` two letters also stand for a sign each: s for the long s, k for the one of Kelvin. */
function withFolds(rewritten: string, source: string): string {
  if (!source.includes('(?i:')) return rewritten;
  return rewritten.replaceAll('[sS]', '[sS\u017F]').replaceAll('[kK]', '[kK\u212A]');
}

/** A text as an expression that matches it and nothing else. */
export function escaped(text: string): string {
  return text.replaceAll(/[\^$.*+?()[\]{}|\\/]/g, '\\$&');
}
