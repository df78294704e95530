/**
 * Fingerprints: can a classifier tell from outputs which arm made them, in blocks it has not seen? Where it guesses no better than
 * chance at matched loss, the arms' outputs do not carry the choice (as far as a linear classifier can see).
 * The classifier is ridge regression onto the labels, in closed form: no seed, no iterations, the same bits every time.
 * @see Hoerl & Kennard 1970 (ridge); Geirhos et al. 2020, arXiv:2004.07780 (why the held-out units must be whole blocks).
 */
import { AssayError } from '#base/errors.ts';
import { type DenseMatrix, solvePositive, transposedProduct } from '#learning/spectra/matrix.ts';

/** One output of one run. */
export interface Example {
  /** Length D, the same of all examples, such as log-odds on D questions. */
  readonly features: ArrayLike<number>;
  /** What is to be guessed, such as the arm. */
  readonly label: string;
  /** Guessed by classifiers that have seen nothing of this fold, such as the block. */
  readonly fold: string;
}

/** A classifier's guess of one example's label. */
export interface Guess {
  readonly label: string;
  readonly fold: string;
  readonly guess: string;
}

/** What was guessed. */
export interface Fingerprint {
  /** In the order of the examples. */
  readonly guesses: readonly Guess[];
  /** Share of right guesses, in [0, 1]. */
  readonly accuracy: number;
  /** What guessing the most common label gets: the share of that label. */
  readonly chance: number;
}

/** The penalty, as a multiple of the features' mean square (they are scaled to 1 each): strong, since features are many and runs few. */
const RIDGE = 1;

/**
 * Guesses every example's label from the others, leaving its fold out.
 * To ask whether outputs tell arms apart: label = arm, fold = block. To ask the same of seeds, the yardstick: label = block, fold = arm.
 * @throws AssayError (data) on fewer than two labels or folds, on a label that some training set lacks, and on features that are
 *   not finite or of different lengths.
 */
export function fingerprint(examples: readonly Example[]): Fingerprint {
  checkExamples(examples);
  const folds = [...new Set(examples.map(({ fold }) => fold))];
  const labels = [...new Set(examples.map(({ label }) => label))];
  const guessOf = new Map<Example, string>();
  for (const fold of folds) {
    const seen = examples.filter((example) => example.fold !== fold);
    const unseen = examples.filter((example) => example.fold === fold);
    checkSeen(seen, labels, fold);
    guessAll(seen, unseen, labels).forEach((guess, i) => {
      const example = unseen[i];
      if (example !== undefined) guessOf.set(example, guess);
    });
  }
  const guesses = examples.map((example) => {
    const { label, fold } = example;
    return { label, fold, guess: guessOf.get(example) ?? '' };
  });
  const counts = labels.map((label) => examples.filter((example) => example.label === label).length);
  return {
    guesses,
    accuracy: guesses.filter(({ label, guess }) => label === guess).length / guesses.length,
    chance: Math.max(...counts) / examples.length,
  };
}

/** Ridge regression in its dual form: K = Z Z^T over the seen examples, score = z Z^T (K + r I)^-1 (Y - mean) + mean. */
function guessAll(seen: readonly Example[], unseen: readonly Example[], labels: readonly string[]): readonly string[] {
  const scale = standardizer(seen);
  const [z, asked] = [columnsOf(seen, scale), columnsOf(unseen, scale)];
  const gram = transposedProduct(z, z);
  const n = seen.length;
  const trace = seen.reduce((sum, _, i) => sum + (gram.values[i * n + i] ?? 0), 0);
  const values = Float64Array.from(gram.values);
  // Features that never vary leave K zero: then every score is the mean, and the most common label wins.
  for (let i = 0; i < n; i++) values[i * n + i] = (values[i * n + i] ?? 0) + (trace === 0 ? 1 : (RIDGE * trace) / n);
  const means = labels.map((label) => seen.filter((example) => example.label === label).length / n);
  const targets = Float64Array.from({ length: n * labels.length }, (_, i) => {
    const [row, column] = [Math.floor(i / labels.length), i % labels.length];
    return Number(seen[row]?.label === labels[column]) - (means[column] ?? 0);
  });
  const weights = solvePositive({ rows: n, columns: n, values }, { rows: n, columns: labels.length, values: targets });
  const scores = transposedProduct(transposedProduct(z, asked), weights);
  return unseen.map((_, i) => {
    const row = means.map((mean, j) => mean + (scores.values[i * labels.length + j] ?? 0));
    return labels[row.indexOf(Math.max(...row))] ?? '';
  });
}

interface Standardizer {
  readonly means: Float64Array;
  /** 0 for a feature that does not vary. */
  readonly factors: Float64Array;
}

/** Mean and reciprocal standard deviation of each feature among the seen examples. */
function standardizer(seen: readonly Example[]): Standardizer {
  const length = seen[0]?.features.length ?? 0;
  const means = new Float64Array(length);
  const squares = new Float64Array(length);
  for (const { features } of seen) for (let d = 0; d < length; d++) means[d] = (means[d] ?? 0) + (features[d] ?? 0);
  for (let d = 0; d < length; d++) means[d] = (means[d] ?? 0) / seen.length;
  for (const { features } of seen) {
    for (let d = 0; d < length; d++) squares[d] = (squares[d] ?? 0) + ((features[d] ?? 0) - (means[d] ?? 0)) ** 2;
  }
  return { means, factors: squares.map((sum) => (sum === 0 ? 0 : Math.sqrt(seen.length / sum))) };
}

/** Standardized examples as columns, shape [D, N]. */
function columnsOf(examples: readonly Example[], { means, factors }: Standardizer): DenseMatrix {
  const columns = examples.length;
  const values = Float64Array.from({ length: means.length * columns }, (_, i) => {
    const d = Math.floor(i / columns);
    return ((examples[i % columns]?.features[d] ?? 0) - (means[d] ?? 0)) * (factors[d] ?? 0);
  });
  return { rows: means.length, columns, values };
}

function checkExamples(examples: readonly Example[]): void {
  const length = examples[0]?.features.length ?? 0;
  const broken = examples.findIndex(
    ({ features }) => features.length !== length || length === 0 || !Array.from(features).every(Number.isFinite),
  );
  if (broken >= 0) {
    const { features, label, fold } = examples[broken] ?? {};
    throw new AssayError(
      'data',
      `fingerprint: the example of label "${label}", fold "${fold}" has ${features?.length} features. Expected ${length || 'some'}, all finite, as in the first.`,
    );
  }
  for (const part of ['label', 'fold'] as const) {
    const count = new Set(examples.map((example) => example[part])).size;
    if (count < 2) throw new AssayError('data', `fingerprint: ${count} ${part}s. Expected at least 2.`);
  }
}

function checkSeen(seen: readonly Example[], labels: readonly string[], fold: string): void {
  const lacking = labels.find((label) => !seen.some((example) => example.label === label));
  if (lacking === undefined) return;
  throw new AssayError(
    'data',
    `fingerprint: label "${lacking}" is in fold "${fold}" alone, so it can never be guessed there. Expected every label in two folds or more.`,
  );
}
