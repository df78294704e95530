/**
 * A template's text as tokens. Where a tag stands and what white space goes with it follows jinja2 3.1 (`lexer.py`)
 * with the settings of transformers: `trim_blocks`, `lstrip_blocks`, no trailing line feed, line feeds alone.
 */

/** One token; `value` of a string or number is what it stands for in the source, quotes and escapes resolved. */
export interface Token {
  readonly kind: 'data' | 'begin' | 'end' | 'name' | 'string' | 'integer' | 'float' | 'sign' | 'finish';
  readonly value: string;
  readonly line: number;
}

/** White space as Python's `str.strip` and `\s` know it, for use in a class of a regular expression. */
export const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

/** What ends a line to Python's `splitlines`. */
const LINE_ENDS = '\\n-\\r\\x1c-\\x1e\\x85\\u2028\\u2029';
export const LINE_END = new RegExp(`\\r\\n|[${LINE_ENDS}]`);

const WHITE = `[${SPACE}]`;
const TAG = new RegExp(`\\{%([-+]?)${WHITE}*raw${WHITE}*(?:-%\\}${WHITE}*|%\\})|\\{(?:%|\\{|#)([-+]?)`, 'g');
const BLOCK_END = new RegExp(`\\+%\\}|-%\\}${WHITE}*|%\\}\\n?`, 'y');
const VARIABLE_END = new RegExp(`-\\}\\}${WHITE}*|\\}\\}`, 'y');
const COMMENT_END = new RegExp(`\\+#\\}|-#\\}${WHITE}*|#\\}\\n?`, 'g');
const RAW_END = new RegExp(`\\{%([-+]?)${WHITE}*endraw${WHITE}*(?:\\+%\\}|-%\\}${WHITE}*|%\\}\\n?)`, 'g');
const TRAILING = new RegExp(`${WHITE}+$`);
const ALL_WHITE = new RegExp(`^${WHITE}+$`);

const INNER: readonly (readonly [Token['kind'] | 'white', RegExp])[] = [
  ['white', new RegExp(`${WHITE}+`, 'y')],
  ['float', /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy],
  ['integer', /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy],
  ['name', /[A-Za-z_][A-Za-z0-9_]*/y],
  ['string', /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/sy],
  ['sign', /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}><=.:|,;]/y],
];

const CLOSER: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** The tokens of a template. @throws Error naming the line of what is no token. */
export function lex(template: string): readonly Token[] {
  const source = template.replaceAll(/\r\n?/g, '\n').replace(/\n$/, '');
  const tokens: Token[] = [];
  let at = 0;
  let lineStarts = true; // whether the text at `at` begins a line
  const line = (): number => source.slice(0, at).split('\n').length;
  const data = (content: string): void => {
    if (content !== '') tokens.push({ kind: 'data', value: content, line: line() });
  };
  const endOf = (what: string, end: RegExp): RegExpExecArray => {
    end.lastIndex = at;
    const found = end.exec(source);
    if (found === null) throw new Error(`line ${line()}: the end of a ${what} is missing`);
    return found;
  };
  const moveTo = (place: number): void => {
    at = place;
    lineStarts = source[place - 1] === '\n';
  };
  while (at < source.length) {
    TAG.lastIndex = at;
    const tag = TAG.exec(source);
    if (tag === null) {
      data(source.slice(at));
      break;
    }
    const [opening] = tag;
    const isVariable = opening.startsWith('{{');
    data(stripped(source.slice(at, tag.index), tag[1] ?? tag[2] ?? '', isVariable, lineStarts));
    moveTo(tag.index + opening.length);
    if (tag[1] !== undefined) {
      const end = endOf('raw block', RAW_END);
      data(stripped(source.slice(at, end.index), end[1] ?? '', false, lineStarts));
      moveTo(end.index + end[0].length);
    } else if (opening.startsWith('{#')) {
      const end = endOf('comment', COMMENT_END);
      moveTo(end.index + end[0].length);
    } else {
      tokens.push({ kind: 'begin', value: opening.slice(0, 2), line: line() });
      moveTo(lexTag(source, at, isVariable ? VARIABLE_END : BLOCK_END, tokens, line()));
    }
  }
  tokens.push({ kind: 'finish', value: '', line: line() });
  return tokens;
}

/** Text before a tag without the white space the tag takes away. */
function stripped(before: string, sign: string, isVariable: boolean, lineStarts: boolean): string {
  if (sign === '-') return before.replace(TRAILING, '');
  if (sign === '+' || isVariable) return before;
  const from = before.lastIndexOf('\n') + 1;
  return (from > 0 || lineStarts) && ALL_WHITE.test(before.slice(from)) ? before.slice(0, from) : before;
}

/** The tokens inside a tag; returns the place after its end. */
function lexTag(source: string, from: number, end: RegExp, tokens: Token[], firstLine: number): number {
  const open: string[] = [];
  let at = from;
  const line = (): number => firstLine + source.slice(from, at).split('\n').length - 1;
  for (;;) {
    end.lastIndex = at;
    const ended = open.length === 0 ? end.exec(source) : null;
    if (ended !== null) {
      tokens.push({ kind: 'end', value: ended[0].trim(), line: line() });
      return at + ended[0].length;
    }
    const [kind, found] = innerToken(source, at, line());
    if (kind !== 'white') tokens.push({ kind, value: kind === 'string' ? unquoted(found) : found, line: line() });
    if (kind === 'sign') balance(open, found, line());
    at += found.length;
  }
}

function innerToken(source: string, at: number, line: number): readonly [Token['kind'] | 'white', string] {
  for (const [kind, pattern] of INNER) {
    pattern.lastIndex = at;
    const found = pattern.exec(source)?.[0];
    if (found !== undefined) return [kind, found];
  }
  const found = source.slice(at, at + 1);
  throw new Error(
    `line ${line}: ${found === '' ? 'the end of a tag is missing' : `unexpected ${JSON.stringify(found)}`}`,
  );
}

function balance(open: string[], sign: string, line: number): void {
  const closer = CLOSER[sign];
  if (closer !== undefined) open.push(closer);
  else if (sign === ')' || sign === ']' || sign === '}') {
    if (open.pop() !== sign) throw new Error(`line ${line}: unexpected ${JSON.stringify(sign)}`);
  }
}

const SIMPLE: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  v: '\v',
  a: '\u0007',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '\n': '',
};
const ESCAPE = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|(.))/gs;

/** The text of a string literal, with Python's escapes. */
function unquoted(literal: string): string {
  return literal
    .slice(1, -1)
    .replaceAll(ESCAPE, (whole, x?: string, u?: string, long?: string, octal?: string, one = '') => {
      const digits = x ?? u ?? long;
      const code = octal === undefined ? Number.parseInt(digits ?? '110000', 16) : Number.parseInt(octal, 8);
      if (code <= 0x10ffff) return String.fromCodePoint(code);
      if (digits !== undefined || /[NxuU]/.test(one)) throw new Error(`the escape ${whole} is not supported`);
      return SIMPLE[one] ?? whole;
    });
}
