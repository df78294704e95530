/**
 * What finetuning runs of one shape work with: the trainer, the scorers of the probe sets, and the evaluations.
 * Built once per shape and used for run after run: `trainer.reset` starts over.
 */
import { AssayError } from '#base/errors.ts';
import { rngOf, type Rng } from '#base/rng.ts';
import { orderedRows } from '#learning/data/order.ts';
import { plainRows, rowsBatch } from '#learning/data/prefixed-rows.ts';
import { rowsLayouts } from '#learning/data/rows-layouts.ts';
import { takeStep } from '#learning/divergence.ts';
import { type Batch, createTrainer, type RowsBatch, type Trainer } from '#learning/train.ts';
import { learningRateAt } from '#learning/optim/schedule.ts';
import type { BatchLayout, RowsLayout } from '#learning/programs.ts';
import { answerBatch, answerLayout, answerTokens } from '#measures/answer-batch.ts';
import { answerScorers, lossPerToken, type ScoreAnswers } from '#measures/answer-losses.ts';

import { checkContinues } from './adapter.ts';
import type { FINETUNE_AXES, FinetuneConfig } from './config.ts';
import { type Evaluate, evaluator } from './evaluations.ts';
import { finetunePaths } from './files.ts';
import type { Material } from './material.ts';
import { largestNorm } from '#recipes/training-config.ts';

/** What a run can be matched on. */
export type FinetuneAxes = Readonly<Record<(typeof FINETUNE_AXES)[number], number>>;

export interface FinetuneLab extends AsyncDisposable {
  readonly trainer: Trainer;
  readonly material: Material;
  /** Starts a run: the base model, a fresh adapter, zero optimizer state. */
  reset(block: number, config: FinetuneConfig): void;
  axes(): Promise<FinetuneAxes>;
  /** The outcomes of the evaluations. */
  evaluate: Evaluate;
  /** A micro-batch of the training set's sequences. @param weight Of each answer token. */
  batchOf(chosen: Int32Array, weight: number): Batch | RowsBatch;
  /** One optimizer step; the reason where its numbers broke. */
  step(step: number, block: number, config: FinetuneConfig): Promise<string | undefined>;
}

/** Builds and compiles the lab of a config. */
export async function createFinetuneLab(config: FinetuneConfig, material: Material): Promise<FinetuneLab> {
  const { method, optimizer, accumulation, threads } = config;
  const rows = config.batch / accumulation;
  const batches = config.rows.packing ? packedBatches(material, rows) : plainBatches(material, rows);
  if (config.adapter.path !== '' && config.adapter.use === 'continue') {
    await checkContinues(finetunePaths(config).adapter, method, material.model);
  }
  const trainer = await createTrainer({
    model: material.model,
    method,
    optimizer,
    batch: batches.usual,
    accumulation,
    threads,
    frozen: material.frozen,
  });
  const scorerOf = answerScorers(trainer);
  const trainLoss = lossOf(scorerOf(material.trainProbe));
  const heldOutLoss = lossOf(scorerOf(material.heldOutProbe));
  const evaluate = evaluator(trainer, scorerOf, material.evaluations, config.replies.generation.rows);
  // Without a step taken every method computes what the base model (with the adapter it was given) does.
  trainer.reset(material.weights, rngOf('base model'));
  const base = { train: await trainLoss(), heldOut: await heldOutLoss() };
  refuseBrokenBase(base, config.model);
  return {
    trainer,
    material,
    reset: (block, { seeds }) => trainer.reset(material.weights, rngOf(block + seeds.init, 'finetune init')),
    async axes() {
      const [train, heldOut] = [await trainLoss(), await heldOutLoss()];
      return { train, heldOut, trainOfBase: train / base.train, heldOutOfBase: heldOut / base.heldOut };
    },
    evaluate,
    batchOf: (chosen, weight) => batches.of(chosen, weight),
    step: async (step, block, run) => trainStep({ trainer, material, batches, rows }, step, block, run),
    [Symbol.asyncDispose]: async () => trainer[Symbol.asyncDispose](),
  };
}

/** Else every run would count as diverged at step 0, as if by its learning rate. */
function refuseBrokenBase(losses: Readonly<Record<string, number>>, model: string): void {
  for (const [set, loss] of Object.entries(losses)) {
    if (Number.isFinite(loss)) continue;
    const expected = `a finite ${set} loss of the base model, before any step`;
    throw new AssayError(
      'run',
      `${model}: expected ${expected}, found ${loss}. Its weights overflow float32 on this data.`,
    );
  }
}

/** The loss of a probe set, in nats per answer token. */
function lossOf(score: ScoreAnswers): () => Promise<number> {
  return async () => lossPerToken(await score());
}

/** How sequences become micro-batches. */
interface Batches {
  /** The shape of most. */
  readonly usual: BatchLayout | RowsLayout;
  /** @param weight Of each answer token. */
  of(chosen: Int32Array, weight: number): Batch | RowsBatch;
}

/** Rows behind what all of them begin with, without padding. */
function plainBatches({ model, train }: Material, rows: number): Batches {
  const all = plainRows(train);
  const { usual, layoutOf } = rowsLayouts(model, all, rows);
  return {
    usual,
    of(chosen, weight) {
      const own = Array.from(chosen, (sequence) => all[sequence]).filter((row) => row !== undefined);
      return rowsBatch(own, layoutOf(own), weight);
    },
  };
}

/** Sequences of several rows that do not see each other. */
function packedBatches({ train }: Material, rows: number): Batches {
  const layout = { ...answerLayout(train, rows), packed: true };
  return { usual: layout, of: (chosen, weight) => answerBatch(train, layout, chosen, weight) };
}

interface Training {
  readonly trainer: Trainer;
  readonly material: Material;
  readonly batches: Batches;
  /** Sequences of a micro-batch. */
  readonly rows: number;
}

/** The loss is the mean over the step's answer tokens, however the step is split. */
async function trainStep(
  { trainer, material, batches, rows }: Training,
  step: number,
  block: number,
  config: FinetuneConfig,
): Promise<string | undefined> {
  const { batch, accumulation, seeds } = config;
  const data = rngOf(block + seeds.data, 'finetune data');
  const chosen = rowsAtStep(material.train.count, data, step, batch, config.rows.order);
  const weight = 1 / answerTokens(material.train, chosen);
  const parts = Array.from({ length: accumulation }, (_, part) =>
    batches.of(chosen.subarray(part * rows, (part + 1) * rows), weight),
  );
  const lr = learningRateAt(config.schedule, config.learningRate, step, config.steps);
  return takeStep(trainer, parts, lr, largestNorm(config.clip));
}

/** The rows of a step: pass after pass over all of them, each shuffled anew or all in the order of the file. */
export function rowsAtStep(
  count: number,
  rng: Rng,
  step: number,
  batch: number,
  order: FinetuneConfig['rows']['order'] = 'shuffled',
): Int32Array {
  if (order === 'asGiven') return Int32Array.from({ length: batch }, (_, i) => (step * batch + i) % count);
  return orderedRows({ kind: order }, { length: count }, rng)(step, batch);
}
