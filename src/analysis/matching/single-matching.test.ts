import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { FrameRun } from '#analysis/frame.ts';
import { matchPair } from '#analysis/matching/match.ts';
import type { MatchedTable } from '#analysis/matching/matched-table.ts';
import { indexCurves, pairOf } from '#analysis/matching/pair.ts';
import { BASE, simulate, WORLD_STUDY } from '#analysis/validation/world.ts';
import { rngOf } from '#base/rng.ts';

/** The training table of two arms that keep some of three learning rates. */
function tableOf(armRates: readonly number[], referenceRates: readonly number[]): MatchedTable {
  const world = { ...BASE, rates: 3, rateEffect: (rate: number): number => 10 * rate };
  const kept = ({ arm, learningRate = 0 }: FrameRun): boolean =>
    (arm === 'arm' ? armRates : referenceRates).includes(learningRate);
  const runs = simulate(world, 8, rngOf(1, 'single-matching.test')).runs.filter(kept);
  const pair = pairOf(indexCurves({ runs }, WORLD_STUDY.matchOn), 'arm', 'reference');
  const [table] = matchPair(pair, WORLD_STUDY, 'behaviour').singles;
  assert.ok(table?.kind === 'matched');
  return table;
}

function pairsOf(table: MatchedTable): number[][] {
  return (table.pairs ?? []).map(({ arm, reference }) => [arm, reference]);
}

test('equal learning rates are compared with each other, different ones in every pair', () => {
  assert.deepEqual(pairsOf(tableOf([1, 2], [1, 2])), [
    [1, 1],
    [2, 2],
  ]);
  assert.deepEqual(pairsOf(tableOf([1, 2], [2, 3])), [
    [1, 2],
    [1, 3],
    [2, 2],
    [2, 3],
  ]);
  assert.equal(tableOf([1], [2]).pairs, undefined);
});

test('a pair is the contrast of these two rates alone', () => {
  const pairs = tableOf([1, 2], [2, 3]).pairs ?? [];
  for (const { arm, reference, contrast, usable } of pairs) {
    contrast.forEach((value, at) => {
      if (usable[at] === 1) assert.ok(Math.abs(value - 10 * (arm - reference)) < 1, `${arm} ${reference}: ${value}`);
    });
  }
});
