/** Reads expressions. Precedence follows jinja2 3.1 (`parser.py`), whose own order differs from Python's in places. */
import type { Token } from './lexer.ts';
import type { Arguments, BinaryOperator, Comparison, Expression, OpenFilter } from './syntax.ts';
import { float, whole } from './values.ts';

/** A place in the tokens, which moves on as they are read. */
export class TokenStream {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get current(): Token {
    return this.peek(0);
  }

  peek(distance: number): Token {
    const last = this.#tokens.length - 1;
    return this.#tokens[Math.min(this.#at + distance, last)] ?? { kind: 'finish', value: '', line: 0 };
  }

  next(): Token {
    const token = this.current;
    this.#at++;
    return token;
  }

  is(kind: Token['kind'], ...values: readonly string[]): boolean {
    const { current } = this;
    return current.kind === kind && (values.length === 0 || values.includes(current.value));
  }

  /** Reads a token if it is there. */
  skip(kind: Token['kind'], value: string): boolean {
    const isThere = this.is(kind, value);
    if (isThere) this.next();
    return isThere;
  }

  expect(kind: Token['kind'], value?: string): Token {
    if (value === undefined ? this.is(kind) : this.is(kind, value)) return this.next();
    return this.fail(`expected ${JSON.stringify(value ?? kind)}`);
  }

  fail(expected: string): never {
    const { kind, value, line } = this.current;
    throw new Error(`line ${line}: ${expected}, found ${JSON.stringify(value === '' ? kind : value)}`);
  }
}

/** Any expression. */
export function parseExpression(stream: TokenStream): Expression {
  let value = parseOr(stream);
  while (stream.skip('name', 'if')) {
    const test = parseOr(stream);
    const otherwise = stream.skip('name', 'else') ? parseExpression(stream) : undefined;
    value = { kind: 'choice', test, chosen: value, otherwise };
  }
  return value;
}

/**
 * One expression, or several as a tuple.
 * @param parseOne Reads one; a `for` reads without `if`.
 * @param ends Names after which a tuple ends, as after a comma.
 */
export function parseTuple(
  stream: TokenStream,
  parseOne: (stream: TokenStream) => Expression = parseExpression,
  ends: readonly string[] = [],
  mayBeEmpty = false,
): Expression {
  const items: Expression[] = [];
  let isTuple = false;
  for (;;) {
    if (items.length > 0) stream.expect('sign', ',');
    if (stream.is('end') || stream.is('sign', ')') || (ends.length > 0 && stream.is('name', ...ends))) break;
    items.push(parseOne(stream));
    if (!stream.is('sign', ',')) break;
    isTuple = true;
  }
  const [only] = items;
  if (isTuple || (only === undefined && mayBeEmpty)) return { kind: 'tuple', items };
  return only ?? stream.fail('expected an expression');
}

/** An expression without `if`. */
export function parseOr(stream: TokenStream): Expression {
  let left = parseAnd(stream);
  while (stream.skip('name', 'or')) left = { kind: 'or', left, right: parseAnd(stream) };
  return left;
}

function parseAnd(stream: TokenStream): Expression {
  let left = parseNot(stream);
  while (stream.skip('name', 'and')) left = { kind: 'and', left, right: parseNot(stream) };
  return left;
}

function parseNot(stream: TokenStream): Expression {
  return stream.skip('name', 'not') ? { kind: 'not', of: parseNot(stream) } : parseCompare(stream);
}

const COMPARISONS: readonly Comparison[] = ['==', '!=', '<=', '>=', '<', '>'];

function parseCompare(stream: TokenStream): Expression {
  const first = parseSum(stream);
  const rest: (readonly [Comparison, Expression])[] = [];
  for (;;) {
    const sign = COMPARISONS.find((one) => stream.skip('sign', one));
    if (sign !== undefined) rest.push([sign, parseSum(stream)]);
    else if (stream.skip('name', 'in')) rest.push(['in', parseSum(stream)]);
    else if (stream.is('name', 'not') && stream.peek(1).kind === 'name' && stream.peek(1).value === 'in') {
      stream.next();
      stream.next();
      rest.push(['not in', parseSum(stream)]);
    } else break;
  }
  return rest.length === 0 ? first : { kind: 'compare', first, rest };
}

function parseSum(stream: TokenStream): Expression {
  return parseBinary(stream, ['+', '-'], parseConcat);
}

function parseConcat(stream: TokenStream): Expression {
  const parts = [parseProduct(stream)];
  while (stream.skip('sign', '~')) parts.push(parseProduct(stream));
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : { kind: 'concat', parts };
}

function parseProduct(stream: TokenStream): Expression {
  return parseBinary(stream, ['*', '/', '//', '%'], (inner) => parseBinary(inner, ['**'], parseUnary));
}

function parseBinary(
  stream: TokenStream,
  operators: readonly BinaryOperator[],
  parseSide: (stream: TokenStream) => Expression,
): Expression {
  let left = parseSide(stream);
  for (;;) {
    const operator = operators.find((one) => stream.skip('sign', one));
    if (operator === undefined) return left;
    left = { kind: 'binary', operator, left, right: parseSide(stream) };
  }
}

function parseUnary(stream: TokenStream): Expression {
  return parseFilters(stream, parseSigned(stream));
}

/** As in jinja2, a filter after a sign works on the signed value: `-1|abs` is 1. */
function parseSigned(stream: TokenStream): Expression {
  const kind = stream.skip('sign', '-') ? 'negative' : stream.skip('sign', '+') ? 'positive' : undefined;
  return parsePostfix(stream, kind === undefined ? parsePrimary(stream) : { kind, of: parseSigned(stream) });
}

const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['none', null],
  ['None', null],
]);

function parsePrimary(stream: TokenStream): Expression {
  const token = stream.next();
  switch (token.kind) {
    case 'name': {
      const constant = CONSTANTS.get(token.value);
      return constant === undefined ? { kind: 'name', name: token.value } : { kind: 'constant', value: constant };
    }
    case 'string': {
      let { value } = token;
      while (stream.is('string')) value += stream.next().value;
      return { kind: 'constant', value };
    }
    case 'integer':
      return { kind: 'constant', value: whole(Number(token.value.replaceAll('_', ''))) };
    case 'float':
      return { kind: 'constant', value: float(Number(token.value.replaceAll('_', ''))) };
    case 'sign':
      if (token.value === '(') {
        const inside = parseTuple(stream, parseExpression, [], true);
        stream.expect('sign', ')');
        return inside;
      }
      if (token.value === '[') return { kind: 'list', items: parseUntil(stream, ']', () => parseExpression(stream)) };
      if (token.value === '{') return { kind: 'dict', pairs: parseUntil(stream, '}', () => parsePair(stream)) };
      break;
    case 'data':
    case 'begin':
    case 'end':
    case 'finish':
      break;
    default:
      token.kind satisfies never;
  }
  throw new Error(`line ${token.line}: expected an expression, found ${JSON.stringify(token.value || token.kind)}`);
}

function parseUntil<T>(stream: TokenStream, closer: string, parseOne: () => T): T[] {
  const items: T[] = [];
  while (!stream.is('sign', closer)) {
    if (items.length > 0) stream.expect('sign', ',');
    if (stream.is('sign', closer)) break;
    items.push(parseOne());
  }
  stream.expect('sign', closer);
  return items;
}

function parsePair(stream: TokenStream): readonly [Expression, Expression] {
  const key = parseExpression(stream);
  stream.expect('sign', ':');
  return [key, parseExpression(stream)];
}

function parsePostfix(stream: TokenStream, start: Expression): Expression {
  let value = start;
  for (;;) {
    if (stream.skip('sign', '.')) value = parseDot(stream, value);
    else if (stream.skip('sign', '[')) value = parseSubscript(stream, value);
    else if (stream.is('sign', '(')) value = { kind: 'call', of: value, ...parseArguments(stream) };
    else return value;
  }
}

function parseDot(stream: TokenStream, of: Expression): Expression {
  if (stream.is('integer')) {
    return { kind: 'item', of, key: { kind: 'constant', value: whole(Number(stream.next().value)) } };
  }
  return { kind: 'attribute', of, name: stream.expect('name').value };
}

function parseSubscript(stream: TokenStream, of: Expression): Expression {
  const bounds: (Expression | undefined)[] = [undefined];
  let isSlice = false;
  while (!stream.is('sign', ']')) {
    if (stream.skip('sign', ':')) {
      isSlice = true;
      bounds.push(undefined);
      continue;
    }
    bounds[bounds.length - 1] = parseExpression(stream);
    if (!stream.is('sign', ':', ']')) stream.fail('expected one index or a slice');
  }
  stream.next();
  if (bounds.length > 3) stream.fail('expected at most two colons in a slice');
  const [key] = bounds;
  if (isSlice) return { kind: 'slice', of, bounds };
  return { kind: 'item', of, key: key ?? stream.fail('expected an index') };
}

/** The arguments in parentheses. */
function parseArguments(stream: TokenStream): Arguments {
  stream.expect('sign', '(');
  const args: Expression[] = [];
  const named: (readonly [string, Expression])[] = [];
  let rest: Expression | undefined;
  let namedRest: Expression | undefined;
  parseUntil(stream, ')', () => {
    if (namedRest !== undefined) stream.fail('expected no argument after **');
    if (stream.skip('sign', '**')) namedRest = parseExpression(stream);
    else if (stream.skip('sign', '*')) rest = parseExpression(stream);
    else if (stream.is('name') && stream.peek(1).kind === 'sign' && stream.peek(1).value === '=') {
      const name = stream.next().value;
      stream.next();
      named.push([name, parseExpression(stream)]);
    } else {
      if (rest !== undefined || named.length > 0) stream.fail('expected arguments by place before those by name');
      args.push(parseExpression(stream));
    }
  });
  return { args, named, ...(rest === undefined ? {} : { rest }), ...(namedRest === undefined ? {} : { namedRest }) };
}

const NO_ARGUMENTS: Arguments = { args: [], named: [] };

function parseFilters(stream: TokenStream, start: Expression): Expression {
  let value = start;
  for (;;) {
    if (stream.skip('sign', '|')) value = parseFilter(stream)(value);
    else if (stream.skip('name', 'is')) value = parseTest(stream, value);
    else if (stream.is('sign', '(')) value = { kind: 'call', of: value, ...parseArguments(stream) };
    else return value;
  }
}

/** A filter's name and arguments. */
export function parseFilter(stream: TokenStream): OpenFilter {
  const name = stream.expect('name').value;
  const given = stream.is('sign', '(') ? parseArguments(stream) : NO_ARGUMENTS;
  return (of) => ({ kind: 'filter', of, name, ...given });
}

function parseTest(stream: TokenStream, of: Expression): Expression {
  const isNegated = stream.skip('name', 'not');
  const name = stream.expect('name').value;
  let given = NO_ARGUMENTS;
  const startsArgument =
    stream.is('string') ||
    stream.is('integer') ||
    stream.is('float') ||
    stream.is('sign', '[', '{') ||
    stream.is('name');
  if (stream.is('sign', '(')) given = parseArguments(stream);
  else if (startsArgument && !stream.is('name', 'else', 'or', 'and')) {
    if (stream.is('name', 'is')) stream.fail('expected one test');
    given = { args: [parsePostfix(stream, parsePrimary(stream))], named: [] };
  }
  const test: Expression = { kind: 'test', of, name, ...given };
  return isNegated ? { kind: 'not', of: test } : test;
}
