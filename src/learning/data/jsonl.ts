/**
 * Reading JSON Lines from files we do not trust, one line at a time.
 * Invariant: memory is bounded by the longest line allowed, and every error names file and line.
 * Source of the format: https://jsonlines.org
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

import { AssayError, messageOf } from '#base/errors.ts';
import type { JsonObject } from '#base/json.ts';
import { isJsonObject } from '#base/json.ts';

import { decodeUtf8, parseStrictJsonText } from '#learning/files/strict-json.ts';

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
  let line = 0;
  for await (const bytes of linesOf(path, maxLineBytes)) {
    line++;
    const where = `${path}:${line}`;
    let text = decodeUtf8(bytes, where);
    if (line === 1 && text.startsWith(BYTE_ORDER_MARK)) text = text.slice(1);
    if (text.trim() === '') continue;
    const value = parseStrictJsonText(text, where);
    if (!isJsonObject(value)) {
      throw new AssayError('data', `${where}: expected one JSON object a line, found ${text.trim().slice(0, 60)}`);
    }
    yield { line, value };
  }
}

/** The lines of a file as bytes, without their newline; the last one need not end in a newline. */
async function* linesOf(path: string, maxLineBytes: number): AsyncGenerator<Uint8Array> {
  let started: Uint8Array[] = []; // the pieces of the line that is not ended yet
  let startedBytes = 0;
  let line = 1;
  const end = (piece: Uint8Array): Uint8Array => {
    const whole = started.length === 0 ? piece : Buffer.concat([...started, piece]);
    started = [];
    startedBytes = 0;
    line++;
    return whole;
  };
  const checkLength = (length: number): void => {
    if (length <= maxLineBytes) return;
    throw new AssayError('data', `${path}:${line}: expected at most ${maxLineBytes} bytes a line, found more.`);
  };
  for await (const chunk of chunksOf(path)) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      checkLength(startedBytes + at - from);
      yield end(chunk.subarray(from, at));
      from = at + 1;
    }
    const rest = chunk.subarray(from);
    checkLength(startedBytes + rest.byteLength);
    if (rest.byteLength > 0) started.push(rest);
    startedBytes += rest.byteLength;
  }
  if (startedBytes > 0) yield end(new Uint8Array(0));
}

async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  try {
    const info = await stat(path);
    if (!info.isFile()) throw new AssayError('data', `Expected a regular file at ${path}, found something else there.`);
    for await (const chunk of createReadStream(path)) {
      if (chunk instanceof Uint8Array) yield chunk;
    }
  } catch (thrown) {
    if (thrown instanceof AssayError) throw thrown;
    throw new AssayError('data', `Could not read ${path}: ${messageOf(thrown)}`, { cause: thrown });
  }
}
