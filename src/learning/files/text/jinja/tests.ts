/** The tests of jinja2: what may stand after `is`. */
import { wholeArgument } from './arguments.ts';
import { compares } from './operators.ts';
import { str } from './printing.ts';
import type { Comparison } from './syntax.ts';
import type { Value } from './values.ts';
import { equal, isFloat, numberOf } from './values.ts';

/** A test: how many arguments it takes beside the value, and what it asks. */
export interface Test {
  readonly arguments: number;
  readonly holds: (value: Value, argument: Value) => boolean;
}

type Kind = Exclude<Value, null | boolean | number | string>['kind'];

const isKind = (...kinds: readonly Kind[]): Test => ({
  arguments: 0,
  holds: (value) => typeof value === 'object' && value !== null && kinds.includes(value.kind),
});
const plain = (holds: (value: Value) => boolean): Test => ({ arguments: 0, holds });
const comparing = (operator: Comparison): Test => ({
  arguments: 1,
  holds: (value, other) => compares(operator, value, other),
});
const isInteger = (value: Value): boolean => typeof value === 'number';
const parity = (rest: number): Test =>
  plain((value) => Math.abs((numberOf(value) ?? wholeArgument(value, 'even or odd')) % 2) === rest);

/** `is sameas`: the same object; numbers, texts and constants are the same when they are equal and of one type. */
function isSame(value: Value, other: Value): boolean {
  if (isFloat(value) || isFloat(other)) throw new Error('sameas of floats is not supported');
  return value === other;
}

const ITERABLES: readonly Kind[] = ['list', 'tuple', 'dict', 'view', 'once', 'undefined', 'loop', 'markup'];
const iterable = isKind(...ITERABLES);
const sequence = isKind('list', 'tuple', 'dict', 'undefined', 'markup');

/** All tests by name. */
export const TESTS: ReadonlyMap<string, Test> = new Map(
  Object.entries({
    defined: plain((value) => !isKind('undefined').holds(value, null)),
    undefined: isKind('undefined'),
    none: plain((value) => value === null),
    boolean: plain((value) => typeof value === 'boolean'),
    true: plain((value) => value === true),
    false: plain((value) => value === false),
    string: plain((value) => typeof value === 'string' || isKind('markup').holds(value, null)),
    number: plain((value) => numberOf(value) !== undefined),
    integer: plain(isInteger),
    float: plain(isFloat),
    mapping: isKind('dict'),
    iterable: plain((value) => typeof value === 'string' || iterable.holds(value, null)),
    sequence: plain((value) => {
      if (typeof value === 'object' && value?.kind === 'view') return value.name === 'range';
      return typeof value === 'string' || sequence.holds(value, null);
    }),
    callable: isKind('function', 'undefined'),
    even: parity(0),
    odd: parity(1),
    divisibleby: {
      arguments: 1,
      holds: (value, by) => wholeArgument(value, 'divisibleby') % wholeArgument(by, 'divisibleby') === 0,
    },
    lower: plain((value) => str(value).toLowerCase() === str(value) && /\p{Ll}/u.test(str(value))),
    upper: plain((value) => str(value).toUpperCase() === str(value) && /\p{Lu}/u.test(str(value))),
    sameas: { arguments: 1, holds: isSame },
    eq: { arguments: 1, holds: equal },
    equalto: { arguments: 1, holds: equal },
    '==': { arguments: 1, holds: equal },
    ne: comparing('!='),
    '!=': comparing('!='),
    lt: comparing('<'),
    lessthan: comparing('<'),
    '<': comparing('<'),
    le: comparing('<='),
    '<=': comparing('<='),
    gt: comparing('>'),
    greaterthan: comparing('>'),
    '>': comparing('>'),
    ge: comparing('>='),
    '>=': comparing('>='),
    in: comparing('in'),
  } satisfies Record<string, Test>),
);

/** Whether a value passes a test. @throws Error on a test that is not known or wrong arguments. */
export function passes(name: string, value: Value, args: readonly Value[]): boolean {
  const test = TESTS.get(name);
  if (test === undefined) throw new Error(`the test "is ${name}" is not supported`);
  if (args.length !== test.arguments)
    throw new Error(`"is ${name}" takes ${test.arguments} arguments (${args.length} given)`);
  return test.holds(value, args[0] ?? null);
}
