import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import { bytesAt, joined, lengthOf, partOf, sha256Of, slicesOf, sourceOf } from './bytes.ts';

const PIECES = [Uint8Array.of(1, 2, 3), new Uint8Array(), Uint8Array.of(4)];

test('pieces are the bytes they would be as one string: their length, their hash, and what is joined', () => {
  assert.equal(lengthOf(PIECES), 4);
  assert.deepEqual([...joined(PIECES)], [1, 2, 3, 4]);
  assert.equal(sha256Of(PIECES), createHash('sha256').update(joined(PIECES)).digest('hex'));
  const earlier = new Uint8Array(4);
  assert.equal(joined(PIECES, earlier), earlier);
  assert.equal(joined(PIECES, new Uint8Array(5)).length, 4);
});

test('what is too long for a hash or a file at once comes in slices that are the whole, in order, and views of it', () => {
  const large = new Uint8Array(2 ** 26 + 5).fill(7);
  large.set([1, 2, 3], 2 ** 26 - 1);
  const slices = [...slicesOf([large, PIECES[0] ?? large])];
  assert.deepEqual(
    slices.map(({ length }) => length),
    [2 ** 26, 5, 3],
  );
  assert.ok(slices.slice(0, 2).every(({ buffer }) => buffer === large.buffer));
  assert.equal(sha256Of([large]), createHash('sha256').update(large).digest('hex'));
});

test('a source is read part by part, and never beyond its end or that of its part', () => {
  const source = sourceOf(Uint8Array.of(9, 1, 2, 3, 9).subarray(1, 4));
  assert.deepEqual([...bytesAt(source, 1, 2)], [2, 3]);
  assert.throws(() => bytesAt(source, 2, 2), /within 3 bytes, asked up to 4/);
  const part = partOf(source, 1, 1);
  assert.deepEqual([part.length, ...bytesAt(part, 0, 1)], [1, 2]);
  assert.throws(() => bytesAt(part, 0, 2), RangeError);
  assert.throws(() => partOf(source, 1, 3), RangeError);
});
