import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { AssayError } from '#base/errors.ts';
import { rngOf } from '#base/rng.ts';

import { bytesSource } from '#learning/files/tensors/byte-source.ts';
import { openGguf, readGguf } from './gguf.ts';
import { bytesOf } from '#learning/files/tensors/number-formats.ts';

const FIXTURES = join(import.meta.dirname, '../../../../test/fixtures/gguf');
const FORMATS = join(FIXTURES, 'formats.gguf');

interface Reference {
  readonly float32Base64: Record<string, string>;
}

test('every tensor format decodes to the bits of the reference implementation', async () => {
  const reference: Reference = JSON.parse(await readFile(join(FIXTURES, 'formats.json'), 'utf8'));
  await using file = await openGguf(FORMATS);
  const names = Object.keys(reference.float32Base64);
  assert.deepEqual([...file.tensors.keys()], names);
  for (const [name, base64] of Object.entries(reference.float32Base64)) {
    const found = bytesOf(await file.read(name));
    assert.ok(Buffer.from(base64, 'base64').equals(found), name);
    assert.equal(file.tensors.get(name)?.format, name.toUpperCase());
  }
  assert.deepEqual(file.tensors.get('q4_k')?.shape, [2, 768]);
});

test('metadata of every type is read', async () => {
  await using file = await openGguf(FORMATS);
  const found = Object.fromEntries([...file.metadata].filter(([key]) => key.startsWith('test.')));
  assert.deepEqual(found, {
    'test.u8': 200,
    'test.i8': -100,
    'test.u16': 60_000,
    'test.i16': -30_000,
    'test.u32': 4_000_000_000,
    'test.i32': -2_000_000_000,
    'test.u64': 2n ** 63n + 1n,
    'test.i64': -(2 ** 40),
    'test.f32': 0.25,
    'test.f64': 0.1,
    'test.bool': true,
    'test.string': 'naïve 🐍',
    'test.strings': ['a', '', 'ü'],
    'test.ints': Int32Array.of(1, -2, 3),
    'test.floats': Float32Array.of(0.5, -1.5),
  });
  assert.equal(file.metadata.get('general.architecture'), 'llama');
});

/** Bytes of a GGUF file, part by part: numbers become u32, bigints u64, text a length and its bytes. */
function ggufOf(...parts: readonly (number | bigint | string | Uint8Array)[]): Uint8Array {
  const chunks = parts.map((part) => {
    if (part instanceof Uint8Array) return part;
    if (typeof part === 'number') return bytesOf(Uint32Array.of(part));
    if (typeof part === 'bigint') return bytesOf(BigUint64Array.of(part));
    const text = new TextEncoder().encode(part);
    return Buffer.concat([bytesOf(BigUint64Array.of(BigInt(text.byteLength))), text]);
  });
  return Buffer.concat([Buffer.from('GGUF'), ...chunks]);
}

const HUGE = 2n ** 40n;
const START = [3, 1n, 0n] as const; // version 3, one tensor, no metadata
const PAIR = [3, 0n, 1n, 'k'] as const; // version 3, no tensor, one pair named k
const PADDING = new Uint8Array(256);

const HOSTILE: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['other letters at the start', Buffer.from('GGML0000'), /expected the letters GGUF/],
  ['nothing after the letters', ggufOf(), /truncated/],
  ['version 1', ggufOf(1, 0n, 0n), /version 2 or 3, found 1/],
  ['a big-endian version', ggufOf(0x03000000, 0n, 0n), /big-endian/],
  ['a trillion tensors', ggufOf(3, HUGE, 0n, PADDING), /1099511627776 tensors are announced/],
  ['more tensors than a double counts', ggufOf(3, 2n ** 64n - 1n, 0n), /cannot be right/],
  ['a trillion metadata pairs', ggufOf(3, 0n, HUGE, PADDING), /metadata pairs are announced/],
  ['a key longer than the file', ggufOf(3, 0n, 1n, HUGE, PADDING), /bytes of text are announced/],
  ['a list of a trillion numbers', ggufOf(...PAIR, 9, 4, HUGE, PADDING), /items of k are announced/],
  ['a list of a trillion texts', ggufOf(...PAIR, 9, 8, HUGE, PADDING), /items of k are announced/],
  ['a list of lists', ggufOf(...PAIR, 9, 9, 1n, PADDING), /lists of lists/],
  ['an unknown value type', ggufOf(...PAIR, 77, PADDING), /no value type 77/],
  ['invalid UTF-8 in a text', ggufOf(...PAIR, 8, 2n, Uint8Array.of(0xc3, 0x28)), /UTF-8/],
  ['a metadata key twice', ggufOf(3, 0n, 2n, 'k', 4, 1, 'k', 4, 1), /key k appears twice/],
  ['an alignment of 3', ggufOf(3, 0n, 1n, 'general.alignment', 4, 3), /power of two/],
  ['a tensor of 5 axes', ggufOf(...START, 't', 5, PADDING), /at most 4 axes, found 5/],
  ['a tensor of 2^160 elements', ggufOf(...START, 't', 4, HUGE, HUGE, HUGE, HUGE, 0, 0n, PADDING), /found shape/],
  ['a tensor of a billion elements', ggufOf(...START, 't', 1, 10n ** 9n, 0, 0n, PADDING), /beyond the end of the file/],
  ['a tensor that starts beyond the end', ggufOf(...START, 't', 1, 1n, 0, 2n ** 50n, PADDING), /beyond the end/],
  ['an offset that is not aligned', ggufOf(...START, 't', 1, 1n, 0, 4n, PADDING), /multiple of 32/],
  ['a row that ends inside a block', ggufOf(...START, 't', 1, 33n, 2, 0n, PADDING), /multiple of 32 elements for Q4_0/],
  ['an unsupported format', ggufOf(...START, 't', 1, 256n, 16, 0n, PADDING), /stored as IQ2_XXS; supported are F32/],
  ['an unknown format', ggufOf(...START, 't', 1, 256n, 999, 0n, PADDING), /stored as type 999/],
  ['a tensor twice', ggufOf(3, 2n, 0n, 't', 1, 1n, 0, 0n, 't', 1, 1n, 0, 32n, PADDING), /tensor t appears twice/],
  ['overlapping tensors', ggufOf(3, 2n, 0n, 't', 1, 9n, 0, 0n, 'u', 1, 1n, 0, 32n, PADDING), /u overlaps/],
  ['several parts', ggufOf(3, 0n, 1n, 'split.count', 4, 3), /one of 3 parts/],
];

for (const [what, bytes, message] of HOSTILE) {
  test(`a GGUF file with ${what} is refused with a clear error`, async () => {
    await assert.rejects(
      () => readGguf(bytesSource(bytes)),
      (thrown) => thrown instanceof AssayError && message.test(thrown.message),
    );
  });
}

test('counts that fit a large file and no model are refused before they take memory', async () => {
  const count = 2 ** 21;
  for (const counts of [
    [BigInt(count), 0n],
    [0n, BigInt(count)],
  ] as const) {
    const bytes = ggufOf(3, ...counts, new Uint8Array(24 * count));
    await assert.rejects(() => readGguf(bytesSource(bytes)), /at most 1048576 are read/);
  }
});

test('a header longer than the first read is found', async () => {
  const long = 'x'.repeat(3_000_000);
  const file = await readGguf(bytesSource(ggufOf(3, 0n, 2n, 'long', 8, long, 'after', 4, 7)));
  assert.equal(file.metadata.get('long'), long);
  assert.equal(file.metadata.get('after'), 7);
});

test('thousands of mutated GGUF files are either read or refused with an AssayError', async () => {
  const seed = await readFile(FORMATS);
  const rng = rngOf(3, 'mutations');
  const headerBytes = 1500;
  let refused = 0;
  for (let i = 0; i < 3000; i++) {
    let bytes = Uint8Array.from(seed);
    if (i % 4 === 0) bytes = bytes.slice(0, rng.below(bytes.byteLength));
    else if (i % 4 === 1) bytes.fill(rng.below(256), rng.below(headerBytes), rng.below(headerBytes));
    for (let flips = i % 4; flips > 0; flips--) {
      const at = rng.below(Math.min(bytes.byteLength, headerBytes));
      bytes[at] = (bytes[at] ?? 0) ^ (1 << rng.below(8));
    }
    try {
      const file = await readGguf(bytesSource(bytes));
      for (const name of file.tensors.keys()) await file.read(name);
    } catch (thrown) {
      assert.ok(thrown instanceof AssayError, String(thrown));
      refused++;
    }
  }
  assert.ok(refused > 1000, `only ${refused} of 3000 mutations were refused`);
});
