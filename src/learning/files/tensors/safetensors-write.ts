/**
 * Writing safetensors: the same tensors and metadata give the same bytes, and the very bytes the reference library
 * writes (largest element type first, then by name; header padded with spaces to a multiple of 8).
 * Source: https://github.com/huggingface/safetensors, `prepare` in `tensor.rs`.
 */
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

import { AssayError, messageOf } from '#base/errors.ts';
import { isFolder } from '#base/make-folder.ts';

import { bytesOf, encodeBF16, encodeF16 } from './number-formats.ts';
import { elementCount } from './tensor-source.ts';

/**
 * A tensor to be written; float values may be stored in fewer bits, integers go as they are. `values` is read once, when
 * its turn comes, so a getter can make them then.
 */
export type TensorToWrite = { readonly name: string; readonly shape: readonly number[] } & (
  | { readonly dtype: 'F32' | 'F16' | 'BF16'; readonly values: Float32Array }
  | { readonly dtype: 'I32'; readonly values: Int32Array }
  | { readonly dtype: 'I64'; readonly values: BigInt64Array }
  | { readonly dtype: 'U8'; readonly values: Uint8Array }
);

/** A tensor to be written, or one that is fetched when its turn comes. */
export type TensorInTurn =
  | TensorToWrite
  | (Pick<TensorToWrite, 'name' | 'shape'> & { readonly dtype: 'F32'; read(): Promise<Float32Array> });

/** The order of element types in a file, after the reference library: 8 bytes before 4, then 2, then 1. */
const ELEMENT_ORDER = ['I64', 'F32', 'I32', 'BF16', 'F16', 'U8'] as const;

const ELEMENT_BYTES = { I64: 8, F32: 4, I32: 4, BF16: 2, F16: 2, U8: 1 } as const;

/** Free text kept in a file's header. */
export type SafetensorsMetadata = Readonly<Record<string, string>>;

/**
 * The bytes of a safetensors file.
 * @throws AssayError when a name is taken twice or a shape does not fit its values.
 */
export function safetensorsBytes(tensors: readonly TensorToWrite[], metadata: SafetensorsMetadata = {}): Uint8Array {
  const { header, ordered } = layout(tensors, metadata);
  return Buffer.concat([header, ...ordered.map(storedBytes)]);
}

/**
 * Writes a safetensors file, one tensor at a time; it appears under its name only when it is complete.
 * @throws AssayError as `safetensorsBytes`, and when the file cannot be written.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorInTurn[],
  metadata: SafetensorsMetadata = {},
): Promise<void> {
  const { header, ordered } = layout(tensors, metadata);
  const partial = `${path}.partial`;
  try {
    const file = await open(partial, 'w');
    try {
      await file.writeFile(header);
      for (const tensor of ordered) await file.writeFile(storedBytes(await fetched(tensor)));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (thrown) {
    // Below a file there is nothing to take away, and the error of the write is the one to tell.
    if (isFolder(dirname(path))) await rm(partial, { force: true });
    throw new AssayError('file', `Could not write ${path}: ${messageOf(thrown)}`, { cause: thrown });
  }
}

async function fetched(tensor: TensorInTurn): Promise<TensorToWrite> {
  if (!('read' in tensor)) return tensor;
  const { name, shape, dtype } = tensor;
  return { name, shape, dtype, values: await tensor.read() };
}

interface Layout<T extends TensorInTurn> {
  readonly header: Uint8Array;
  readonly ordered: readonly T[];
}

function layout<T extends TensorInTurn>(tensors: readonly T[], metadata: SafetensorsMetadata): Layout<T> {
  const rank = (tensor: TensorInTurn): number => ELEMENT_ORDER.indexOf(tensor.dtype);
  const ordered = tensors.toSorted((a, b) => rank(a) - rank(b) || compareBytes(a.name, b.name));
  const entries: [string, unknown][] = [];
  const metadataKeys = Object.keys(metadata).toSorted(compareBytes);
  if (metadataKeys.length > 0) {
    entries.push(['__metadata__', Object.fromEntries(metadataKeys.map((key) => [key, metadata[key]]))]);
  }
  const names = new Set(['__metadata__']);
  let at = 0;
  for (const tensor of ordered) {
    checkTensor(tensor, names);
    names.add(tensor.name);
    const end = at + storedLength(tensor);
    entries.push([tensor.name, { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [at, end] }]);
    at = end;
  }
  const members = entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  const json = new TextEncoder().encode(`{${members.join(',')}}`);
  const header = new Uint8Array(8 + Math.ceil(json.byteLength / 8) * 8).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.byteLength - 8), true);
  header.set(json, 8);
  return { header, ordered };
}

function checkTensor(tensor: TensorInTurn, taken: ReadonlySet<string>): void {
  if (taken.has(tensor.name)) throw new AssayError('data', `Two tensors are called ${tensor.name}.`);
}

/** Length of a tensor in a file, in bytes. */
export function storedLength({ dtype, shape }: Pick<TensorToWrite, 'dtype' | 'shape'>): number {
  return (elementCount(shape) ?? Number.NaN) * ELEMENT_BYTES[dtype];
}

function storedBytes(tensor: TensorToWrite): Uint8Array {
  const { dtype, values } = tensor;
  if (elementCount(tensor.shape) !== values.length) {
    const found = `[${tensor.shape.join(', ')}] for ${values.length} values`;
    throw new AssayError('data', `Tensor ${tensor.name}: expected a shape that fits its values, found ${found}.`);
  }
  if (dtype === 'F16') return encodeF16(values);
  if (dtype === 'BF16') return encodeBF16(values);
  return bytesOf(values);
}

/** Order of UTF-8 bytes, which is the order of code points. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
