/** Reads JSON of other programs field by field: what is there and is neither read nor known to mean nothing here is refused by name. */
import { AssayError, nearestName } from '#base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import { parseStrictJson } from '#base/strict-json.ts';

/** Refuses something. @throws AssayError always. */
export function refuse(where: string, expected: string, found: string, hint = ''): never {
  throw new AssayError('data', `${where}: expected ${expected}, found ${found}.${hint === '' ? '' : ` ${hint}`}`);
}

/** The JSON of a file's bytes. @throws AssayError where it is none. */
export function jsonIn(bytes: Uint8Array, where: string): Json {
  return parseStrictJson(bytes, where);
}

/** A value as short text for messages. */
export function shown(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}

/** @throws AssayError on a key that is not known and holds something. */
export function refuseOthers(value: JsonObject, known: readonly string[], where: string): void {
  const unknown = Object.keys(value).find((key) => !known.includes(key) && !isNothing(value[key]));
  if (unknown === undefined) return;
  const nearest = nearestName(unknown, known);
  refuse(
    where,
    `keys among ${known.join(', ')}`,
    `"${unknown.slice(0, 80)}"`,
    `Did you mean "${nearest}"? What is not understood is never skipped.`,
  );
}

/** What many writers put where there is nothing. */
function isNothing(value: Json | undefined): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

/** @throws AssayError where it is something else. */
export function objectIn(value: Json | undefined, where: string): JsonObject {
  return isJsonObject(value) ? value : refuse(where, 'an object', shown(value));
}

/** @throws AssayError where it is something else. */
export function listIn(value: Json | undefined, where: string): readonly Json[] {
  return Array.isArray(value) ? value : refuse(where, 'a list', shown(value));
}

/** @throws AssayError where it is something else. */
export function textIn(value: Json | undefined, where: string): string {
  return typeof value === 'string' ? value : refuse(where, 'text', shown(value));
}

/** A text or a whole number, as text. @throws AssayError where it is something else. */
export function nameIn(value: Json | undefined, where: string): string {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  return typeof value === 'string' && value !== '' ? value : refuse(where, 'text or a whole number', shown(value));
}
