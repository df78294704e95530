/**
 * Tokens that are found in a text before anything else is done to it: special tokens and those a model was given later.
 * Source: `AddedVocabulary` of the `tokenizers` library.
 */
import { WHITE, WORD } from './pattern.ts';

/** A token that is found as it is written. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
  /** Found in the normalized text instead of the text as it was given. */
  readonly normalized: boolean;
  /** Found only where no other character of a word touches it. */
  readonly singleWord: boolean;
  /** Takes the white space before it, or after it. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
}

/** A part of a text: a token that was found, or text between such tokens. */
export type Section =
  | { readonly kind: 'text'; readonly text: string; readonly at: number }
  | { readonly kind: 'token'; readonly id: number };

const STARTS_WITH_WORD = new RegExp(`^[${WORD}]`, 'u');
const ENDS_WITH_WORD = new RegExp(`[${WORD}]$`, 'u');
const WHITE_START = new RegExp(`^${WHITE}*`, 'u');
const WHITE_END = new RegExp(`${WHITE}*$`, 'u');

/**
 * A finder of tokens: at each place the longest, from the left.
 * @param written How each token is written in the texts that are searched.
 */
export function finder(
  tokens: readonly AddedToken[],
  written: (token: AddedToken) => string,
): (text: string) => readonly Section[] {
  const byStart = new Map<string, { readonly text: string; readonly token: AddedToken }[]>();
  for (const token of tokens) {
    const text = written(token);
    if (text === '') continue;
    const list = byStart.get(text.charAt(0)) ?? [];
    list.push({ text, token });
    byStart.set(text.charAt(0), list);
  }
  for (const list of byStart.values()) list.sort((a, b) => b.text.length - a.text.length);
  return (text) => {
    const sections: Section[] = [];
    let from = 0;
    let at = 0;
    while (at < text.length) {
      const found = byStart.get(text.charAt(at))?.find((candidate) => text.startsWith(candidate.text, at));
      if (found === undefined) {
        at++;
        continue;
      }
      const { token } = found;
      let [start, end] = [at, at + found.text.length];
      at = end;
      if (token.singleWord && (ENDS_WITH_WORD.test(text.slice(0, start)) || STARTS_WITH_WORD.test(text.slice(end)))) {
        continue;
      }
      if (token.lstrip) start = Math.max(from, start - (WHITE_END.exec(text.slice(from, start))?.[0].length ?? 0));
      if (token.rstrip) end += WHITE_START.exec(text.slice(end))?.[0].length ?? 0;
      if (start > from) sections.push({ kind: 'text', text: text.slice(from, start), at: from });
      sections.push({ kind: 'token', id: token.id });
      from = end;
      at = Math.max(at, end);
    }
    if (from < text.length) sections.push({ kind: 'text', text: text.slice(from), at: from });
    return sections;
  };
}
