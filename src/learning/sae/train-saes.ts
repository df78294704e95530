/** Several sparse autoencoders over one stream of activations: every batch is read once and given to each of them. */
import { AssayError } from '#base/errors.ts';
import { checkWhole } from '#base/whole-number.ts';
import { takeStep } from '#learning/divergence.ts';

import type { SaeTrainer } from './sae-trainer.ts';

/**
 * Rows of activations by step: a model's stream kept on disk (`storedActivations`), or a generator of synthetic data.
 * Invariant: a step's rows are a function of its number alone, so that a resumed training sees the same ones.
 */
export interface ActivationStream {
  /** D. */
  readonly dIn: number;
  /** B: rows a step. */
  readonly batchRows: number;
  /** The rows of a step, from 0; shape [B, D], row-major; the memory may be reused by the next call. */
  rows(step: number): Float32Array | Promise<Float32Array>;
}

/** An autoencoder to train, and its learning rate by step, in the unit of its optimizer. */
export interface SaeTask {
  readonly trainer: SaeTrainer;
  readonly lr: (step: number) => number;
  /** Where gradients are clipped; nowhere where left out. */
  readonly maxGradientNorm?: number;
}

export interface SaeTraining {
  /** The first step; default 0. A restored training goes on from where its state was saved. */
  readonly from?: number;
  /** One past the last step. */
  readonly to: number;
  /** Called after each step, with every trainer's `terms()` to be read. */
  readonly onStep?: (step: number) => void | Promise<void>;
}

/**
 * Takes the steps [from, to) of every task.
 * @returns for each task why its numbers broke, and then it takes no further steps; undefined where all went well.
 * @throws AssayError where a trainer's rows are not the stream's, and on steps that are no whole numbers or run backwards.
 */
export async function trainSaes(
  tasks: readonly SaeTask[],
  stream: ActivationStream,
  { from = 0, to, onStep }: SaeTraining,
): Promise<readonly (string | undefined)[]> {
  checkWhole('trainSaes, from', from, 0);
  checkWhole('trainSaes, to', to, from);
  for (const { trainer } of tasks) checkStream(trainer, stream);
  const broken: (string | undefined)[] = tasks.map(() => undefined);
  for (let step = from; step < to; step++) {
    const rows = await stream.rows(step);
    for (const [i, { trainer, lr, maxGradientNorm }] of tasks.entries()) {
      broken[i] ??= await takeStep(trainer, [rows], lr(step), maxGradientNorm);
    }
    await onStep?.(step);
    if (broken.length > 0 && broken.every((reason) => reason !== undefined)) break;
  }
  return broken;
}

/** The mean of rows, shape [D]: what `bDec` starts at. @param rows shape [B, D]. @throws AssayError on no rows, or not whole ones. */
export function meanRow(rows: Float32Array, width: number): Float32Array {
  checkWhole(`meanRow, rows of width ${width}`, rows.length / width);
  const sums = new Float64Array(width);
  for (let i = 0; i < rows.length; i++) sums[i % width] = (sums[i % width] ?? 0) + (rows[i] ?? 0);
  return Float32Array.from(sums, (sum) => (sum * width) / rows.length);
}

function checkStream({ config, batchRows }: SaeTrainer, stream: ActivationStream): void {
  if (config.dIn === stream.dIn && batchRows === stream.batchRows) return;
  const [expected, found] = [`[${batchRows}, ${config.dIn}]`, `[${stream.batchRows}, ${stream.dIn}]`];
  throw new AssayError('config', `Sparse autoencoder: expected a stream of rows of shape ${expected}, found ${found}.`);
}
