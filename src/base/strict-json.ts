/**
 * JSON from files we do not trust: valid UTF-8 (a byte order mark is let pass), no key twice in one object, bounded depth and number of parts, so that
 * a small file cannot become a huge value.
 * `JSON.parse` keeps the last of two equal keys silently, so two readers of one file could see different models.
 */
import { AssayError, messageOf } from '#base/errors.ts';
import type { Json, JsonObject } from '#base/json.ts';
import { isJsonObject } from '#base/json.ts';

/** Objects and arrays may be nested this deep; model and tokenizer files need fewer than 20. */
const MAX_DEPTH = 64;
/** Objects, arrays and keys in one text: the largest tokenizers have a million; each takes some 50 to 100 bytes. */
const MAX_PARTS = 2_000_000;

/**
 * The value of a JSON text in UTF-8.
 * @param where Named in errors, such as the file's path.
 * @throws AssayError on invalid UTF-8, bad JSON, a repeated key, or nesting deeper than 64, or millions of parts.
 */
export function parseStrictJson(bytes: Uint8Array, where: string): Json {
  if (bytes.byteLength === 0) throw new AssayError('file', `${where}: expected JSON, found an empty file.`);
  refuseUtf16(bytes, where);
  const text = decodeUtf8(bytes, where);
  return parseStrictJsonText(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text, where);
}

const BYTE_ORDER_MARK = '\uFEFF';

/** JSON starts with two ASCII characters or more, so a zero byte among them, or a mark, tells UTF-16 and UTF-32. */
function refuseUtf16([first = 1, second = 1]: Uint8Array, where: string): void {
  const isMarked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  if (!isMarked && first !== 0 && second !== 0) return;
  throw new AssayError('file', `${where}: expected UTF-8 text, found UTF-16 or UTF-32. Save it as UTF-8.`);
}

/** As `parseStrictJson`, of text. */
export function parseStrictJsonText(text: string, where: string): Json {
  refuseStructure(text, where);
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch (thrown) {
    throw new AssayError('file', `${where}: expected JSON, found: ${messageOf(thrown)}`, { cause: thrown });
  }
}

/** What `parseStrictJson` refuses beyond bad JSON, of a text that is parsed elsewhere. @throws AssayError as it does. */
export function refuseStructure(text: string, where: string): void {
  const fault = structureFault(text);
  if (fault !== undefined) throw new AssayError('file', `${where}: ${fault}.`);
}

/** As `parseStrictJson`, for a file whose top level must be an object. */
export function parseStrictObject(bytes: Uint8Array, where: string): JsonObject {
  const value = parseStrictJson(bytes, where);
  if (!isJsonObject(value)) throw new AssayError('file', `${where}: expected a JSON object at the top level.`);
  return value;
}

/** A byte order mark is kept: a vocabulary may hold it as a token. */
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text from UTF-8 bytes. @throws AssayError when they are not valid UTF-8. */
export function decodeUtf8(bytes: Uint8Array, where: string): string {
  try {
    return strictUtf8.decode(bytes);
  } catch (thrown) {
    throw new AssayError('file', `${where}: expected UTF-8 text, found bytes that are not.`, { cause: thrown });
  }
}

/**
 * One pass over the text that follows strings and brackets only; everything else is left to JSON.parse.
 * @returns What is wrong: a repeated key, too much nesting or too many parts.
 */
function structureFault(text: string): string | undefined {
  const stack: (Set<string> | undefined)[] = []; // the keys seen in each open object; undefined for an array
  let keyExpected = false;
  let parts = 0;
  for (let i = 0; i < text.length; i++) {
    if (parts > MAX_PARTS) return `there are more than ${MAX_PARTS} objects, arrays and keys`;
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      const end = stringEnd(text, i);
      if (keyExpected) {
        const raw = text.slice(i + 1, end);
        const key = raw.includes('\\') ? unescaped(raw) : raw;
        const keys = stack.at(-1);
        if (keys?.has(key) === true) {
          return `the key ${JSON.stringify(key.slice(0, 80))} appears twice in one object${lineText(text, i)}`;
        }
        keys?.add(key);
        keyExpected = false;
        parts++;
      }
      i = end;
    } else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      if (stack.length === MAX_DEPTH) return `objects and arrays are nested more than ${MAX_DEPTH} deep`;
      parts++;
      stack.push(code === OPEN_OBJECT ? new Set() : undefined);
      keyExpected = code === OPEN_OBJECT;
    } else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
      stack.pop();
      keyExpected = false;
    } else if (code === COMMA) {
      keyExpected = stack.at(-1) !== undefined;
    }
  }
  return undefined;
}

/** ", line 12": of a text of several. */
function lineText(text: string, at: number): string {
  if (!text.includes('\n')) return '';
  return `, line ${text.slice(0, at).split('\n').length}`;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

/** The index of the quote that closes the string opened at `open`, or the text's length when none does. */
function stringEnd(text: string, open: number): number {
  for (let i = open + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) return i;
    if (code === BACKSLASH) i++;
  }
  return text.length;
}

/** The key a raw string stands for; a bad escape is left as it is, since JSON.parse will refuse it. */
function unescaped(raw: string): string {
  try {
    return String(JSON.parse(`"${raw}"`));
  } catch {
    return raw;
  }
}
