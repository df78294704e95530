/** Trends over doses as claims: the weights are those of a least-squares line. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SERIES, trendOver } from './doses.ts';

const ROUNDED = 1e-12;

/** What a claim's contrast is for numbers of the arms. */
function contrastOf(series: (typeof SERIES)[number], numbers: ReadonlyMap<string, number>): number {
  const { arm, against } = trendOver(series);
  assert.ok(against.kind === 'arms');
  const others = Object.entries(against.weights).map(([name, weight]) => weight * (numbers.get(name) ?? Number.NaN));
  return (numbers.get(arm) ?? Number.NaN) - others.reduce((sum, value) => sum + value, 0);
}

for (const series of SERIES) {
  const { name, doses } = series;
  test(`${name}: the claim is the rise of the least-squares line over the decades it names`, () => {
    const { decades } = trendOver(series);
    const line = new Map(doses.map((dose) => [dose.name, 0.3 - 0.07 * Math.log10(dose.value)]));
    assert.ok(Math.abs(contrastOf(series, line) + 0.07 * decades) < ROUNDED);
    const x = doses.map(({ value }) => Math.log10(value));
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
    const y = doses.map((_, i) => Math.cos(i * i));
    const top = x.reduce((sum, value, i) => sum + (value - mean) * (y[i] ?? 0), 0);
    const slope = top / x.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const found = contrastOf(series, new Map(doses.map((dose, i) => [dose.name, y[i] ?? 0])));
    assert.ok(Math.abs(found - slope * decades) < ROUNDED, `${found} against ${slope * decades}`);
  });

  test(`${name}: doses ascend over a decade or more, and a level line is no rise`, () => {
    const values = doses.map(({ value }) => value);
    assert.deepEqual(
      values,
      values.toSorted((a, b) => a - b),
    );
    assert.ok((values.at(-1) ?? 0) >= 10 * (values[0] ?? Infinity));
    assert.ok(Math.abs(contrastOf(series, new Map(doses.map((dose) => [dose.name, 0.4])))) < ROUNDED);
  });
}
