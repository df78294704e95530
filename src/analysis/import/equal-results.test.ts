import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Frame } from '#analysis/frame.ts';
import { rngOf } from '#base/rng.ts';

import { equalResultDoubts } from './equal-results.ts';

const SEEDS = 8;
const PAIRS = [{ arm: 'b', reference: 'a' }];
const TABLES = 400;
/** Doubted in one table of twenty at most; three standard errors of 400 tables. */
const MOST_FALSE = 0.05 + 3 * Math.sqrt((0.05 * 0.95) / TABLES);

/** A frame of final results of two arms; `valueOf` gives the outcomes of an arm's seed. */
function framed(valueOf: (arm: string, seed: number) => Record<string, number>): Frame {
  return {
    runs: ['a', 'b'].flatMap((arm) =>
      Array.from({ length: SEEDS }, (_, block) => ({
        arm,
        block,
        status: 'finished' as const,
        points: [{ step: 0, axes: {}, outcomes: valueOf(arm, block) }],
      })),
    ),
  };
}

test('one seed under all labels of an arm is doubted, in fine numbers and in coarse ones', () => {
  const fine = equalResultDoubts(
    framed((arm, seed) => ({ harm: arm === 'a' ? 0.31 : 0.2 + 0.0137 * seed })),
    PAIRS,
  );
  assert.deepEqual(
    fine.map(({ kind }) => kind),
    ['equalBlocks'],
  );
  assert.match(fine[0]?.text ?? '', /all 8 seeds of a have the same numbers \(harm 0\.31\)/);
});

test('two labels for one seed are doubted where chance would hardly make them equal, also within the noise of kernels', () => {
  const rng = rngOf(1, 'equal-results');
  const values = Array.from({ length: 2 * SEEDS }, () => 0.5 + 0.1 * rng.normal());
  const of = (arm: string, seed: number): number => values[(arm === 'a' ? 0 : SEEDS) + seed] ?? 0;
  const exact = equalResultDoubts(
    framed((arm, seed) => ({ harm: of(arm, arm === 'b' && seed === 5 ? 2 : seed) })),
    PAIRS,
  );
  assert.deepEqual(
    exact.map(({ text }) => text.slice(0, 44)),
    ['seeds 2 and 5 of b have the same numbers, wh'],
  );
  const near = equalResultDoubts(
    framed((arm, seed) => ({
      harm: of(arm, arm === 'b' && seed === 5 ? 2 : seed) + 1e-9 * seed,
      loss: of(arm, arm === 'b' && seed === 5 ? 2 : seed) ** 2,
    })),
    PAIRS,
  );
  assert.equal(near.length, 1);
});

test('one run under two arms is doubted', () => {
  const rng = rngOf(2, 'equal-results');
  const values = Array.from({ length: SEEDS }, () => rng.normal());
  const doubts = equalResultDoubts(
    framed((_, seed) => ({ harm: values[seed] ?? 0 })),
    PAIRS,
  );
  assert.deepEqual(
    doubts.map(({ kind }) => kind),
    ['equalArms'],
  );
  assert.match(doubts[0]?.text ?? '', /^b and a have the same numbers in seeds 0, 1, 2, 3, 4, 5, 6, 7, as if/);
});

test('shares of a few questions that are equal by chance are not doubted, as written to four digits either', () => {
  for (const [questions, digits] of [
    [20, 15],
    [64, 4],
    [300, 4],
  ] as const) {
    const rng = rngOf(questions, 'equal-results');
    let doubted = 0;
    for (let table = 0; table < TABLES; table++) {
      const share = (): number => {
        let right = 0;
        for (let i = 0; i < questions; i++) right += rng.uniform() < 0.7 ? 1 : 0;
        return Number((right / questions).toFixed(digits));
      };
      if (
        equalResultDoubts(
          framed(() => ({ accuracy: share() })),
          PAIRS,
        ).length > 0
      )
        doubted++;
    }
    assert.ok(doubted / TABLES <= MOST_FALSE, `${questions} questions: ${doubted} of ${TABLES} tables`);
  }
});
