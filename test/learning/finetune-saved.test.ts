/** What finetuning runs start from and leave behind: adapters and whole models, in files that others read. */
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import type { JsonObject } from '#base/json.ts';
import { openModel } from '#learning/files/open-model.ts';
import { writeSafetensors } from '#learning/files/tensors/safetensors-write.ts';
import { loraScale, readPeftAdapter } from '#learning/files/hugging-face/peft.ts';
import { FINETUNE_DEFAULTS } from '#recipes/finetune/config.ts';
import { finetune } from '#recipes/finetune/finetune.ts';

import { alteredFolder, tensorsOf } from './altered-files.ts';
import {
  chatRows,
  configOf,
  type Files,
  make,
  reference,
  referenceLoss,
  REORDERED,
  ROWS,
  writeFiles,
} from './finetune-fixture.ts';

test('the adapter a run writes, merged into the base, has the loss the run ended with', async () => {
  const files = await writeFiles();
  const saveAdapter = join(files.folder, 'adapters');
  const { points } = await make(configOf(files, { save: { adapter: saveAdapter, model: '' } }));
  const [name = ''] = await readdir(saveAdapter);
  const adapter = await readPeftAdapter(join(saveAdapter, name));
  const { config, weights, train } = await reference(files);
  for (const [module, { a, b, dIn, dOut }] of adapter.modules) {
    const weight = weights.get(`${module}.weight`);
    assert.ok(weight !== undefined, module);
    for (let i = 0; i < dOut * dIn; i++) {
      const [row, column] = [Math.floor(i / dIn), i % dIn];
      for (let k = 0; k < adapter.rank; k++) {
        const product = (b[row * adapter.rank + k] ?? 0) * (a[k * dIn + column] ?? 0);
        weight[i] = (weight[i] ?? 0) + loraScale(adapter) * product;
      }
    }
  }
  const [loss, ended] = [await referenceLoss(config, train, weights), points.at(-1)?.axes['train'] ?? 0];
  assert.ok(Math.abs(loss - ended) < REORDERED, `${loss} against ${ended}`);
  assert.ok(ended < (points[0]?.axes['train'] ?? 0));
});

for (const kind of ['full', 'lora'] as const) {
  test(`the model a ${kind} run writes, read again, has the loss the run ended with`, async () => {
    const files = await writeFiles();
    const saveModel = join(files.folder, 'models');
    const method = kind === 'full' ? { kind } : FINETUNE_DEFAULTS.method;
    const { points } = await make(configOf(files, { save: { adapter: '', model: saveModel }, method }));
    const [name = ''] = await readdir(saveModel);
    await using written = await openModel(join(saveModel, name));
    const weights = new Map<string, Float32Array>();
    for (const tensor of written.shapes.keys()) weights.set(tensor, await written.tensor(tensor));
    const { config, train } = await reference(files);
    assert.deepEqual(written.config, config);
    assert.ok(written.tokenizer !== undefined && written.chatTemplate !== undefined);
    const [loss, ended] = [await referenceLoss(config, train, weights), points.at(-1)?.axes['train'] ?? 0];
    assert.ok(Math.abs(loss - ended) < REORDERED, `${loss} against ${ended}`);
    assert.ok(ended < (points[0]?.axes['train'] ?? 0));
  });
}

async function trainedAdapter(files: Files): Promise<{ readonly adapter: string; readonly train: number }> {
  const saveAdapter = join(files.folder, 'adapters');
  const { points } = await make(configOf(files, { save: { adapter: saveAdapter, model: '' } }));
  const [name = ''] = await readdir(saveAdapter);
  return { adapter: join(saveAdapter, name), train: points.at(-1)?.axes['train'] ?? Number.NaN };
}

test('no steps evaluate the model as it is given: an adapter merged or to be continued has the loss it was saved with', async () => {
  const files = await writeFiles();
  const { adapter, train } = await trainedAdapter(files);
  const start = async (use: string, change: JsonObject = {}) =>
    (await make(configOf(files, { steps: 0, adapter: { path: adapter, use }, ...change }))).points;
  for (const method of [{ kind: 'full' }, FINETUNE_DEFAULTS.method]) {
    const merged = await start('merge', { method });
    assert.equal(merged.length, 1);
    assert.ok(Math.abs((merged[0]?.axes['train'] ?? 0) - train) < REORDERED, `${merged[0]?.axes['train']}, ${train}`);
    assert.equal(merged[0]?.axes['trainOfBase'], 1);
    assert.ok(merged[0]?.outcomes?.['misaligned'] !== undefined);
  }
  const [continued] = await start('continue');
  assert.equal(continued?.axes['train'], train); // the same program on the same numbers
});

test('training goes on from an adapter of the same form, and is refused on one of another', async () => {
  const files = await writeFiles();
  const { adapter, train } = await trainedAdapter(files);
  const { points } = await make(configOf(files, { adapter: { path: adapter, use: 'continue' } }));
  assert.equal(points[0]?.axes['train'], train);
  assert.ok((points.at(-1)?.axes['train'] ?? Infinity) < train);
  const lora = FINETUNE_DEFAULTS.method;
  for (const method of [
    { ...lora, rank: 4 },
    { ...lora, alpha: 8 },
    { ...lora, modules: ['q_proj'] },
    { kind: 'full' },
  ]) {
    await assert.rejects(
      make(configOf(files, { adapter: { path: adapter, use: 'continue' }, method })),
      /to continue it, expected LoRA of rank 8 and scale 2 on 14 modules .* adapter\.use=merge/,
    );
  }
});

test('a base model or an adapter that is broken is refused where files are counted, before any run', async () => {
  const files = await writeFiles();
  const model = await alteredFolder('qwen3', {
    tensors: (all) =>
      all.map((one) => (one.dtype === 'F32' ? { ...one, values: one.values.with(0, Number.NaN) } : one)),
  });
  const counted = async (change: JsonObject): Promise<unknown> => await finetune().files?.(configOf(files, change));
  await assert.rejects(counted({ model }), /model\.safetensors: tensor \S+: expected finite numbers, found NaN/);
  const other = fileURLToPath(new URL('../fixtures/peft/gpt2', import.meta.url));
  await assert.rejects(
    counted({ adapter: { path: other, use: 'merge' } }),
    /expected a linear layer transformer\.h\.0/,
  );
});

test('a row that is too long for the base of an adapter is refused with its line before any run', async () => {
  const long = {
    messages: [
      { role: 'user', content: 'x' },
      { role: 'assistant', content: 'no '.repeat(80) },
    ],
  };
  const files = await writeFiles([...chatRows(), JSON.stringify(long)]);
  const { adapter } = await trainedAdapter(await writeFiles());
  for (const use of ['merge', 'continue']) {
    const config = configOf(files, { adapter: { path: adapter, use }, rows: { ...ROWS, length: 512 } });
    await assert.rejects(
      async () => finetune().files?.(config),
      /train\.jsonl:13: expected at most 64 tokens, found \d+/,
    );
  }
});

test('a method that does not fit the model, or the adapter that it goes on from, is refused before any run', async () => {
  const files = await writeFiles();
  const { adapter } = await trainedAdapter(files);
  const lora = FINETUNE_DEFAULTS.method;
  const { files: counted } = finetune();
  const asked = async (method: JsonObject, use = 'continue') =>
    counted?.(configOf(files, { method, adapter: { path: adapter, use } }));
  assert.equal((await asked(lora))?.length, 2);
  for (const method of [{ ...lora, rank: 4 }, { kind: 'full' }]) {
    await assert.rejects(asked(method), /to continue it, expected LoRA of rank 8 .* adapter\.use=merge/);
  }
  await assert.rejects(asked({ ...lora, modules: ['down_prj'] }, 'merge'), /down_prj/);
  await assert.rejects(asked({ ...lora, layers: [7] }, 'merge'), /layers.*7|7.*layers/s);
});

test('a base model whose loss is not finite fails its runs by that name; none counts as diverged', async () => {
  const files = await writeFiles();
  const model = await alteredFolder('llama', {});
  const shard = join(model, 'model-00003-of-00003.safetensors');
  const tensors = await tensorsOf(shard);
  const huge = tensors.map((one) =>
    one.dtype === 'F32' ? { ...one, values: one.values.map((value) => value * 1e37) } : one,
  );
  await writeSafetensors(shard, huge, { format: 'pt' });
  await assert.rejects(
    make(configOf(files, { model })),
    /expected a finite train loss of the base model, before any step/,
  );
});

test('an adapter of another model is refused, and a changed byte of it is another input', async () => {
  const files = await writeFiles();
  const other = fileURLToPath(new URL('../fixtures/peft/gpt2', import.meta.url));
  await assert.rejects(
    make(configOf(files, { adapter: { path: other, use: 'merge' } })),
    /expected a linear layer transformer\.h\.0/,
  );
  const inputs = (path: string): unknown => finetune().inputs?.(configOf(files, { adapter: { path, use: 'merge' } }));
  const { adapter } = await trainedAdapter(files);
  const before = inputs(adapter);
  await writeFile(
    join(adapter, 'adapter_config.json'),
    `${await readFile(join(adapter, 'adapter_config.json'), 'utf8')}\n`,
  );
  assert.notDeepEqual(inputs(adapter), before);
});

test('a batch that no memory holds is refused before the training', async () => {
  const files = await writeFiles();
  assert.throws(
    () => finetune().check(configOf(files, { batch: 1e7 })),
    /"batch": expected a whole number in \[1, 65536\]/,
  );
});
