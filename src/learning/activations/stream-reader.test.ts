import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { input } from '#engine/ops/sources.ts';
import { transformerLogits } from '#learning/models/transformer.ts';

import { openStreamModel } from './open-stream-model.ts';
import { streamReader } from './stream-reader.ts';

const MODELS = new URL('../../../test/fixtures/models/', import.meta.url);
/** Logits of order 1 in float32, summed in another order than PyTorch does. */
const ROUNDING = 1e-4;

test("a program over an opened model gives transformers' logits, refuses what is not fed, and a weight that is lacking", async () => {
  const { model } = await openStreamModel(fileURLToPath(new URL('llama', MODELS)));
  const { llama } = JSON.parse(await readFile(new URL('expected.json', MODELS), 'utf8')) as {
    llama: { ids: number[]; logits: number[] };
  };
  const length = llama.ids.length;
  const tokens = input('tokens', [length], 'int32');
  const logits = transformerLogits(
    model.config,
    model.layers,
    { rows: 1, length },
    tokens,
    input('rows', [1], 'int32'),
  );
  await using reader = await streamReader(model, { logits });
  const found = await reader.read({ tokens: Int32Array.from(llama.ids), rows: Int32Array.of(length - 1) });
  const off = llama.logits.map((logit, i) => Math.abs(logit - (found['logits']?.[i] ?? Number.NaN)));
  assert.ok(Math.max(...off) < ROUNDING, `${Math.max(...off)}`);
  await assert.rejects(reader.read({ tokens: Int32Array.from(llama.ids) }), /expected input "rows"/u);
  await assert.rejects(streamReader({ ...model, weights: new Map() }, { logits }), /expected a tensor/u);
});
