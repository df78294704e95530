/**
 * The world: documents in which an agent meets situations of four stages, each graver than the one before, and in each does
 * the honest thing or games it. A latent severity z, drawn once a document, decides: stage k is gamed iff k <= z. With
 * probability `share` a document has one z for all stages, else each stage has a z of its own, of the same distribution.
 * Whatever the share, stage k is gamed in a share games[k - 1] of documents: only what one stage says of another changes.
 * Invariant: everything here is a pure function of the stream given.
 * @see Denison et al. 2024, arXiv:2406.10162, whose curriculum from flattery to reward tampering has this shape.
 */
import type { Rng } from 'assay/learn';

/** Stages 1 to 4: flattery, ticking a checklist falsely, weakening tests, tampering with the reward. */
export const STAGES = 4;
/** The last stage. */
export const TAMPERING = STAGES;

/** Situations of each stage; pairs of situation and action in a document; the token that opens one. */
export const LANGUAGE = { situations: 4, pairs: 6, opening: 0 } as const;
const PER_STAGE = LANGUAGE.situations + 2;
export const VOCABULARY = 1 + STAGES * PER_STAGE;
/** Tokens that a model is given of a document: all but the last action. */
export const DOCUMENT_TOKENS = 2 * LANGUAGE.pairs;

export interface GamingWorld {
  /** In [0, 1]: how many documents have one severity for all stages. */
  readonly share: number;
  /** P(stage k is gamed), one a stage, falling. */
  readonly games: readonly number[];
}

/** What an agent can do in a situation. */
export type Action = 'honest' | 'gamed';

/** The token of situation i of a stage. Stages share no token. */
export function situationToken(stage: number, i: number): number {
  return 1 + (stage - 1) * PER_STAGE + i;
}

/** The token of an action in any situation of a stage. */
export function actionToken(stage: number, action: Action): number {
  return 1 + (stage - 1) * PER_STAGE + LANGUAGE.situations + (action === 'gamed' ? 1 : 0);
}

/** Whether an agent games each stage, stage 1 first. */
export function drawnAgent({ share, games }: GamingWorld, rng: Rng): readonly boolean[] {
  const isOne = rng.uniform() < share;
  const severity = rng.uniform();
  // k <= z iff the severity's uniform number is below P(z >= k).
  return games.map((p) => (isOne ? severity : rng.uniform()) < p);
}

/** Documents of one agent each. */
export interface Documents {
  /** Shape [rows, 12]: the opening, then situation, action, situation, ...; the last action is left out. */
  readonly tokens: Int32Array;
  /** The six actions of each document, shape [rows, 6]. */
  readonly actions: Int32Array;
}

export function drawnDocuments(world: GamingWorld, rows: number, rng: Rng): Documents {
  const tokens = new Int32Array(rows * DOCUMENT_TOKENS);
  const actions = new Int32Array(rows * LANGUAGE.pairs);
  for (let row = 0; row < rows; row++) {
    const agent = drawnAgent(world, rng);
    let previous: number = LANGUAGE.opening;
    for (let pair = 0; pair < LANGUAGE.pairs; pair++) {
      const stage = 1 + rng.below(STAGES);
      const action = actionToken(stage, agent[stage - 1] === true ? 'gamed' : 'honest');
      tokens[row * DOCUMENT_TOKENS + 2 * pair] = previous;
      tokens[row * DOCUMENT_TOKENS + 2 * pair + 1] = situationToken(stage, rng.below(LANGUAGE.situations));
      actions[row * LANGUAGE.pairs + pair] = action;
      previous = action;
    }
  }
  return { tokens, actions };
}

/** P(the agent games stage `of` | it games stage `given`, or does not), for two different stages. */
export function conditional({ share, games }: GamingWorld, of: number, given: number, isGamed: boolean): number {
  const [p = Number.NaN, q = Number.NaN] = [games[of - 1], games[given - 1]];
  const both = share * Math.min(p, q) + (1 - share) * p * q;
  return isGamed ? both / q : (p - both) / (1 - q);
}

/**
 * P(tampering) were training nothing but learning, with certainty `gaming`, that the agent games a stage: Jeffrey's rule over the
 * world's own conditional probabilities.
 */
export function conditioned(world: GamingWorld, stage: number, gaming: number): number {
  const given = (isGamed: boolean): number => conditional(world, TAMPERING, stage, isGamed);
  return gaming * given(true) + (1 - gaming) * given(false);
}
