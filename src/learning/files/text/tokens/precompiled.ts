/**
 * The character map that SentencePiece compiles into a model: a double-array trie of UTF-8 texts, then their
 * replacements. Source: `spm_precompiled` (the crate the `tokenizers` library uses), Darts of SentencePiece.
 */
import type { Component } from './component.ts';

/** Graphemes of more bytes than this are replaced character by character. */
const LONGEST_GRAPHEME = 6;

/** The replacement of a component with `precompiled_charsmap`, in base64; an empty one changes nothing. */
export function charsMap(component: Component): (text: string) => string {
  const encoded = component.json('precompiled_charsmap') ?? '';
  if (typeof encoded !== 'string') return component.refuse('precompiled_charsmap to be text', encoded);
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length === 0) return (text) => text;
  const trieBytes = bytes.length < 4 ? -1 : bytes.readUInt32LE(0);
  if (trieBytes < 4 || trieBytes % 4 !== 0 || 4 + trieBytes > bytes.length) {
    return component.refuse('a precompiled_charsmap that is whole', encoded.slice(0, 40));
  }
  const trie = Uint32Array.from({ length: trieBytes / 4 }, (_, i) => bytes.readUInt32LE(4 + 4 * i));
  const replacements = bytes.subarray(4 + trieBytes);
  const replaced = (piece: string): string | undefined => {
    const at = shortestPrefix(trie, Buffer.from(piece));
    if (at === undefined) return undefined;
    const end = replacements.indexOf(0, at);
    return replacements.toString('utf8', at, end === -1 ? replacements.length : end);
  };
  const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
  return (text) => {
    const parts: string[] = [];
    for (const { segment } of graphemes.segment(text)) {
      const whole = Buffer.byteLength(segment) < LONGEST_GRAPHEME ? replaced(segment) : undefined;
      if (whole !== undefined) parts.push(whole);
      else for (const character of segment) parts.push(replaced(character) ?? character);
    }
    return parts.join('');
  };
}

/** The value of the shortest entry that a text begins with: as the crate, which takes the first it finds. */
function shortestPrefix(trie: Uint32Array, key: Uint8Array): number | undefined {
  let at = 0;
  let unit = trie[0] ?? 0;
  at ^= offset(unit);
  for (const byte of key) {
    if (byte === 0) break;
    at ^= byte;
    unit = trie[at] ?? 0;
    if ((unit & 0x800000ff) >>> 0 !== byte) return undefined;
    at ^= offset(unit);
    if (((unit >>> 8) & 1) === 1) return (trie[at] ?? 0) & 0x7fffffff;
  }
  return undefined;
}

function offset(unit: number): number {
  return (unit >>> 10) << ((unit & (1 << 9)) >>> 6);
}
