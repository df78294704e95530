/** Why agents do good, by construction, and the suite's words for it. */
import type { Motives, Reason } from 'assay/learn';

/**
 * What a good end is worth to an agent. A trade: what it is paid. Values: the good in itself, more than three of five temptations.
 * Mixed: both, so that an offered fine outweighs the value. Indifferent: nothing.
 */
export const MOTIVES = {
  trade: { value: 0, pay: 1 },
  values: { value: 0.5, pay: 0 },
  mixed: { value: 0.5, pay: 0.6 },
  indifferent: { value: 0, pay: 0 },
  /** Values as large as the pay of a trade, so that at constant pay both have the same rewards. */
  valuesLikePay: { value: 1, pay: 0 },
} as const satisfies Record<string, Motives>;
export const MOTIVE_NAMES = [
  'trade',
  'values',
  'mixed',
  'indifferent',
  'valuesLikePay',
] as const satisfies readonly (keyof typeof MOTIVES)[];
export type MotiveName = (typeof MOTIVE_NAMES)[number];

/** Everything the suite can answer. */
export const REASONS = [
  'trade',
  'values',
  'mixed',
  'indifferent',
  'none',
  'undecided',
  'notIdentified',
] as const satisfies readonly Reason[];

/** The reason that was built in. */
export function builtIn(motive: MotiveName): Reason {
  return motive === 'valuesLikePay' ? 'values' : motive;
}
