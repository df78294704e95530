import assert from 'node:assert/strict';
import { test } from 'node:test';

import { analyse, type AnalysedStudy } from '#analysis/analyse.ts';
import type { Frame } from '#analysis/frame.ts';

import { loneRatesText } from './lone-rates.ts';

test('arms at one learning rate each, and not the same, are said to be compared at these alone', () => {
  assert.match(
    loneRatesText([[0.01], [0.2]]),
    /one learning rate \(0\.01 and 0\.2\): this speaks of these rates alone/,
  );
  assert.match(loneRatesText([[0.01], [0.2], [0.01]]), /\(0\.01 and 0\.2\)/);
  for (const rates of [
    [[0.01], [0.01]],
    [[0.01, 0.02], [0.2]],
    [[undefined], [0.2]],
    [[undefined], [undefined]],
    [[]],
  ]) {
    assert.equal(loneRatesText(rates), '', JSON.stringify(rates));
  }
});

const STUDY: AnalysedStudy = {
  scope: 'a made-up table',
  matchOn: [{ name: 'train', label: 'Loss', unit: 'nats', role: 'other', levels: [1], maxGap: 1, direction: 'falls' }],
  outcomes: [{ name: 'y', label: 'score', unit: 'points', delta: 0.1, role: 'confirmatory' }],
  contrasts: [{ kind: 'question', arm: 'a', reference: 'b' }],
  claims: [
    { name: 'end', arm: 'a', against: { kind: 'arm', arm: 'b' }, at: { kind: 'end' }, asks: { kind: 'question' } },
  ],
};

/** Arm a scores a point more than arm b, in eight blocks. */
function frameOf(rates: Readonly<Record<'a' | 'b', number>>): Frame {
  const runs = Array.from({ length: 8 }, (_, block) =>
    (['a', 'b'] as const).map((arm) => ({
      arm,
      block,
      learningRate: rates[arm],
      status: 'finished' as const,
      points: [1.2, 0.8].map((train, step) => ({
        step,
        axes: { train },
        outcomes: { y: (arm === 'a' ? 1 : 0) + 0.01 * Math.sin(block + step) },
      })),
    })),
  );
  return { runs: runs.flat() };
}

test('verdicts and claims say so, and those of arms at the same rate do not', () => {
  const reasons = (frame: Frame): string[] => {
    const { verdicts, claims = [] } = analyse(STUDY, frame);
    assert.deepEqual([verdicts[0]?.verdict, claims[0]?.levels[0]?.verdict], ['affects', 'differs']);
    return [...verdicts, ...claims].map(({ reason }) => reason);
  };
  for (const reason of reasons(frameOf({ a: 0.01, b: 0.2 }))) assert.match(reason, /these rates alone\.$/);
  for (const reason of reasons(frameOf({ a: 0.2, b: 0.2 }))) assert.doesNotMatch(reason, /these rates alone/);
});
