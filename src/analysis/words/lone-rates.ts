/** What is said of arms that were each run at one learning rate, and not at the same: another rate might move what they differ by (ADR 0086). */
import type { Rate } from '#analysis/matching/pair.ts';

import { plain } from './number-text.ts';

/** The sentence, after a blank; nothing where an arm has several rates, none that is known, or all have the same. */
export function loneRatesText(ofArms: readonly (readonly Rate[])[]): string {
  const lone = ofArms.flatMap((rates) => (rates.length === 1 ? (rates[0] ?? []) : []));
  const different = new Set(lone);
  if (lone.length < ofArms.length || different.size < 2) return '';
  return ` Each arm has one learning rate (${[...different].map(plain).join(' and ')}): this speaks of these rates alone.`;
}
