/** A small, deterministic part of the matching worlds of bench/validity.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { findingsOf, runStudies } from '#analysis/validation/run-world.ts';
import { MATCHING_WORLDS } from '#analysis/validation/worlds-matching.ts';

const STUDIES = 20;
// With 20 studies more than 3 wrong ones have probability .016 at an error rate of .05; the draws are fixed.
const MOST_ERRORS = 3;
// An interval that covers in .95 does so in fewer than 17 of 20 with probability .016.
const FEWEST_COVERED = 17;

const WORLDS = [
  'equal arms, pilots keep two of three rates',
  'equal arms, pilots keep two of four rates',
  'truth = 2 delta, pilots keep two of three rates, a rate moves delta / 4',
  'shared axis noise, 1x probes in one arm',
  'shared axis noise, 8x probes in one arm',
  'f(gap) linear, a mismatch',
  'f(gap) steep, a small mismatch',
  'f(gap) two steps, a small mismatch',
  'f(heldOut) linear, a small mismatch',
  'f(both) level along the runs, two rates',
  'truth = 2 delta beyond a small mismatch, f(heldOut)',
  'truth = 2 delta, one block of eight lies apart',
  'explained by heldOut, smooth',
  'explained by train, smooth',
  'explained by gap, smooth',
  'explained by gap, apart',
  'an effect beyond is not explained away, f(gap)',
  'held-out loss explains all but delta',
  'ceiling, the control goes down',
  'ceiling at all but one level, the control is seen there alone',
  'a large control says nothing of a small effect',
  'a moderate control licenses no effect',
];

for (const name of WORLDS) {
  test(`world "${name}" keeps its error rates and its power`, () => {
    const world = MATCHING_WORLDS.find((one) => one.name === name);
    assert.ok(world, `no world "${name}"`);
    for (const finding of findingsOf(world, runStudies(world, 0, STUDIES))) {
      const { bound, counted } = finding.check;
      const hits = Math.round(finding.rate * finding.studies);
      const what = `${JSON.stringify(counted)}: ${hits} of ${finding.studies}`;
      if (bound.kind === 'upperLimitAtMost') assert.ok(hits <= MOST_ERRORS, what);
      else if (bound.kind === 'between') assert.ok(hits >= FEWEST_COVERED, what);
      else assert.ok(finding.passed, what);
    }
  });
}
