import assert from 'node:assert/strict';
import { test } from 'node:test';

import { configReader } from '#base/config-reader.ts';
import { nearestName } from '#base/errors.ts';
import { canonicalJson, contentHash, type JsonObject } from '#base/json.ts';
import { philox, rngOf } from '#base/rng.ts';

test('philox4x32-10 reproduces the known-answer vectors of Random123', () => {
  const zero = new Uint32Array(4);
  philox(zero, 0, 0);
  assert.deepEqual([...zero], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  const ones = new Uint32Array(4).fill(0xffffffff);
  philox(ones, 0xffffffff, 0xffffffff);
  assert.deepEqual([...ones], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
  const pi = Uint32Array.from([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344]);
  philox(pi, 0xa4093822, 0x299f31d0);
  assert.deepEqual([...pi], [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]);
});

test('a split stream depends on names alone, not on draws made before', () => {
  const root = rngOf(7);
  const before = root.split('init').uint32();
  root.uint32();
  assert.equal(root.split('init').uint32(), before);
  assert.notEqual(root.split('data').uint32(), before);
});

test('streams of one seed under other names, and of one name under other seeds, share no draw', () => {
  const streams = [rngOf(3, 'init'), rngOf(3, 'data'), rngOf(4, 'init'), rngOf(3, 'init').split('data')];
  const draws = streams.map((stream) => Array.from({ length: 8 }, () => stream.uint32()));
  assert.equal(new Set(draws.flat()).size, 32);
});

test('uniform, normal and permutation have the moments they claim', () => {
  const rng = rngOf(1);
  const draws = 20_000;
  const normals = Array.from({ length: draws }, () => rng.normal());
  const mean = normals.reduce((sum, x) => sum + x, 0) / draws;
  const variance = normals.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws;
  assert.ok(Math.abs(mean) < 5 / Math.sqrt(draws), `mean ${mean}`);
  assert.ok(Math.abs(variance - 1) < 0.05, `variance ${variance}`);
  assert.deepEqual(
    [...rng.permutation(50)].toSorted((a, b) => a - b),
    Array.from({ length: 50 }, (_, i) => i),
  );
});

test('canonical JSON sorts keys, drops undefined and refuses what is not JSON', () => {
  assert.equal(canonicalJson({ b: 1, a: [true, null, 'x'], c: undefined }), '{"a":[true,null,"x"],"b":1}');
  assert.equal(contentHash({ a: 1, b: 2 }), contentHash({ b: 2, a: 1 }));
  assert.throws(() => canonicalJson({ a: Number.NaN }), /finite number/);
});

test('names of a million characters, as damaged files have them, are compared at once', () => {
  const long = 'x'.repeat(1_000_000);
  assert.equal(nearestName(`ev${long}als`, [`${long}y`, 'evals', 'steps']), `${long}y`);
});

test('nearestName finds the closest known name', () => {
  assert.equal(nearestName('optimiser.kind', ['optimizer.kind', 'method.kind']), 'optimizer.kind');
});

test('a seed that is no exact whole number has no stream', () => {
  for (const seed of [2 ** 53, -(2 ** 53), 0.5, Number.NaN, Infinity])
    assert.throws(() => rngOf(seed), /exact whole number/);
  assert.equal(rngOf(Number.MAX_SAFE_INTEGER).uint32(), rngOf('9007199254740991').uint32());
});

test('a whole number in a config is exact: from 2^53 on, and -0, it is refused', () => {
  const seedOf = (seed: number): number => configReader({ seed }).number('seed', { integer: true });
  assert.equal(seedOf(Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
  assert.throws(() => seedOf(2 ** 53), /"seed": expected an exact whole number .*found 9007199254740992/);
  assert.throws(() => seedOf(-0), /exact whole number .*found -0/);
  assert.throws(() => seedOf(0.5), /expected a whole number, found 0\.5/);
});

test('a key that every object has is unknown to a config as any other, and part of the content hash', () => {
  for (const key of ['__proto__', 'constructor', 'toString']) {
    const object: JsonObject = JSON.parse(`{"steps": 1, "${key}": {"steps": 2}}`);
    const reader = configReader(object);
    assert.equal(reader.number('steps'), 1);
    assert.throws(() => reader.done(), new RegExp(`"${key}": expected one of steps, found an unknown key`));
    assert.notEqual(contentHash(object), contentHash({ steps: 1 }));
  }
});
