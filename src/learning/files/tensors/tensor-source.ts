/**
 * Named tensors in a file, read one at a time: what safetensors, sharded safetensors and GGUF have in common.
 * Invariant: a tensor's byte range was checked against its shape, its format and the file before anything is allocated.
 */
import { AssayError, nearestName } from '#base/errors.ts';

import type { ByteSource } from './byte-source.ts';
import { allocateBytes } from './byte-source.ts';
import type { NumberFormat } from './number-formats.ts';
import { bytesOf } from './number-formats.ts';

/** Where one tensor stands and what it holds. */
export interface TensorInfo {
  readonly name: string;
  /** The storage format as the file names it, such as F32, BF16, I64 or Q4_K. */
  readonly format: string;
  /** Row-major shape, outermost axis first; [] is a scalar. */
  readonly shape: readonly number[];
  /** First byte in the file. */
  readonly position: number;
  /** Length in bytes. */
  readonly byteLength: number;
}

/** An open file of named tensors; nothing but its header has been read. */
export interface TensorSource extends AsyncDisposable {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** One tensor as float32, row-major. @throws AssayError when it is missing, or holds integers. */
  read(name: string): Promise<Float32Array<ArrayBuffer>>;
  /** The stored bytes of one tensor, such as an integer tensor. */
  readBytes(name: string): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** Packed formats are decoded through a buffer of about this many bytes: small enough for the cache. */
const CHUNK_BYTES = 1 << 18;

/**
 * Reads and decodes one tensor; float32 goes straight from the file into the result.
 * @returns As many elements as the shape has.
 */
export async function readTensor(
  source: ByteSource,
  info: TensorInfo,
  format: NumberFormat,
): Promise<Float32Array<ArrayBuffer>> {
  const blocks = info.byteLength / format.blockBytes;
  const what = `tensor ${info.name} of ${source.path}`;
  const out = new Float32Array(allocateBytes(blocks * format.blockElements * 4, what).buffer);
  if (format.name === 'F32') {
    await source.read(bytesOf(out), info.position);
    return out;
  }
  const chunkBlocks = Math.max(1, Math.floor(CHUNK_BYTES / format.blockBytes));
  const chunk = new Uint8Array(Math.min(blocks, chunkBlocks) * format.blockBytes);
  for (let block = 0; block < blocks; block += chunkBlocks) {
    const end = Math.min(block + chunkBlocks, blocks);
    const packed = chunk.subarray(0, (end - block) * format.blockBytes);
    await source.read(packed, info.position + block * format.blockBytes);
    format.decode(packed, out.subarray(block * format.blockElements, end * format.blockElements));
  }
  return out;
}

/** The stored bytes of one tensor. */
export async function readTensorBytes(source: ByteSource, info: TensorInfo): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = allocateBytes(info.byteLength, `tensor ${info.name} of ${source.path}`);
  await source.read(bytes, info.position);
  return bytes;
}

/** The same values, all finite: about 0.3 s for 100 million of them. @throws AssayError naming `what`, the place and the value. */
export function finite<T extends Float32Array>(values: T, what: string): T {
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (value - value === 0) continue; // false of NaN and infinities; half the time of Number.isFinite
    throw new AssayError('file', `${what}: expected finite numbers, found ${value} at element ${i}.`);
  }
  return values;
}

/** The tensor of a name. @throws AssayError naming the nearest one there is. */
export function tensorNamed<I extends TensorInfo>(tensors: ReadonlyMap<string, I>, name: string, path: string): I {
  const info = tensors.get(name);
  if (info !== undefined) return info;
  const nearest = nearestName(name, [...tensors.keys()].slice(0, 5000));
  const hint = nearest === undefined ? 'The file holds no tensors.' : `The nearest name there is ${nearest}.`;
  throw new AssayError('file', `${path} holds no tensor ${name}. ${hint}`);
}

/** The number of elements of a shape, or undefined when it is no exact integer. */
export function elementCount(shape: readonly number[]): number | undefined {
  let count = 1;
  for (const extent of shape) {
    count *= extent;
    if (!Number.isSafeInteger(count)) return shape.includes(0) ? 0 : undefined;
  }
  return count;
}

/** Whether a value is an exact integer of at least 0. */
export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
