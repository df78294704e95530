/**
 * Weights over arms for claims whose second column is more than one arm: how much a number changes along a factor, and how
 * much one difference changes with another. Pure arithmetic on arms, done as a study is written.
 */
import { AssayError } from '#base/errors.ts';

import type { Against, Claim } from './claim.ts';
import type { ArmInput } from './study.ts';

/** The arms' part of a claim: its own arm, and what that is held against. */
export type Combination = Pick<Claim, 'arm'> & { readonly against: Extract<Against, { kind: 'arms' }> };

/**
 * A trend over a factor of arms (`Arm.at`): the change from its lowest to its highest value along the least-squares line
 * through the arms, each value counting once however many arms stand at it. Spread it into a claim, which gives it place and name.
 * @param scale The line is straight in the factor's value, or in its logarithm (dose-response over decades); default linear.
 * @throws AssayError where fewer than two values are there, or one is no number the scale knows.
 */
export function trendOver(
  arms: readonly Pick<ArmInput, 'name' | 'at'>[],
  factor: string,
  { scale = 'linear' }: { readonly scale?: 'linear' | 'log' } = {},
): Combination {
  const doses = arms.map(({ name, at }) => {
    const value = valueOf(factor, name, at?.[factor], scale);
    return { name, value, dose: scale === 'log' ? Math.log(value) : value };
  });
  const values = [...new Set(doses.map(({ dose }) => dose))].toSorted((a, b) => a - b);
  const [lowest, highest] = [values[0], values.at(-1)];
  if (lowest === undefined || highest === undefined || lowest === highest) {
    throw new AssayError(
      'config',
      `Trend over "${factor}": expected arms at two values or more, found ${values.length === 0 ? 'none' : 'one'}.`,
    );
  }
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  // slope = sum (x - mean) y / sum (x - mean)^2, times the range; arms at one value share its part.
  const coefficients = doses.map(({ name, dose }): [string, number] => {
    const sharing = doses.filter((one) => one.dose === dose).length;
    return [name, ((highest - lowest) * (dose - mean)) / squares / sharing];
  });
  const ends = [lowest, highest].map((end) => String(doses.find(({ dose }) => dose === end)?.value));
  const top = doses.find(({ dose }) => dose === highest)?.name ?? '';
  return combined(top, coefficients, `a flat line over ${factor} (${ends.join(' to ')})`);
}

/**
 * The interaction (a - b) - (c - d): how much more a differs from b than c does from d, as arm a against b + c - d.
 * @throws AssayError where an arm is named twice.
 */
export function interaction(a: string, b: string, c: string, d: string): Combination {
  const arms = [a, b, c, d];
  if (new Set(arms).size < arms.length) {
    throw new AssayError('config', `Interaction: expected four different arms, found ${arms.join(', ')}.`);
  }
  return { arm: a, against: { kind: 'arms', weights: { [b]: 1, [c]: 1, [d]: -1 }, label: `${b} + (${c} - ${d})` } };
}

/** The sum of coefficient x arm, as one arm minus weights: the arm's own weight is what its coefficient lacks of 1. */
function combined(arm: string, coefficients: readonly (readonly [string, number])[], label: string): Combination {
  const weights = coefficients
    .map(([name, coefficient]): [string, number] => [name, (name === arm ? 1 : 0) - coefficient])
    .filter(([, weight]) => weight !== 0);
  return { arm, against: { kind: 'arms', weights: Object.fromEntries(weights), label } };
}

function valueOf(factor: string, arm: string, value: unknown, scale: 'linear' | 'log'): number {
  const isFit = typeof value === 'number' && Number.isFinite(value) && (scale === 'linear' || value > 0);
  if (isFit) return value;
  throw new AssayError(
    'config',
    `Trend over "${factor}": expected a number${scale === 'log' ? ' above 0' : ''} in \`at\` of arm "${arm}", found ${JSON.stringify(value) ?? 'nothing'}.`,
  );
}
