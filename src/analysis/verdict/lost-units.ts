/** Rule 0 of blocks and clusters, for contrasts and claims: too few, or too many lost. */
import { MIN_BLOCKS } from '#analysis/matching/match.ts';
import { plain } from '#analysis/words/number-text.ts';
import { clustersText } from '#study/clusters.ts';

/** More lost blocks than this share leave a pair, or a claim's place, undecided. */
const VOIDED_FRACTION = 0.1;

/** How many there are, and how many could be used. */
export interface Counted {
  readonly usable: number;
  readonly all: number;
}

/** What of blocks and units stands in the way of a verdict. */
export interface LostUnits {
  readonly kind: 'blocks' | 'voided';
  readonly text: string;
}

/** @param units Clusters, with their label, or the blocks where there are none. @param reasons Why blocks were lost, as text. */
export function lostUnits(
  units: Counted & { readonly label?: string | undefined },
  blocks: Counted,
  reasons: string,
): readonly LostUnits[] {
  const label = units.label ?? 'block';
  const found: LostUnits[] = [];
  if (units.usable < MIN_BLOCKS) {
    const text = `${clustersText(`usable ${label}`, units.usable)}, at least ${MIN_BLOCKS} needed`;
    found.push({ kind: 'blocks', text });
  }
  // One block of a cluster may be all there is of it.
  const lost = [
    { name: 'block', ...blocks },
    { name: label, ...units },
  ].find(({ usable, all }) => all - usable > VOIDED_FRACTION * all);
  if (lost !== undefined) {
    const share = `${lost.all - lost.usable} of ${clustersText(lost.name, lost.all)}`;
    found.push({ kind: 'voided', text: `${share} voided (${reasons}), more than ${plain(100 * VOIDED_FRACTION)}%` });
  }
  return found;
}
