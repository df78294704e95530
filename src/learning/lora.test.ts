import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { adaptedModules, loraScale } from '#learning/lora.ts';
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

test('every layer that is named has the modules that are named, or is refused with those that have', () => {
  const linear = ['h.0.attn', 'h.0.mlp', 'h.1.attn', 'h.1.mlp', 'h.2.attn'];
  const adapted = (modules: 'all' | readonly string[], layers: readonly number[]): readonly string[] =>
    adaptedModules({ rank: 2, alpha: 4, scaling: 'alphaOverRank', modules, layers }, linear);
  assert.deepEqual(adapted(['mlp'], [1]), ['h.1.mlp']);
  assert.deepEqual(adapted('all', [2, 0]), ['h.0.attn', 'h.0.mlp', 'h.2.attn']);
  assert.throws(() => adapted('all', [1, 7]), /LoRA layers \[1, 7\]: expected .* which are 0, 1, 2; found 7\./);
  assert.throws(() => adapted(['mlp'], [1, 2]), /which are 0, 1; found 2\./);
  assert.throws(() => adapted('all', []), /found none\./);
});
