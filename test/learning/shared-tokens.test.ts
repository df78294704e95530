/** Rows whose common beginnings are computed once, against the same rows computed place by place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { initialWeights } from '#learning/models/parameters.ts';
import { transformerSites } from '#learning/models/modules.ts';
import { commonBeginnings, distinctTokens } from '#learning/models/shared-tokens.ts';
import { type SiteEdit, withSites } from '#learning/nn/sites.ts';
import { add } from '#engine/ops/elementwise.ts';
import { constant } from '#engine/ops/sources.ts';
import { createTrainer, type Trainer } from '#learning/train.ts';
import type { TransformerConfig } from '#learning/models/config.ts';

import { tinyModels, VOCABULARY } from './tiny-models.ts';

const LENGTH = 5;
const ROWS = 12;
const PLACES = ROWS * LENGTH;
const TINY = tinyModels(LENGTH, 100);
const ROTARY = TINY['rotary positions, grouped keys'] ?? assert.fail();
const MODELS: Readonly<Record<string, TransformerConfig>> = {
  ...TINY,
  'a window in one layer, no positions in the other': {
    ...ROTARY,
    layers: [{ window: 3 }, { positions: { kind: 'none' } }],
  },
};
/** Two positions a row, the last of them and one within. */
const LABELLED = Int32Array.from({ length: 2 * ROWS }, (_, i) => Math.floor(i / 2) * LENGTH + (i % 2 === 0 ? 2 : 4));

/** Rows over few tokens, so that many begin alike and some are equal; tokens at one place are alike after unlike pasts too. */
function rowsOf(seed: number): Int32Array {
  const rng = rngOf(seed, 'rows');
  return Int32Array.from({ length: PLACES }, (_, place) => (place % LENGTH === 0 ? 1 : 2 + rng.below(2)));
}

async function trainerOf(model: TransformerConfig): Promise<Trainer> {
  const trainer = await createTrainer({
    model,
    method: { kind: 'full' },
    optimizer: { kind: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 },
    batch: { rows: 1, length: 2 },
  });
  trainer.reset(initialWeights(model, rngOf(1, 'init')), rngOf(1, 'adapter'));
  return trainer;
}

function labelsOf(seed: number, count: number): Int32Array {
  const rng = rngOf(seed, 'labels');
  return Int32Array.from({ length: count }, () => rng.below(VOCABULARY));
}

/** Labels at their places, 0 elsewhere. */
function spread(labels: Int32Array): Int32Array {
  const all = new Int32Array(PLACES);
  LABELLED.forEach((place, i) => (all[place] = labels[i] ?? 0));
  return all;
}

test('two places hold one token exactly where the rows up to them are equal', () => {
  const tokens = rowsOf(3);
  const { tokenOf, placeOf } = commonBeginnings(tokens, LENGTH);
  const past = (place: number): string => tokens.subarray(place - (place % LENGTH), place + 1).join();
  for (let a = 0; a < PLACES; a++) {
    for (let b = 0; b < PLACES; b++) assert.equal(tokenOf[a] === tokenOf[b], past(a) === past(b), `${a} and ${b}`);
  }
  assert.deepEqual(
    [...placeOf.keys()],
    Array.from(placeOf, (place) => tokenOf[place]),
  );
  assert.ok(placeOf.length < PLACES / 2);
});

for (const [name, model] of Object.entries(MODELS)) {
  test(`${name}: scorers that compute common beginnings once give the bits of those that do not`, async () => {
    await using trainer = await trainerOf(model);
    const seeds = [1, 2, 3];
    const distinct = Math.max(...seeds.map((seed) => distinctTokens(rowsOf(seed), LENGTH)));
    for (const labelled of [LABELLED, undefined]) {
      const layout = { rows: ROWS, length: LENGTH, ...(labelled === undefined ? {} : { labelled }) };
      const plain = await trainer.scorer(layout, 2);
      const shared = await trainer.scorer({ ...layout, distinct }, 2);
      // Rows change from call to call, and come back.
      for (const seed of [...seeds, 1]) {
        const count = labelled?.length ?? PLACES;
        const asked = [rowsOf(seed), labelsOf(seed, count), labelsOf(seed + 10, count)] as const;
        const expected = (await plain.losses(...asked)).map((losses) => losses.slice());
        assert.deepEqual(await shared.losses(...asked), expected);
      }
    }
  });

  test(`${name}: whoever changes the stream is shown all of it, whatever the scorer shares`, async () => {
    await using trainer = await trainerOf(model);
    const [tokens, labels] = [rowsOf(1), labelsOf(1, LABELLED.length)];
    const noise = rngOf(1, 'noise');
    const added = Float32Array.from({ length: PLACES * model.dModel }, () => noise.normal());
    const apart: SiteEdit = (x) => add(x, constant(added, [PLACES, model.dModel]));
    for (const site of transformerSites(model)) {
      const edited = withSites(trainer.model.layers, transformerSites(model), { [site]: apart });
      const layout = { rows: ROWS, length: LENGTH };
      const plain = await trainer.through(edited).scorer(layout);
      const [all = new Float32Array()] = await plain.losses(tokens, spread(labels));
      const expected = Float32Array.from(LABELLED, (place) => all[place] ?? Number.NaN);
      const shared = { ...layout, labelled: LABELLED, distinct: distinctTokens(tokens, LENGTH) };
      const [losses] = await (await trainer.through(edited).scorer(shared)).losses(tokens, labels);
      assert.deepEqual(losses, expected);
    }
  });

  test(`${name}: rows that share less than a scorer was made for are refused`, async () => {
    await using trainer = await trainerOf(model);
    const scorer = await trainer.scorer({ rows: ROWS, length: LENGTH, distinct: 3 });
    await assert.rejects(
      scorer.losses(rowsOf(1), labelsOf(1, PLACES)),
      /expected rows of at most 3 tokens where common beginnings count once, found \d+/,
    );
  });
}
