/**
 * What comes after each step of a rollout: discounted returns and generalized advantages. All arrays are [T, B], step by step.
 * Sums are made in float64 and rounded once.
 */

/** What returns are made of. */
export interface Rewarded {
  readonly rows: number;
  /** Shape [T, B]. */
  readonly rewards: Float32Array;
  /** 0 where the life goes on after the step, else it ended there, shape [T, B]. */
  readonly ended: Uint8Array;
  /** The return expected after a step that was cut off; 0 elsewhere, shape [T, B]. */
  readonly beyond: Float32Array;
  /** The return expected after the last step, shape [B]; read where the life goes on. */
  readonly last: Float32Array;
}

/**
 * The discounted sum of rewards from each step on, up to the life's end; what was cut off, or is not over, goes on with its
 * expected return. @param discount In [0, 1].
 */
export function discountedReturns(rewarded: Rewarded, discount: number): Float32Array {
  const { rows, rewards, ended, beyond, last } = rewarded;
  const returns = new Float32Array(rewards.length);
  const after = Float64Array.from(last);
  for (let at = rewards.length - 1; at >= 0; at--) {
    const row = at % rows;
    const next = ended[at] === 0 ? (after[row] ?? 0) : (beyond[at] ?? 0);
    after[row] = (rewards[at] ?? 0) + discount * next;
    returns[at] = after[row];
  }
  return returns;
}

/**
 * How much better each action went than the critic expected: sum_k (discount lambda)^k (r + discount V' - V) from each step on, up
 * to the life's end. Advantages plus values are the returns a critic is trained on.
 * @param values The critic's, shape [T, B]. @param lambda 0: one step and the critic; 1: returns minus values.
 * @see Schulman et al. 2016, arXiv:1506.02438, Eq. 16.
 */
export function generalizedAdvantages(
  rewarded: Rewarded & { readonly values: Float32Array },
  { discount, lambda }: { readonly discount: number; readonly lambda: number },
): Float32Array {
  const { rows, rewards, ended, beyond, last, values } = rewarded;
  const advantages = new Float32Array(rewards.length);
  const after = new Float64Array(rows);
  for (let at = rewards.length - 1; at >= 0; at--) {
    const row = at % rows;
    const isLast = at + rows >= rewards.length;
    const goesOn = ended[at] === 0;
    const next = goesOn ? ((isLast ? last[row] : values[at + rows]) ?? 0) : (beyond[at] ?? 0);
    const surprise = (rewards[at] ?? 0) + discount * next - (values[at] ?? 0);
    after[row] = surprise + (goesOn ? discount * lambda * (after[row] ?? 0) : 0);
    advantages[at] = after[row];
  }
  return advantages;
}
