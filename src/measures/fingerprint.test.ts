import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';

import { type Example, fingerprint } from './fingerprint.ts';

const WIDTH = 200;
const BLOCKS = 24;

/** Runs of two arms over blocks: noise of their own, what their block shares, and a shift of the arm along one direction. */
function runs(shift: number, ofBlock: number, seed = 1): readonly Example[] {
  const rng = rngOf(seed, 'runs');
  return Array.from({ length: BLOCKS }, (_, block) => {
    const shared = Array.from({ length: WIDTH }, () => ofBlock * rng.normal());
    return ['a', 'b'].map((label, arm) => ({
      label,
      fold: `${block}`,
      features: shared.map((value, d) => value + rng.normal() + (d < 20 ? arm * shift : 0)),
    }));
  }).flat();
}

test('outputs that carry their arm give it away in blocks that were not seen', () => {
  const { accuracy, chance, guesses } = fingerprint(runs(1.5, 0.3));
  assert.ok(accuracy > 0.95, `${accuracy}`);
  assert.equal(chance, 0.5);
  assert.equal(guesses.length, 2 * BLOCKS);
});

test('where arms are the same, no more than chance is guessed: training accuracy, which is perfect, never counts', () => {
  const accuracies = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => fingerprint(runs(0, 0.3, seed)).accuracy);
  const mean = accuracies.reduce((sum, value) => sum + value, 0) / accuracies.length;
  // 384 guesses: four standard errors of a fair coin.
  assert.ok(Math.abs(mean - 0.5) < 4 * Math.sqrt(0.25 / 384), `${mean}`);
});

test('what the runs of a block share tells seeds apart and not arms', () => {
  const examples = runs(0, 2);
  const ofSeeds = fingerprint(examples.map(({ features, label, fold }) => ({ features, label: fold, fold: label })));
  assert.ok(ofSeeds.accuracy > 0.9, `${ofSeeds.accuracy}`);
  assert.ok(Math.abs(ofSeeds.chance - 1 / BLOCKS) < 1e-12);
  assert.ok(fingerprint(examples).accuracy < 0.75);
});

test('neither the scale of a feature nor its offset matters, and one that never varies is left out', () => {
  const examples = runs(1, 0.3);
  const rescaled = examples.map((example) => ({
    ...example,
    features: [7, ...Array.from(example.features, (value, d) => (d % 2 === 0 ? 1000 * value - 3 : value))],
  }));
  assert.deepEqual(
    fingerprint(rescaled).guesses.map(({ guess }) => guess),
    fingerprint(examples).guesses.map(({ guess }) => guess),
  );
  const constant = examples.map((example) => ({ ...example, features: [1, 2] }));
  assert.ok(fingerprint(constant).accuracy <= 0.5);
});

test('unequal arms raise chance to the share of the larger', () => {
  const examples = runs(0, 0.3).filter(({ label, fold }) => label === 'a' || Number(fold) < 8);
  assert.equal(fingerprint(examples).chance, 0.75);
});

test('what cannot be cross-validated is refused by name', () => {
  const examples = runs(1, 0.3);
  assert.throws(() => fingerprint(examples.filter(({ label }) => label === 'a')), /1 labels/);
  assert.throws(() => fingerprint(examples.filter(({ fold }) => fold === '3')), /1 folds/);
  const alone = examples.map((example, i) => (i === 0 ? { ...example, label: 'c' } : example));
  assert.throws(() => fingerprint(alone), /label "c" is in fold "0" alone/);
  const short = examples.map((example, i) => (i === 5 ? { ...example, features: [1] } : example));
  assert.throws(() => fingerprint(short), /label "b", fold "2" has 1 features\. Expected 200/);
  const broken = examples.map((example, i) =>
    i === 5 ? { ...example, features: Array<number>(WIDTH).fill(NaN) } : example,
  );
  assert.throws(() => fingerprint(broken), /all finite/);
});
