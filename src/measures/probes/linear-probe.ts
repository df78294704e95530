/**
 * Linear probes: can a label be read off a representation by a linear classifier, in groups of rows that it has not seen? Every
 * fold's classifier standardizes by its own rows and sees nothing of the others; which group is in which fold follows from their order.
 */
import { AssayError } from '#base/errors.ts';
import type { DenseMatrix } from '#learning/spectra/matrix.ts';

import { fitLogistic } from './logistic.ts';
import { rowProducts } from './row-products.ts';

/** What is read off. */
export interface ProbeSetup {
  /** Shape [N, D]: a row a scene. */
  readonly features: DenseMatrix;
  /** What rows share, such as a layout: rows of one group are never both learned from and asked. */
  readonly groups: readonly number[];
  readonly folds: number;
  /** Of |w|^2 / 2, as a multiple of the mean squared length of a standardized row, which is the number of features that vary. */
  readonly penalty: number;
}

/** A probe of one representation; it may be asked many labels. */
export interface LinearProbe {
  /** For every row the score of the classifier that has not seen its group: above 0 it says true. */
  scores(labels: readonly boolean[]): Float64Array;
}

/** Scores nearer to 0 than this say nothing: features that do not vary leave rounding behind. */
const SILENT = 1e-9;

/**
 * Prepares the folds, which all labels share.
 * @throws AssayError (data) on fewer groups than folds, or fewer than two folds.
 */
export function linearProbe({ features, groups, folds, penalty }: ProbeSetup): LinearProbe {
  const names = [...new Set(groups)];
  if (groups.length !== features.rows || folds < 2 || names.length < folds) {
    const found = `${features.rows} rows, ${groups.length} of them grouped, ${names.length} groups, ${folds} folds`;
    throw new AssayError(
      'data',
      `Probe: expected a group for every row and two folds or more of groups, found ${found}.`,
    );
  }
  const foldOf = new Map(names.map((name, i) => [name, i % folds]));
  const rowsOf = (fold: number, isIn: boolean): readonly number[] =>
    groups.flatMap((group, row) => ((foldOf.get(group) === fold) === isIn ? [row] : []));
  const prepared = Array.from({ length: folds }, (_, fold) => {
    const [seen, asked] = [rowsOf(fold, false), rowsOf(fold, true)];
    const standard = standardizer(features, seen);
    const [own, others] = [standard.rows(seen), standard.rows(asked)];
    return {
      seen,
      asked,
      kernel: rowProducts(own, own),
      across: rowProducts(others, own),
      varying: standard.varying,
    };
  });
  return {
    scores(labels) {
      const scores = new Float64Array(features.rows);
      for (const { seen, asked, kernel, across, varying } of prepared) {
        const own = seen.map((row) => labels[row] ?? false);
        const strength = penalty * Math.max(1, varying);
        const { multipliers, intercept } = fitLogistic({ kernel, labels: own, penalty: strength, hasIntercept: true });
        for (const [i, row] of asked.entries()) {
          const values = across.values.subarray(i * seen.length, (i + 1) * seen.length);
          scores[row] = multipliers.reduce((sum, value, j) => sum + value * (values[j] ?? 0), intercept);
        }
      }
      return scores;
    },
  };
}

/** The share of rows whose score has the label's sign; one that says nothing counts half. */
export function probeAccuracy(scores: ArrayLike<number>, labels: readonly boolean[]): number {
  const right = labels.map((label, i) => {
    const score = scores[i] ?? 0;
    return Math.abs(score) < SILENT ? 0.5 : Number(score > 0 === label);
  });
  return right.reduce((sum, value) => sum + value, 0) / right.length;
}

/**
 * The scores of "both or neither" from the scores of two labels: positive where they agree. With probes of which colour and which
 * shape are to the left it says what a reader bound to places knows of which colour is on which shape.
 */
export function agreementScores(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((score, i) => Math.sign(score) * Math.sign(b[i] ?? 0) * Math.min(Math.abs(score), Math.abs(b[i] ?? 0)));
}

/** Features that vary by less than this share of what features are in size, root mean square, do so by rounding. */
const ROUNDING = 1e-6;

function standardizer({ columns: width, values }: DenseMatrix, seen: readonly number[]) {
  const means = new Float64Array(width);
  const factors = new Float64Array(width);
  let total = 0;
  for (const row of seen) for (let d = 0; d < width; d++) total += (values[row * width + d] ?? 0) ** 2;
  const least = ROUNDING * Math.sqrt(total / (seen.length * width));
  for (let d = 0; d < width; d++) {
    let [sum, squares] = [0, 0];
    for (const row of seen) sum += values[row * width + d] ?? 0;
    const mean = sum / seen.length;
    for (const row of seen) squares += ((values[row * width + d] ?? 0) - mean) ** 2;
    const deviation = Math.sqrt(squares / seen.length);
    means[d] = mean;
    factors[d] = deviation > least ? 1 / deviation : 0;
  }
  return {
    varying: factors.filter((factor) => factor > 0).length,
    rows(rows: readonly number[]): DenseMatrix {
      const result = new Float64Array(width * rows.length);
      for (const [i, row] of rows.entries()) {
        for (let d = 0; d < width; d++) {
          result[i * width + d] = ((values[row * width + d] ?? 0) - (means[d] ?? 0)) * (factors[d] ?? 0);
        }
      }
      return { rows: rows.length, columns: width, values: result };
    },
  };
}
