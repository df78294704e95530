/** Which actions are meant: by name and by tests of their arguments; and how far an action is one of them. */
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import { type AnswerRule, isCorrect, parseAnswerRule } from '#measures/answer-rules.ts';

import { objectIn, refuse, refuseOthers, shown, textIn } from './import/fields.ts';
import type { Step } from './transcript.ts';

/** What a value at a path must be; a graded one rises from 0 at `from` to 1 at `to`. */
export type ValueTest =
  | { readonly kind: 'is'; readonly value: Json }
  | { readonly kind: 'text'; readonly rule: AnswerRule }
  | { readonly kind: 'graded'; readonly from: number; readonly to: number };

/** Actions of a name, any where absent, all of whose arguments at dotted paths pass. */
export interface ActionReader {
  readonly kind: 'action';
  readonly action: string | undefined;
  readonly where: readonly { readonly path: readonly string[]; readonly test: ValueTest }[];
}

/** From the keys `action` and `where`. @throws AssayError naming path, expected and found. */
export function parseActionReader({ action, where: tests }: JsonObject, where: string): ActionReader {
  const given = tests === undefined ? {} : objectIn(tests, `${where}.where`);
  return {
    kind: 'action',
    action: action === undefined ? undefined : textIn(action, `${where}.action`),
    where: Object.entries(given).map(([path, test]) => ({
      path: parsePath(path, `${where}.where`),
      test: argumentTest(test, `${where}.where.${path}`),
    })),
  };
}

/** How far an action is one of those meant, in [0, 1]. */
export function actionDegree(reader: ActionReader, step: Extract<Step, { channel: 'action' }>, where: string): number {
  if (reader.action !== undefined && step.name !== reader.action) return 0;
  return Math.min(1, ...reader.where.map(({ path, test }) => passed(test, valueAt(step.arguments, path), where)));
}

/** From the keys `is`, `text`, or `from` and `to`. @throws AssayError naming path, expected and found. */
export function parseValueTest(value: JsonObject, where: string): ValueTest {
  const { is, text, from, to } = value;
  const given = [is !== undefined, text !== undefined, from !== undefined || to !== undefined].filter(Boolean).length;
  if (given !== 1) refuse(where, 'one of "is", "text", and "from" with "to"', given === 0 ? 'none' : 'several');
  if (is !== undefined) return { kind: 'is', value: is };
  if (text !== undefined) return { kind: 'text', rule: parseAnswerRule(text, where, 'text') };
  if (typeof from !== 'number' || typeof to !== 'number' || from === to) {
    return refuse(where, '"from" and "to" to be two different numbers', `${shown(from)} and ${shown(to)}`);
  }
  return { kind: 'graded', from, to };
}

/** A dotted path. @throws AssayError where it is none. */
export function parsePath(value: Json | undefined, where: string): readonly string[] {
  const path = textIn(value, where).split('.');
  return path.includes('') ? refuse(where, 'a dotted path such as store.to', shown(value)) : path;
}

/** How far a value passes a test, in [0, 1]; what is not there passes none. */
export function passed(test: ValueTest, value: Json | undefined, where: string): number {
  if (value === undefined) return 0;
  switch (test.kind) {
    case 'is':
      return canonicalJson(value) === canonicalJson(test.value) ? 1 : 0;
    case 'text':
      return isCorrect(test.rule, typeof value === 'string' ? value : canonicalJson(value), where) ? 1 : 0;
    case 'graded':
      return typeof value === 'number' ? Math.min(1, Math.max(0, (value - test.from) / (test.to - test.from))) : 0;
    default:
      return test satisfies never;
  }
}

/** What stands at a path; items of lists by their number. */
export function valueAt(value: Json, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((at, key) => {
    if (isJsonObject(at)) return Object.hasOwn(at, key) ? at[key] : undefined;
    return Array.isArray(at) && /^\d+$/.test(key) ? at[Number(key)] : undefined;
  }, value);
}

/** An argument is compared with a value; an object says a text rule or a range. */
function argumentTest(value: Json, where: string): ValueTest {
  if (!isJsonObject(value)) return { kind: 'is', value };
  refuseOthers(value, ['is', 'text', 'from', 'to'], where);
  return parseValueTest(value, where);
}
