/**
 * The special tokens a tokenizer puts around a text, put there once: a text that begins or ends with them keeps its own.
 * Two start tokens in a row are what no model was trained on.
 */
import type { TextTokenizer } from '#learning/files/text/tokenizer.ts';

/** Ids of a text with the special tokens the tokenizer puts around it, each side only where the text lacks it. */
export function encodeOnce(tokenizer: TextTokenizer, text: string): readonly number[] {
  const { after } = tokenizer.around;
  const ids = encodeOpening(tokenizer, text);
  const ends = after.length > 0 && after.every((id, i) => ids.at(i - after.length) === id);
  return ends ? ids : [...ids, ...after];
}

/** As `encodeOnce`, with nothing after the text: the model goes on from it. */
export function encodeOpening(tokenizer: TextTokenizer, text: string): readonly number[] {
  const { before } = tokenizer.around;
  const ids = tokenizer.encode(text, 'plain');
  const begins = before.length > 0 && before.every((id, i) => ids[i] === id);
  return begins ? ids : [...before, ...ids];
}
