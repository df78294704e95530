/**
 * How much alpha a look at a study has: a study that is looked at again with more blocks does not get its alpha anew. By n
 * blocks a share 1 - RESERVE n1 / n of alpha is spent, n1 being the blocks of the first look; a look spends what that
 * leaves after the looks before it. No schedule and no largest size need be fixed beforehand, and all looks together never
 * spend more than alpha (docs/adr/0082).
 */

/** Alpha of a study over all its looks. */
export const FIXED_ALPHA = 0.05;

/** Of controls at every look: what is known beforehand is no claim that looking again could inflate. */
export const CONTROL_ALPHA = FIXED_ALPHA;

/** Share of alpha that the first look leaves to later ones. */
const RESERVE = 0.3;

/** Alpha of the first look, whatever its blocks. */
export const FIRST_ALPHA = FIXED_ALPHA * (1 - RESERVE);

/** A look taken before: its blocks, and the alpha it spent. */
export interface PreviousLook {
  readonly blocks: number;
  readonly alpha: number;
}

/** A look that has alpha, or why it has none. */
export type LookAlpha =
  | { readonly kind: 'alpha'; readonly alpha: number }
  | { readonly kind: 'none'; readonly reason: string };

/** The alpha of a look with so many blocks after `previous` looks, in their order. */
export function alphaOfLook(blocks: number, previous: readonly PreviousLook[]): LookAlpha {
  const same = previous.find((look) => look.blocks === blocks);
  // The same blocks again are the same look: nothing new is seen.
  if (same !== undefined) return { kind: 'alpha', alpha: same.alpha };
  const most = Math.max(0, ...previous.map((look) => look.blocks));
  if (blocks < most) {
    return { kind: 'none', reason: `an earlier look saw ${most} blocks; fewer blocks have no alpha of their own` };
  }
  const first = previous[0]?.blocks ?? blocks;
  const spent = previous.reduce((sum, look) => sum + look.alpha, 0);
  const alpha = FIXED_ALPHA * (1 - RESERVE * (first / blocks)) - spent;
  return alpha > 0 ? { kind: 'alpha', alpha } : { kind: 'none', reason: 'earlier looks have spent all of alpha' };
}
