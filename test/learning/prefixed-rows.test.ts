/** Rows trained behind a common prefix, without padding, against the same rows padded and against finite differences. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { commonPrefix, needsOf, type PlainRow, plainRows, rowsBatch } from '#learning/data/prefixed-rows.ts';
import { rowsLayouts } from '#learning/data/rows-layouts.ts';
import { arrangeRows } from '#learning/data/sequences.ts';
import type { Method } from '#learning/method.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { initialWeights } from '#learning/models/parameters.ts';
import type { BatchLayout, RowsLayout } from '#learning/programs.ts';
import { type Batch, createTrainer, type RowsBatch, type Trainer } from '#learning/train.ts';
import { answerBatch, answerLayout, answerTokens } from '#measures/answer-batch.ts';

import { VOCABULARY, windowedModels } from './tiny-models.ts';

/** Of the largest gradient of a parameter: float32 sums in another order. */
const REORDERED = 1e-6;
/** Of the gradient's size along a direction: differences of float32 losses over steps of a thousandth. */
const DIFFERENCED = 2e-2;
const LENGTH = 40;
const MODELS = windowedModels(LENGTH, 100);
const ROTARY = MODELS['rotary positions, grouped keys'] ?? assert.fail();
const METHODS: readonly Method[] = [
  { kind: 'full' },
  { kind: 'lora', rank: 2, alpha: 4, scaling: 'alphaOverRank', modules: 'all' },
];

/** Rows of unlike lengths behind so many common tokens; some learn from their first own token on, some have two learned stretches. */
function rowsOf(prefix: number, lengths: readonly number[]): PlainRow[] {
  const shared = Array.from({ length: prefix }, (_, t) => (3 * t) % VOCABULARY);
  return lengths.map((length, row) => {
    const rng = rngOf(row, 'own');
    const ids = Int32Array.from([
      ...shared,
      row % VOCABULARY,
      ...Array.from({ length: length - 1 }, () => rng.below(VOCABULARY)),
    ]);
    const from = Math.max(1, prefix + (row % 3));
    const last = prefix + length - 1;
    const isLearned = (t: number): boolean => t === last || (t >= from && (row % 2 === 0 || t !== from + 1));
    return { ids, lossMask: Uint8Array.from(ids, (_, t) => Number(isLearned(t))) };
  });
}

async function trainerOf(
  model: TransformerConfig,
  method: Method,
  batch: BatchLayout | RowsLayout,
  accumulation = 1,
  threads = 1,
): Promise<Trainer> {
  const optimizer = { kind: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 } as const;
  const trainer = await createTrainer({ model, method, optimizer, batch, accumulation, threads });
  trainer.reset(initialWeights(model, rngOf(1, 'init')), rngOf(1, 'adapter'));
  // A fresh adapter's second factor is 0, and hides the first one's gradient.
  const rng = rngOf(2, 'factors');
  for (const [name, values] of trainer.memory) {
    if (name.includes('lora')) values.forEach((_, i) => (values[i] = 0.3 * rng.normal()));
  }
  return trainer;
}

interface Padded {
  readonly layout: BatchLayout;
  readonly batch: Batch;
  readonly weight: number;
}

function padded(rows: readonly PlainRow[]): Padded {
  const numbered = rows.map((row, line) => ({ line, ids: row.ids.slice(), lossMask: row.lossMask.slice() }));
  const sequences = arrangeRows(numbered, Math.max(...rows.map(({ ids }) => ids.length)), 'pad', 0);
  const layout = answerLayout(sequences, rows.length);
  const all = Int32Array.from(rows.keys());
  const weight = 1 / answerTokens(sequences, all);
  assert.deepEqual(
    plainRows(sequences).map(({ ids }) => [...ids]),
    rows.map(({ ids }) => [...ids]),
  );
  return { layout, weight, batch: answerBatch(sequences, layout, all, weight) };
}

async function assertSameGradients(
  model: TransformerConfig,
  method: Method,
  rows: readonly PlainRow[],
  layout: RowsLayout,
): Promise<void> {
  const { layout: wide, batch, weight } = padded(rows);
  await using expected = await trainerOf(model, method, wide);
  await using found = await trainerOf(model, method, layout);
  const [lossOfPadded, loss] = [
    await expected.forwardBackward(batch),
    await found.forwardBackward(rowsBatch(rows, layout, weight)),
  ];
  assert.ok(Math.abs(loss - lossOfPadded) < REORDERED * lossOfPadded, `${loss} against ${lossOfPadded}`);
  for (const [name, gradient] of expected.gradients) {
    const own = found.gradients.get(name) ?? assert.fail(name);
    const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    assert.ok(largest > 0, name);
    const worst = gradient.reduce((most, value, i) => Math.max(most, Math.abs(value - (own[i] ?? Number.NaN))), 0);
    assert.ok(worst <= REORDERED * Math.max(1, largest), `${name}: ${worst} of ${largest}`);
  }
}

for (const [name, model] of Object.entries(MODELS)) {
  for (const method of METHODS) {
    for (const prefix of [12, 0]) {
      test(`${name}, ${method.kind}: behind a prefix of ${prefix}, loss and gradients are those of the padded rows`, async () => {
        const rows = rowsOf(prefix, [5, 9, 2, 12, 1 + Number(prefix === 0), 7]);
        assert.equal(commonPrefix(rows), prefix);
        const tight: RowsLayout = { rows: rows.length, prefix, ...needsOf(rows, prefix) };
        await assertSameGradients(model, method, rows, tight);
        const wide = {
          ...tight,
          rows: tight.rows + 2,
          length: tight.length + 3,
          count: tight.count + 9,
          labels: tight.labels + 5,
        };
        await assertSameGradients(model, method, rows, wide);
      });
    }
  }

  test(`${name}: the gradient along a random direction is the loss's central difference`, async () => {
    const rows = rowsOf(12, [5, 9, 2]);
    const layout: RowsLayout = { rows: rows.length, prefix: 12, ...needsOf(rows, 12) };
    await using trainer = await trainerOf(model, { kind: 'full' }, layout, 3);
    const batch = rowsBatch(rows, layout, 0.1);
    await trainer.forwardBackward(batch);
    const gradients = new Map(Array.from(trainer.gradients, ([parameter, values]) => [parameter, values.slice()]));
    const rng = rngOf(5, 'direction');
    const direction = new Map(
      Array.from(gradients, ([parameter, values]) => [parameter, values.map(() => rng.normal())]),
    );
    const slope = Array.from(gradients, ([parameter, values]) =>
      values.reduce((sum, value, i) => sum + value * (direction.get(parameter)?.[i] ?? Number.NaN), 0),
    ).reduce((sum, value) => sum + value, 0);
    const lossAt = async (distance: number): Promise<number> => {
      for (const [parameter, values] of trainer.memory) {
        values.forEach((_, i) => (values[i] = (values[i] ?? 0) + distance * (direction.get(parameter)?.[i] ?? 0)));
      }
      return trainer.forwardBackward(batch);
    };
    const step = 1e-3;
    const [above, below] = [await lossAt(step), await lossAt(-2 * step)];
    const difference = (above - below) / (2 * step);
    assert.ok(Math.abs(difference - slope) < DIFFERENCED * Math.abs(slope), `${difference} against ${slope}`);
  });
}

test('two layouts serve all batches of a training set: a usual one, and one that every batch fits', async () => {
  const rng = rngOf(3, 'lengths');
  const rows = rowsOf(
    12,
    Array.from({ length: 60 }, (_, i) => (i === 7 ? 27 : 2 + rng.below(8))),
  );
  const model = ROTARY;
  const { usual, layoutOf } = rowsLayouts(model, rows, 4);
  const longest = rows[7] ?? assert.fail();
  const largest = layoutOf([longest, longest, longest, longest]);
  assert.deepEqual(layoutOf(rows.slice(0, 4)), usual);
  assert.ok(usual.count < largest.count && usual.length < largest.length, JSON.stringify({ usual, largest }));
  assert.ok(largest.count < 12 + 4 * 27, 'not every row is the longest');
  // A batch between two passes over the rows meets some twice.
  const [, second] = rows.filter((row) => row !== longest).toSorted((a, b) => b.ids.length - a.ids.length);
  const twice = [longest, longest, second ?? assert.fail(), second ?? assert.fail()];
  assert.ok(needsOf(twice, 12).count <= layoutOf(twice).count);
  for (let draw = 0; draw < 50; draw++) {
    const own = Array.from({ length: 4 }, () => rows[rng.below(rows.length)] ?? assert.fail());
    const layout = layoutOf(own);
    assert.ok(layout.count === usual.count || layout.count === largest.count);
    const need = needsOf(own, 12);
    assert.ok(need.count <= layout.count && need.labels <= layout.labels && need.length <= layout.length);
  }
});

test('one step in another layout than the first leaves the same weights, whichever program ran before', async () => {
  const model = MODELS['learned positions'] ?? assert.fail();
  const rows = rowsOf(12, [5, 9, 2]);
  const tight: RowsLayout = { rows: 3, prefix: 12, ...needsOf(rows, 12) };
  const wide: RowsLayout = { ...tight, count: tight.count + 16 };
  const weightsAfter = async (layouts: readonly RowsLayout[]): Promise<readonly number[][]> => {
    await using trainer = await trainerOf(model, { kind: 'full' }, tight);
    for (const layout of layouts) {
      const batch: RowsBatch = rowsBatch(rows, layout, 0.1);
      await trainer.forwardBackward(batch);
      trainer.optimStep(0);
    }
    await trainer.forwardBackward(rowsBatch(rows, wide, 0.1));
    trainer.optimStep(0.1);
    return Array.from(trainer.memory.values(), (values) => [...values]);
  };
  assert.deepEqual(await weightsAfter([tight, wide, tight]), await weightsAfter([]));
});

test('rows behind a prefix give the same bits with 1 and with 2 threads', async () => {
  const model = ROTARY;
  const rows = rowsOf(12, [5, 9, 2]);
  const layout: RowsLayout = { rows: 3, prefix: 12, ...needsOf(rows, 12) };
  const trained = async (threads: number): Promise<readonly number[][]> => {
    await using trainer = await trainerOf(model, { kind: 'full' }, layout, 1, threads);
    for (let step = 0; step < 3; step++) {
      await trainer.forwardBackward(rowsBatch(rows, layout, 0.1));
      trainer.optimStep(0.1);
    }
    return Array.from(trainer.memory.values(), (values) => [...values]);
  };
  assert.deepEqual(await trained(2), await trained(1));
});
