/** From files to logits: what is read, and what the engine makes of it, against transformers. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import type { LoraAdapter } from '#learning/files/hugging-face/peft.ts';
import { loraScale, readPeftAdapter } from '#learning/files/hugging-face/peft.ts';
import { openModel } from '#learning/files/open-model.ts';

import { assertLogits, lastLogits } from './last-logits.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures');

const IDS = [3, 17, 5, 29, 11, 2, 38, 7];

/** W + scale B A where the adapter has the module. */
function withAdapter(name: string, weight: Float32Array, adapter: LoraAdapter): Float32Array {
  const factors = adapter.modules.get(name.replace(/\.weight$/, ''));
  if (factors === undefined) return weight;
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

interface Expected {
  readonly logits: number[];
}
const expectedOf = async (folder: string): Promise<Record<string, Expected>> =>
  JSON.parse(await readFile(join(FIXTURES, folder, 'expected.json'), 'utf8'));

for (const family of ['llama', 'llama3', 'qwen2', 'qwen3', 'gpt2']) {
  test(`a ${family} folder, read and run, gives the logits of transformers`, async () => {
    await using model = await openModel(join(FIXTURES, 'models', family));
    assertLogits(await lastLogits(model, IDS), (await expectedOf('models'))[family]?.logits ?? []);
  });
}

for (const family of ['llama', 'llama3', 'qwen2', 'qwen3', 'gpt2']) {
  test(`a ${family} GGUF file, read and run, gives the logits of transformers`, async () => {
    await using model = await openModel(join(FIXTURES, 'models', `${family}.gguf`));
    assertLogits(await lastLogits(model, IDS), (await expectedOf('models'))[family]?.logits ?? []);
  });
}

for (const name of ['all-linear', 'one-layer-rslora', 'gpt2', 'gpt2-projections', 'irregular']) {
  test(`adapter ${name}, read and added to its base, gives the logits of PEFT`, async () => {
    const adapter = await readPeftAdapter(join(FIXTURES, 'peft', name));
    await using base = await openModel(join(FIXTURES, 'models', adapter.baseModel));
    const added = (module: string, weight: Float32Array): Float32Array => withAdapter(module, weight, adapter);
    assertLogits(await lastLogits(base, IDS, added), (await expectedOf('peft'))[name]?.logits ?? []);
  });
}
