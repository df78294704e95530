/** A small, deterministic part of bench/validity.ts: enough that a broken rule turns the suite red in seconds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { findingsOf, runStudies } from '#analysis/validation/run-world.ts';
import { VALIDITY_WORLDS } from '#analysis/validation/worlds.ts';

const STUDIES = 20;
// With 20 studies more than 3 wrong ones have probability .016 at an error rate of .05; the draws are fixed.
const MOST_ERRORS = 3;

const WORLDS = [
  'f(train), 10x speed',
  'f(heldOut), smooth',
  'f(gap), noisy loss, 10x speed, jump',
  'f(gap), heteroscedastic',
  'f(gap) overlapping, smooth',
  'f(gap) one rate, apart, steep',
  'f(gap) crossing profiles',
  'f(gap) linear, noise at the gate',
  'truth = delta',
  'truth = delta at one level',
  'opposite effects at two learning rates',
  'crossing effects',
  'no overlap in held-out loss',
  'no overlap in the plane',
  'truth = 2 delta, sigma = delta',
  'truth = 0, sigma = delta / 2',
  'f(gap), smooth, sequential',
  'truth = 2 delta, sigma = delta, sequential',
  'truth = 0, sigma = delta / 2, sequential',
  'A/A splits of one arm',
  '8 clusters twice, truth = 0, sigma = 2 delta',
  '8 clusters twice, truth = delta, sigma = delta / 2',
  '8 clusters twice, truth = 2 delta, sigma = delta',
  'jump of 1 in a share of 0.1, 8 blocks',
  'jump of 0.28 in a share of 0.36, 8 blocks',
  'truth = delta, skewed noise in 1 of the arms',
  'continued while undecided, truth = delta, sigma = delta / 4',
  'decisions stand over two looks, four arms, truth = 0, sigma = 2 delta',
  'decisions stand over two looks, four arms, truth = delta, sigma = delta / 2',
  'family of eight, truth = delta, sigma = delta / 4',
  'family of eight, truth = 0, sigma = delta / 3',
];

for (const name of WORLDS) {
  test(`world "${name}" keeps its error rates and its power`, () => {
    const world = VALIDITY_WORLDS.find((one) => one.name === name);
    assert.ok(world, `no world "${name}"`);
    for (const finding of findingsOf(world, runStudies(world, 0, STUDIES))) {
      const { bound, counted } = finding.check;
      const hits = Math.round(finding.rate * finding.studies);
      const what = `${JSON.stringify(counted)}: ${hits} of ${finding.studies}`;
      if (bound.kind === 'upperLimitAtMost') assert.ok(hits <= MOST_ERRORS, what);
      else assert.ok(finding.passed, what);
    }
  });
}
