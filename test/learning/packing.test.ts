/** Rows packed into shared sequences: the loss and the gradients of the same rows padded, for rotary and learned positions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { arrangeRows, type Arrangement } from '#learning/data/sequences.ts';
import type { TokenRow } from '#learning/data/token-rows.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { initialWeights } from '#learning/models/parameters.ts';
import { createTrainer } from '#learning/train.ts';
import { answerBatch, answerLayout, answerTokens } from '#measures/answer-batch.ts';

import { tinyModels, VOCABULARY } from './tiny-models.ts';

/** Of the largest value: float32 sums in another order. */
const REORDERED = 1e-5;
const LENGTH = 24;

const MODELS = tinyModels(LENGTH, 10_000);

const ROWS: readonly TokenRow[] = [5, 9, 3, 12, 4, 7, 6].map((length, line) => {
  const rng = rngOf(line, 'packing');
  const ids = Int32Array.from({ length }, () => rng.below(VOCABULARY));
  const lossMask = Uint8Array.from({ length }, (_, t) => Number(t >= 2));
  return { line, ids, lossMask };
});

/** The loss of all rows and the step plain gradient descent takes on them: minus the gradient. */
async function lossAndStep(model: TransformerConfig, arrangement: Arrangement) {
  const sequences = arrangeRows(ROWS, arrangement === 'pack' ? LENGTH : 12, arrangement, 0);
  const all = Int32Array.from({ length: sequences.count }, (_, n) => n);
  const layout = { ...answerLayout(sequences, all.length), packed: arrangement === 'pack' };
  await using trainer = await createTrainer({
    model,
    method: { kind: 'full' },
    optimizer: { kind: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 },
    batch: layout,
  });
  const start = initialWeights(model, rngOf(1, 'init'));
  trainer.reset(start, rngOf(1, 'adapter'));
  const loss = await trainer.forwardBackward(answerBatch(sequences, layout, all, 1 / answerTokens(sequences, all)));
  trainer.optimStep(1);
  const steps = [...start].map(([name, before]): [string, Float32Array] => {
    const after = trainer.memory.get(name) ?? new Float32Array();
    return [name, before.map((value, i) => (after[i] ?? Number.NaN) - value)];
  });
  return { loss, steps, sequences: sequences.count };
}

for (const [name, model] of Object.entries(MODELS)) {
  test(`${name}: packed rows give the loss and gradients of the same rows padded, so no row sees another`, async () => {
    const [padded, packed] = [await lossAndStep(model, 'pad'), await lossAndStep(model, 'pack')];
    assert.equal(padded.sequences, ROWS.length);
    assert.equal(packed.sequences, 3);
    assert.ok(Math.abs(packed.loss - padded.loss) < REORDERED, `${packed.loss} against ${padded.loss}`);
    for (const [i, [parameter, expected]] of padded.steps.entries()) {
      const [, found = new Float32Array()] = packed.steps[i] ?? [];
      const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      assert.ok(largest > 0, parameter);
      const worst = expected.reduce((most, value, k) => Math.max(most, Math.abs(value - (found[k] ?? Number.NaN))), 0);
      assert.ok(worst <= REORDERED * Math.max(1, largest), `${parameter}: ${worst} of ${largest}`);
    }
  });
}
