/** Arguments that count something. */
import { AssayError } from './errors.ts';

/**
 * Refuses what is no whole number within bounds.
 * @param where What the number is, for the message, such as `trainSaes, to`.
 * @throws AssayError (config) saying what was expected and found.
 */
export function checkWhole(where: string, value: number, least = 1, most = Infinity): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  const range = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new AssayError('config', `${where}: expected a whole number ${range}, found ${value}.`);
}
