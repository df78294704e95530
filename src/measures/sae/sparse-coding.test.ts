import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { toUnitRows } from '#learning/sae/sae-parameters.ts';
import { saeReader } from '#learning/sae/sae-reader.ts';

import { measureReconstruction, reconstructionTally } from './reconstruction.ts';
import { fractionAbove, recovery } from './recovery.ts';
import { fistaCodes, oracleSae } from './sparse-coding.ts';

const [WIDTH, FEATURES, ROWS, K] = [32, 48, 64, 3];
const TRUTH = dictionary('truth');
const X = sums(TRUTH);
const CODING = { l1: 0.02, iterations: 300, k: K } as const;

test('on the dictionary the rows are made of, FISTA finds their codes, on another one it does not', async () => {
  const found = await fistaCodes(TRUTH, X, WIDTH, CODING);
  const { fvu, l0 } = fvuOf(found);
  assert.ok(fvu < 1e-4, `${fvu}`);
  assert.ok(l0 <= K);
  const other = fvuOf(await fistaCodes(dictionary('another'), X, WIDTH, CODING));
  assert.ok(other.fvu > 0.3, `${other.fvu}`);
});

test('codes that are kept are fitted again: L1 alone leaves them too small', async () => {
  const shrunk = fvuOf(await fistaCodes(TRUTH, X, WIDTH, { l1: 0.2, iterations: 300 }));
  const refitted = fvuOf(await fistaCodes(TRUTH, X, WIDTH, { l1: 0.2, iterations: 300, k: K }));
  assert.ok(refitted.fvu < shrunk.fvu / 10, `${shrunk.fvu} -> ${refitted.fvu}`);
});

test('the oracle with thresholding steps reconstructs better than with one product, whatever lengths its features had', async () => {
  const long = TRUTH.map((value, i) => value * (1 + Math.floor(i / WIDTH)));
  const fvus = [];
  for (const steps of [1, 20]) {
    await using reader = await saeReader(oracleSae(long, WIDTH, K, steps), ROWS);
    fvus.push(fvuOf(await reader.read(X)).fvu);
  }
  const [few = 0, many = 1] = fvus;
  assert.ok(many < few && many < 0.05, `${few} -> ${many}`);
});

test('what cannot be coded or measured is refused: no number is made of it', async () => {
  const coding = { l1: 0.1, iterations: 3 };
  const [short, zeros, broken] = [X.subarray(1), new Float32Array(TRUTH.length), X.map(() => Number.NaN)];
  await assert.rejects(fistaCodes(TRUTH, short, WIDTH, coding), /fistaCodes, rows: expected a whole number/);
  await assert.rejects(
    fistaCodes(zeros, X, WIDTH, coding),
    /features that have a direction, found a dictionary of zeros/,
  );
  await assert.rejects(fistaCodes(TRUTH, broken, WIDTH, coding), /fistaCodes, rows: expected finite numbers/);
  await assert.rejects(fistaCodes(TRUTH, X, WIDTH, { ...coding, l1: -1 }), /l1: expected a number of at least 0/);
  await assert.rejects(
    fistaCodes(TRUTH, X, WIDTH, { ...coding, iterations: 0 }),
    /iterations: expected a whole number/,
  );
  await assert.rejects(fistaCodes(TRUTH, X, WIDTH, { ...coding, k: 0 }), /k: expected a whole number from 1 to 48/);

  const sae = oracleSae(TRUTH, WIDTH, K, 1);
  const stream = { dIn: WIDTH, batchRows: ROWS, rows: () => X };
  await assert.rejects(measureReconstruction(sae, stream, { to: 0 }), /measureReconstruction, to: expected a whole/);
  await assert.rejects(measureReconstruction(sae, { ...stream, dIn: 8 }, { to: 1 }), /rows of 32 numbers, found 8/);
  await assert.rejects(
    measureReconstruction(sae, { ...stream, rows: () => broken }, { to: 1 }),
    /rows of step 0: expected finite numbers/,
  );
  const tally = reconstructionTally(WIDTH, FEATURES);
  assert.throws(() => tally.result(), /expected rows to measure on, found none/);
  assert.throws(() => tally.add(X, new Float32Array(3), X), /as many of x, codes and reconstructions, found 64, /);
  assert.throws(() => recovery(new Float32Array(), TRUTH, WIDTH), /Recovery, truth: expected features, found none/);
  assert.throws(() => fractionAbove(new Float64Array(), 0.9), /expected cosines, found none/);
});

function fvuOf({ featureActs, reconstruction }: { featureActs: Float32Array; reconstruction: Float32Array }): {
  readonly fvu: number;
  readonly l0: number;
} {
  const tally = reconstructionTally(WIDTH, FEATURES);
  tally.add(X, featureActs, reconstruction);
  return tally.result();
}

function dictionary(name: string): Float32Array {
  const rng = rngOf(2, name);
  const features = Float32Array.from({ length: FEATURES * WIDTH }, () => rng.normal());
  toUnitRows(features, WIDTH);
  return features;
}

/** Sums of K features of each row. */
function sums(features: Float32Array): Float32Array {
  const rng = rngOf(2, 'rows');
  const rows = new Float32Array(ROWS * WIDTH);
  for (let row = 0; row < ROWS; row++) {
    for (let active = 0; active < K; active++) {
      const [feature, size] = [rng.below(FEATURES), 0.7 + rng.uniform()];
      for (let i = 0; i < WIDTH; i++) {
        rows[row * WIDTH + i] = (rows[row * WIDTH + i] ?? 0) + size * (features[feature * WIDTH + i] ?? 0);
      }
    }
  }
  return rows;
}
