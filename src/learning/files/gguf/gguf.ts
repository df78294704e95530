/**
 * Reading GGUF, the file of llama.cpp: metadata and tensors, dequantised to float32 as they are read.
 * Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
import { AssayError } from '#base/errors.ts';

import type { ByteSource } from '#learning/files/tensors/byte-source.ts';
import { allocateBytes, openFile } from '#learning/files/tensors/byte-source.ts';
import { GGUF_FORMATS, OTHER_GGUF_FORMATS } from './gguf-blocks.ts';
import type { GgufHeader, GgufTensorEntry, GgufValue } from './gguf-header.ts';
import { HeaderContinues, parseGgufHeader } from './gguf-header.ts';
import type { NumberFormat } from '#learning/files/tensors/number-formats.ts';
import type { TensorInfo, TensorSource } from '#learning/files/tensors/tensor-source.ts';
import { elementCount, readTensor, readTensorBytes, tensorNamed } from '#learning/files/tensors/tensor-source.ts';

/** The header is looked for in this many bytes first, then in twice as many, and so on. */
const FIRST_READ_BYTES = 1 << 20;
/** Vocabularies of a quarter million tokens need about 20 MB; a longer header is refused. */
const MAX_HEADER_BYTES = 1 << 27;

/** An open GGUF file. */
export interface GgufFile extends TensorSource {
  readonly version: number;
  readonly metadata: ReadonlyMap<string, GgufValue>;
}

/**
 * Opens a GGUF file and checks its header; tensors are read later, by name.
 * @throws AssayError saying what is wrong with the file, or which tensor format is not supported.
 */
export async function openGguf(path: string): Promise<GgufFile> {
  const source = await openFile(path);
  try {
    return await readGguf(source);
  } catch (thrown) {
    await source.close();
    throw thrown;
  }
}

/** As `openGguf`, from any byte source; closing the result closes the source. */
export async function readGguf(source: ByteSource): Promise<GgufFile> {
  const { path } = source;
  const header = await readHeader(source);
  const parts = header.metadata.get('split.count');
  if (typeof parts === 'number' && parts > 1) {
    throw new AssayError('file', `${path} is one of ${parts} parts; merge them first (llama-gguf-split --merge).`);
  }
  const tensors = tensorTable(header, source);
  const close = (): Promise<void> => source.close();
  return {
    path,
    version: header.version,
    metadata: header.metadata,
    tensors,
    async read(name) {
      const info = tensorNamed(tensors, name, path);
      return await readTensor(source, info, info.decoder);
    },
    readBytes: async (name) => await readTensorBytes(source, tensorNamed(tensors, name, path)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function readHeader(source: ByteSource): Promise<GgufHeader> {
  for (let length = FIRST_READ_BYTES; ; length *= 2) {
    const bytes = allocateBytes(Math.min(length, source.size), `the header of ${source.path}`);
    await source.read(bytes, 0);
    try {
      return parseGgufHeader(bytes, source.size, source.path);
    } catch (thrown) {
      if (!(thrown instanceof HeaderContinues)) throw thrown;
      if (length < MAX_HEADER_BYTES) continue;
      const limit = `${MAX_HEADER_BYTES >> 20} MiB`;
      throw new AssayError('file', `${source.path}: expected a header of at most ${limit}.`, { cause: thrown });
    }
  }
}

interface GgufTensorInfo extends TensorInfo {
  readonly decoder: NumberFormat;
}

function tensorTable(header: GgufHeader, source: ByteSource): ReadonlyMap<string, GgufTensorInfo> {
  const infos = header.entries.map((entry) => tensorInfo(entry, header, source));
  const byPosition = infos.toSorted((a, b) => a.position - b.position || a.byteLength - b.byteLength);
  let end = header.dataStart;
  for (const info of byPosition) {
    if (info.position < end) {
      throw new AssayError('file', `${source.path} is corrupt: tensor ${info.name} overlaps the one before it.`);
    }
    end = info.position + info.byteLength;
  }
  return new Map(infos.flatMap(expertsApart).map((info) => [info.name, info]));
}

/** The experts of a layer lie behind one another in one tensor; here each is one, `blk.0.ffn_up_exps.3.weight`, so that it is read alone. */
function expertsApart(info: GgufTensorInfo): readonly GgufTensorInfo[] {
  const [, stem] = /^(blk\.\d+\.ffn_(?:gate|up|down)_exps)\.weight$/.exec(info.name) ?? [];
  const [count = 0, ...shape] = info.shape;
  if (stem === undefined || shape.length !== 2) return [info];
  const byteLength = info.byteLength / count;
  return Array.from({ length: count }, (_, index) => {
    const position = info.position + index * byteLength;
    return { ...info, name: `${stem}.${index}.weight`, shape, position, byteLength };
  });
}

function tensorInfo(entry: GgufTensorEntry, header: GgufHeader, source: ByteSource): GgufTensorInfo {
  const where = `${source.path}: tensor ${entry.name.slice(0, 200)}`;
  const decoder = GGUF_FORMATS.get(entry.type);
  if (decoder === undefined) {
    const found = OTHER_GGUF_FORMATS.get(entry.type) ?? `type ${entry.type}`;
    const known = [...GGUF_FORMATS.values()].map((format) => format.name).join(', ');
    throw new AssayError('file', `${where} is stored as ${found}; supported are ${known}.`);
  }
  const shape = entry.extents.toReversed();
  const elements = elementCount(shape);
  const rowLength = entry.extents[0] ?? 1;
  if (elements === undefined || rowLength % decoder.blockElements !== 0) {
    const expected = `rows of a multiple of ${decoder.blockElements} elements for ${decoder.name}`;
    throw new AssayError('file', `${where}: expected ${expected}, found shape [${shape.join(', ')}].`);
  }
  const byteLength = (elements / decoder.blockElements) * decoder.blockBytes;
  const position = header.dataStart + entry.offset;
  if (position + byteLength > source.size) {
    const found = `it needs bytes ${position} to ${position + byteLength}, the file has ${source.size}`;
    throw new AssayError('file', `${where} lies beyond the end of the file (truncated?): ${found}.`);
  }
  if (entry.offset % header.alignment !== 0) {
    throw new AssayError(
      'file',
      `${where}: expected its offset ${entry.offset} to be a multiple of ${header.alignment}.`,
    );
  }
  return { name: entry.name, format: decoder.name, shape, position, byteLength, decoder };
}
