/** What all models of a tokenizer share: ids by token, and tokens for single bytes. */

/** Ids by token. */
export type Vocabulary = ReadonlyMap<string, number>;

/** The ids of a piece. @throws Error on what has no token, where there is no unknown token. */
export type Encode = (piece: string) => readonly number[];

/** The byte tokens, such as <0x0A>, of a text; undefined where one is missing. */
export function byteTokens(text: string, vocabulary: Vocabulary): readonly number[] | undefined {
  const ids = Array.from(utf8.encode(text), (byte) =>
    vocabulary.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`),
  );
  const known = ids.filter((id) => id !== undefined);
  return known.length === ids.length ? known : undefined;
}

const utf8 = new TextEncoder();
