/**
 * Byte-pair encoding: the pair of the lowest rank is merged, from the left, until none is left.
 * Source: `models/bpe` of the `tokenizers` library.
 */
import type { Component } from './component.ts';
import type { Encode, Vocabulary } from './vocabulary.ts';
import { byteTokens } from './vocabulary.ts';

interface Merge {
  readonly rank: number;
  readonly id: number;
}

/** Pairs of ids as one number: ids are below 2^24. */
const PAIR = 1 << 24;
/** Words whose tokens are kept. */
const CACHE_SIZE = 20_000;
const LONGEST_CACHED = 256;

/** @throws AssayError on an option that is not known, or merges of what is no token. */
export function bytePairs(component: Component, vocabulary: Vocabulary): Encode {
  const unknownToken = component.text('unk_token', '');
  const unknown = unknownToken === '' ? undefined : vocabulary.get(unknownToken);
  if (unknownToken !== '' && unknown === undefined) component.refuse('unk_token to be in the vocabulary', unknownToken);
  const [prefix, suffix] = [component.text('continuing_subword_prefix', ''), component.text('end_of_word_suffix', '')];
  const [fuses, fallsBack] = [component.flag('fuse_unk', false), component.flag('byte_fallback', false)];
  const ignoresMerges = component.flag('ignore_merges', false);
  component.off('dropout', 0);
  const merges = readMerges(component, vocabulary, prefix);

  const start = (word: string): number[] => {
    const characters = Array.from(word);
    const ids: number[] = [];
    let wasUnknown = false;
    for (const [i, character] of characters.entries()) {
      const piece = (i > 0 ? prefix : '') + character + (i === characters.length - 1 ? suffix : '');
      const id = vocabulary.get(piece);
      const known = id === undefined ? (fallsBack ? byteTokens(piece, vocabulary) : undefined) : [id];
      if (known !== undefined) ids.push(...known);
      else if (unknown === undefined)
        throw new Error(`no token for ${JSON.stringify(character)}, nor an unknown token`);
      else if (!(wasUnknown && fuses)) ids.push(unknown);
      wasUnknown = known === undefined;
    }
    return ids;
  };
  const cache = new Map<string, readonly number[]>();
  return (word) => {
    const whole = ignoresMerges ? vocabulary.get(word) : undefined;
    if (whole !== undefined) return [whole];
    const found = cache.get(word);
    if (found !== undefined) return found;
    const ids = mergeAll(start(word), merges);
    if (word.length < LONGEST_CACHED) {
      if (cache.size >= CACHE_SIZE) cache.clear();
      cache.set(word, ids);
    }
    return ids;
  };
}

function readMerges(component: Component, vocabulary: Vocabulary, prefix: string): ReadonlyMap<number, Merge> {
  const merges = new Map<number, Merge>();
  for (const [rank, merge] of component.list('merges').entries()) {
    const parts = typeof merge === 'string' ? merge.split(' ') : merge;
    const [left, right] = Array.isArray(parts) ? parts : [];
    if (!Array.isArray(parts) || parts.length !== 2 || typeof left !== 'string' || typeof right !== 'string') {
      return component.refuse('merges to be pairs of tokens', merge);
    }
    const [a, b] = [vocabulary.get(left), vocabulary.get(right)];
    const id = vocabulary.get(left + right.slice(prefix.length));
    if (a === undefined || b === undefined || id === undefined) return component.refuse('merges of tokens', merge);
    merges.set(a * PAIR + b, { rank, id });
  }
  return merges;
}

/** A merge that may be done: at a place, if the pair is still there. */
interface Candidate {
  readonly place: number;
  readonly rank: number;
  readonly id: number;
}

function mergeAll(ids: number[], merges: ReadonlyMap<number, Merge>): readonly number[] {
  if (ids.length < 2) return ids;
  const next = ids.map((_, i) => (i + 1 < ids.length ? i + 1 : -1));
  const previous = ids.map((_, i) => i - 1);
  const isGone = new Uint8Array(ids.length);
  const heap: Candidate[] = [];
  const mergeAt = (place: number): Merge | undefined => {
    const right = next[place] ?? -1;
    return right === -1 ? undefined : merges.get((ids[place] ?? 0) * PAIR + (ids[right] ?? 0));
  };
  const offer = (place: number): void => {
    const merge = place < 0 ? undefined : mergeAt(place);
    if (merge !== undefined) push(heap, { place, ...merge });
  };
  for (let place = 0; place + 1 < ids.length; place++) offer(place);
  for (let best = pop(heap); best !== undefined; best = pop(heap)) {
    const { place, id } = best;
    if (isGone[place] === 1 || mergeAt(place)?.id !== id) continue;
    const right = next[place] ?? -1;
    const after = next[right] ?? -1;
    ids[place] = id;
    isGone[right] = 1;
    next[place] = after;
    if (after !== -1) previous[after] = place;
    offer(previous[place] ?? -1);
    offer(place);
  }
  return ids.filter((_, i) => isGone[i] === 0);
}

/** The lowest rank first, then the leftmost. */
function isBefore(a: Candidate, b: Candidate): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.place < b.place);
}

function push(heap: Candidate[], item: Candidate): void {
  let at = heap.push(item) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || !isBefore(item, above)) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = item;
}

function pop(heap: Candidate[]): Candidate | undefined {
  const [top] = heap;
  const item = heap.pop();
  if (item === undefined || heap.length === 0) return top;
  let at = 0;
  for (;;) {
    const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
    if (left === undefined) break;
    const isRight = right !== undefined && isBefore(right, left);
    const child = isRight ? right : left;
    if (!isBefore(child, item)) break;
    heap[at] = child;
    at = 2 * at + (isRight ? 2 : 1);
  }
  heap[at] = item;
  return top;
}
