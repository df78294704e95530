import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { crossFactors, factorOf } from './factors.ts';
import { type Combination, interaction, trendOver } from './trends.ts';

const REFERENCE = new URL('../../test/reference/trends.json', import.meta.url);
/** Rounding of a handful of sums in float64. */
const ROUNDING = 1e-12;

/** What a combination makes of the arms' numbers. */
function valueOf({ arm, against }: Combination, numbers: Readonly<Record<string, number>>): number {
  const others = Object.entries(against.weights).map(([name, weight]) => weight * (numbers[name] ?? Number.NaN));
  return (numbers[arm] ?? Number.NaN) - others.reduce((sum, part) => sum + part, 0);
}

const near = (found: number, expected: number): void =>
  assert.ok(Math.abs(found - expected) < ROUNDING, `${found}, expected ${expected}`);

test("a trend is the change along numpy's least-squares line, from a factor's lowest value to its highest", () => {
  // As test/reference/trends.py wrote it.
  const cases = JSON.parse(readFileSync(REFERENCE, 'utf8')) as readonly {
    readonly factor: string;
    readonly scale: 'linear' | 'log';
    readonly values: readonly number[];
    readonly numbers: readonly number[];
    readonly change: number;
  }[];
  assert.equal(cases.length, 8);
  for (const { factor, scale, values, numbers, change } of cases) {
    const arms = crossFactors([factorOf(factor, factor, values)]);
    const byArm = Object.fromEntries(arms.map(({ name }, i) => [name, numbers[i] ?? Number.NaN]));
    near(valueOf(trendOver(arms, factor, { scale }), byArm), change);
  }
});

test('on a straight line a trend is the whole rise, whatever the arms between, their order, and how many share a value', () => {
  const at = (name: string, depth: number) => ({ name, at: { depth } });
  const arms = [at('c', 5), at('a', 1), at('b', 2), at('b2', 2)];
  const line = { a: 2 + 3, b: 2 + 6, b2: 2 + 6, c: 2 + 15 };
  near(valueOf(trendOver(arms, 'depth'), line), 12);
  const flat = { a: 7, b: 7, b2: 7, c: 7 };
  near(valueOf(trendOver(arms, 'depth'), flat), 0);
  // Arms at one value count as their mean.
  near(
    valueOf(trendOver(arms, 'depth'), { ...line, b: 0, b2: 16 }),
    valueOf(trendOver(arms, 'depth'), { ...line, b: 8, b2: 8 }),
  );
  assert.deepEqual(trendOver([at('low', 1), at('high', 4)], 'depth'), {
    arm: 'high',
    against: { kind: 'arms', weights: { low: 1 }, label: 'a flat line over depth (1 to 4)' },
  });
});

test('a trend needs two values, numbers, and on a log scale numbers above 0', () => {
  const at = (name: string, depth: unknown) => ({ name, at: { depth: depth as number } });
  assert.throws(() => trendOver([at('a', 1), at('b', 1)], 'depth'), /two values or more, found one/);
  assert.throws(() => trendOver([], 'depth'), /two values or more, found none/);
  assert.throws(() => trendOver([at('a', 1), at('b', 'deep')], 'depth'), /of arm "b", found "deep"/);
  assert.throws(() => trendOver([at('a', 1), { name: 'b' }], 'depth'), /of arm "b", found nothing/);
  assert.throws(() => trendOver([at('a', 0), at('b', 1)], 'depth', { scale: 'log' }), /above 0 in `at` of arm "a"/);
});

test('an interaction is how much more a differs from b than c does from d', () => {
  near(valueOf(interaction('a', 'b', 'c', 'd'), { a: 9, b: 4, c: 3, d: 1 }), 9 - 4 - (3 - 1));
  assert.throws(() => interaction('a', 'b', 'a', 'd'), /four different arms, found a, b, a, d/);
});
