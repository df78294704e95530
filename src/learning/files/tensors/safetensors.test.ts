import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { AssayError } from '#base/errors.ts';
import { rngOf } from '#base/rng.ts';

import { bytesSource, openFile } from './byte-source.ts';
import { bytesOf, encodeBF16, encodeF16, halfTable } from './number-formats.ts';
import type { TensorToWrite } from './safetensors-write.ts';
import { safetensorsBytes, writeSafetensors } from './safetensors-write.ts';
import { openSafetensors, readSafetensors } from './safetensors.ts';

const FIXTURES = join(import.meta.dirname, '../../../../test/fixtures/safetensors');
const MIXED = join(FIXTURES, 'mixed.safetensors');

interface Reference {
  readonly float32Bits: Record<string, string[]>;
  readonly shapes: Record<string, number[]>;
}

const reference = async (): Promise<Reference> => JSON.parse(await readFile(join(FIXTURES, 'mixed.json'), 'utf8'));
const bitsOf = (values: Float32Array): string[] =>
  [...new Uint32Array(values.buffer, values.byteOffset, values.length)].map((v) => v.toString(16).padStart(8, '0'));

test('every float tensor of a file from the reference library is read to the bit', async () => {
  await using file = await openSafetensors(MIXED);
  const { float32Bits, shapes } = await reference();
  for (const [name, bits] of Object.entries(float32Bits)) assert.deepEqual(bitsOf(await file.read(name)), bits, name);
  const found = Object.fromEntries([...file.tensors].map(([name, info]) => [name, info.shape]));
  assert.deepEqual(found, shapes);
  assert.deepEqual(file.metadata, { format: 'pt' });
});

test('integer tensors are read as bytes and refused as floats', async () => {
  await using file = await openSafetensors(MIXED);
  const ids = await file.readBytes('ids.i64');
  assert.deepEqual([...new BigInt64Array(ids.buffer)], [1n, -2n, 2n ** 40n, 3n]);
  await assert.rejects(() => file.read('ids.i64'), /Expected F32, F16 or BF16 in tensor ids.i64 .*found I64/);
  await assert.rejects(() => file.read('b.f33'), /no tensor b.f33.*nearest name there is b.f32/);
});

test('writing gives the very bytes of the reference library', async () => {
  await using file = await openSafetensors(MIXED);
  const tensors: TensorToWrite[] = [];
  for (const { name, format: dtype, shape } of file.tensors.values()) {
    const bytes = await file.readBytes(name);
    if (dtype === 'F32' || dtype === 'F16' || dtype === 'BF16') {
      tensors.push({ name, dtype, shape, values: await file.read(name) });
    } else if (dtype === 'I64') tensors.push({ name, dtype, shape, values: new BigInt64Array(bytes.buffer) });
    else if (dtype === 'I32') tensors.push({ name, dtype, shape, values: new Int32Array(bytes.buffer) });
    else if (dtype === 'U8') tensors.push({ name, dtype, shape, values: bytes });
  }
  const expected = await readFile(MIXED);
  assert.ok(Buffer.from(safetensorsBytes(tensors.toReversed(), { format: 'pt' })).equals(expected));

  const folder = await mkdtemp(join(tmpdir(), 'assay-safetensors-'));
  await writeSafetensors(join(folder, 'out.safetensors'), tensors, { format: 'pt' });
  assert.ok((await readFile(join(folder, 'out.safetensors'))).equals(expected));
  assert.deepEqual(await readdir(folder), ['out.safetensors']);
  for (const path of [join(folder, 'out.safetensors/below'), join(folder, 'missing/below')]) {
    await assert.rejects(writeSafetensors(path, tensors), new RegExp(`Could not write ${path}: `));
  }
  await rm(folder, { recursive: true });
});

test('float16 and bfloat16 survive a round trip of every bit pattern', () => {
  const halves = halfTable().filter((value) => !Number.isNaN(value));
  const encoded = encodeF16(halves);
  const table = halfTable();
  const back = new Uint16Array(encoded.buffer).reduce(
    (wrong, bits, i) => wrong + (table[bits] === halves[i] ? 0 : 1),
    0,
  );
  assert.equal(back, 0);
  const words = Uint32Array.from({ length: 1 << 16 }, (_, i) => i << 16);
  const brains = new Float32Array(words.buffer).filter((value) => !Number.isNaN(value));
  const again = new Uint16Array(encodeBF16(brains).buffer);
  const wrong = again.reduce(
    (sum, bits, i) => sum + (new Float32Array(Uint32Array.of(bits << 16).buffer)[0] === brains[i] ? 0 : 1),
    0,
  );
  assert.equal(wrong, 0);
});

test('float16 encoding picks the nearest half, ties to even', () => {
  const rng = rngOf(1, 'halves');
  const halves = halfTable().subarray(0, 0x7c00); // the finite ones from 0 up, in order
  for (let i = 0; i < 20_000; i++) {
    const at = rng.below(halves.length - 1);
    const [low = 0, high = 0] = [halves[at], halves[at + 1]];
    const value = Math.fround(low + (high - low) * (i % 5 === 0 ? 0.5 : rng.uniform()));
    const [found = -1] = [...new Uint16Array(encodeF16(Float32Array.of(value)).buffer)].map(
      (bits) => halfTable()[bits] ?? -1,
    );
    const tie = value - low === high - value;
    const best = tie ? (at % 2 === 0 ? low : high) : value - low < high - value ? low : high;
    assert.equal(found, best, `${value}`);
  }
});

test('bfloat16 encoding picks the nearest, ties to even, and keeps NaN', () => {
  const cases: [number, number][] = [
    [0x3f808000, 0x3f80], // a tie, even below
    [0x3f818000, 0x3f82], // a tie, even above
    [0x3f808001, 0x3f81],
    [0x3f807fff, 0x3f80],
    [0x7f7fffff, 0x7f80], // overflows to infinity
    [0x7f800001, 0x7fc0], // NaN with a payload that would be lost
    [0x80000000, 0x8000],
  ];
  const values = new Float32Array(Uint32Array.from(cases.map(([word]) => word)).buffer);
  assert.deepEqual(
    [...new Uint16Array(encodeBF16(values).buffer)],
    cases.map(([, bits]) => bits),
  );
});

/** A safetensors file with the given header text and as many data bytes. */
function fileOf(header: string, dataBytes: number): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.byteLength + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.byteLength), true);
  bytes.set(text, 8);
  return bytes;
}

const entry = (begin: number, end: number, shape: readonly number[] = [(end - begin) / 4]): string =>
  `{"dtype":"F32","shape":${JSON.stringify(shape)},"data_offsets":[${begin},${end}]}`;

const HOSTILE: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['an empty file', new Uint8Array(0), /at least 8 bytes, found 0/],
  ['a header longer than the file', new Uint8Array(8).fill(0xff), /header of 18446744073709551615 bytes/],
  ['a header that is no JSON', fileOf('{"a":', 0), /expected JSON/],
  ['a header that is a list', fileOf('[]', 0), /expected a JSON object/],
  ['invalid UTF-8', new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0, 0xc3, 0x28]), /expected UTF-8/],
  ['a name twice', fileOf(`{"a":${entry(0, 4)},"a":${entry(4, 8)}}`, 8), /"a" appears twice/],
  ['a name twice, once escaped', fileOf(`{"a":${entry(0, 4)},"\\u0061":${entry(4, 8)}}`, 8), /"a" appears twice/],
  ['overlapping tensors', fileOf(`{"a":${entry(0, 8)},"b":${entry(4, 12)}}`, 12), /b starts at byte 4 .*expected 8/],
  ['a gap', fileOf(`{"a":${entry(0, 4)},"b":${entry(8, 12)}}`, 12), /b starts at byte 8 .*expected 4/],
  ['a tensor beyond the end', fileOf(`{"a":${entry(0, 400)}}`, 4), /truncated/],
  ['bytes left over', fileOf(`{"a":${entry(0, 4)}}`, 8), /corrupt/],
  ['offsets that run backwards', fileOf(`{"a":${entry(8, 0, [2])}}`, 8), /to fill data_offsets exactly/],
  ['a billion elements', fileOf(`{"a":${entry(0, 4, [1e9])}}`, 4), /to fill data_offsets exactly/],
  ['a shape whose product overflows', fileOf(`{"a":${entry(0, 4, [2 ** 32, 2 ** 32, 2 ** 32])}}`, 4), /exactly/],
  ['a negative extent', fileOf(`{"a":${entry(0, 4, [-1, -1])}}`, 4), /non-negative integers/],
  ['a fractional extent', fileOf(`{"a":${entry(0, 4, [0.5, 2])}}`, 4), /non-negative integers/],
  ['an unknown dtype', fileOf('{"a":{"dtype":"toString","shape":[1],"data_offsets":[0,4]}}', 4), /a dtype among/],
  ['an entry that is text', fileOf('{"a":"b"}', 0), /an object with dtype/],
  ['deep nesting', fileOf(`{"a":${'['.repeat(50_000)}`, 0), /nested more than 64 deep/],
  [
    'millions of empty parts',
    fileOf(`{"a":[${'[],'.repeat(2_000_001)}[]]}`, 0),
    /more than 2000000 objects, arrays and keys/,
  ],
  ['metadata that is no text', fileOf('{"__metadata__":{"a":1}}', 0), /text in __metadata__.a/],
];

for (const [what, bytes, message] of HOSTILE) {
  test(`a file with ${what} is refused with a clear error`, async () => {
    await assert.rejects(
      () => readSafetensors(bytesSource(bytes)),
      (thrown) => thrown instanceof AssayError && message.test(thrown.message),
    );
  });
}

test('a tensor named __proto__ is a tensor like any other', async () => {
  const file = await readSafetensors(bytesSource(fileOf(`{"__proto__":${entry(0, 4)}}`, 4)));
  assert.deepEqual([...file.tensors.keys()], ['__proto__']);
});

test('thousands of mutated files are either read or refused with an AssayError', async () => {
  const seed = await readFile(MIXED);
  const rng = rngOf(2, 'mutations');
  let refused = 0;
  for (let i = 0; i < 4000; i++) {
    const bytes = mutated(seed, rng);
    try {
      const file = await readSafetensors(bytesSource(bytes));
      for (const name of file.tensors.keys()) assert.ok((await file.readBytes(name)).byteLength <= bytes.byteLength);
    } catch (thrown) {
      assert.ok(thrown instanceof AssayError, String(thrown));
      refused++;
    }
  }
  assert.ok(refused > 2000, `only ${refused} of 4000 mutations were refused`);
});

/** A copy with a few bits flipped (mostly in the header), or cut short, or with a stretch repeated. */
function mutated(seed: Uint8Array, rng: ReturnType<typeof rngOf>): Uint8Array {
  const kind = rng.below(4);
  if (kind === 0) return seed.slice(0, rng.below(seed.byteLength));
  const bytes = Uint8Array.from(seed);
  if (kind === 1) {
    bytes.copyWithin(rng.below(bytes.byteLength), rng.below(bytes.byteLength), rng.below(bytes.byteLength));
    return bytes;
  }
  for (let flips = 1 + rng.below(3); flips > 0; flips--) {
    const at = rng.below(kind === 2 ? 680 : bytes.byteLength);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << rng.below(8));
  }
  return bytes;
}

test('whatever is written is read back, whatever the names, shapes and order', async () => {
  const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 });
  const tensors = fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 8 }), shape), {
    selector: ([name]) => name,
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(tensors, fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }), async (list, metadata) => {
      const written = list
        .filter(([name]) => name !== '__metadata__')
        .map(([name, extents], i): TensorToWrite => {
          const size = extents.reduce((product, extent) => product * extent, 1);
          const values = Float32Array.from({ length: size }, (_, j) => i + j / 7);
          return { name, dtype: 'F32', shape: extents, values };
        });
      const bytes = safetensorsBytes(written, metadata);
      assert.deepEqual(safetensorsBytes(written.toReversed(), metadata), bytes);
      const file = await readSafetensors(bytesSource(bytes));
      assert.equal(file.tensors.size, written.length);
      for (const { name, shape: extents, values } of written) {
        assert.deepEqual(file.tensors.get(name)?.shape, extents);
        assert.deepEqual(await file.read(name), values);
      }
      assert.deepEqual({ ...file.metadata }, { ...metadata });
    }),
    { seed: 10, numRuns: 300 },
  );
});

test('names, dtypes and shapes that disagree with the values are refused before writing', () => {
  const values = new Float32Array(4);
  const tensor = (name: string, shape: readonly number[]): TensorToWrite => ({ name, dtype: 'F32', shape, values });
  assert.throws(() => safetensorsBytes([tensor('a', [3])]), /a shape that fits its values, found \[3\] for 4/);
  assert.throws(() => safetensorsBytes([tensor('a', [4]), tensor('a', [2, 2])]), /Two tensors are called a/);
  assert.throws(() => safetensorsBytes([tensor('__metadata__', [4])]), /Two tensors/);
});

test('folders, missing files and ranges outside a file are refused', async () => {
  await assert.rejects(() => openFile(FIXTURES), /regular file/);
  await assert.rejects(() => openFile(join(FIXTURES, 'none')), /Expected a file at/);
  await using source = await openFile(MIXED);
  for (const position of [-1, 0.5, Number.NaN, source.size - 3, 2 ** 60]) {
    await assert.rejects(() => source.read(new Uint8Array(4), position), AssayError);
  }
  assert.equal(bytesOf(new Float32Array(2)).byteLength, 8);
});
