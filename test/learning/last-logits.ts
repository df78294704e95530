/** What the engine makes of a model's files: the logits of a row's last position, and how to compare them. */
import assert from 'node:assert/strict';

import { input } from '#engine/ops/sources.ts';
import { compile } from '#engine/session.ts';
import type { ModelFiles } from '#learning/files/model-files.ts';
import { transformerParameters } from '#learning/models/parameters.ts';
import { transformerLogits } from '#learning/models/transformer.ts';
import { feedLayers } from '#learning/nn/layers.ts';

/** float32 against float32 with sums in another order, relative to the largest logit. */
const RELATIVE_TOLERANCE = 1e-5;

/** @param changed What becomes of a weight before it is used. */
export async function lastLogits(
  model: ModelFiles,
  row: readonly number[],
  changed: (name: string, weight: Float32Array) => Float32Array = (_, weight) => weight,
): Promise<Float32Array> {
  const { config } = model;
  const specs = transformerParameters(config);
  const tokens = input('tokens', [row.length], 'int32');
  const logits = transformerLogits(config, feedLayers(specs), { rows: 1, length: row.length }, tokens);
  await using program = await compile({ logits });
  program.bind('tokens', Int32Array.from(row));
  for (const { name, shape } of specs) {
    assert.deepEqual(model.shapes.get(name), shape, name);
    program.bind(name, Float32Array.from(changed(name, await model.tensor(name))));
  }
  await program.run();
  return program.float32('logits').slice(-config.vocabulary);
}

/** Whether logits are those of a reference, which keeps six decimals. */
export function assertLogits(found: ArrayLike<number>, expected: ArrayLike<number>): void {
  const reference = Array.from(expected);
  assert.equal(found.length, reference.length);
  const largest = reference.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const difference = reference.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (found[i] ?? Number.NaN))),
    0,
  );
  assert.ok(difference <= RELATIVE_TOLERANCE * largest, `${difference} of ${largest}`);
}
