/** Arguments of functions, filters and methods, put into the places of their parameters as Python does it. */
import type { Named, Value } from './values.ts';
import { isFloat, numberOf, typeName } from './values.ts';

/** Arguments in the order of some parameters; undefined where one was not given. */
export type Placed = readonly (Value | undefined)[];

/**
 * Puts arguments in their places.
 * @param required How many of the parameters must be given.
 * @throws Error when there are too many, too few, or one by an unknown name.
 */
export function place(
  what: string,
  parameters: readonly string[],
  required: number,
  args: readonly Value[],
  named: Named,
): Placed {
  if (args.length > parameters.length) {
    throw new Error(`${what}() takes at most ${parameters.length} arguments (${args.length} given)`);
  }
  const placed: (Value | undefined)[] = parameters.map((_, i) => args[i]);
  for (const [name, value] of named) {
    const at = parameters.indexOf(name);
    if (at === -1) throw new Error(`${what}() got an unexpected keyword argument '${name}'`);
    if (placed[at] !== undefined) throw new Error(`${what}() got multiple values for argument '${name}'`);
    placed[at] = value;
  }
  const missing = parameters.find((_, i) => i < required && placed[i] === undefined);
  if (missing !== undefined) throw new Error(`${what}() missing 1 required positional argument: '${missing}'`);
  return placed;
}

/** Text, or an error that says what came. */
export function textArgument(value: Value | undefined, what: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && value?.kind === 'undefined') throw new Error(value.hint);
  throw new Error(`${what}: expected str, found ${typeName(value ?? null)}`);
}

/** A whole number, or an error that says what came. */
export function wholeArgument(value: Value | undefined, what: string): number {
  const number = value === undefined || isFloat(value) ? undefined : numberOf(value);
  if (number === undefined) throw new Error(`${what}: expected int, found ${typeName(value ?? null)}`);
  return number;
}

/** As `textArgument`, where None and nothing mean the same. */
export function optionalText(value: Value | undefined, what: string): string | undefined {
  return value === undefined || value === null ? undefined : textArgument(value, what);
}

/** As `wholeArgument`, where None and nothing mean the same. */
export function optionalWhole(value: Value | undefined, what: string): number | undefined {
  return value === undefined || value === null ? undefined : wholeArgument(value, what);
}
