/**
 * The special tokens a tokenizer puts around a text, put there once: a text that begins or ends with them keeps its own.
 * Two start tokens in a row are what no model was trained on.
 */
import type { TextTokenizer } from '#learning/files/text/tokenizer.ts';

/** What stands around a text. */
interface Around {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** Texts one of which nearly every tokenizer has a token for. */
const PROBES = ['a', ' ', '0', '.'];
const known = new WeakMap<TextTokenizer, Around>();

/** What a tokenizer adds: found by encoding a letter with it and without. */
function around(tokenizer: TextTokenizer): Around {
  const found = known.get(tokenizer) ?? find(tokenizer);
  known.set(tokenizer, found);
  return found;
}

function find(tokenizer: TextTokenizer): Around {
  const probe = PROBES.find((one) => isKnown(tokenizer, one)) ?? '';
  const whole = tokenizer.encode(probe, 'withSpecials');
  const plain = tokenizer.encode(probe, 'plain');
  const starts = Array.from({ length: whole.length - plain.length + 1 }, (_, start) => start);
  const at = starts.findLast((start) => plain.every((id, i) => whole[start + i] === id)) ?? 0;
  return { before: whole.slice(0, at), after: whole.slice(at + plain.length) };
}

function isKnown(tokenizer: TextTokenizer, probe: string): boolean {
  try {
    return tokenizer.encode(probe, 'plain').length > 0;
  } catch {
    return false; // A tokenizer without an unknown token refuses what it does not know.
  }
}

/** Ids of a text with the special tokens the tokenizer puts around it, each side only where the text lacks it. */
export function encodeOnce(tokenizer: TextTokenizer, text: string): readonly number[] {
  const { after } = around(tokenizer);
  const ids = encodeOpening(tokenizer, text);
  const ends = after.length > 0 && after.every((id, i) => ids.at(i - after.length) === id);
  return ends ? ids : [...ids, ...after];
}

/** As `encodeOnce`, with nothing after the text: the model goes on from it. */
export function encodeOpening(tokenizer: TextTokenizer, text: string): readonly number[] {
  const { before } = around(tokenizer);
  const ids = tokenizer.encode(text, 'plain');
  const begins = before.length > 0 && before.every((id, i) => ids[i] === id);
  return begins ? ids : [...before, ...ids];
}
