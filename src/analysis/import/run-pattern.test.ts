import assert from 'node:assert/strict';
import { test } from 'node:test';

import { isRunPattern, runPattern } from '#analysis/import/run-pattern.ts';
import type { RunLabel } from '#analysis/import/run-logs.ts';

const CASES: readonly (readonly [pattern: string, name: string, label: RunLabel | undefined])[] = [
  ['{arm}-seed{block}', 'muon-seed3', { arm: 'muon', block: 3 }],
  ['{arm}-seed{block}', 'lora-16-seed12', { arm: 'lora-16', block: 12 }],
  ['{arm}-{block}', 'lora-16-3', { arm: 'lora-16', block: 3 }],
  ['{arm}-{rate}-{block}', 'lora-16-1e-3-0', { arm: 'lora-16', block: 0, learningRate: 1e-3 }],
  ['{arm}-lr{rate}_{block}', 'adamw-lr0.002_7', { arm: 'adamw', block: 7, learningRate: 0.002 }],
  [
    'runs/{arm}/{arm}-{block}/checkpoint-*/trainer_state.json',
    'runs/a/a-1/checkpoint-500/trainer_state.json',
    { arm: 'a', block: 1 },
  ],
  ['runs/{arm}/{arm}-{block}/x', 'runs/a/b-1/x', undefined],
  ['{arm}-{block}', 'a/b-1', undefined],
  ['{arm}-{block}', 'a-1x', undefined],
  ['{arm}.{block}', 'ax1', undefined],
  ['r(1)+{arm}-{block}', 'r(1)+a-1', { arm: 'a', block: 1 }],
];

for (const [pattern, name, label] of CASES) {
  test(`the pattern ${pattern} reads "${name}" as ${JSON.stringify(label ?? 'nothing')}`, () => {
    assert.deepEqual(runPattern(pattern).labelOf(name), label);
  });
}

test('a pattern needs an arm and a block, and knows no other placeholder', () => {
  assert.throws(() => runPattern('{arm}'), /found no \{block\}/);
  assert.throws(() => runPattern('{arm}-{block}-{sede}'), /Expected \{arm\}, \{block\} or \{rate\}.*\{sede\}/);
  assert.deepEqual(['{arm}', 'runs.csv', 'a{/}b'].map(isRunPattern), [true, false, false]);
});
