import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AssayError } from '#base/errors.ts';
import { type Rng, rngOf } from '#base/rng.ts';
import { type DenseMatrix, orthonormalColumns } from '#learning/spectra/matrix.ts';

import { normalQuantile } from './agreement.ts';
import { bindingTest } from './binding-test.ts';
import { DICTIONARY_WORLDS } from './dictionary-worlds.ts';
import { rowProducts, unitFeatures } from './feature-rows.ts';
import { inverseOf, mapError, pairRecovery } from './map-error.ts';
import { matchPairs } from './match-pairs.ts';
import { matchSlots } from './match-slots.ts';
import { permutedFeatures } from './permuted.ts';

const [N, D] = [48, 32];
/** Features without noise determine the map to rounding. */
const ROUNDING = 1e-6;

function drawn(rows: number, rng: Rng): DenseMatrix {
  return unitFeatures({ rows, columns: D, values: Float64Array.from({ length: rows * D }, () => rng.normal()) });
}

function orthogonal(rng: Rng): DenseMatrix {
  return orthonormalColumns({ rows: D, columns: D, values: Float64Array.from({ length: D * D }, () => rng.normal()) });
}

/** Base features and their images under maps, one slot after another. */
function boundBy(maps: readonly DenseMatrix[], rng: Rng): DenseMatrix {
  const base = drawn(N, rng);
  const slots = [base, ...maps.map((map) => unitFeatures({ ...base, values: rowProducts(base, map) }))];
  return { rows: N * slots.length, columns: D, values: Float64Array.from(slots.flatMap(({ values }) => [...values])) };
}

const MAP = orthogonal(rngOf(1, 'map'));
const BOUND = boundBy([MAP], rngOf(1, 'bound'));
const PARTNER = Int32Array.from({ length: 2 * N }, (_, i) => (i < N ? N + i : -1));

test('a dictionary [A, M A] gives every pair, and M to rounding, forwards or backwards', () => {
  const match = matchPairs(BOUND);
  const { right, rightFraction, foundFraction, isInverse } = pairRecovery(BOUND, match, {
    features: BOUND,
    partner: PARTNER,
  });
  assert.equal(right, N);
  assert.deepEqual([rightFraction, foundFraction], [1, 1]);
  assert.equal(match.predicted, N);
  assert.ok(match.map !== undefined);
  assert.ok(mapError(match.map, isInverse ? inverseOf(MAP) : MAP) < ROUNDING);
});

test('which row a feature stands in, and how long it is, changes no pair', () => {
  const order = rngOf(2, 'order').permutation(2 * N);
  const values = new Float64Array(2 * N * D);
  for (const [i, row] of order.entries()) {
    for (let a = 0; a < D; a++) values[i * D + a] = (1 + (i % 3)) * (BOUND.values[row * D + a] ?? 0);
  }
  const shuffled = { rows: 2 * N, columns: D, values };
  const { foundFraction } = pairRecovery(shuffled, matchPairs(shuffled), { features: BOUND, partner: PARTNER });
  assert.equal(foundFraction, 1);
});

test('where sources and targets are known, pairs run from one to the other', () => {
  const sources = Array.from({ length: N }, (_, i) => i);
  const match = matchPairs(BOUND, { sources, targets: sources.map((i) => N + i) });
  assert.deepEqual(
    match.pairs.map(({ source, target }) => target - source).filter((step) => step !== N),
    [],
  );
  assert.equal(match.pairs.length, N);
});

test('three slots give two maps, and the third between them is M3 M2^-1', () => {
  const dictionary = boundBy([MAP, orthogonal(rngOf(3, 'another'))], rngOf(3, 'three'));
  const { matches, consistency } = matchSlots(dictionary, 3);
  assert.equal(matches.length, 2);
  assert.equal(consistency[0]?.pairs, N);
  assert.ok((consistency[0]?.error ?? 1) < 0.15, `${consistency[0]?.error}`);
});

test('features that are another again are left out, so a map near the identity claims nothing', () => {
  const base = drawn(N, rngOf(4, 'base'));
  const twice = { rows: 2 * N, columns: D, values: Float64Array.of(...base.values, ...base.values) };
  const found = matchPairs(twice);
  assert.deepEqual(
    found.duplicates,
    Array.from({ length: N }, (_, i) => N + i),
  );
  assert.equal(bindingTest(twice, rngOf(4, 'test'), { draws: 19, alpha: 0.05 }).isBound, false);
});

test('pairs that M was not fitted to are what counts: any few pairs are fitted, and hardly one is predicted', () => {
  const { pairs, predicted } = matchPairs(drawn(2 * N, rngOf(5, 'independent')));
  assert.ok(pairs.length > 4, `${pairs.length}`);
  assert.ok(predicted < pairs.length / 2, `${predicted} of ${pairs.length}`);
});

test('the first dictionaries of the worlds of the bench are called what they are', () => {
  // Rates over hundreds of draws are the bench's; a rule that always or never says bound fails here.
  const bound = (name: string, draw: number): boolean => {
    const world = DICTIONARY_WORLDS.find((one) => one.name === name);
    assert.ok(world !== undefined, name);
    const rng = rngOf(draw, world.name);
    return bindingTest(world.draw(rng.split('dictionary')), rng.split('test'), { draws: 19, alpha: 0.05 }).isBound;
  };
  assert.equal(bound('bound by an orthogonal map', 0), true);
  assert.deepEqual(
    [0, 1, 2].map((draw) => bound('independent', draw)),
    [false, false, false],
  );
});

test('a permuted dictionary keeps the products inside a cluster and the directions in which features are long', () => {
  const d = DICTIONARY_WORLDS.find(({ name }) => name.includes('clusters'))?.draw(rngOf(6, 'clusters'));
  assert.ok(d !== undefined);
  const features = unitFeatures(d);
  const permuted = permutedFeatures(features, rngOf(6, 'permuted'));
  const [before, after] = [rowProducts(features, features), rowProducts(permuted, permuted)];
  const close = [...before.keys()].filter((cell) => (before[cell] ?? 0) > 0.85 && cell % (features.rows + 1) !== 0);
  assert.ok(close.length > 20, `${close.length}`);
  const mean = (products: Float64Array): number =>
    close.reduce((sum, cell) => sum + (products[cell] ?? 0), 0) / close.length;
  // Axes are scaled before and after, so that products inside a cluster are kept nearly, not exactly.
  assert.ok(mean(after) > 0.75 * mean(before), `${mean(before)} -> ${mean(after)}`);
  assert.notDeepEqual(permuted.values, features.values);
});

test('a match and a test are the same every time', () => {
  assert.deepEqual(matchPairs(BOUND), matchPairs(BOUND));
  const dictionary = drawn(2 * N, rngOf(7, 'again'));
  const again = () => bindingTest(dictionary, rngOf(7, 'test'), { draws: 19, alpha: 0.05 });
  assert.deepEqual(again(), again());
});

test('the quantile of a normal is that of tables', () => {
  // Table values (Abramowitz and Stegun 26.1).
  for (const [p, z] of [
    [0.5, 0],
    [0.975, 1.959963985],
    [0.999, 3.090232306],
    [1e-6, -4.753424309],
  ] as const) {
    assert.ok(Math.abs(normalQuantile(p) - z) < 1e-7, `${p}: ${normalQuantile(p)}`);
  }
});

test('what cannot be matched is refused with what was expected', () => {
  const refused = (run: () => unknown, text: RegExp): void => {
    assert.throws(run, (error) => error instanceof AssayError && text.test(error.message));
  };
  refused(() => matchPairs(drawn(3, rngOf(8))), /3 features\. Expected 4 to 2048/u);
  refused(() => matchPairs({ rows: 4, columns: D, values: new Float64Array(4 * D) }), /Feature 0 has length 0/u);
  refused(() => matchPairs(BOUND, { sources: [2 * N] }), /sources: feature 96\. Expected 0 to 95/u);
  refused(() => bindingTest(BOUND, rngOf(8), { draws: 10 }), /10 draws never reach p <= 0\.025\. Expected 39 or more/u);
  refused(() => matchSlots(BOUND, 1), /1 slots\. Expected 2 or more/u);
  refused(() => mapError(MAP, BOUND), /32 x 32 against 96 x 32/u);
  refused(() => matchPairs({ ...BOUND, rows: 95 }), /expected 95 x 32 numbers, .*found 3072/u);
  refused(() => bindingTest(BOUND, rngOf(8), { draws: Number.NaN }), /draws: expected a whole number/u);
  refused(() => bindingTest(BOUND, rngOf(8), { alpha: 2 }), /alpha: expected a number between 0 and 1/u);
  refused(() => inverseOf(BOUND), /96 x 32\. Expected a square map/u);
  refused(
    () => pairRecovery(BOUND, matchPairs(BOUND), { features: BOUND, partner: PARTNER.subarray(1) }),
    /95 partners of 96 known features/u,
  );
});
