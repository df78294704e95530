/**
 * Reading JSON Lines from files we do not trust, one line at a time.
 * Invariant: memory is bounded by the longest line allowed, and every error names file and line.
 * Source of the format: https://jsonlines.org
 */
import { closeSync, createReadStream, openSync, readSync, type Stats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

import { AssayError, messageOf } from '#base/errors.ts';
import type { JsonObject } from '#base/json.ts';
import { isJsonObject } from '#base/json.ts';

import { decodeUtf8, parseStrictJsonText } from '#base/strict-json.ts';

/** One line that holds an object. */
export interface JsonlLine {
  /** Counted from 1. */
  readonly line: number;
  readonly value: JsonObject;
}

/** A line longer than this is refused unless the caller allows more. */
export const MAX_LINE_BYTES = 16 << 20;

const NEWLINE = 0x0a;
const BYTE_ORDER_MARK = '\uFEFF';

/**
 * The objects of a JSONL file, in order; blank lines and a byte order mark at the start are skipped.
 * @param maxLineBytes Longest line read into memory.
 * @throws AssayError naming `path:line` on invalid UTF-8, bad JSON, a repeated key, no object, or a line too long.
 */
export async function* readJsonl(path: string, maxLineBytes: number = MAX_LINE_BYTES): AsyncGenerator<JsonlLine> {
  const lines = lineReader(path, maxLineBytes);
  for await (const chunk of chunksOf(path)) yield* lines.read(chunk);
  yield* lines.end();
}

/** As `readJsonl`, without letting anything else run meanwhile. */
export function* readJsonlSync(path: string, maxLineBytes: number = MAX_LINE_BYTES): Generator<JsonlLine> {
  const lines = lineReader(path, maxLineBytes);
  for (const chunk of chunksOfSync(path)) yield* lines.read(chunk);
  yield* lines.end();
}

interface LineReader {
  /** The lines that end in the next bytes of the file. */
  readonly read: (chunk: Uint8Array) => Generator<JsonlLine>;
  /** The last line, which need not end in a newline. */
  readonly end: () => Generator<JsonlLine>;
}

function lineReader(path: string, maxLineBytes: number): LineReader {
  let started: Uint8Array[] = []; // the pieces of the line that is not ended yet
  let startedBytes = 0;
  let line = 0;
  const checkLength = (length: number): void => {
    if (length <= maxLineBytes) return;
    throw new AssayError('data', `${path}:${line + 1}: expected at most ${maxLineBytes} bytes a line, found more.`);
  };
  function* whole(piece: Uint8Array): Generator<JsonlLine> {
    const bytes = started.length === 0 ? piece : Buffer.concat([...started, piece]);
    started = [];
    startedBytes = 0;
    line++;
    const value = objectOf(bytes, `${path}:${line}`, line === 1);
    if (value !== undefined) yield { line, value };
  }
  return {
    *read(chunk) {
      let from = 0;
      for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
        checkLength(startedBytes + at - from);
        yield* whole(chunk.subarray(from, at));
        from = at + 1;
      }
      const rest = chunk.slice(from); // copied: the next chunk may stand in the same memory
      checkLength(startedBytes + rest.byteLength);
      if (rest.byteLength > 0) started.push(rest);
      startedBytes += rest.byteLength;
    },
    *end() {
      if (startedBytes > 0) yield* whole(new Uint8Array(0));
    },
  };
}

function objectOf(bytes: Uint8Array, where: string, isFirst: boolean): JsonObject | undefined {
  if (isFirst) refuseOtherForms(bytes, where);
  let text = decodeUtf8(bytes, where);
  if (isFirst && text.startsWith(BYTE_ORDER_MARK)) text = text.slice(1);
  if (text.trim() === '') return undefined;
  const value = parseStrictJsonText(text, where);
  if (!isJsonObject(value)) {
    throw new AssayError('data', `${where}: expected one JSON object a line, found ${text.trim().slice(0, 60)}`);
  }
  if (PRINTED_AS_WRITTEN.test(text)) refuseInexactNumbers(text, where);
  return value;
}

/** What files begin with that are no text in UTF-8. */
const OTHER_FORMS: readonly (readonly [string, readonly number[]])[] = [
  ['text in UTF-32', [0xff, 0xfe, 0, 0]],
  ['text in UTF-32', [0, 0, 0xfe, 0xff]],
  ['text in UTF-16', [0xff, 0xfe]],
  ['text in UTF-16', [0xfe, 0xff]],
  ['a gzip file', [0x1f, 0x8b]],
  ['a zstd file', [0x28, 0xb5, 0x2f, 0xfd]],
  ['a zip file', [0x50, 0x4b, 3, 4]],
  ['a Parquet file', [0x50, 0x41, 0x52, 0x31]],
];

function refuseOtherForms(bytes: Uint8Array, where: string): void {
  const named = OTHER_FORMS.find(([, start]) => start.every((byte, i) => bytes[i] === byte))?.[0];
  const found = named ?? (bytes.subarray(0, 4).includes(0) ? 'text in UTF-16 or UTF-32' : undefined);
  if (found === undefined) return;
  throw new AssayError('data', `${where}: expected JSON Lines in UTF-8, found ${found}. Convert the file.`);
}

/** Keys whose values chat templates write out as they are. */
const PRINTED_AS_WRITTEN = /"(?:tools|tool_calls|documents|chat_template_kwargs)"/;

/** Numbers such as 1.0 and 1e3, which are floats to Python and print as such, and whole numbers beyond 2^53. */
function refuseInexactNumbers(text: string, where: string): void {
  const outside = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  const inexact = outside.match(/-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g)?.find((number) => {
    const value = Number(number);
    return Number.isInteger(value) && (/[.eE]/.test(number) || !Number.isSafeInteger(value) || number === '-0');
  });
  if (inexact === undefined) return;
  const remedy = 'Write it as a whole number below 2^53 or as text';
  throw new AssayError(
    'data',
    `${where}: expected numbers that print as they are written, found ${inexact}. ${remedy}.`,
  );
}

async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  try {
    checkRegular(await stat(path), path);
    for await (const chunk of createReadStream(path)) {
      if (chunk instanceof Uint8Array) yield chunk;
    }
  } catch (thrown) {
    throw unreadable(path, thrown);
  }
}

/** Read at once. */
const CHUNK_BYTES = 1 << 20;

function* chunksOfSync(path: string): Generator<Uint8Array> {
  let file: number | undefined;
  try {
    checkRegular(statSync(path), path);
    file = openSync(path, 'r');
    const chunk = new Uint8Array(CHUNK_BYTES);
    for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) yield chunk.subarray(0, read);
  } catch (thrown) {
    throw unreadable(path, thrown);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function checkRegular(info: Stats, path: string): void {
  if (!info.isFile()) throw new AssayError('data', `Expected a regular file at ${path}, found something else there.`);
}

function unreadable(path: string, thrown: unknown): AssayError {
  if (thrown instanceof AssayError) return thrown;
  return new AssayError('data', `Could not read ${path}: ${messageOf(thrown)}`, { cause: thrown });
}
