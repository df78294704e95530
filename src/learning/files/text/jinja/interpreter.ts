/**
 * Runs a template. Names follow jinja2: a `for`, a macro, a `with` and a block that is set have their own scope, an
 * `if` has not; a macro sees the names around its definition as they are when it is called.
 */
import { attribute, item } from './attributes.ts';
import { renewBudget, spend } from './budget.ts';
import { applyFilter } from './filters.ts';
import { loopOf, lookAhead } from './loop.ts';
import { binary, compares, slice } from './operators.ts';
import { str } from './printing.ts';
import type { Arguments, Expression, Parameter, Program, Statement, Target } from './syntax.ts';
import { passes } from './tests.ts';
import type { Callable, Named, Value } from './values.ts';
import {
  dict,
  float,
  isFloat,
  iterate,
  itemsOf,
  list,
  numberOf,
  text,
  truth,
  tuple,
  typeName,
  undefinedValue,
  whole,
} from './values.ts';

/** Names and what they stand for. */
interface Scope {
  readonly names: Map<string, Value>;
  readonly outer: Scope | undefined;
}

/** How a list of statements ended. */
type End = 'done' | 'break' | 'continue';

/** The text of a template. @param names What it finds: conversation, functions. @throws Error as the template says. */
export function renderProgram(program: Program, names: ReadonlyMap<string, Value>): string {
  renewBudget();
  const parts: string[] = [];
  run(program, { names: new Map(), outer: { names: new Map(names), outer: undefined } }, parts);
  return text(parts.join(''));
}

function inside(outer: Scope): Scope {
  return { names: new Map(), outer };
}

function lookUp(scope: Scope, name: string): Value {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) {
    const value = at.names.get(name);
    if (value !== undefined) return value;
  }
  return undefinedValue(`'${name}' is undefined`);
}

function run(body: readonly Statement[], scope: Scope, out: string[]): End {
  for (const statement of body) {
    const end = step(statement, scope, out);
    if (end !== 'done') return end;
  }
  return 'done';
}

function step(statement: Statement, scope: Scope, out: string[]): End {
  spend(null);
  switch (statement.kind) {
    case 'text':
      out.push(statement.text);
      return 'done';
    case 'print':
      print(str(evaluate(statement.value, scope)), out);
      return 'done';
    case 'if': {
      const branch = statement.branches.find(([test]) => truth(evaluate(test, scope)));
      return run(branch?.[1] ?? statement.otherwise, scope, out);
    }
    case 'for':
      return loop(statement, iterate(evaluate(statement.items, scope)), scope, out, 0);
    case 'set':
      assign(statement.target, evaluate(statement.value, scope), scope);
      return 'done';
    case 'setBlock':
      assign(
        statement.target,
        evaluate(statement.filter(constant(block(statement.body, inside(scope)))), scope),
        scope,
      );
      return 'done';
    case 'filterBlock':
      out.push(str(evaluate(statement.filter(constant(block(statement.body, inside(scope)))), scope)));
      return 'done';
    case 'macro':
      scope.names.set(statement.name, macro(statement.name, statement.parameters, statement.body, scope));
      return 'done';
    case 'callBlock': {
      const caller = macro('caller', statement.parameters, statement.body, scope);
      const { call } = statement;
      if (call.kind !== 'call') throw new Error('{% call %} expects the call of a macro');
      out.push(str(callOf(call, scope, caller)));
      return 'done';
    }
    case 'with': {
      const own = inside(scope);
      for (const [target, value] of statement.values) assign(target, evaluate(value, own), own);
      return run(statement.body, own, out);
    }
    case 'generation':
      out.push(block(statement.body, inside(scope)));
      return 'done';
    case 'break':
    case 'continue':
      return statement.kind;
    default:
      return statement satisfies never;
  }
}

function print(printed: string, out: string[]): void {
  spend(printed);
  out.push(printed);
}

function constant(value: string): Expression {
  return { kind: 'constant', value };
}

/** The text of statements that cannot end a loop around them. */
function block(body: readonly Statement[], scope: Scope): string {
  const parts: string[] = [];
  if (run(body, scope, parts) !== 'done') throw new Error('break and continue are expected in a loop');
  return text(parts.join(''));
}

type For = Extract<Statement, { kind: 'for' }>;

function loop(statement: For, all: Iterator<Value>, scope: Scope, out: string[], depth: number): End {
  const { target, test, body } = statement;
  const chosen = lookAhead(test === undefined ? all : filtered(all, target, test, scope));
  const again = (items: Value): string => {
    const parts: string[] = [];
    loop(statement, iterate(items), scope, parts, depth + 1);
    return text(parts.join(''));
  };
  const state = loopOf(chosen, depth, statement.isRecursive ? again : undefined);
  let isEmpty = true;
  while (state.moveOn()) {
    spend(null);
    const own = inside(scope);
    own.names.set('loop', state.loop);
    assign(target, state.current(), own);
    const end = run(body, own, out);
    if (end === 'done') isEmpty = false; // As in jinja2, `else` also follows a loop whose every turn was ended early.
    if (end === 'break') break;
  }
  return isEmpty ? run(statement.otherwise, inside(scope), out) : 'done';
}

function* filtered(all: Iterator<Value>, target: Target, test: Expression, scope: Scope): Generator<Value, undefined> {
  for (let next = all.next(); next.done !== true; next = all.next()) {
    const own = inside(scope);
    assign(target, next.value, own);
    if (truth(evaluate(test, own))) yield next.value;
  }
  return undefined;
}

function assign(target: Target, value: Value, scope: Scope): void {
  if (target.kind === 'name') scope.names.set(target.name, value);
  else if (target.kind === 'attribute') {
    const owner = lookUp(scope, target.of);
    if (typeof owner !== 'object' || owner?.kind !== 'namespace') {
      throw new Error('cannot assign attribute on non-namespace object');
    }
    if (target.name.startsWith('_')) throw new Error(`cannot set the attribute ${target.name} of a namespace`);
    owner.attributes.set(target.name, value);
  } else {
    const items = itemsOf(value);
    const wanted = target.items.length;
    if (items.length < wanted) throw new Error(`not enough values to unpack (expected ${wanted}, got ${items.length})`);
    if (items.length > wanted) throw new Error(`too many values to unpack (expected ${wanted})`);
    for (const [i, one] of target.items.entries()) assign(one, items[i] ?? null, scope);
  }
}

/** Names a macro may use for arguments that have no parameter. */
function mentions(body: readonly Statement[], name: string): boolean {
  return JSON.stringify(body, (_key, value: unknown) => (typeof value === 'function' ? String(value) : value)).includes(
    `"kind":"name","name":"${name}"`,
  );
}

function macro(name: string, parameters: readonly Parameter[], body: readonly Statement[], scope: Scope): Callable {
  const own = parameters.map((parameter) => parameter.name);
  const takes = (extra: string): boolean => !own.includes(extra) && mentions(body, extra);
  const [takesMore, takesNamed, takesCaller] = [takes('varargs'), takes('kwargs'), takes('caller')];
  const call = (args: readonly Value[], named: Named): Value => {
    const inner = inside(scope);
    const rest = new Map(named);
    if (args.length > own.length && !takesMore)
      throw new Error(`macro '${name}' takes not more than ${own.length} argument(s)`);
    for (const [i, { name: parameter, byDefault }] of parameters.entries()) {
      const given = args[i] === undefined ? rest.get(parameter) : args[i];
      if (args[i] !== undefined && rest.has(parameter))
        throw new Error(`macro '${name}' got two values for '${parameter}'`);
      rest.delete(parameter);
      const otherwise = (): Value =>
        byDefault === undefined
          ? undefinedValue(`parameter '${parameter}' was not provided`)
          : evaluate(byDefault, inner);
      inner.names.set(parameter, given === undefined ? otherwise() : given);
    }
    if (takesCaller) inner.names.set('caller', rest.get('caller') ?? undefinedValue('No caller defined'));
    if (takesCaller) rest.delete('caller');
    const unknown = [...rest.keys()][0];
    if (unknown !== undefined && !takesNamed) throw new Error(`macro '${name}' takes no keyword argument '${unknown}'`);
    if (takesMore) inner.names.set('varargs', tuple(args.slice(own.length)));
    if (takesNamed) inner.names.set('kwargs', dict(rest));
    return block(body, inner);
  };
  return { kind: 'function', name, call };
}

/** The value of an expression, paid for where it may be a new one. */
function evaluate(expression: Expression, scope: Scope): Value {
  const made = evaluated(expression, scope);
  if (expression.kind !== 'name' && expression.kind !== 'constant') spend(made);
  return made;
}

function evaluated(expression: Expression, scope: Scope): Value {
  const value = (inner: Expression): Value => evaluate(inner, scope);
  switch (expression.kind) {
    case 'constant':
      return expression.value;
    case 'name':
      return lookUp(scope, expression.name);
    case 'list':
      return list(expression.items.map(value));
    case 'tuple':
      return tuple(expression.items.map(value));
    case 'dict':
      return dict(expression.pairs.map(([key, one]) => [value(key), value(one)] as const));
    case 'not':
      return !truth(value(expression.of));
    case 'negative':
    case 'positive':
      return signed(value(expression.of), expression.kind === 'negative' ? -1 : 1);
    case 'and': {
      const left = value(expression.left);
      return truth(left) ? value(expression.right) : left;
    }
    case 'or': {
      const left = value(expression.left);
      return truth(left) ? left : value(expression.right);
    }
    case 'binary':
      return binary(expression.operator, value(expression.left), value(expression.right));
    case 'concat':
      return text(expression.parts.map((part) => str(value(part))).join(''));
    case 'compare':
      return comparison(expression, scope);
    case 'choice':
      if (truth(value(expression.test))) return value(expression.chosen);
      return expression.otherwise === undefined
        ? undefinedValue('the inline if-expression evaluated to false and no else section was defined.')
        : value(expression.otherwise);
    case 'attribute':
      return attribute(value(expression.of), expression.name);
    case 'item':
      return item(value(expression.of), value(expression.key));
    case 'slice':
      return sliced(expression, scope);
    case 'call':
      return callOf(expression, scope);
    case 'filter':
    case 'test':
      return filterOrTest(expression, scope);
    default:
      return expression satisfies never;
  }
}

function signed(value: Value, sign: 1 | -1): Value {
  const number = numberOf(value);
  if (number !== undefined) return isFloat(value) ? float(sign * number) : whole(sign * number);
  if (typeof value === 'object' && value?.kind === 'undefined') throw new Error(value.hint);
  throw new Error(`bad operand type for unary ${sign < 0 ? '-' : '+'}: '${typeName(value)}'`);
}

function comparison({ first, rest }: Extract<Expression, { kind: 'compare' }>, scope: Scope): boolean {
  let left = evaluate(first, scope);
  for (const [operator, other] of rest) {
    const right = evaluate(other, scope);
    if (!compares(operator, left, right)) return false;
    left = right;
  }
  return true;
}

function sliced({ of, bounds }: Extract<Expression, { kind: 'slice' }>, scope: Scope): Value {
  const owner = evaluate(of, scope);
  if (typeof owner === 'object' && owner?.kind === 'markup') throw new Error('a slice of safe text is not supported');
  if (typeof owner === 'object' && owner?.kind === 'undefined') throw new Error(owner.hint);
  const ends = bounds.map((bound) => (bound === undefined ? undefined : evaluate(bound, scope)));
  return slice(owner, ends) ?? undefinedValue(`${typeName(owner)} object has no such slice`);
}

function callOf(call: Extract<Expression, { kind: 'call' }>, scope: Scope, caller?: Callable): Value {
  const callee = evaluate(call.of, scope);
  const [args, named] = argumentsOf(call, scope);
  if (typeof callee === 'object' && callee !== null) {
    const given = caller === undefined ? named : new Map([...named, ['caller', caller]]);
    if (callee.kind === 'function') return callee.call(args, given);
    if (callee.kind === 'loop' && callee.call !== undefined) return callee.call(args);
    if (callee.kind === 'undefined') throw new Error(callee.hint);
  }
  throw new Error(`'${typeName(callee)}' object is not callable`);
}

function argumentsOf(
  { args, named, rest, namedRest }: Arguments,
  scope: Scope,
): readonly [Value[], Map<string, Value>] {
  const values = args.map((one) => evaluate(one, scope));
  if (rest !== undefined) values.push(...itemsOf(evaluate(rest, scope)));
  const byName = new Map(named.map(([name, one]) => [name, evaluate(one, scope)]));
  const more = namedRest === undefined ? undefined : evaluate(namedRest, scope);
  if (more === undefined) return [values, byName];
  if (typeof more !== 'object' || more?.kind !== 'dict') throw new Error('argument after ** must be a mapping');
  for (const { key, value } of more.entries.values()) byName.set(str(key), value);
  return [values, byName];
}

function filterOrTest(expression: Extract<Expression, { kind: 'filter' | 'test' }>, scope: Scope): Value {
  const { kind, name } = expression;
  const of = evaluate(expression.of, scope);
  const [args, named] = argumentsOf(expression, scope);
  if (kind === 'filter') return applyFilter(name, of, args, named);
  if (name === 'filter' || name === 'test') throw new Error(`the test "is ${name}" is not supported`);
  if (named.size > 0) throw new Error(`"is ${name}" takes no arguments by name`);
  return passes(name, of, args);
}
