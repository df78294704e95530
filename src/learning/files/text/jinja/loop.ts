/** The `loop` of a `for`: where it is, and what came before and comes after. */
import type { Loop, Value } from './values.ts';
import { equal, tuple, undefinedValue } from './values.ts';

/** An iterator whose next item can be looked at, and whose rest can be counted. */
export interface LookAhead {
  /** The next item, which stays; undefined at the end. */
  readonly peek: () => Value | undefined;
  readonly take: () => Value | undefined;
  /** How many items are left. */
  readonly left: () => number;
}

/** Looks ahead in an iterator; nothing is read before it is asked for. */
export function lookAhead(source: Iterator<Value>): LookAhead {
  const ahead: Value[] = [];
  const read = (): boolean => {
    const next = source.next();
    if (next.done === true) return false;
    ahead.push(next.value);
    return true;
  };
  return {
    peek: () => (ahead.length > 0 || read() ? ahead[0] : undefined),
    take: () => (ahead.length > 0 || read() ? ahead.shift() : undefined),
    left: () => {
      while (read());
      return ahead.length;
    },
  };
}

/** A loop that moves. */
export interface LoopState {
  readonly loop: Loop;
  /** Goes to the next item; false at the end. */
  readonly moveOn: () => boolean;
  readonly current: () => Value;
}

/**
 * The state of a loop over some items.
 * @param depth How many loops of the same statement are around it.
 * @param again Renders the loop for other items, in a recursive one.
 */
export function loopOf(items: LookAhead, depth: number, again: ((items: Value) => string) | undefined): LoopState {
  let index = -1;
  let current: Value | undefined;
  let before: Value | undefined;
  let lastChanged: Value | undefined;
  const functionOf = (name: string, call: (args: readonly Value[]) => Value): Value => ({
    kind: 'function',
    name,
    call: (args, named) => {
      if (named.size > 0) throw new Error(`loop.${name} takes no arguments by name`);
      return call(args);
    },
  });
  const cycle = (args: readonly Value[]): Value => {
    if (args.length === 0) throw new Error('no items for cycling given');
    return args[index % args.length] ?? null;
  };
  const changed = (args: readonly Value[]): Value => {
    const [now, then] = [tuple(args), lastChanged];
    lastChanged = now;
    return then === undefined || !equal(now, then);
  };
  const attributes: Readonly<Record<string, () => Value>> = {
    index: () => index + 1,
    index0: () => index,
    revindex: () => items.left() + 1,
    revindex0: () => items.left(),
    first: () => index === 0,
    last: () => items.peek() === undefined,
    length: () => index + 1 + items.left(),
    depth: () => depth + 1,
    depth0: () => depth,
    previtem: () => (before === undefined ? undefinedValue('there is no previous item') : before),
    nextitem: () => {
      const next = items.peek();
      return next === undefined ? undefinedValue('there is no next item') : next;
    },
    cycle: () => functionOf('cycle', cycle),
    changed: () => functionOf('changed', changed),
  };
  const call = again && ((args: readonly Value[]): Value => again(args[0] ?? null));
  return {
    loop: {
      kind: 'loop',
      attribute: (name) => (Object.hasOwn(attributes, name) ? attributes[name]?.() : undefined),
      ...(call === undefined ? {} : { call }),
    },
    moveOn: () => {
      const next = items.take();
      if (next === undefined) return false;
      before = index === -1 ? undefined : current;
      current = next;
      index++;
      return true;
    },
    current: () => current ?? null,
  };
}
