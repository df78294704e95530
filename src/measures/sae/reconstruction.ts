/**
 * How well and how sparsely rows are reconstructed, under the names and definitions of SAELens's evaluations (6.54): sums are
 * taken in float64 over all rows that were added, whatever the batches.
 */
import { AssayError } from '#base/errors.ts';
import { checkWhole } from '#base/whole-number.ts';
import { finite } from '#learning/files/tensors/tensor-source.ts';
import type { ActivationStream } from '#learning/sae/train-saes.ts';
import { saeReader } from '#learning/sae/sae-reader.ts';
import type { Sae } from '#learning/sae/sae-trainer.ts';

/** What was measured over N rows. */
export interface Reconstruction {
  readonly rows: number;
  /** L0: codes that are not 0, mean of a row. */
  readonly l0: number;
  /** |x - xHat|^2, summed over D, mean of a row. */
  readonly mse: number;
  /** Fraction of variance unexplained: the sum of |x - xHat|^2 over the sum of |x - mean x|^2; NaN where x does not vary. */
  readonly fvu: number;
  /** 1 - fvu. */
  readonly explainedVariance: number;
  /** The fraction of rows in which each feature fires, shape [F]. */
  readonly featureDensity: Float64Array;
  /** The fraction of features that fire in no row. */
  readonly deadFraction: number;
}

/** Adds up batches. */
export interface ReconstructionTally {
  /** @param x, reconstruction shape [B, D]. @param featureActs shape [B, F]. @throws AssayError (data) where these are not of as many rows. */
  add(x: Float32Array, featureActs: Float32Array, reconstruction: Float32Array): void;
  /** Of what was added so far. @throws AssayError (data) where that is nothing. */
  result(): Reconstruction;
}

/** A tally of nothing yet. */
export function reconstructionTally(dIn: number, dSae: number): ReconstructionTally {
  const fired = new Float64Array(dSae);
  const [sums, squares] = [new Float64Array(dIn), new Float64Array(dIn)];
  const first = new Float64Array(dIn);
  let [rows, errors] = [0, 0];
  return {
    add(x, featureActs, reconstruction) {
      checkBatch(x.length / dIn, featureActs.length / dSae, reconstruction.length / dIn);
      // Sums are of distances from the first row, so that a mean far from 0 costs no digits.
      if (rows === 0) first.set(x.subarray(0, dIn));
      x.forEach((value, i) => {
        const distance = value - (first[i % dIn] ?? 0);
        sums[i % dIn] = (sums[i % dIn] ?? 0) + distance;
        squares[i % dIn] = (squares[i % dIn] ?? 0) + distance ** 2;
        errors += (value - (reconstruction[i] ?? Number.NaN)) ** 2;
      });
      featureActs.forEach((value, i) => {
        if (value !== 0) fired[i % dSae] = (fired[i % dSae] ?? 0) + 1;
      });
      rows += x.length / dIn;
    },
    result() {
      if (rows === 0) throw new AssayError('data', 'Reconstruction: expected rows to measure on, found none.');
      const spread = squares.reduce((total, square, i) => total + square - (sums[i] ?? 0) ** 2 / rows, 0);
      const fvu = spread > 0 ? errors / spread : Number.NaN;
      return {
        rows,
        l0: fired.reduce((total, count) => total + count, 0) / rows,
        mse: errors / rows,
        fvu,
        explainedVariance: 1 - fvu,
        featureDensity: fired.map((count) => count / rows),
        deadFraction: fired.filter((count) => count === 0).length / dSae,
      };
    },
  };
}

function checkBatch(rows: number, codes: number, reconstructed: number): void {
  if (Number.isInteger(rows) && codes === rows && reconstructed === rows) return;
  throw new AssayError(
    'data',
    `Reconstruction: expected whole rows, as many of x, codes and reconstructions, found ${rows}, ${codes} and ${reconstructed}.`,
  );
}

/**
 * Measures an autoencoder over the steps [from, to) of a stream, which should not be those it was trained on.
 * @throws AssayError where there are no such steps, or rows have another width or are not finite.
 */
export async function measureReconstruction(
  sae: Sae,
  stream: ActivationStream,
  { from = 0, to, threads = 1 }: { readonly from?: number; readonly to: number; readonly threads?: number },
): Promise<Reconstruction> {
  checkWhole('measureReconstruction, from', from, 0);
  checkWhole('measureReconstruction, to', to, from + 1);
  if (stream.dIn !== sae.config.dIn) {
    throw new AssayError(
      'data',
      `measureReconstruction: expected a stream of rows of ${sae.config.dIn} numbers, found ${stream.dIn}.`,
    );
  }
  const tally = reconstructionTally(sae.config.dIn, sae.config.dSae);
  await using reader = await saeReader(sae, stream.batchRows, { threads });
  for (let step = from; step < to; step++) {
    const x = finite((await stream.rows(step)).slice(), `measureReconstruction, rows of step ${step}`);
    const { featureActs, reconstruction } = await reader.read(x);
    tally.add(x, featureActs, reconstruction);
  }
  return tally.result();
}
