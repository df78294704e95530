/** Weights that stand in one file for all processes of a machine: the same numbers as weights in memory. */
import assert from 'node:assert/strict';
import { mkdtemp, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { rngOf } from '#base/rng.ts';
import { sizeOf } from '#engine/tensor.ts';
import { openModel } from '#learning/files/open-model.ts';
import { fileWeights, frozenInputs, writeWeights } from '#learning/files/tensors/weights-file.ts';
import type { Method } from '#learning/method.ts';
import { transformerParameters } from '#learning/models/parameters.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import type { Weights } from '#learning/weights.ts';
import { createTrainer } from '#learning/train.ts';
import { FINETUNE_DEFAULTS } from '#recipes/finetune/config.ts';

import { configOf, make, writeFiles } from './finetune-fixture.ts';

const MODELS = fileURLToPath(new URL('../fixtures/models/', import.meta.url));
const LORA: Method = { kind: 'lora', rank: 2, alpha: 4, scaling: 'alphaOverRank', modules: 'all' };
const BATCH = { rows: 2, length: 6 };

async function temporaryFile(): Promise<string> {
  return join(await mkdtemp(join(tmpdir(), 'assay-weights-')), 'weights');
}

for (const family of ['gpt2', 'llama', 'llama3', 'qwen2', 'qwen3']) {
  for (const method of [LORA, { kind: 'matrices' }, { kind: 'full' }] as const) {
    test(`${family}, ${method.kind}: a trainer on mapped weights takes the steps of one on weights in memory, to the bit`, async () => {
      await using files = await openModel(join(MODELS, family));
      const model = files.config;
      const specs = transformerParameters(model);
      const memory = new Map<string, Float32Array>();
      for (const { name } of specs) memory.set(name, await files.tensor(name));
      const path = await temporaryFile();
      await writeWeights(path, specs, async (name) => memory.get(name) ?? new Float32Array());

      const trained = async (base: Weights, isMapped: boolean): Promise<readonly [readonly number[], Uint8Array]> => {
        const frozen = isMapped ? frozenInputs(path, specs) : undefined;
        await using trainer = await createTrainer({ model, method, optimizer: ADAMW_DEFAULTS, batch: BATCH, frozen });
        trainer.reset(base, rngOf(1, 'adapter'));
        const scorer = await trainer.scorer(BATCH);
        const tokens = Int32Array.of(3, 17, 5, 29, 11, 2, 7, 7, 38, 1, 3, 19);
        const labels = Int32Array.of(17, 5, 29, 11, 2, 30, 7, 38, 1, 3, 19, 4);
        const weights = new Float32Array(12).fill(1 / 12);
        const losses: number[] = [];
        for (let step = 0; step < 3; step++) {
          losses.push(await trainer.forwardBackward({ tokens, labels, weights }));
          trainer.optimStep(0.01);
          const [scored = new Float32Array()] = await scorer.losses(tokens, labels);
          losses.push(...scored);
        }
        return [losses, trainer.saveWeights()];
      };
      assert.deepEqual(await trained(fileWeights(path, specs), true), await trained(memory, false));
    });
  }
}

test('a file holds each tensor at a multiple of 64 bytes, read back to the bit; one of another size is refused', async () => {
  const specs = [[3], [5, 7], [1]].map((shape, i) => ({
    name: `t${i}`,
    shape,
    role: 'vector' as const,
    initial: { kind: 'zeros' as const },
  }));
  const valuesOf = async (name: string): Promise<Float32Array> =>
    Float32Array.from({ length: sizeOf(specs.find((spec) => spec.name === name)?.shape ?? []) }, (_, i) => i + 0.1);
  const path = await temporaryFile();
  await writeWeights(path, specs, valuesOf);
  assert.equal((await stat(path)).size, 64 + 192 + 4);
  const weights = fileWeights(path, specs);
  for (const { name } of specs) assert.deepEqual(weights.get(name), await valuesOf(name));
  assert.equal(weights.get('t3'), undefined);
  await assert.rejects(
    writeWeights(path, specs, async () => new Float32Array(3)),
    /expected 35 values of t1, found 3/,
  );
  await writeFile(path, '');
  assert.throws(() => weights.get('t1'), /shorter than its weights/);
});

test('a run on shared weights records the points of one that holds them, and shares them between methods', async () => {
  const files = await writeFiles();
  const path = await temporaryFile();
  const keys: unknown[] = [];
  const share = async (name: string, key: unknown, write: (path: string) => Promise<void>): Promise<string> => {
    keys.push([name, key]);
    await write(path);
    return path;
  };
  for (const method of [FINETUNE_DEFAULTS.method, { kind: 'full' }]) {
    const shared = await make(configOf(files, { method }), undefined, Infinity, share);
    const held = await make(configOf(files, { method }));
    assert.deepEqual(shared.points, held.points);
  }
  assert.equal(keys.length, 2);
  assert.deepEqual(keys[0], keys[1]);
});
