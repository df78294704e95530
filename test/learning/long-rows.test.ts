import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { input } from '#engine/ops/sources.ts';
import { compile } from '#engine/session.ts';
import { gpt2Config } from '#learning/models/config.ts';
import { initialWeights, transformerParameters } from '#learning/models/parameters.ts';
import { transformerLogits } from '#learning/models/transformer.ts';
import { feedLayers } from '#learning/nn/layers.ts';

/** The length from which rows attend by blocks, and one token less. */
const [LONG, SHORT] = [512, 511];
const VOCABULARY = 16;
/** Of the largest logit: float32 sums in another order. */
const TOLERANCE = 1e-5;

test('the logits of a row do not change where its last token makes it long enough to attend by blocks', async () => {
  const config = gpt2Config({ vocabulary: VOCABULARY, dModel: 16, nLayers: 2, nHeads: 2, length: LONG });
  // Weights of size one, so that attention is far from even.
  const weights = new Map(Array.from(initialWeights(config, rngOf(0)), ([name, w]) => [name, w.map((x) => 25 * x)]));
  const tokens = Int32Array.from({ length: LONG }, (_, i) => (i * i * 7) % VOCABULARY);
  const logits = async (length: number): Promise<Float32Array> => {
    const ids = input('tokens', [length], 'int32');
    const layers = feedLayers(transformerParameters(config));
    await using program = await compile({ logits: transformerLogits(config, layers, { rows: 1, length }, ids) });
    for (const [name, values] of weights) program.bind(name, values);
    program.int32('tokens').set(tokens.subarray(0, length));
    await program.run();
    return program.float32('logits').slice(0, SHORT * VOCABULARY);
  };
  const [long, short] = [await logits(LONG), await logits(SHORT)];
  const worst = short.reduce((most, value, i) => Math.max(most, Math.abs(value - (long[i] ?? Number.NaN))), 0);
  const largest = short.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  assert.ok(worst < TOLERANCE * largest, `${worst} of ${largest}`);
});
