/** Descriptions over arms: what is read at a level, whose variance it is, and what goes with it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { armMeans, atLevel, type ByArm, type ProbeRow, rankCorrelation, rankedByVariance } from './describe.ts';
import type { Series } from './doses.ts';

const ROUNDED = 1e-12;

const series = (name: string, arms: readonly string[]): Series => ({
  name,
  label: name,
  doses: arms.map((arm, i) => ({ name: arm, label: arm, value: 10 ** i, set: {} })),
});
const table = (rows: Readonly<Record<string, readonly number[]>>): ByArm =>
  new Map(Object.entries(rows).map(([arm, values]) => [arm, new Map(values.entries())]));

test('an outcome is read between the two probes around a level; runs that never reach it are left out', () => {
  const probe = (block: number, step: number, train: number, harmful?: number): ProbeRow => ({
    arm: 'a',
    block,
    step,
    axes: { train },
    outcomes: harmful === undefined ? {} : { harmful },
  });
  const rows = [probe(0, 2, 0.4, 0.6), probe(0, 0, 2), probe(0, 1, 0.8, 0.2), probe(1, 0, 2, 0), probe(1, 1, 1, 0.1)];
  const found = atLevel(rows, 'train', 0.5, 'harmful');
  assert.deepEqual([...(found.get('a')?.keys() ?? [])], [0]);
  assert.ok(Math.abs((found.get('a')?.get(0) ?? 0) - 0.5) < ROUNDED);
});

test('variance over doses is that of their means, without what blocks scatter, and shares add up', () => {
  const values = table({
    a1: [0.1, 0.5, 0.3],
    a2: [0.3, 0.7, 0.5],
    b1: [0.2, 0.4, 0.3],
    b2: [0.4, 0.2, 0.3],
    c1: [0.1, 0.5, 0.3],
    c2: [0.2, 0.6, 0.4],
  });
  const [a, c, b] = rankedByVariance(
    [series('b', ['b1', 'b2']), series('c', ['c1', 'c2']), series('a', ['a1', 'a2'])],
    values,
  );
  assert.deepEqual([a?.series, c?.series, b?.series], ['a', 'c', 'b']);
  assert.ok(Math.abs((a?.rise ?? 0) - 0.2) < ROUNDED && Math.abs((a?.sd ?? 0) ** 2 - 0.02) < ROUNDED);
  assert.ok(Math.abs((a?.share ?? 0) - 0.8) < ROUNDED && Math.abs((c?.share ?? 0) - 0.2) < ROUNDED);
  assert.deepEqual([b?.sd, b?.share], [0, 0]);
});

test('blocks that lack a dose count for no dose', () => {
  const values = table({ a1: [0.1, 0.1], a2: [0.3, 0.3, 9] });
  const [a] = rankedByVariance([series('a', ['a1', 'a2'])], values);
  assert.equal(a?.blocks, 2);
  assert.deepEqual([...armMeans(['a1', 'a2'], values).values()], [0.1, 0.3]);
});

test('rank correlation is 1 for the same order, -1 for the opposite, shares ties, and is nothing without differences', () => {
  assert.equal(rankCorrelation([1, 2, 3], [10, 20, 900]), 1);
  assert.equal(rankCorrelation([1, 2, 3], [3, 2, 1]), -1);
  // Ranks -1.5, 0, 0, 1.5 and -1.5, .5, -.5, 1.5: 4.5 over the root of 4.5 times 5.
  assert.ok(Math.abs((rankCorrelation([1, 2, 2, 4], [1, 3, 2, 4]) ?? 0) - Math.sqrt(0.9)) < ROUNDED);
  assert.equal(rankCorrelation([1, 1, 1], [1, 2, 3]), undefined);
  assert.equal(rankCorrelation([1, 2], [1, 2]), undefined);
});
