/** Copies of the small models of test/fixtures/models with something changed in their files, as users come by them. */
import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { JsonObject } from '#base/json.ts';
import { bytesSource } from '#learning/files/tensors/byte-source.ts';
import type { TensorToWrite } from '#learning/files/tensors/safetensors-write.ts';
import { safetensorsBytes, writeSafetensors } from '#learning/files/tensors/safetensors-write.ts';
import { openSafetensors, readSafetensors } from '#learning/files/tensors/safetensors.ts';

/** The tiny models. */
export const MODELS = fileURLToPath(new URL('../fixtures/models/', import.meta.url));

const WEIGHTS = 'model.safetensors';

/** What is changed in a copy of a folder. */
export interface Alteration {
  /** Keys of config.json; null removes one. */
  readonly config?: JsonObject;
  /** The tensors, as float32. */
  readonly tensors?: (stored: readonly TensorToWrite[]) => readonly TensorToWrite[];
  /** Files beside, by name. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

/** A changed copy of a model's folder whose weights are in one file. */
export async function alteredFolder(name: string, { config, tensors, files = {} }: Alteration): Promise<string> {
  const folder = join(await mkdtemp(join(tmpdir(), 'assay-altered-')), 'model');
  await cp(join(MODELS, name), folder, { recursive: true });
  if (config !== undefined) {
    const path = join(folder, 'config.json');
    const stored: JsonObject = JSON.parse(await readFile(path, 'utf8'));
    const changed = Object.entries({ ...stored, ...config }).filter(
      ([key, value]) => value !== null || !(key in config),
    );
    await writeFile(path, JSON.stringify(Object.fromEntries(changed)));
  }
  if (tensors !== undefined) {
    const stored = await tensorsOf(join(folder, WEIGHTS));
    await writeSafetensors(join(folder, WEIGHTS), tensors(stored), { format: 'pt' });
  }
  for (const [file, content] of Object.entries(files)) await writeFile(join(folder, file), content);
  return folder;
}

/** All tensors of a safetensors file. */
export async function tensorsOf(path: string): Promise<TensorToWrite[]> {
  await using file = await openSafetensors(path);
  const tensors: TensorToWrite[] = [];
  for (const [name, { shape }] of file.tensors) {
    tensors.push({ name, shape, dtype: 'F32', values: await file.read(name) });
  }
  return tensors;
}

/** A tensor of values by their index. */
export function tensor(name: string, shape: readonly number[], valueAt: (index: number) => number): TensorToWrite {
  const length = shape.reduce((product, extent) => product * extent, 1);
  return { name, shape, dtype: 'F32', values: Float32Array.from({ length }, (_, i) => valueAt(i)) };
}

/** As `tensor`, rounded to half precision. */
export async function rounded(plain: TensorToWrite, dtype: 'F16' | 'BF16'): Promise<TensorToWrite> {
  if (plain.dtype !== 'F32') return plain;
  const bytes = safetensorsBytes([{ ...plain, dtype }]);
  await using file = await readSafetensors(bytesSource(bytes));
  return { ...plain, dtype, values: await file.read(plain.name) };
}

/** A metadata value to put into a GGUF file. */
export type MetadataValue =
  | string
  | boolean
  | { readonly u32: number }
  | { readonly f32: number }
  | { readonly u32s: readonly number[] };

/**
 * A GGUF file with more metadata. Keys it has are first turned into notes of the same length, which nothing reads.
 * What is put in is filled up to a multiple of the alignment, so the tensors need not move.
 */
export function withMetadata(gguf: Uint8Array, metadata: Readonly<Record<string, MetadataValue>>): Uint8Array {
  const bytes = Buffer.from(gguf);
  for (const key of Object.keys(metadata)) {
    const at = bytes.indexOf(pairKey(key));
    if (at >= 0) bytes.write('x', at + 8, 'latin1');
  }
  const pairs = Object.entries(metadata).map(([key, value]) => Buffer.concat([pairKey(key), metadataValue(value)]));
  const length = pairs.reduce((sum, pair) => sum + pair.byteLength, 0);
  const empty = Buffer.concat([pairKey('padding.note'), metadataValue('')]).byteLength;
  const fill = (ALIGNMENT - ((length + empty) % ALIGNMENT)) % ALIGNMENT;
  pairs.push(Buffer.concat([pairKey('padding.note'), metadataValue(' '.repeat(fill))]));
  bytes.writeBigUInt64LE(bytes.readBigUInt64LE(PAIR_COUNT_AT) + BigInt(pairs.length), PAIR_COUNT_AT);
  return Buffer.concat([bytes.subarray(0, PAIRS_AT), ...pairs, bytes.subarray(PAIRS_AT)]);
}

const ALIGNMENT = 32;
const PAIR_COUNT_AT = 16;
const PAIRS_AT = 24;

function text(content: string): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(content)));
  return Buffer.concat([length, Buffer.from(content)]);
}

const pairKey = text;

/** The value with its type before it. */
function metadataValue(value: MetadataValue): Buffer {
  const u32 = (...numbers: readonly number[]): Buffer => Buffer.from(Uint32Array.from(numbers).buffer);
  if (typeof value === 'string') return Buffer.concat([u32(8), text(value)]);
  if (typeof value === 'boolean') return Buffer.concat([u32(7), Buffer.of(Number(value))]);
  if ('u32' in value) return u32(4, value.u32);
  if ('f32' in value) return Buffer.concat([u32(6), Buffer.from(Float32Array.of(value.f32).buffer)]);
  return u32(9, 4, value.u32s.length, 0, ...value.u32s);
}
