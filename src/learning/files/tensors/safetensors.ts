/**
 * Reading safetensors: 8 bytes of header length, a JSON header, then the tensors' bytes without gaps.
 * Checks what the reference implementation checks (ranges in order, no overlap, no gap, nothing left over) and
 * repeated names besides, before any tensor is allocated.
 * Source: https://github.com/huggingface/safetensors, format and `tensor.rs`.
 */
import { AssayError } from '#base/errors.ts';
import type { Json, JsonObject } from '#base/json.ts';
import { isJsonObject } from '#base/json.ts';

import type { ByteSource } from './byte-source.ts';
import { allocateBytes, openFile } from './byte-source.ts';
import type { NumberFormat } from './number-formats.ts';
import { BF16, F16, F32 } from './number-formats.ts';
import { parseStrictObject } from '#base/strict-json.ts';
import type { TensorInfo, TensorSource } from './tensor-source.ts';
import { elementCount, isCount, readTensor, readTensorBytes, tensorNamed } from './tensor-source.ts';

/** The element types of the format that Assay knows: the first three decode to float32, all can be read as bytes. */
export const SAFETENSORS_ELEMENT_BYTES = {
  F32: 4,
  F16: 2,
  BF16: 2,
  F64: 8,
  I8: 1,
  I16: 2,
  I32: 4,
  I64: 8,
  U8: 1,
  U16: 2,
  U32: 4,
  U64: 8,
  BOOL: 1,
} as const;

/** The name of an element type. */
export type SafetensorsDtype = keyof typeof SAFETENSORS_ELEMENT_BYTES;

const FLOAT_FORMATS: ReadonlyMap<string, NumberFormat> = new Map([F32, F16, BF16].map((f) => [f.name, f]));

/** The reference implementation refuses longer headers too. */
const MAX_HEADER_BYTES = 100_000_000;
const LENGTH_BYTES = 8;

/** An open safetensors file. */
export interface SafetensorsFile extends TensorSource {
  /** The `__metadata__` of the header. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Opens a safetensors file and checks its header; tensors are read later, by name.
 * @throws AssayError saying what is wrong with the file.
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const source = await openFile(path);
  try {
    return await readSafetensors(source);
  } catch (thrown) {
    await source.close();
    throw thrown;
  }
}

/** As `openSafetensors`, from any byte source; closing the result closes the source. */
export async function readSafetensors(source: ByteSource): Promise<SafetensorsFile> {
  const { path } = source;
  const { header, dataStart } = await readHeader(source);
  const tensors = tensorTable(header, dataStart, source);
  const metadata = metadataOf(header, path);
  const close = (): Promise<void> => source.close();
  return {
    path,
    tensors,
    metadata,
    async read(name) {
      const info = tensorNamed(tensors, name, path);
      const format = FLOAT_FORMATS.get(info.format);
      if (format !== undefined) return await readTensor(source, info, format);
      const expected = `Expected F32, F16 or BF16 in tensor ${name} of ${path}`;
      throw new AssayError('file', `${expected}, found ${info.format}. Read it as bytes, or convert the file.`);
    },
    readBytes: async (name) => await readTensorBytes(source, tensorNamed(tensors, name, path)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function readHeader(source: ByteSource): Promise<{ header: JsonObject; dataStart: number }> {
  const { path, size } = source;
  if (size < LENGTH_BYTES) {
    throw new AssayError('file', `${path} is no safetensors file: expected at least 8 bytes, found ${size}.`);
  }
  const lengthBytes = new Uint8Array(LENGTH_BYTES);
  await source.read(lengthBytes, 0);
  const length = new DataView(lengthBytes.buffer).getBigUint64(0, true);
  const longest = Math.min(MAX_HEADER_BYTES, size - LENGTH_BYTES);
  if (length > BigInt(longest)) {
    const text = Buffer.from(lengthBytes).toString('latin1');
    const found = /^[\n\r\t -~]+$/.test(text)
      ? `it starts with the text ${JSON.stringify(text)}`
      : `its first 8 bytes announce a header of ${length} bytes, at most ${longest} can be`;
    throw new AssayError('file', `${path} is no safetensors file, or truncated: ${found}.`);
  }
  const bytes = allocateBytes(Number(length), `the header of ${path}`);
  await source.read(bytes, LENGTH_BYTES);
  const header = parseStrictObject(bytes, `header of ${path}`);
  if (bytes[0] !== 0x7b) throw new AssayError('file', `${path}: expected its header to start with {.`); // the format's rule
  return { header, dataStart: LENGTH_BYTES + Number(length) };
}

function tensorTable(header: JsonObject, dataStart: number, source: ByteSource): ReadonlyMap<string, TensorInfo> {
  const infos: TensorInfo[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name !== METADATA_KEY) infos.push(tensorInfo(name, entry, dataStart, source.path));
  }
  infos.sort((a, b) => a.position - b.position || a.byteLength - b.byteLength);
  let expected = dataStart;
  for (const info of infos) {
    if (info.position !== expected) {
      const found = `tensor ${info.name} starts at byte ${info.position - dataStart}`;
      throw new AssayError(
        'file',
        `${source.path} is corrupt: ${found} of the data, expected ${expected - dataStart} (no overlap, no gap).`,
      );
    }
    expected += info.byteLength;
  }
  if (expected !== source.size) {
    const found = `its tensors end at byte ${expected}, the file at ${source.size}`;
    throw new AssayError('file', `${source.path} is ${expected > source.size ? 'truncated' : 'corrupt'}: ${found}.`);
  }
  return new Map(infos.map((info) => [info.name, info]));
}

const METADATA_KEY = '__metadata__';

function tensorInfo(name: string, entry: Json | undefined, dataStart: number, path: string): TensorInfo {
  const fail = (expected: string, found: Json | undefined): never => {
    const text = found === undefined ? 'nothing' : JSON.stringify(found).slice(0, 80);
    throw new AssayError('file', `${path}: tensor ${name.slice(0, 200)}: expected ${expected}, found ${text}.`);
  };
  if (!isJsonObject(entry)) return fail('an object with dtype, shape and data_offsets', entry);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !isDtype(dtype)) {
    return fail(`a dtype among ${Object.keys(SAFETENSORS_ELEMENT_BYTES).join(', ')}`, dtype);
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) return fail('a shape of non-negative integers', shape);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    return fail('data_offsets [begin, end]', offsets);
  }
  const [begin = 0, end = 0] = offsets;
  const count = elementCount(shape);
  const byteLength = end - begin;
  if (count === undefined || count * SAFETENSORS_ELEMENT_BYTES[dtype] !== byteLength) {
    return fail(`${dtype} of shape [${shape.slice(0, 8).join(', ')}] to fill data_offsets exactly`, offsets);
  }
  return { name, format: dtype, shape, position: dataStart + begin, byteLength };
}

function isDtype(name: string): name is SafetensorsDtype {
  return Object.hasOwn(SAFETENSORS_ELEMENT_BYTES, name);
}

function metadataOf(header: JsonObject, path: string): Readonly<Record<string, string>> {
  const entry = header[METADATA_KEY] ?? {};
  if (!isJsonObject(entry)) throw new AssayError('file', `${path}: expected __metadata__ to be an object.`);
  const metadata = new Map<string, string>();
  for (const [key, value] of Object.entries(entry)) {
    if (typeof value !== 'string') {
      throw new AssayError(
        'file',
        `${path}: expected text in __metadata__.${key.slice(0, 80)}, found ${typeof value}.`,
      );
    }
    metadata.set(key, value);
  }
  return Object.fromEntries(metadata);
}
