/**
 * "No effect" over a family: with eight arms, each read at alpha, one of them is easily called without effect by chance.
 * All absences of a study (rule 1, and the half of rule 2 that claims one) are read at one level, Holm's last step, so
 * that the chance of any false one is alpha whatever the other arms do (docs/adr/0083).
 */
import { absenceOfAll, type Evidence, type Rule } from './decide.ts';
import { holmLevel } from '#analysis/stats/holm.ts';

/**
 * The level of every absence; `family` holds what is asked of each contrast and outcome, undefined where nothing is estimable,
 * `others` the p of the absences that claims may show, one a level.
 */
export function absenceAlphaOf(
  family: readonly { readonly evidence: Evidence | undefined; readonly rule: Omit<Rule, 'absenceAlpha'> }[],
  alpha: number,
  others: readonly number[] = [],
): number {
  const own = family.flatMap(({ evidence, rule }) => (evidence === undefined ? [] : [absenceOfAll(evidence, rule)]));
  return holmLevel([...own, ...others], alpha);
}
