import assert from 'node:assert/strict';
import { test } from 'node:test';

import { joined, lengthOf, sourceOf } from '#base/bytes.ts';
import { rngOf } from '#base/rng.ts';
import { lower, printGraph } from '#engine/onnx/lower.ts';
import { applyMethod, type Method } from '#learning/method.ts';
import { gpt2Config } from '#learning/models/config.ts';
import { initialWeights } from '#learning/models/parameters.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import { MUON_DEFAULTS } from '#learning/optim/muon.ts';
import type { OptimizerConfig } from '#learning/optim/optimizer-config.ts';
import { stepLoss } from '#learning/programs.ts';
import { createTrainer, type Batch, type Trainer, type TrainerConfig } from '#learning/train.ts';

const MODEL = gpt2Config({ vocabulary: 17, dModel: 16, nLayers: 2, nHeads: 2, length: 6 });
const ROWS = 4;
const LENGTH = 6;
const LR = 0.01;
/** Sums of a few float32 terms in another order. */
const REORDERED = 2e-6;
const LORA: Method = { kind: 'lora', rank: 2, alpha: 4, scaling: 'alphaOverRank', modules: 'all' };

function configOf(change: Partial<TrainerConfig> = {}): TrainerConfig {
  return {
    model: MODEL,
    method: { kind: 'full' },
    optimizer: ADAMW_DEFAULTS,
    batch: { rows: ROWS, length: LENGTH },
    ...change,
  };
}

async function started(change: Partial<TrainerConfig> = {}): Promise<Trainer> {
  const trainer = await createTrainer(configOf(change));
  trainer.reset(initialWeights(MODEL, rngOf(1, 'init')), rngOf(1, 'adapter'));
  return trainer;
}

/** The rows of a step's batch, whose loss is a mean over all of the step's rows. */
function batchOf(step: number, order: readonly number[] = [0, 1, 2, 3], rows: readonly number[] = order): Batch {
  const tokenAt = (row: number, t: number): number => (7 * step + 5 * row + 3 * t + row * t) % MODEL.vocabulary;
  const grid = rows.flatMap((row) => Array.from({ length: LENGTH }, (_, t) => ({ row, t })));
  return {
    tokens: Int32Array.from(grid, ({ row, t }) => tokenAt(row, t)),
    labels: Int32Array.from(grid, ({ row, t }) => tokenAt(row, t + 1)),
    weights: new Float32Array(grid.length).fill(1 / (ROWS * LENGTH)),
  };
}

async function train(trainer: Trainer, from: number, to: number): Promise<number> {
  let loss = Number.NaN;
  for (let step = from; step < to; step++) {
    loss = await trainer.forwardBackward(batchOf(step % 3));
    trainer.optimStep(LR);
  }
  return loss;
}

function snapshot(trainer: Trainer): Record<string, number[]> {
  return Object.fromEntries(Array.from(trainer.memory, ([name, values]) => [name, [...values]]));
}

test('training brings the loss of a small set far below where it began', async () => {
  await using trainer = await started();
  const first = await train(trainer, 0, 1);
  const last = await train(trainer, 1, 120);
  assert.ok(last < 0.2 * first, `loss went from ${first} to ${last}`);
});

for (const [name, optimizer] of Object.entries({ adamw: ADAMW_DEFAULTS, muon: MUON_DEFAULTS }) satisfies [
  string,
  OptimizerConfig,
][]) {
  test(`${name}: a restored trainer goes on to the same bits as one that never stopped`, async () => {
    await using straight = await started({ optimizer });
    await train(straight, 0, 7);
    await using before = await started({ optimizer });
    await train(before, 0, 4);
    await using after = await started({ optimizer });
    after.restoreState(before.saveState());
    await train(after, 4, 7);
    assert.deepEqual(snapshot(after), snapshot(straight));
  });
}

test('a state in place is the saved state, made of no new memory; read part by part it restores the same bits', async () => {
  await using before = await started();
  await train(before, 0, 3);
  const memory = new Set(Array.from(before.memory.values(), ({ buffer }) => buffer));
  const pieces = before.stateInPlace();
  const made = pieces.filter(({ buffer }) => !memory.has(buffer));
  assert.ok(lengthOf(made) < lengthOf(pieces) / 10, `${lengthOf(made)} of ${lengthOf(pieces)} bytes are new`);
  const saved = before.saveState();
  assert.deepEqual(joined(pieces), saved);
  await using after = await started();
  let most = 0;
  const source = sourceOf(saved);
  after.restoreState({
    length: source.length,
    read(offset, target) {
      most = Math.max(most, target.length);
      source.read(offset, target);
    },
  });
  assert.ok(most < saved.length / 2, `${most} bytes were read at once`);
  await train(before, 3, 5);
  await train(after, 3, 5);
  assert.deepEqual(snapshot(after), snapshot(before));
});

test('weights saved into the memory of earlier ones are those of the moment, and restore them', async () => {
  await using trainer = await started();
  await train(trainer, 0, 2);
  const kept = trainer.saveWeights();
  await train(trainer, 2, 4);
  const expected = snapshot(trainer);
  assert.equal(trainer.saveWeights(kept), kept);
  await train(trainer, 4, 6);
  trainer.restoreWeights(kept);
  assert.deepEqual(snapshot(trainer), expected);
  assert.notEqual(trainer.saveWeights(new Uint8Array(8)).length, 8);
});

test('the same seed gives the same bits with 1 and with 2 threads', async () => {
  await using one = await started({ threads: 1 });
  await using two = await started({ threads: 2 });
  await train(one, 0, 5);
  await train(two, 0, 5);
  assert.deepEqual(snapshot(one), snapshot(two));
});

test('a trainer that is reset forgets the run before', async () => {
  await using trainer = await started({ method: LORA });
  await train(trainer, 0, 3);
  const first = snapshot(trainer);
  trainer.reset(initialWeights(MODEL, rngOf(1, 'init')), rngOf(1, 'adapter'));
  await train(trainer, 0, 3);
  assert.deepEqual(snapshot(trainer), first);
});

test('splitting a batch into accumulated parts, or permuting its rows, changes the step by rounding alone', async () => {
  await using whole = await started();
  await whole.forwardBackward(batchOf(0));
  const norm = whole.optimStep(0);
  await using permuted = await started();
  await permuted.forwardBackward(batchOf(0, [2, 0, 3, 1]));
  await using split = await started({ accumulation: 2, batch: { rows: 2, length: LENGTH } });
  await split.forwardBackward(batchOf(0, [0, 1]));
  await split.forwardBackward(batchOf(0, [2, 3]));
  for (const other of [permuted.optimStep(0), split.optimStep(0)]) {
    assert.ok(norm.kind === 'finite' && other.kind === 'finite');
    assert.ok(Math.abs(norm.norm - other.norm) < REORDERED * norm.norm, `${norm.norm} against ${other.norm}`);
  }
});

/** Labels at some tokens of each row. */
function labelledAt(rows: number, at: readonly number[]): Int32Array {
  return Int32Array.from(Array.from({ length: rows }, (_, row) => at.map((t) => row * LENGTH + t)).flat());
}

function printed(rows: number, labelled: Int32Array, endsAtAsked?: boolean): string {
  const layout = { rows, length: LENGTH, labelled, ...(endsAtAsked === undefined ? {} : { endsAtAsked }) };
  return printGraph(lower({ loss: stepLoss(MODEL, applyMethod({ kind: 'full' }, MODEL), layout) }));
}

for (const [rows, at] of [
  [4, [5]],
  [21, [2, 5]],
  [2, [0]],
] as const) {
  test(`a step of ${rows * LENGTH} tokens leaves out what no label needs of its last block, and no bit changes`, async () => {
    const labelled = labelledAt(rows, at);
    assert.equal(printed(rows, labelled), printed(rows, labelled, true));
    const run = async (endsAtAsked: boolean): Promise<unknown> => {
      await using trainer = await started({ batch: { rows, length: LENGTH, labelled, endsAtAsked } });
      const tokens = Int32Array.from({ length: rows * LENGTH }, (_, i) => (i * i + 3) % MODEL.vocabulary);
      const labels = labelled.map((position) => (5 * position + 1) % MODEL.vocabulary);
      for (let step = 0; step < 3; step++) {
        await trainer.forwardBackward({ tokens, labels, weights: new Float32Array(labels.length).fill(1 / 3) });
        trainer.optimStep(LR);
      }
      return snapshot(trainer);
    };
    assert.deepEqual(await run(true), await run(false));
  });
}

test('where bits would change, the last block goes on to its end', () => {
  for (const [rows, labelled] of [
    [22, labelledAt(22, [5])],
    [4, Int32Array.of(5)],
  ] as const) {
    assert.equal(printed(rows, labelled), printed(rows, labelled, false));
    assert.notEqual(printed(rows, labelled), printed(rows, labelled, true));
  }
});

test('matrices trains the weights of linear layers alone, and LoRA nothing of the base', async () => {
  for (const method of [{ kind: 'matrices' } as const, LORA]) {
    await using trainer = await started({ method });
    const before = snapshot(trainer);
    await train(trainer, 0, 2);
    const after = snapshot(trainer);
    const moved = Object.keys(before).filter((name) => before[name]?.some((value, i) => value !== after[name]?.[i]));
    const isExpected = (name: string): boolean =>
      method.kind === 'lora' ? name.includes('.lora_') : /\.(c_attn|c_proj|c_fc)\.weight$/.test(name);
    assert.deepEqual(moved, Object.keys(before).filter(isExpected));
  }
});

test('a scorer sees the weights of the moment, and a program scores what training minimises', async () => {
  await using trainer = await started();
  const scorer = await trainer.scorer({ rows: ROWS, length: LENGTH });
  const { tokens, labels } = batchOf(0);
  const mean = async (): Promise<number> =>
    (await scorer.losses(tokens, labels)).flatMap((losses) => [...losses]).reduce((sum, loss) => sum + loss, 0) /
    labels.length;
  const before = await mean();
  const loss = await trainer.forwardBackward(batchOf(0));
  assert.ok(Math.abs(loss - before) < 1e-5, `${loss} against ${before}`);
  trainer.optimStep(0);
  await train(trainer, 0, 30);
  assert.ok((await mean()) < before);
});

test('a gradient that is not finite is named and takes no step', async () => {
  await using trainer = await started();
  const before = snapshot(trainer);
  const batch = batchOf(0);
  await trainer.forwardBackward({ ...batch, weights: new Float32Array(batch.weights.length).fill(Infinity) });
  assert.equal(trainer.optimStep(LR).kind, 'notFinite');
  assert.deepEqual(snapshot(trainer), before);
});

test('weights of another model and damaged checkpoints are refused', async () => {
  await using trainer = await started();
  const other = initialWeights({ ...MODEL, dModel: 8, headDim: 4 }, rngOf(1));
  assert.throws(() => trainer.reset(other, rngOf(1)), /Are these the weights of this config/);
  assert.throws(() => trainer.restoreState(trainer.saveState().subarray(0, 100)), /damaged/);
});
