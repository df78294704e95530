/**
 * How large a mean could be although few values show it: an upper limit for values of which nothing but a largest possible
 * one is known. With x_1 <= ... <= x_n and the largest possible value x_(n+1), it is the 1 - alpha quantile of sum D_i x_i
 * for D uniform on the simplex (Gaffke 2005; Learned-Miller and Thomas 2019, arXiv:1905.06208). Where all n values are 0
 * and the largest possible one is 1 it is 1 - alpha^(1/n): the exact limit for the share of ones when none was seen.
 */

/**
 * P(sum D_i x_i <= limit) for D uniform on the simplex: the exact volume on one side of a plane, by convex combinations only.
 * @see Varsi 1973, The multidimensional content of the frustum of the simplex, Pacific J. Math. 46.
 */
export function simplexShareBelow(values: readonly number[], limit: number): number {
  const above: number[] = [];
  for (const value of values) if (value > limit) above.push(value - limit);
  const shares = new Float64Array(above.length + 1);
  shares[0] = 1;
  for (const value of values) {
    if (value > limit) continue;
    const below = value - limit;
    for (let i = 0; i < above.length; i++) {
      const one = above[i] ?? 0;
      shares[i + 1] = (one * (shares[i + 1] ?? 0) - below * (shares[i] ?? 0)) / (one - below);
    }
  }
  return shares[above.length] ?? 0;
}

/** A value that no block has shown may lie this share of the values' range beyond them (ADR 0081). */
const BEYOND_FRACTION = 0.25;

/** Values with the largest that is held possible: `jump`, or a little beyond what was seen. */
function withUnseen(values: readonly number[], jump: number): number[] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return [...values, Math.max(jump, high + BEYOND_FRACTION * (high - low))];
}

/**
 * p of "the mean is `delta` or more away from 0", by the limit above for both ends; 1 where nothing bounds a jump.
 * @param jump The largest value of either sign that a block may show and none has; Infinity where nothing is known.
 */
export function boundedAbsenceP(values: readonly number[], delta: number, jump: number): number {
  if (!Number.isFinite(jump)) return 1;
  const upper = 1 - simplexShareBelow(withUnseen(values, jump), delta);
  const negated = values.map((value) => -value);
  return Math.max(upper, 1 - simplexShareBelow(withUnseen(negated, jump), delta));
}

/** The smallest delta with `boundedAbsenceP` <= alpha: by how much the mean could differ from 0. */
export function absenceBound(values: readonly number[], alpha: number, jump: number): number {
  if (!Number.isFinite(jump)) return Infinity;
  let [low, high] = [0, Math.max(jump, 2 * Math.max(...values.map(Math.abs)))];
  while (high - low > 1e-9 * Math.max(high, 1e-300)) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (boundedAbsenceP(values, middle, jump) <= alpha) high = middle;
    else low = middle;
  }
  return high;
}

/** The largest share of blocks that could jump although none of `blocks` did: the 1 - alpha limit. */
export function unseenShare(blocks: number, alpha: number): number {
  return 1 - alpha ** (1 / blocks);
}
