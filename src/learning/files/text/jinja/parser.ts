/** Reads a template's statements. Those that a chat template has no use for (`include`, `block`, ...) are refused by name. */
import { parseExpression, parseFilter, parseOr, parseTuple, TokenStream } from './expressions.ts';
import { lex } from './lexer.ts';
import type { Expression, OpenFilter, Parameter, Program, Statement, Target } from './syntax.ts';

/** Reads a template. @throws Error naming the line of what is not understood. */
export function parseTemplate(source: string): Program {
  const stream = new TokenStream(lex(source));
  const program = parseBody(stream, []);
  if (!stream.is('finish')) stream.fail('expected the end of the template');
  checkLoopControls(program, false);
  return program;
}

/** `break` and `continue` stand in a loop; a macro or a block in it is apart. */
function checkLoopControls(body: readonly Statement[], isInLoop: boolean): void {
  for (const statement of body) {
    if (statement.kind === 'if') {
      for (const [, branch] of statement.branches) checkLoopControls(branch, isInLoop);
      checkLoopControls(statement.otherwise, isInLoop);
    } else if (statement.kind === 'for') {
      checkLoopControls(statement.body, true);
      checkLoopControls(statement.otherwise, isInLoop);
    } else if (statement.kind === 'with') checkLoopControls(statement.body, isInLoop);
    else if ('body' in statement) checkLoopControls(statement.body, false);
    else if (!isInLoop && (statement.kind === 'break' || statement.kind === 'continue')) {
      throw new Error(`{% ${statement.kind} %} is expected in a loop`);
    }
  }
}

/** Statements up to a tag that begins with one of some names, which is not read; `[]` for the template's end. */
function parseBody(stream: TokenStream, ends: readonly string[]): Statement[] {
  const body: Statement[] = [];
  while (!stream.is('finish')) {
    if (stream.is('data')) body.push({ kind: 'text', text: stream.next().value });
    else if (stream.expect('begin').value === '{{') {
      body.push({ kind: 'print', value: parseTuple(stream) });
      stream.expect('end');
    } else {
      if (ends.length > 0 && stream.is('name', ...ends)) return body;
      body.push(parseStatement(stream));
      stream.expect('end');
    }
  }
  if (ends.length > 0) stream.fail(`expected {% ${ends.at(-1)} %}`);
  return body;
}

/** The rest of a tag, then what stands before one of some tags. */
function block(stream: TokenStream, ...ends: readonly string[]): Statement[] {
  stream.skip('sign', ':');
  stream.expect('end');
  return parseBody(stream, ends);
}

/** A block with its last tag. */
function wholeBlock(stream: TokenStream, end: string): Statement[] {
  const body = block(stream, end);
  stream.next();
  return body;
}

function parseStatement(stream: TokenStream): Statement {
  const { value: name, line } = stream.expect('name');
  switch (name) {
    case 'if':
      return parseIf(stream);
    case 'for':
      return parseFor(stream);
    case 'set':
      return parseSet(stream);
    case 'macro':
      return parseMacro(stream);
    case 'call': {
      const parameters = stream.is('sign', '(') ? parseParameters(stream) : [];
      const call = parseExpression(stream);
      return { kind: 'callBlock', call, parameters, body: wholeBlock(stream, 'endcall') };
    }
    case 'filter': {
      const filter = parseFilterChain(stream, parseFilter(stream));
      return { kind: 'filterBlock', filter, body: wholeBlock(stream, 'endfilter') };
    }
    case 'with':
      return parseWith(stream);
    case 'generation':
      return { kind: 'generation', body: wholeBlock(stream, 'endgeneration') };
    case 'break':
    case 'continue':
      return { kind: name };
    default:
      throw new Error(`line ${line}: the tag {% ${name} %} is not supported`);
  }
}

function parseIf(stream: TokenStream): Statement {
  const branches: (readonly [Expression, readonly Statement[]])[] = [];
  let otherwise: readonly Statement[] = [];
  for (;;) {
    const test = parseTuple(stream, parseOr);
    branches.push([test, block(stream, 'elif', 'else', 'endif')]);
    const ended = stream.next().value;
    if (ended === 'elif') continue;
    if (ended === 'else') otherwise = wholeBlock(stream, 'endif');
    return { kind: 'if', branches, otherwise };
  }
}

function parseFor(stream: TokenStream): Statement {
  const target = parseTarget(stream, 'in');
  stream.expect('name', 'in');
  const items = parseTuple(stream, parseOr, ['recursive']);
  const test = stream.skip('name', 'if') ? parseExpression(stream) : undefined;
  const isRecursive = stream.skip('name', 'recursive');
  const body = block(stream, 'endfor', 'else');
  const otherwise = stream.next().value === 'else' ? wholeBlock(stream, 'endfor') : [];
  return { kind: 'for', target, items, test, isRecursive, body, otherwise };
}

function parseSet(stream: TokenStream): Statement {
  const target = parseTarget(stream);
  if (stream.skip('sign', '=')) return { kind: 'set', target, value: parseTuple(stream) };
  const filter = parseFilterChain(stream, (of) => of);
  return { kind: 'setBlock', target, filter, body: wholeBlock(stream, 'endset') };
}

function parseFilterChain(stream: TokenStream, first: OpenFilter): OpenFilter {
  let chain = first;
  while (stream.skip('sign', '|')) {
    const [before, next] = [chain, parseFilter(stream)];
    chain = (of) => next(before(of));
  }
  return chain;
}

function parseMacro(stream: TokenStream): Statement {
  const name = targetName(stream);
  const parameters = parseParameters(stream);
  return { kind: 'macro', name, parameters, body: wholeBlock(stream, 'endmacro') };
}

function parseWith(stream: TokenStream): Statement {
  const values: (readonly [Target, Expression])[] = [];
  while (!stream.is('end')) {
    if (values.length > 0) stream.expect('sign', ',');
    const target = parseOneTarget(stream);
    stream.expect('sign', '=');
    values.push([target, parseExpression(stream)]);
  }
  return { kind: 'with', values, body: wholeBlock(stream, 'endwith') };
}

function parseParameters(stream: TokenStream): readonly Parameter[] {
  const parameters: Parameter[] = [];
  stream.expect('sign', '(');
  while (!stream.is('sign', ')')) {
    if (parameters.length > 0) stream.expect('sign', ',');
    const name = targetName(stream);
    const byDefault = stream.skip('sign', '=') ? parseExpression(stream) : undefined;
    if (byDefault === undefined && parameters.at(-1)?.byDefault !== undefined) stream.fail('expected a default');
    parameters.push({ name, byDefault });
  }
  stream.next();
  return parameters;
}

/** One name, or several with commas between them. */
function parseTarget(stream: TokenStream, end?: string): Target {
  const items = [parseOneTarget(stream)];
  let isTuple = false;
  while (stream.skip('sign', ',')) {
    isTuple = true;
    if (stream.is('sign', '=') || (end !== undefined && stream.is('name', end))) break;
    items.push(parseOneTarget(stream));
  }
  const [only] = items;
  return isTuple || only === undefined ? { kind: 'tuple', items } : only;
}

function parseOneTarget(stream: TokenStream): Target {
  if (stream.skip('sign', '(')) {
    const inside = parseTarget(stream);
    stream.expect('sign', ')');
    return inside;
  }
  const name = targetName(stream);
  return stream.skip('sign', '.')
    ? { kind: 'attribute', of: name, name: stream.expect('name').value }
    : { kind: 'name', name };
}

function targetName(stream: TokenStream): string {
  if (stream.is('name', 'true', 'false', 'none', 'True', 'False', 'None')) stream.fail('expected a name');
  return stream.expect('name').value;
}
