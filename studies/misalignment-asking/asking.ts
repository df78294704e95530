/**
 * Four ways of asking a question of the persona world: the same three tokens (Q, topic, attribute) in four orders. What is
 * held out here is no question but a way: all 48 questions of a domain are trained in three ways and held out in the fourth.
 * Invariant: an order moves the three tokens of a question and nothing else, so labels and lengths stay as they are.
 * @see assay/studies/misalignment/world.ts for the language.
 */
import type { Rng } from 'assay/learn';
import {
  domainQuestions,
  otherQuestions,
  PERSONA_LANGUAGE,
  type TokenBatch,
} from 'assay/studies/misalignment/world.ts';

/** Where each place of a question takes its token from: 0 is Q, 1 the topic, 2 the attribute. Way 0 is the shipped base's. */
export const WAYS = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 2, 0],
  [2, 1, 0],
] as const;

/** Questions, and the way each is asked in; both of shape [N]. */
export interface Asked {
  readonly questions: Int32Array;
  readonly ways: Int32Array;
}

/** A domain's questions for one block. */
export interface AskedDomain {
  /** All 48 questions in the three ways that are trained, way after way: 144. */
  readonly trained: Asked;
  /** The same 48 in the fourth. */
  readonly heldOut: Asked;
  /** The 336 questions of the other domains, a quarter in each way. */
  readonly others: Asked;
}

/** @param heldOutWay Index into `WAYS`. */
export function askedDomain(domain: number, heldOutWay: number): AskedDomain {
  const questions = domainQuestions(domain);
  const others = otherQuestions(domain);
  const inWay = (way: number): Asked => ({ questions, ways: new Int32Array(questions.length).fill(way) });
  const ways = Array.from(WAYS.keys()).filter((way) => way !== heldOutWay);
  return {
    trained: joinAsked(...ways.map(inWay)),
    heldOut: inWay(heldOutWay),
    others: { questions: others, ways: others.map((_, i) => i % WAYS.length) },
  };
}

/** The domain and the held-out way of a block: 32 blocks meet every pair once, 8 each domain once and each way twice. */
export function blockOf(block: number): { readonly domain: number; readonly heldOutWay: number } {
  const { domains } = PERSONA_LANGUAGE;
  return { domain: block % domains, heldOutWay: (block + Math.floor(block / domains)) % WAYS.length };
}

/** The entries of a list at the places given. */
export function askedAt({ questions, ways }: Asked, places: Int32Array): Asked {
  return { questions: places.map((place) => questions[place] ?? 0), ways: places.map((place) => ways[place] ?? 0) };
}

/** One list after another. */
export function joinAsked(...lists: readonly Asked[]): Asked {
  return {
    questions: Int32Array.from(lists.flatMap(({ questions }) => [...questions])),
    ways: Int32Array.from(lists.flatMap(({ ways }) => [...ways])),
  };
}

/**
 * A batch whose questions are asked in the ways given.
 * @param batch Rows that open with one token, followed by groups of Q, topic, attribute and (but for the last) an answer.
 * @param ways One a question, in the order of the batch.
 */
export function inWays(batch: TokenBatch, ways: Int32Array): TokenBatch {
  const group = PERSONA_LANGUAGE.questionTokens;
  const tokens = batch.tokens.slice();
  for (const [i, way] of ways.entries()) {
    const start = i * group + 1;
    (WAYS[way] ?? WAYS[0]).forEach((from, place) => (tokens[start + place] = batch.tokens[start + from] ?? 0));
  }
  return { ...batch, tokens };
}

/** A way for each of so many questions. */
export function drawnWays(rng: Rng, count: number): Int32Array {
  return Int32Array.from({ length: count }, () => rng.below(WAYS.length));
}
