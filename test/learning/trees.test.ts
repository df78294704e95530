/** Rows as trees, whose common beginnings are computed once, against the same rows computed place by place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { initialWeights } from '#learning/models/parameters.ts';
import { transformerSites } from '#learning/models/modules.ts';
import { commonBeginnings, mostTokens, tokensOfTrees, treesOf, type TreesShape } from '#learning/models/trees.ts';
import { type SiteEdit, withSites } from '#learning/nn/sites.ts';
import { add } from '#engine/ops/elementwise.ts';
import { constant } from '#engine/ops/sources.ts';
import type { BatchLayout } from '#learning/programs.ts';
import { createTrainer, type Trainer } from '#learning/train.ts';
import type { TransformerConfig } from '#learning/models/config.ts';

import { VOCABULARY, windowedModels } from './tiny-models.ts';

const LENGTH = 5;
const ROWS = 12;
const PLACES = ROWS * LENGTH;
const MODELS = windowedModels(LENGTH, 100);
const ROTARY = MODELS['rotary positions, grouped keys'] ?? assert.fail();
/** Two positions a row, the last of them and one within. */
const LABELLED = Int32Array.from({ length: 2 * ROWS }, (_, i) => Math.floor(i / 2) * LENGTH + (i % 2 === 0 ? 2 : 4));

/** Rows over few tokens, so that many begin alike and some are equal; tokens at one place are alike after unlike pasts too. */
function rowsOf(seed: number): Int32Array {
  const rng = rngOf(seed, 'rows');
  return Int32Array.from({ length: PLACES }, (_, place) => (place % LENGTH === 0 ? 1 : 2 + rng.below(2)));
}

async function trainerOf(model: TransformerConfig, batch: BatchLayout = { rows: 1, length: 2 }): Promise<Trainer> {
  const trainer = await createTrainer({
    model,
    method: { kind: 'full' },
    optimizer: { kind: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 },
    batch,
  });
  trainer.reset(initialWeights(model, rngOf(1, 'init')), rngOf(1, 'adapter'));
  return trainer;
}

function labelsOf(seed: number, count: number): Int32Array {
  const rng = rngOf(seed, 'labels');
  return Int32Array.from({ length: count }, () => rng.below(VOCABULARY));
}

/** Of an error relative to the largest value: float32 sums in another order. */
const REORDERED = 2e-5;

function assertClose(found: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  const values = Array.from(expected);
  const scale = Math.max(...values.map(Math.abs), 1e-3);
  assert.equal(found.length, values.length, what);
  values.forEach((value, i) => {
    const off = Math.abs((found[i] ?? Number.NaN) - value);
    assert.ok(off <= REORDERED * scale, `${what}: ${found[i]} against ${value} at ${i}`);
  });
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

/** Layouts as one tree, as several, and as a tree a row, with room to spare. */
function shapesFor(seeds: readonly number[]): readonly TreesShape[] {
  return [1, 3, ROWS].map((trees) => ({
    trees,
    tokens: 1 + Math.max(...seeds.map((seed) => tokensOfTrees(rowsOf(seed), LENGTH, trees))),
  }));
}

test('trees are as many as take the least time, and fit their rows', () => {
  const apart = Int32Array.from({ length: PLACES }, (_, place) => place);
  assert.deepEqual(treesOf(apart, LENGTH), { trees: ROWS, tokens: LENGTH });
  const alike = Int32Array.from({ length: PLACES }, (_, place) => place % LENGTH);
  assert.deepEqual(treesOf(alike, LENGTH), { trees: 1, tokens: LENGTH });
});

test('rows drawn from others make no tree of more tokens than was said', () => {
  const all = rowsOf(1);
  const rng = rngOf(2, 'drawn');
  for (const rows of [1, 2, 3, 5, 8, ROWS]) {
    const most = mostTokens(all, LENGTH, rows);
    const found = Array.from({ length: 200 }, () => {
      const drawn = Array.from({ length: rows }, () => rng.below(ROWS));
      return tokensOfTrees(
        Int32Array.from(drawn.flatMap((row) => [...all.subarray(row * LENGTH, (row + 1) * LENGTH)])),
        LENGTH,
        1,
      );
    });
    assert.ok(Math.max(...found) <= most, `${rows} rows: ${Math.max(...found)} of at most ${most}`);
    if (rows === 1) assert.equal(most, LENGTH);
  }
});

test('trees of packed rows, and of rows that do not divide among them, are refused', async () => {
  const layout = { rows: ROWS, length: LENGTH, trees: { trees: 5, tokens: 20 } };
  await assert.rejects(trainerOf(ROTARY, layout), /found 5 trees of 12 rows/);
  await assert.rejects(
    trainerOf(ROTARY, { ...layout, trees: { trees: 3, tokens: 20 }, packed: true }),
    /found packed rows/,
  );
});

for (const [name, model] of Object.entries(MODELS)) {
  test(`${name}: scorers that compute common beginnings once lose what those do that do not`, async () => {
    await using trainer = await trainerOf(model);
    const seeds = [1, 2, 3];
    for (const labelled of [LABELLED, undefined]) {
      const layout = { rows: ROWS, length: LENGTH, ...(labelled === undefined ? {} : { labelled }) };
      const plain = await trainer.scorer(layout, 2);
      for (const trees of shapesFor(seeds)) {
        const shared = await trainer.scorer({ ...layout, trees }, 2);
        // Rows change from call to call, and come back.
        for (const seed of [...seeds, 1]) {
          const count = labelled?.length ?? PLACES;
          const asked = [rowsOf(seed), labelsOf(seed, count), labelsOf(seed + 10, count)] as const;
          const expected = (await plain.losses(...asked)).map((losses) => losses.slice());
          const found = await shared.losses(...asked);
          found.forEach((losses, set) =>
            assertClose(losses, expected[set] ?? new Float32Array(), `${trees.trees} trees`),
          );
        }
      }
    }
  });

  test(`${name}: rows trained as trees have the loss and the gradients of rows trained one by one`, async () => {
    const seeds = [1, 2, 3];
    const batch = { rows: ROWS, length: LENGTH, labelled: LABELLED };
    await using plain = await trainerOf(model, batch);
    for (const trees of shapesFor(seeds)) {
      await using shared = await trainerOf(model, { ...batch, trees });
      for (const seed of seeds) {
        const labels = labelsOf(seed, LABELLED.length);
        const weights = Float32Array.from(labels, (_, i) => (1 + (i % 3)) / labels.length);
        const losses = [];
        for (const trainer of [plain, shared]) {
          losses.push(await trainer.forwardBackward({ tokens: rowsOf(seed), labels, weights }));
          trainer.optimStep(0);
        }
        assertClose(losses.slice(1), losses.slice(0, 1), 'loss');
        for (const [parameter, gradient] of plain.gradients) {
          assertClose(
            shared.gradients.get(parameter) ?? new Float32Array(),
            gradient,
            `${trees.trees} trees, ${parameter}`,
          );
        }
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
      const shared = { ...layout, labelled: LABELLED, trees: treesOf(tokens, LENGTH) };
      const [losses] = await (await trainer.through(edited).scorer(shared)).losses(tokens, labels);
      assert.deepEqual(losses, expected);
    }
  });

  test(`${name}: rows that share less than a layout was made for are refused`, async () => {
    await using trainer = await trainerOf(model);
    const scorer = await trainer.scorer({ rows: ROWS, length: LENGTH, trees: { trees: 1, tokens: 3 } });
    await assert.rejects(
      scorer.losses(rowsOf(1), labelsOf(1, PLACES)),
      /expected rows of at most 3 tokens where common beginnings count once, found \d+/,
    );
  });
}
