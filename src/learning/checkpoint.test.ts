import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bytesAt, joined, sourceOf } from '#base/bytes.ts';

import { packBytes, packPieces, unpackBytes, unpackSource } from './checkpoint.ts';

const PARTS = [Uint8Array.of(1, 2, 3), new Uint8Array(), Uint8Array.of(4)];

for (const isWide of [false, true]) {
  test(`byte strings come back as they were, lengths of ${isWide ? 'two words' : 'one word'}`, () => {
    const packed = packBytes(PARTS, undefined, isWide);
    assert.deepEqual(
      unpackBytes(packed).map((part) => [...part]),
      PARTS.map((part) => [...part]),
    );
    // Read from wherever it lies.
    const within = Uint8Array.of(9, ...packed).subarray(1);
    assert.equal(unpackBytes(within).length, PARTS.length);
    for (let cut = 0; cut < packed.length; cut++) {
      assert.throws(() => unpackBytes(packed.subarray(0, cut)), /Checkpoint/);
    }
  });
}

test('lengths of less than 4 GiB take one word, so what was packed before is read as ever', () => {
  assert.deepEqual([...packBytes([Uint8Array.of(7)])], [1, 0, 0, 0, 1, 0, 0, 0, 7]);
  const wide = packBytes([Uint8Array.of(7)], undefined, true);
  assert.deepEqual([...wide], [1, 0, 0, 128, 1, 0, 0, 0, 0, 0, 0, 0, 7]);
});

test('a length beyond a word is told from the one it would leave over', () => {
  const packed = packBytes([Uint8Array.of(7)], undefined, true);
  packed[8] = 1; // 4 GiB more
  assert.throws(() => unpackBytes(packed), /Checkpoint/);
});

test('packed where they lie, the bytes are the same, and nothing of them is copied', () => {
  const within = packPieces([[Uint8Array.of(5), Uint8Array.of(6)], []]);
  const pieces = packPieces([PARTS, within]);
  assert.deepEqual(joined(pieces), packBytes([joined(PARTS), joined(within)]));
  for (const part of PARTS) assert.ok(pieces.includes(part));
  const [first, second] = unpackSource(sourceOf(joined(pieces)));
  assert.deepEqual(first && bytesAt(first, 0, first.length), joined(PARTS));
  assert.deepEqual(second && unpackSource(second).map((part) => [...bytesAt(part, 0, part.length)]), [[5, 6], []]);
  assert.throws(() => unpackSource(sourceOf(joined(pieces).subarray(1))), /Checkpoint/);
});
