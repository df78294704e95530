/** From files to logits: what is read, and what the engine makes of it, against transformers. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { input } from '#engine/ops/sources.ts';
import { compile } from '#engine/session.ts';
import { transformerParameters } from '#learning/models/parameters.ts';
import { transformerLogits } from '#learning/models/transformer.ts';
import { feedLayers } from '#learning/nn/layers.ts';

import { engineConfig } from './engine-config.ts';
import type { ModelFiles } from './model-files.ts';
import { openModel } from './open-model.ts';
import type { LoraAdapter } from './hugging-face/peft.ts';
import { loraScale, readPeftAdapter } from './hugging-face/peft.ts';

const FIXTURES = join(import.meta.dirname, '../../../test/fixtures');

/** float32 against float32 with sums in another order, relative to the largest logit. */
const RELATIVE_TOLERANCE = 1e-5;

const IDS = [3, 17, 5, 29, 11, 2, 38, 7];

/** Logits of the last position. */
async function lastLogits(model: ModelFiles, adapter?: LoraAdapter): Promise<Float32Array> {
  const config = engineConfig(model.config);
  const specs = transformerParameters(config);
  const tokens = input('tokens', [IDS.length], 'int32');
  const logits = transformerLogits(config, feedLayers(specs), { rows: 1, length: IDS.length }, tokens);
  await using program = await compile({ logits });
  program.bind('tokens', Int32Array.from(IDS));
  for (const { name, shape } of specs) {
    assert.deepEqual(model.shapes.get(name), shape, name);
    program.bind(name, withAdapter(name, await model.tensor(name), adapter));
  }
  await program.run();
  return program.float32('logits').slice(-config.vocabulary);
}

/** W + scale B A where the adapter has the module. */
function withAdapter(name: string, weight: Float32Array, adapter: LoraAdapter | undefined): Float32Array {
  const factors = adapter?.modules.get(name.replace(/\.weight$/, ''));
  if (adapter === undefined || factors === undefined) return weight;
  const { a, b, dIn, dOut } = factors;
  const scale = loraScale(adapter);
  for (let i = 0; i < dOut; i++) {
    for (let j = 0; j < dIn; j++) {
      let sum = 0;
      for (let k = 0; k < adapter.rank; k++) sum += (b[i * adapter.rank + k] ?? 0) * (a[k * dIn + j] ?? 0);
      weight[i * dIn + j] = (weight[i * dIn + j] ?? 0) + scale * sum;
    }
  }
  return weight;
}

function assertClose(found: Float32Array, expected: readonly number[]): void {
  assert.equal(found.length, expected.length);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const difference = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - (found[i] ?? 0))), 0);
  assert.ok(difference <= RELATIVE_TOLERANCE * largest, `${difference} of ${largest}`);
}

interface Expected {
  readonly logits: number[];
}
const expectedOf = async (folder: string): Promise<Record<string, Expected>> =>
  JSON.parse(await readFile(join(FIXTURES, folder, 'expected.json'), 'utf8'));

for (const family of ['llama', 'llama3', 'qwen2', 'qwen3', 'gpt2']) {
  test(`a ${family} folder, read and run, gives the logits of transformers`, async () => {
    await using model = await openModel(join(FIXTURES, 'models', family));
    assertClose(await lastLogits(model), (await expectedOf('models'))[family]?.logits ?? []);
  });
}

for (const family of ['llama', 'llama3', 'qwen2', 'qwen3', 'gpt2']) {
  test(`a ${family} GGUF file, read and run, gives the logits of transformers`, async () => {
    await using model = await openModel(join(FIXTURES, 'models', `${family}.gguf`));
    assertClose(await lastLogits(model), (await expectedOf('models'))[family]?.logits ?? []);
  });
}

for (const name of ['all-linear', 'one-layer-rslora', 'gpt2', 'gpt2-projections', 'irregular']) {
  test(`adapter ${name}, read and added to its base, gives the logits of PEFT`, async () => {
    const adapter = await readPeftAdapter(join(FIXTURES, 'peft', name));
    await using base = await openModel(join(FIXTURES, 'models', adapter.baseModel));
    assertClose(await lastLogits(base, adapter), (await expectedOf('peft'))[name]?.logits ?? []);
  });
}

test('what the engine cannot compute is refused by name', async () => {
  await using model = await openModel(join(FIXTURES, 'models/llama'));
  const relu = { ...model.config, mlp: { ...model.config.mlp, activation: 'relu' as const } };
  assert.throws(() => engineConfig(relu), /Models with relu are not supported by the engine/);
});
