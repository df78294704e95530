/** What training on something else costs on what was learned before. */
import { AssayError } from '#base/errors.ts';

/**
 * Forgetting: how far a loss has risen above its lowest value so far; never negative.
 * @param losses Of one task at successive times, in any unit, the present one last.
 * @throws AssayError (data) on none, and on one that is not finite.
 * @see Chaudhry et al. 2018, arXiv:1801.10112, Sec. 3.2 (there of accuracies).
 */
export function forgetting(losses: readonly number[]): number {
  const broken = losses.findIndex((loss) => !Number.isFinite(loss));
  if (losses.length === 0 || broken >= 0) {
    throw new AssayError(
      'data',
      `forgetting: ${losses.length === 0 ? 'no losses' : `loss ${broken} is ${losses[broken]}`}. Expected finite losses, the present one last.`,
    );
  }
  return (losses.at(-1) ?? 0) - Math.min(...losses);
}
