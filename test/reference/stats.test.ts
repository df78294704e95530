import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ancovaOf, decompositionOf } from '#analysis/description/ancova.ts';
import { benjaminiHochberg } from '#analysis/stats/benjamini-hochberg.ts';
import { blockContrasts, overallEstimate, type MatchedTable } from '#analysis/matching/matched-table.ts';
import type { PairBlock } from '#analysis/matching/pair.ts';
import { equivalenceP, estimateOf, interceptOf, intervalOf, isEquivalent } from '#analysis/stats/estimate.ts';
import { holmLevel } from '#analysis/stats/holm.ts';
import { simplexShareBelow, unseenShare } from '#analysis/stats/mean-bound.ts';
import { countedIn } from '#analysis/verdict/clusters.ts';
import { clopperPearson } from '#analysis/stats/proportion.ts';
import { signFlipMaxT } from '#analysis/stats/sign-flip.ts';
import { studentTQuantile, studentTTwoSided } from '#analysis/stats/student-t.ts';
import { rngOf } from '#base/rng.ts';
import reference from './stats.json' with { type: 'json' };

// Both sides are double precision with well-conditioned inputs; the bisections stop at 1e-12.
const TOLERANCE = 1e-9;

function close(actual: number, expected: number, what: string): void {
  assert.ok(
    Math.abs(actual - expected) <= TOLERANCE * Math.max(1, Math.abs(expected)),
    `${what}: ${actual}, ${expected}`,
  );
}

test('quantiles and tails of t agree with scipy', () => {
  for (const { p, df, quantile, twoSided } of reference.studentT) {
    close(studentTQuantile(p, df), quantile, `quantile ${p} at ${df}`);
    close(studentTTwoSided(quantile + 0.3, df), twoSided, `tail at ${df}`);
  }
});

test('means, intervals and two one-sided tests agree with statsmodels', () => {
  for (const row of reference.intervals) {
    const estimate = estimateOf(row.values);
    assert.ok(estimate);
    close(estimate.mean, row.mean, 'mean');
    close(estimate.standardError, row.standardError, 'standard error');
    intervalOf(estimate, 0.95).forEach((bound, i) => close(bound, row.ci95[i] ?? 0, '95%'));
    intervalOf(estimate, 0.9).forEach((bound, i) => close(bound, row.ci90[i] ?? 0, '90%'));
    // Equivalence at level alpha holds exactly where the test's p is below alpha.
    assert.equal(isEquivalent(estimate, row.delta, row.tostP * 1.001), true);
    assert.equal(isEquivalent(estimate, row.delta, row.tostP * 0.999), false);
  }
});

test('the intercept at mismatch zero agrees with statsmodels OLS', () => {
  for (const row of reference.intercepts) {
    const estimate = interceptOf(row.values, row.covariate);
    assert.ok(estimate);
    close(estimate.mean, row.mean, 'intercept');
    close(estimate.standardError, row.standardError, 'standard error');
    intervalOf(estimate, 0.95).forEach((bound, i) => close(bound, row.ci95[i] ?? 0, '95%'));
  }
});

test('step-down maxT agrees with brute force over all sign patterns', () => {
  const family = reference.maxT.family.map(({ blocks, contrasts, mismatches }) =>
    mismatches === undefined ? { blocks, contrasts } : { blocks, contrasts, mismatches },
  );
  const { adjusted, single } = signFlipMaxT(family, rngOf(0));
  adjusted.forEach((p, i) => close(p, reference.maxT.adjusted[i] ?? 0, `adjusted ${i}`));
  single.forEach((p, i) => close(p, reference.maxT.single[i] ?? 0, `single ${i}`));
});

test('ANCOVA clustered on blocks and sequential sums of squares agree with statsmodels', () => {
  const { rows, coefficient, ci95, p, fractions } = reference.ancova;
  const observations = rows.map((row) => ({
    block: row.block,
    isArm: row.arm === 1,
    axes: [row.train, row.heldOut],
    value: row.y,
  }));
  const ancova = ancovaOf(observations);
  assert.ok(ancova.kind === 'estimated');
  close(ancova.estimate, coefficient, 'coefficient');
  ancova.ci95.forEach((bound, i) => close(bound, ci95[i] ?? 0, '95%'));
  close(ancova.p, p, 'p');
  const shares = decompositionOf(observations);
  assert.ok(shares.kind === 'estimated');
  close(shares.axesFraction, fractions.axes, 'axes');
  close(shares.factorFraction, fractions.factor, 'factor');
  close(shares.blockFraction, fractions.block, 'block');
  close(shares.restFraction, fractions.rest, 'rest');
});

test('Benjamini-Hochberg and Clopper-Pearson agree with statsmodels', () => {
  const q = benjaminiHochberg(reference.falseDiscovery.p);
  q.forEach((value, i) => close(value, reference.falseDiscovery.q[i] ?? 0, `q ${i}`));
  for (const { successes, trials, clopperPearson: expected } of reference.proportions) {
    clopperPearson(successes, trials).forEach((bound, i) => close(bound, expected[i] ?? 0, `${successes}/${trials}`));
  }
});

test('p of two one-sided tests is statsmodels’', () => {
  for (const { values, delta, tostP } of reference.intervals) {
    const estimate = estimateOf(values);
    assert.ok(estimate);
    close(equivalenceP(estimate, delta), tostP, `tost of ${values.length}`);
  }
});

test('the share of a simplex on one side of a plane is the one of exact fractions, and of the beta distribution', () => {
  for (const { values, limit, share } of reference.simplexShares) {
    close(simplexShareBelow(values, limit), share, `${values.length} values below ${limit}`);
  }
});

test('the largest share of jumps that none of n blocks shows is the one-sided Clopper-Pearson limit', () => {
  for (const { blocks, alpha, share } of reference.unseenShares) close(unseenShare(blocks, alpha), share, `${blocks}`);
});

test('at the level of Holm’s last step exactly the hypotheses are rejected that statsmodels rejects', () => {
  for (const { p, alpha, rejected } of reference.holm) {
    const level = holmLevel(p, alpha);
    assert.deepEqual(
      p.map((one) => one <= level),
      rejected,
      `level ${level} of ${p.join(', ')}`,
    );
  }
});

test('contrasts of clusters are judged as their means: interval of statsmodels, sign flips of whole clusters', () => {
  const { contrasts, mean, ci95, signFlipP } = reference.clusters;
  const pair = { armRates: [], referenceRates: [], blocks: contrasts.map((_, block) => pairBlock(block)), voided: [] };
  const table: MatchedTable = {
    kind: 'matched',
    name: 'train',
    blocks: contrasts.map((_, block) => block),
    levels: [1],
    usable: new Uint8Array(contrasts.length).fill(1),
    bracketed: new Uint8Array(contrasts.length).fill(1),
    arm: Float64Array.from(contrasts),
    reference: new Float64Array(contrasts.length),
    excluded: [undefined],
    rates: [],
  };
  const of = new Map(contrasts.map((_, block) => [block, 2 * Math.floor(block / 2)]));
  const matched = { singles: [table], voided: [], usableBlocks: 16, allBlocks: 16 };
  const counted = countedIn(matched, pair, { label: 'domain', of });
  assert.deepEqual(counted.units, { usable: 8, all: 8, label: 'domain' });
  const [single] = counted.singles;
  assert.ok(single?.kind === 'matched');
  const member = blockContrasts(single);
  const estimate = overallEstimate(member);
  assert.ok(estimate);
  close(estimate.mean, mean, 'mean');
  intervalOf(estimate, 0.95).forEach((bound, i) => close(bound, ci95[i] ?? 0, '95%'));
  close(signFlipMaxT([member], rngOf(0)).single[0] ?? 1, signFlipP, 'sign flips');
});

function pairBlock(block: number): PairBlock {
  return { block, arm: new Map(), reference: new Map() };
}
