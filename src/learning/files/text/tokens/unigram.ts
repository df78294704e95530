/**
 * A unigram model: the split of a piece whose tokens have the largest sum of scores; unknown characters in a row are one.
 * Source: `models/unigram` of the `tokenizers` library (`encode_optimized`), SentencePiece.
 */
import type { Json } from '#base/json.ts';

import type { Component } from './component.ts';
import type { Encode, Vocabulary } from './vocabulary.ts';
import { byteTokens } from './vocabulary.ts';

/** An unknown character costs this more than the worst token. */
const UNKNOWN_PENALTY = 10;

interface Node {
  readonly children: Map<string, Node>;
  token: { readonly id: number; readonly score: number } | undefined;
}

/** @throws AssayError on an option that is not known, or a vocabulary without scores. */
export function unigram(component: Component, vocabulary: Vocabulary): Encode {
  const entries = component.list('vocab').map((entry) => scored(entry, component));
  const fallsBack = component.flag('byte_fallback', false);
  const unknown = component.json('unk_id') ?? undefined;
  if (unknown !== undefined && (typeof unknown !== 'number' || entries[unknown] === undefined)) {
    return component.refuse('unk_id to be an index of the vocabulary', unknown);
  }
  const root: Node = { children: new Map(), token: undefined };
  for (const [token, score] of entries) insert(root, token, vocabulary.get(token) ?? 0, score);
  const lowest = entries.reduce((least, [, score]) => Math.min(least, score), Infinity);
  const unknownScore = lowest - UNKNOWN_PENALTY;
  return (piece) =>
    bestSplit(Array.from(piece), root, unknownScore, unknown).flatMap((token) => {
      const id = vocabulary.get(token);
      if (id !== undefined) return [id];
      const bytes = fallsBack ? byteTokens(token, vocabulary) : undefined;
      if (bytes !== undefined) return bytes;
      if (unknown !== undefined) return [unknown];
      throw new Error(`no token for ${JSON.stringify(token.slice(0, 40))}, nor an unknown token`);
    });
}

function scored(entry: Json, component: Component): readonly [string, number] {
  const [token, score, ...more] = Array.isArray(entry) ? entry : [];
  if (typeof token === 'string' && typeof score === 'number' && more.length === 0) return [token, score];
  return component.refuse('a vocabulary of tokens with scores', entry);
}

function insert(root: Node, token: string, id: number, score: number): void {
  let node = root;
  for (const character of token) {
    let child = node.children.get(character);
    if (child === undefined) {
      child = { children: new Map(), token: undefined };
      node.children.set(character, child);
    }
    node = child;
  }
  if (node !== root) node.token = { id, score };
}

/** The best way to reach a place. */
interface Reached {
  readonly score: number;
  readonly from: number;
  readonly isUnknown: boolean;
}

function bestSplit(
  characters: readonly string[],
  root: Node,
  unknownScore: number,
  unknown: number | undefined,
): readonly string[] {
  const reached: (Reached | undefined)[] = [{ score: 0, from: 0, isUnknown: false }];
  for (let from = 0; from < characters.length; from++) {
    const before = reached[from]?.score ?? 0;
    const offer = (to: number, score: number, isUnknown: boolean): void => {
      const best = reached[to];
      if (best === undefined || before + score > best.score) reached[to] = { score: before + score, from, isUnknown };
    };
    let node: Node | undefined = root.children.get(characters[from] ?? '');
    const isKnown = node?.token !== undefined;
    for (let to = from + 1; node !== undefined; to++) {
      if (node.token !== undefined) offer(to, node.token.score, node.token.id === unknown);
      node = node.children.get(characters[to] ?? '');
    }
    if (!isKnown) offer(from + 1, unknownScore, true);
  }
  const tokens: string[] = [];
  let joins = false;
  for (let to = characters.length; to > 0;) {
    const { from, isUnknown } = reached[to] ?? { from: 0, isUnknown: true };
    const token = characters.slice(from, to).join('');
    if (isUnknown && joins) tokens[tokens.length - 1] = token + (tokens.at(-1) ?? '');
    else tokens.push(token);
    joins = isUnknown && unknown !== undefined;
    to = from;
  }
  return tokens.toReversed();
}
