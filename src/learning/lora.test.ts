import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { loraScale } from '#learning/lora.ts';
import { gpt2Config } from '#learning/models/config.ts';
import { initialWeights } from '#learning/models/parameters.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import { createTrainer, type Trainer } from '#learning/train.ts';

const MODEL = gpt2Config({ vocabulary: 11, dModel: 8, nLayers: 1, nHeads: 2, length: 4 });
const BATCH = { rows: 2, length: 4 };

test('the scale is alpha / r, and alpha / sqrt r for rsLoRA', () => {
  const adapter = { rank: 4, alpha: 8, modules: 'all' } as const;
  assert.equal(loraScale({ ...adapter, scaling: 'alphaOverRank' }), 2);
  assert.equal(loraScale({ ...adapter, scaling: 'alphaOverSqrtRank' }), 4);
});

test('an adapter starts as no change: an untrained LoRA model scores as its base, to the bit', async () => {
  const lora = { kind: 'lora', rank: 2, alpha: 4, scaling: 'alphaOverRank', modules: 'all' } as const;
  await using base = await createTrainer({
    model: MODEL,
    method: { kind: 'full' },
    optimizer: ADAMW_DEFAULTS,
    batch: BATCH,
  });
  await using adapted = await createTrainer({ model: MODEL, method: lora, optimizer: ADAMW_DEFAULTS, batch: BATCH });
  const losses = async (trainer: Trainer): Promise<number[]> => {
    trainer.reset(initialWeights(MODEL, rngOf(1, 'init')), rngOf(1, 'adapter'));
    const scorer = await trainer.scorer(BATCH);
    const [found = new Float32Array()] = await scorer.losses(
      Int32Array.of(1, 2, 3, 4, 5, 6, 7, 8),
      Int32Array.of(2, 3, 4, 5, 6, 7, 8, 9),
    );
    return [...found];
  };
  assert.deepEqual(await losses(adapted), await losses(base));
});
