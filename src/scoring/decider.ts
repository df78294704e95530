/**
 * The port behind which an agent decides: an agent trained in house (a function), a local model, or an endpoint.
 * Whoever implements it says what the agent would do in a situation if a given thought had been its thought.
 */
import { AssayError } from '#base/errors.ts';

/** How probable each action is, or how often it was taken; actions that are not named have share 0, and shares sum to 1. */
export type ActionShares = Readonly<Record<string, number>>;

/** An agent at the moment of a decision. */
export interface Decider<Situation, Thought> {
  /** Whether shares are probabilities, so that asking again answers the same; else they are counts of samples, and differ. */
  readonly isExact: boolean;
  /**
   * What it does in a situation if this was thought; `undefined`: the thought is cut out, and nothing stands in its place.
   * @param draw Which independent asking this is: equal draws may be answered from memory, others must be drawn anew.
   */
  decide(situation: Situation, thought: Thought | undefined, draw: number): ActionShares | Promise<ActionShares>;
}

/** A decider from one that samples single actions. @param samples Actions drawn a question. */
export function sampledDecider<Situation, Thought>(
  sample: (situation: Situation, thought: Thought | undefined, draw: number) => string | Promise<string>,
  samples: number,
): Decider<Situation, Thought> {
  return {
    isExact: false,
    async decide(situation, thought, draw) {
      const counts = new Map<string, number>();
      for (let i = 0; i < samples; i++) {
        // One after another: a sampler may be a model that runs once at a time.
        const action = await sample(situation, thought, draw * samples + i);
        counts.set(action, (counts.get(action) ?? 0) + 1);
      }
      return Object.fromEntries([...counts].map(([action, count]) => [action, count / samples]));
    },
  };
}

const ROUNDING = 1e-6;

/** The shares, checked. @throws AssayError where they are no distribution. */
export function checkedShares(shares: ActionShares, where: string): ActionShares {
  const values = Object.values(shares);
  const sum = values.reduce((total, share) => total + share, 0);
  if (values.every((share) => share >= 0) && Math.abs(sum - 1) <= ROUNDING) return shares;
  const found = JSON.stringify(shares).slice(0, 200);
  throw new AssayError('data', `${where}: expected shares of actions that sum to 1, found ${found}.`);
}

/** The inner product of two differences of shares. */
export function productOfDifferences(
  [a, b]: readonly [ActionShares, ActionShares],
  [c, d]: readonly [ActionShares, ActionShares],
): number {
  let sum = 0;
  for (const action of namesOf(a, b, c, d)) sum += (at(a, action) - at(b, action)) * (at(c, action) - at(d, action));
  return sum;
}

/** The total variation distance: the share of decisions that would have to change, in [0, 1]. */
export function movedShare(a: ActionShares, b: ActionShares): number {
  let sum = 0;
  for (const action of namesOf(a, b)) sum += Math.abs(at(a, action) - at(b, action));
  return sum / 2;
}

/** The most probable action; of several, the first by name. */
export function likeliestAction(shares: ActionShares): string {
  return Object.entries(shares).toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))[0]?.[0] ?? '';
}

function namesOf(...shares: readonly ActionShares[]): ReadonlySet<string> {
  return new Set(shares.flatMap((one) => Object.keys(one)));
}

function at(shares: ActionShares, action: string): number {
  return Object.hasOwn(shares, action) ? (shares[action] ?? 0) : 0;
}
