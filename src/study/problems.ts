/** What the checks of a study share: lists whose items know their place, and the words for names that are wrong. */
import { nearestName } from '#base/errors.ts';

import type { Misfit } from './shape.ts';

/** An item of a list and its path, such as `claims[2]`. */
export interface Placed<Item> {
  readonly path: string;
  readonly item: Item;
}

/** The items of a list with their paths, without those that are not of their type. */
export function placed<Item>(
  name: string,
  list: readonly Item[] | undefined,
  misfits: readonly Misfit[],
): Placed<Item>[] {
  if (!Array.isArray(list)) return [];
  return list
    .map((item: Item, i): Placed<Item> => ({ path: `${name}[${i}]`, item }))
    .filter(({ path }) => !isBroken(path, misfits));
}

/** Whether something at a path or below it is not of its type. */
export function isBroken(path: string, misfits: readonly Misfit[]): boolean {
  return misfits.some(
    (one) =>
      !one.isTyped && (one.path === path || (one.path.startsWith(path) && /^[.[]/.test(one.path.slice(path.length)))),
  );
}

/** The problem, where there is one. */
export function when(isProblem: boolean, problem: string): string[] {
  return isProblem ? [problem] : [];
}

/** A name that is none of those known. @param what It is, such as `arm`. */
export function unknownName(path: string, what: string, name: string, known: readonly string[]): string[] {
  if (known.includes(name)) return [];
  const nearest = nearestName(name, known);
  return [
    `${path}: unknown ${what} "${name}"; ${nearest === undefined ? 'none is known' : `the nearest known name is "${nearest}"`}`,
  ];
}

/** Names that come more than once, said where they come again. */
export function repeated(what: string, names: readonly Placed<string>[]): string[] {
  return names.flatMap(({ path, item }, i) =>
    names.findIndex((one) => one.item === item) < i ? [`${path}: ${what} "${item}" is declared more than once`] : [],
  );
}

/** Levels that neither rise nor fall all the way, or come twice. */
export function unordered(path: string, levels: readonly number[]): string[] {
  const sign = Math.sign((levels[1] ?? 0) - (levels[0] ?? 0));
  const isOrdered = levels.every((level, i) => i === 0 || Math.sign(level - (levels[i - 1] ?? 0)) === sign);
  return when(
    levels.length > 1 && (sign === 0 || !isOrdered),
    `${path}: expected levels in one order, each once, found ${levels.join(', ')}`,
  );
}
