/** A small, deterministic part of the worlds of claims in bench/validity.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { findingsOf, runStudies } from '#analysis/validation/run-world.ts';
import { ERROR_LIMIT } from '#analysis/validation/validity-world.ts';
import { CLAIM_WORLDS } from '#analysis/validation/worlds-claims.ts';

const STUDIES = 30;
// With 30 studies more than 4 wrong ones have probability .016 at an error rate of .05; the draws are fixed.
const MOST_ERRORS = 4;
// An interval that covers in .95 does so in fewer than 26 of 30 with probability .016.
const FEWEST_COVERED = 26;

for (const world of CLAIM_WORLDS) {
  test(`world "${world.name}" keeps its error rates and its power`, () => {
    for (const finding of findingsOf(world, runStudies(world, 0, STUDIES))) {
      const { bound, counted } = finding.check;
      const hits = Math.round(finding.rate * finding.studies);
      const what = `${JSON.stringify(counted)}: ${hits} of ${finding.studies}`;
      assert.equal(finding.studies, STUDIES, what);
      if (bound.kind === 'upperLimitAtMost') {
        assert.ok(bound.value > ERROR_LIMIT ? finding.rate <= 2 * bound.value : hits <= MOST_ERRORS, what);
      } else if (bound.kind === 'between') assert.ok(hits >= FEWEST_COVERED, what);
      else assert.ok(finding.passed, what);
    }
  });
}
