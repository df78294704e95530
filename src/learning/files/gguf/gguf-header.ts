/**
 * The header of a GGUF file: metadata and the table of tensors.
 * Invariant: every count is checked against the bytes that are left before anything is allocated for it.
 * Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian.
 */
import { AssayError } from '#base/errors.ts';

import { decodeUtf8 } from '#base/strict-json.ts';

/** A metadata value; 64-bit integers are numbers when exact, else bigints. Lists of numbers are typed arrays. */
export type GgufValue = number | bigint | boolean | string | readonly string[] | GgufNumbers;

/** A metadata list of numbers (booleans as 0 and 1). */
export type GgufNumbers =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

/** A tensor as the header describes it. */
export interface GgufTensorEntry {
  readonly name: string;
  /** Extents, fastest axis first: the reverse of a row-major shape. */
  readonly extents: readonly number[];
  /** The `ggml_type`. */
  readonly type: number;
  /** Offset from the start of the data, in bytes. */
  readonly offset: number;
}

/** What stands before the tensors' bytes. */
export interface GgufHeader {
  readonly version: number;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly entries: readonly GgufTensorEntry[];
  /** First byte of the tensor data. */
  readonly dataStart: number;
  /** Every tensor starts at a multiple of this, from `dataStart`. */
  readonly alignment: number;
}

const MAGIC = 0x46554747; // 'GGUF'
const DEFAULT_ALIGNMENT = 32;
const MAX_EXTENTS = 4; // GGML_MAX_DIMS
const SHORTEST_PAIR = 8 + 4 + 1;
const SHORTEST_ENTRY = 8 + 4 + 4 + 8;
/** More tensors or metadata pairs than this is no model: each takes a few hundred bytes of memory. */
const MAX_ENTRIES = 1 << 20;

/** Thrown when the header goes on beyond the bytes at hand: the caller reads more and starts again. */
export class HeaderContinues extends Error {
  override readonly name = 'HeaderContinues';
}

/**
 * Parses a header from the first bytes of a file.
 * @param bytes The start of the file.
 * @param fileSize Size of the whole file, which bounds every count.
 * @throws HeaderContinues when more bytes are needed, AssayError when the file cannot be right.
 */
export function parseGgufHeader(bytes: Uint8Array, fileSize: number, path: string): GgufHeader {
  const cursor = cursorOver(bytes, fileSize, path);
  if (cursor.u32() !== MAGIC) throw cursor.error('expected the letters GGUF at the start, found something else');
  const version = cursor.u32();
  if (version !== 2 && version !== 3) {
    const hint = version > 0xffff ? ' It may be big-endian, which is not supported.' : '';
    throw cursor.error(`expected GGUF version 2 or 3, found ${version}.${hint}`);
  }
  const tensorCount = cursor.entryCount('tensors', SHORTEST_ENTRY);
  const pairCount = cursor.entryCount('metadata pairs', SHORTEST_PAIR);
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < pairCount; i++) {
    const key = cursor.text();
    if (metadata.has(key)) throw cursor.error(`the metadata key ${key.slice(0, 200)} appears twice`);
    metadata.set(key, readValue(cursor, cursor.u32(), key));
  }
  const entries: GgufTensorEntry[] = [];
  const names = new Set<string>();
  for (let i = 0; i < tensorCount; i++) {
    const entry = readEntry(cursor);
    if (names.has(entry.name)) throw cursor.error(`the tensor ${entry.name.slice(0, 200)} appears twice`);
    names.add(entry.name);
    entries.push(entry);
  }
  const alignment = alignmentOf(metadata, cursor);
  return { version, metadata, entries, alignment, dataStart: Math.ceil(cursor.position() / alignment) * alignment };
}

function readEntry(cursor: Cursor): GgufTensorEntry {
  const name = cursor.text();
  const rank = cursor.u32();
  if (rank > MAX_EXTENTS) {
    throw cursor.error(`tensor ${name.slice(0, 200)}: expected at most ${MAX_EXTENTS} axes, found ${rank}`);
  }
  const extents = Array.from({ length: rank }, () => cursor.u64(`an extent of tensor ${name.slice(0, 200)}`));
  const type = cursor.u32();
  return { name, extents, type, offset: cursor.u64(`the offset of tensor ${name.slice(0, 200)}`) };
}

function alignmentOf(metadata: ReadonlyMap<string, GgufValue>, cursor: Cursor): number {
  const value = metadata.get('general.alignment') ?? DEFAULT_ALIGNMENT;
  const isPowerOfTwo =
    typeof value === 'number' && value >= 1 && value <= 1 << 24 && Number.isInteger(Math.log2(value));
  if (isPowerOfTwo) return value;
  throw cursor.error(`expected general.alignment to be a power of two, found ${String(value).slice(0, 80)}`);
}

const STRING_TYPE = 8;
const ARRAY_TYPE = 9;
const BOOL_TYPE = 7;

/** How numbers stand in a file, by value type: their size and the array that views them. */
const NUMBER_TYPES: ReadonlyMap<number, { readonly size: number; view(bytes: ArrayBuffer): GgufNumbers }> = new Map([
  [0, { size: 1, view: (bytes: ArrayBuffer) => new Uint8Array(bytes) }],
  [1, { size: 1, view: (bytes: ArrayBuffer) => new Int8Array(bytes) }],
  [2, { size: 2, view: (bytes: ArrayBuffer) => new Uint16Array(bytes) }],
  [3, { size: 2, view: (bytes: ArrayBuffer) => new Int16Array(bytes) }],
  [4, { size: 4, view: (bytes: ArrayBuffer) => new Uint32Array(bytes) }],
  [5, { size: 4, view: (bytes: ArrayBuffer) => new Int32Array(bytes) }],
  [6, { size: 4, view: (bytes: ArrayBuffer) => new Float32Array(bytes) }],
  [BOOL_TYPE, { size: 1, view: (bytes: ArrayBuffer) => new Uint8Array(bytes) }],
  [10, { size: 8, view: (bytes: ArrayBuffer) => new BigUint64Array(bytes) }],
  [11, { size: 8, view: (bytes: ArrayBuffer) => new BigInt64Array(bytes) }],
  [12, { size: 8, view: (bytes: ArrayBuffer) => new Float64Array(bytes) }],
]);

function readValue(cursor: Cursor, type: number, key: string): GgufValue {
  if (type === STRING_TYPE) return cursor.text();
  if (type === ARRAY_TYPE) return readList(cursor, key);
  const [value = 0] = readNumbers(cursor, type, 1, key);
  if (type === BOOL_TYPE) return value !== 0;
  const isExact = typeof value === 'bigint' && value === BigInt.asIntN(53, value);
  return isExact ? Number(value) : value;
}

function readList(cursor: Cursor, key: string): GgufValue {
  const type = cursor.u32();
  if (type === ARRAY_TYPE) throw cursor.error(`${key.slice(0, 200)}: lists of lists are not supported`);
  const size = type === STRING_TYPE ? 8 : (NUMBER_TYPES.get(type)?.size ?? 1);
  const length = cursor.count(`items of ${key.slice(0, 200)}`, size);
  if (type !== STRING_TYPE) return readNumbers(cursor, type, length, key);
  const texts: string[] = [];
  for (let i = 0; i < length; i++) texts.push(cursor.text());
  return texts;
}

function readNumbers(cursor: Cursor, type: number, length: number, key: string): GgufNumbers {
  const format = NUMBER_TYPES.get(type);
  if (format === undefined) throw cursor.error(`${key.slice(0, 200)}: there is no value type ${type}`);
  return format.view(cursor.take(length * format.size).slice().buffer);
}

/** Reads values one after another; running out of `bytes` asks for more, running out of the file is an error. */
interface Cursor {
  position(): number;
  u32(): number;
  /** An unsigned 64-bit number that must be exact as a double. */
  u64(what: string): number;
  /** A number of things of which each takes at least `leastBytes` of what is left of the file. */
  count(what: string, leastBytes: number): number;
  /** As `count`, for things that are kept as objects. */
  entryCount(what: string, leastBytes: number): number;
  /** Text with its length before it. */
  text(): string;
  take(length: number): Uint8Array<ArrayBuffer>;
  error(found: string): AssayError;
}

function cursorOver(given: Uint8Array, fileSize: number, path: string): Cursor {
  const bytes =
    given.buffer instanceof ArrayBuffer
      ? new Uint8Array(given.buffer, given.byteOffset, given.byteLength)
      : Uint8Array.from(given);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const error = (found: string): AssayError => new AssayError('file', `${path}: byte ${at}: ${found}.`);
  const damaged = (found: string): AssayError => error(`${found}. The file is cut off or damaged: fetch it again`);
  const advance = (length: number): number => {
    if (at + length > fileSize)
      throw damaged(`truncated: ${length} more bytes were expected, ${fileSize - at} are left`);
    if (at + length > bytes.byteLength) throw new HeaderContinues();
    at += length;
    return at - length;
  };
  const u64 = (what: string): number => {
    const value = view.getBigUint64(advance(8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged(`${what}: ${value} cannot be right`);
    return Number(value);
  };
  const count = (what: string, leastBytes: number): number => {
    const value = u64(`the number of ${what}`);
    if (value * leastBytes <= fileSize - at) return value;
    throw damaged(`${value} ${what} are announced, which do not fit in the ${fileSize - at} bytes left`);
  };
  const entryCount = (what: string, leastBytes: number): number => {
    const value = count(what, leastBytes);
    if (value <= MAX_ENTRIES) return value;
    throw error(`${value} ${what} are announced; at most ${MAX_ENTRIES} are read`);
  };
  const take = (length: number): Uint8Array<ArrayBuffer> => {
    const from = advance(length);
    return bytes.subarray(from, from + length);
  };
  return {
    position: () => at,
    u32: () => view.getUint32(advance(4), true),
    u64,
    count,
    entryCount,
    text: () => decodeUtf8(take(count('bytes of text', 1)), `${path}: byte ${at}`),
    take,
    error,
  };
}
