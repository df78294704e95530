import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';

import { type DataOrder, orderedRows } from './order.ts';

const KEYS = [3, 0, 2, 1, 0, 3, 1, 2, 2, 0];
const RNG = rngOf(4, 'data');

function seen(order: DataOrder, steps: number, batch: number): readonly (readonly number[])[] {
  const rowsAt = orderedRows(order, KEYS, RNG);
  return Array.from({ length: steps }, (_, step) => [...rowsAt(step, batch)]);
}

const sorted = (rows: readonly number[]): readonly number[] => rows.toSorted((a, b) => a - b);
const keysOf = (rows: readonly number[]): readonly (number | undefined)[] => rows.map((row) => KEYS[row]);
const STAGES = [
  { key: 2, steps: 2 },
  { key: 0, steps: 1 },
];

test('a step knows its rows without the steps before', () => {
  const orders: readonly DataOrder[] = [
    { kind: 'shuffled' },
    { kind: 'sorted', direction: 'rising' },
    { kind: 'staged', stages: STAGES },
    { kind: 'curriculum', startFraction: 0.2, growSteps: 5 },
  ];
  for (const order of orders) {
    const all = seen(order, 12, 3);
    assert.deepEqual([...orderedRows(order, KEYS, RNG)(7, 3)], all[7], order.kind);
    assert.deepEqual(seen(order, 12, 3), all, order.kind);
  }
});

test('shuffled passes meet every row once before any twice, in another order each', () => {
  const rows = seen({ kind: 'shuffled' }, 10, 4).flat();
  const all = KEYS.map((_, row) => row);
  const [first = [], second = []] = [0, 1].map((pass) => rows.slice(pass * 10, pass * 10 + 10));
  assert.deepEqual(sorted(first), all);
  assert.deepEqual(sorted(second), all);
  assert.notDeepEqual(first, second);
});

test('sorted passes follow the key up or down, and ties are not in the order of the file', () => {
  const rising = seen({ kind: 'sorted', direction: 'rising' }, 4, 5).flat();
  assert.deepEqual(keysOf(rising.slice(0, 10)), sorted(KEYS));
  assert.deepEqual(rising.slice(0, 10), rising.slice(10));
  const falling = seen({ kind: 'sorted', direction: 'falling' }, 1, 10).flat();
  assert.deepEqual(keysOf(falling), sorted(KEYS).toReversed());
  const equal = orderedRows({ kind: 'sorted', direction: 'rising' }, new Float32Array(50), RNG)(0, 50);
  assert.notDeepEqual([...equal], sorted([...equal]));
});

test('stages come one after another, each in passes over its own rows, and the last goes on', () => {
  const rows = seen({ kind: 'staged', stages: STAGES }, 6, 3);
  assert.deepEqual(rows.map(keysOf), [
    [2, 2, 2],
    [2, 2, 2],
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ]);
  for (const step of rows) assert.equal(new Set(step).size, 3);
  const reversed = seen({ kind: 'staged', stages: STAGES.toReversed() }, 1, 3);
  assert.deepEqual(reversed.map(keysOf), [[0, 0, 0]]);
});

test('a curriculum opens from the smallest keys to all rows', () => {
  const rows = seen({ kind: 'curriculum', startFraction: 0.3, growSteps: 7 }, 400, 5);
  assert.ok(rows[0]?.every((row) => KEYS[row] === 0));
  assert.deepEqual(
    sorted([...new Set(rows.slice(7).flat())]),
    KEYS.map((_, row) => row),
  );
  assert.ok(
    rows
      .slice(0, 4)
      .flat()
      .every((row) => (KEYS[row] ?? 9) < 3),
  );
});

test('an order that its rows cannot follow is refused by name', () => {
  const order = (one: DataOrder) => () => orderedRows(one, KEYS, RNG);
  assert.throws(order({ kind: 'staged', stages: [{ key: 7, steps: 1 }] }), /order\.stages\[0\]\.key.*found 7/);
  assert.throws(order({ kind: 'staged', stages: [{ key: 2, steps: 0 }] }), /order\.stages\[0\]\.steps.*found 0/);
  assert.throws(order({ kind: 'staged', stages: [] }), /order\.stages: expected at least one/);
  assert.throws(order({ kind: 'curriculum', startFraction: 0, growSteps: 3 }), /order\.startFraction.*found 0/);
  assert.throws(order({ kind: 'curriculum', startFraction: 0.5, growSteps: 0 }), /order\.growSteps.*found 0/);
  assert.throws(() => orderedRows({ kind: 'shuffled' }, [], RNG), /at least one row/);
});
