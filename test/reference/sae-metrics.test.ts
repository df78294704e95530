/** Metrics of sparse autoencoders against SciPy and SAELens: sae-metrics.py writes sae-metrics.json, this repeats its numbers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { toUnitRows } from '#learning/sae/sae-parameters.ts';
import { cheapestAssignment } from '#measures/sae/assignment.ts';
import { reconstructionTally } from '#measures/sae/reconstruction.ts';
import { recovery } from '#measures/sae/recovery.ts';
import { fistaCodes } from '#measures/sae/sparse-coding.ts';

import reference from './sae-metrics.json' with { type: 'json' };

/** float64 sums of float32 values. */
const TOLERANCE = 1e-9;
/** float32 iterations against a float64 optimum. */
const CODING_TOLERANCE = 1e-5;

for (const { rows, columns, seed, sum, columnOf } of reference.assignments) {
  test(`the assignment of ${rows} x ${columns} is SciPy's`, () => {
    const costs = wave(rows * columns, seed);
    const found = cheapestAssignment(costs, rows, columns);
    assert.deepEqual([...found], columnOf);
    const total = found.reduce((all, column, row) => all + (costs[row * columns + column] ?? Number.NaN), 0);
    assert.ok(Math.abs(total - sum) < TOLERANCE);
  });
}

for (const { n, m, d, meanMaxCosine, meanMatchedCosine } of reference.recoveries) {
  test(`recovery of ${n} features in ${m} is NumPy's and SciPy's`, () => {
    const found = recovery(wave(n * d, 1), wave(m * d, 2), d);
    assert.ok(Math.abs(found.meanMaxCosine - meanMaxCosine) < TOLERANCE);
    assert.ok(Math.abs(found.meanMatchedCosine - meanMatchedCosine) < TOLERANCE);
    assert.equal(found.matched.filter((one) => one === -1).length, Math.max(0, n - m));
  });
}

test("L0, squared error, explained variance, densities and dead features are SAELens's, far from 0 too, in batches", () => {
  const x = wave(30 * 5, 3).map((value) => value + 100);
  const noise = wave(30 * 5, 4);
  const out = x.map((value, i) => Math.fround(value + Math.fround(Math.fround(0.2) * (noise[i] ?? 0))));
  const acts = wave(30 * 7, 5).map((value, i) =>
    i % 7 === 3 ? 0 : Math.max(Math.fround(value - Math.fround(0.8)), 0),
  );
  const tally = reconstructionTally(5, 7);
  for (const [from, to] of [
    [0, 4],
    [4, 30],
  ] as const) {
    tally.add(x.subarray(from * 5, to * 5), acts.subarray(from * 7, to * 7), out.subarray(from * 5, to * 5));
  }
  const found = tally.result();
  const { explainedVariance, mse, l0, featureDensity, deadFraction } = reference.reconstruction;
  // The added noise is rounded near 100, where float32 has steps of 8e-6.
  assert.ok(Math.abs(found.explainedVariance - explainedVariance) < 1e-4, `${found.explainedVariance}`);
  assert.ok(Math.abs(found.mse - mse) < 1e-4);
  assert.ok(Math.abs(found.fvu + found.explainedVariance - 1) < TOLERANCE);
  assert.equal(found.l0, l0);
  assert.deepEqual([...found.featureDensity], featureDensity);
  assert.equal(found.deadFraction, deadFraction);
});

test('FISTA reaches the least objective that a quasi-Newton method finds', async () => {
  const { features, width, rows, l1, objectives } = reference.sparseCoding;
  const dictionary = wave(features * width, 6);
  toUnitRows(dictionary, width);
  const x = wave(rows * width, 7);
  const { featureActs, reconstruction } = await fistaCodes(dictionary, x, width, { l1, iterations: 2000 });
  objectives.forEach((objective, row) => {
    let found = 0;
    for (let i = row * width; i < (row + 1) * width; i++) {
      found += ((x[i] ?? 0) - (reconstruction[i] ?? 0)) ** 2 / 2;
    }
    for (let i = row * features; i < (row + 1) * features; i++) found += l1 * (featureActs[i] ?? 0);
    assert.ok(Math.abs(found - objective) < CODING_TOLERANCE, `row ${row}: ${found} against ${objective}`);
  });
});

function wave(length: number, seed: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.cos(1.3 * i * Math.sqrt(i) + seed));
}
