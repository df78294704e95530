/**
 * Inputs that nobody wrote: a good file with a few faults in it. Bytes are flipped, overwritten, cut, repeated; text is cut
 * and spliced with words that mean something to its reader; JSON has values put in, left out and moved.
 * Invariant: a pure function of the base and the random stream.
 */
import { isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import type { Rng } from '#base/rng.ts';

/** How a base is damaged. */
export type Form = 'bytes' | 'text' | 'json';

/** A good input. */
export interface Base {
  readonly name: string;
  readonly form: Form;
  readonly bytes: Uint8Array;
}

const MOST_FAULTS = 4;
const MOST_SPAN_BYTES = 64;
const DEEP = 2000;
const LONG = 100_000;
/** Numbers that lengths, offsets and counts break at, as little-endian words. */
const WORDS = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff] as const;

/** Words that mean something to one of the readers, or to a terminal, a shell, a spreadsheet or an object. */
const TEXTS: readonly string[] = [
  '',
  ' ',
  '\0',
  '\n',
  '\r\n',
  '\t',
  ',',
  ';',
  '"',
  '""',
  "'",
  '\\',
  '{',
  '}',
  '[',
  ']',
  'null',
  'NaN',
  'Infinity',
  '-1',
  '1e308',
  '1e-400',
  '9'.repeat(400),
  '0.1',
  '1,5',
  '=cmd()',
  '../../../../etc/passwd',
  '/dev/zero',
  '__proto__',
  'constructor',
  'toString',
  '\u{1b}[31m',
  '\u{feff}',
  '\u{202e}',
  '\ud800',
  '\u{1f600}',
  '(a+)+$',
  '(?=',
  '\\p{L}',
  '{{ messages }}',
  '{% for x in range(99999999) %}',
  '{% for m in messages %}',
  '{% endfor %}',
  '{% if',
  "{{ 'x' * 99999999 }}",
  '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}',
  '{#',
  '|tojson',
  'step',
  'arm',
  'loss',
  'x'.repeat(LONG),
  '['.repeat(DEEP),
  '{"a":'.repeat(DEEP),
];

/** Values that no file should hold at the place they are put. */
const VALUES: readonly (() => Json)[] = [
  () => null,
  () => true,
  () => false,
  () => 0,
  () => -1,
  () => 0.5,
  () => 1e308,
  () => 5e-324,
  () => 2 ** 31,
  () => 2 ** 53,
  () => [],
  () => ({}),
  () => [null],
  () => [[]],
  () => ({ type: 'Sequence', normalizers: [] }),
  () => JSON.parse('{"__proto__": {"polluted": true}}') as Json,
  () => JSON.parse(`${'['.repeat(DEEP)}${']'.repeat(DEEP)}`) as Json,
  () => new Array<Json>(LONG).fill(0),
];

/** A base with one to four faults. */
export function mutated(base: Base, rng: Rng): Uint8Array {
  const faults = 1 + rng.below(MOST_FAULTS);
  // A tenth of the texts is damaged as bytes too, so that broken UTF-8 comes.
  const form = rng.below(10) === 0 ? 'bytes' : base.form;
  if (form === 'json') return jsonWithFaults(base.bytes, rng, faults);
  let bytes = Uint8Array.from(base.bytes);
  for (let fault = 0; fault < faults; fault++) bytes = form === 'text' ? spliced(bytes, rng) : damaged(bytes, rng);
  return bytes;
}

function damaged(bytes: Uint8Array<ArrayBuffer>, rng: Rng): Uint8Array<ArrayBuffer> {
  if (bytes.length === 0) return Uint8Array.of(rng.below(256));
  // Headers and footers decide most: half of the faults are put near an end.
  const reach = rng.below(2) === 0 ? bytes.length : Math.min(bytes.length, 2 ** (3 + rng.below(9)));
  const at = rng.below(3) === 0 ? bytes.length - 1 - rng.below(reach) : rng.below(reach);
  const end = Math.min(bytes.length, at + 1 + rng.below(MOST_SPAN_BYTES));
  switch (rng.below(7)) {
    case 0:
    case 1:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << rng.below(8));
      return bytes;
    case 2:
      bytes[at] = rng.below(256);
      return bytes;
    case 3:
      return withWord(bytes, at, rng);
    case 4:
      return bytes.slice(0, at);
    case 5:
      return joined(bytes.subarray(0, at), bytes.subarray(end));
    default:
      return joined(bytes.subarray(0, end), bytes.subarray(at));
  }
}

function withWord(bytes: Uint8Array<ArrayBuffer>, at: number, rng: Rng): Uint8Array<ArrayBuffer> {
  const word = WORDS[rng.below(WORDS.length)] ?? 0;
  const width = 1 << rng.below(4);
  for (let i = 0; i < width && at + i < bytes.length; i++) bytes[at + i] = i < 4 ? (word >>> (8 * i)) & 0xff : 0;
  return bytes;
}

function spliced(bytes: Uint8Array<ArrayBuffer>, rng: Rng): Uint8Array<ArrayBuffer> {
  const at = rng.below(bytes.length + 1);
  const end = Math.min(bytes.length, at + rng.below(MOST_SPAN_BYTES));
  switch (rng.below(5)) {
    case 0:
      return joined(bytes.subarray(0, at), bytes.subarray(end));
    case 1:
      return joined(bytes.subarray(0, end), bytes.subarray(at));
    case 2:
      return damaged(bytes, rng);
    default:
      return joined(bytes.subarray(0, at), Buffer.from(textOf(rng)), bytes.subarray(rng.below(2) === 0 ? at : end));
  }
}

function textOf(rng: Rng): string {
  return TEXTS[rng.below(TEXTS.length)] ?? '';
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.concat(parts));
}

function jsonWithFaults(bytes: Uint8Array, rng: Rng, faults: number): Uint8Array {
  const lines = Buffer.from(bytes).toString('utf8').split('\n');
  // A file of lines has a fault in one of them; a single document is one line or many, and parses whole.
  const whole = parsed(lines.join('\n'));
  if (whole !== undefined) return Buffer.from(JSON.stringify(withFaults(whole, rng, faults)));
  const index = rng.below(lines.length);
  const line = parsed(lines[index] ?? '');
  if (line !== undefined) lines[index] = JSON.stringify(withFaults(line, rng, faults));
  return Buffer.from(lines.join('\n'));
}

function parsed(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

function withFaults(value: Json, rng: Rng, faults: number): Json {
  let now = value;
  for (let fault = 0; fault < faults; fault++) now = withFault(now, rng);
  return now;
}

/** A value with a fault somewhere in it; what is not touched is shared with the given one. */
function withFault(value: Json, rng: Rng): Json {
  const isHere = rng.below(8) === 0;
  if (!isHere && Array.isArray(value) && value.length > 0) return arrayWithFault(value, rng);
  if (!isHere && isJsonObject(value) && Object.keys(value).length > 0) return objectWithFault(value, rng);
  return hostile(value, rng);
}

function arrayWithFault(value: readonly Json[], rng: Rng): Json {
  const at = rng.below(value.length);
  const item = value[at] ?? null;
  const kind = rng.below(8);
  if (kind === 0) return value.toSpliced(at, 1);
  if (kind === 1) return value.toSpliced(at, 0, item);
  return value.with(at, withFault(item, rng));
}

function objectWithFault(value: JsonObject, rng: Rng): Json {
  const entries = Object.entries(value);
  const at = rng.below(entries.length);
  const [key, item] = entries[at] ?? ['', null];
  const kind = rng.below(8);
  if (kind === 0) return Object.fromEntries(entries.toSpliced(at, 1));
  if (kind === 1) return Object.fromEntries([...entries, [textOf(rng), item]]);
  return Object.fromEntries(entries.with(at, [key, withFault(item, rng)]));
}

function hostile(value: Json, rng: Rng): Json {
  const kind = rng.below(4);
  if (kind === 0) return textOf(rng);
  if (kind === 1 && typeof value === 'string') return textWithFault(value, rng);
  if (kind === 1 && typeof value === 'number') return -value * 2 ** rng.below(40);
  return VALUES[rng.below(VALUES.length)]?.() ?? null;
}

function textWithFault(text: string, rng: Rng): string {
  const at = rng.below(text.length + 1);
  return `${text.slice(0, at)}${textOf(rng)}${text.slice(at + rng.below(3))}`;
}
