/**
 * The level at which every hypothesis of a family is read so that the chance of any false claim is alpha: Holm's step-down
 * procedure (1979), told by its last step.
 */

/** alpha / (hypotheses that remain after Holm's steps), or alpha where none does. */
export function holmLevel(ps: readonly number[], alpha: number): number {
  const sorted = ps.toSorted((a, b) => a - b);
  const rejected = sorted.findIndex((p, i) => p > alpha / (ps.length - i));
  const remaining = rejected < 0 ? 1 : ps.length - rejected;
  return alpha / Math.max(1, remaining);
}
