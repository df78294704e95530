/**
 * Logistic regression with an L2 penalty, to the exact optimum, by Newton's method in as many unknowns as there are rows: what is
 * learned is a sum of the rows seen, so only their inner products are needed, however wide they are.
 * minimise sum_i log(1 + exp(-y_i f_i)) + (penalty / 2) |w|^2, f_i = offset_i + w . x_i + b, y = +-1, b unpenalised.
 * @see Rasmussen & Williams 2006, algorithm 3.1 (the same iterations, in the same well-conditioned form)
 */
import { AssayError } from '#base/errors.ts';
import { type DenseMatrix, solvePositive } from '#learning/spectra/matrix.ts';

/** What is fitted to. */
export interface LogisticProblem {
  /** Inner products of the rows, shape [N, N]. */
  readonly kernel: DenseMatrix;
  readonly labels: readonly boolean[];
  /** Of |w|^2 / 2, positive: 1 / C of scikit-learn. */
  readonly penalty: number;
  /** Fixed parts of the scores; 0 where absent. */
  readonly offsets?: readonly number[];
  /** Without it b is 0. */
  readonly hasIntercept: boolean;
}

/** w = sum_i multipliers_i x_i. */
export interface Logistic {
  readonly multipliers: Float64Array;
  readonly intercept: number;
}

/** Scores that move by less than this in a step are where they end: Newton's steps shrink quadratically. */
const SETTLED = 1e-10;
const MAX_STEPS = 200;
/** Of p (1 - p): a row that is right beyond this pulls at nothing that float64 shows. */
const LEAST_WEIGHT = 1e-14;

/**
 * The optimum, which is unique.
 * @throws AssayError (data) on other than one label a row, labels that are all alike with an intercept, and a penalty that is not positive.
 */
export function fitLogistic(problem: LogisticProblem): Logistic {
  check(problem);
  const { kernel, offsets } = problem;
  const n = kernel.rows;
  let state: Logistic = { multipliers: new Float64Array(n), intercept: 0 };
  let scores = scoresOf(kernel, state, offsets);
  let loss = lossOf(problem, state, scores);
  for (let step = 0; step < MAX_STEPS; step++) {
    const target = newtonTarget(problem, scores);
    const next = halvedUntilLower(problem, state, target, loss);
    const moved = next.scores.reduce((most, score, i) => Math.max(most, Math.abs(score - (scores[i] ?? 0))), 0);
    ({ state, scores, loss } = next);
    if (moved < SETTLED * (1 + Math.max(...scores.map(Math.abs)))) return state;
  }
  throw new AssayError(
    'data',
    `Logistic regression: expected an optimum within ${MAX_STEPS} steps, found none. Raise the penalty, ${problem.penalty}.`,
  );
}

/** Where one Newton step leads: the least-squares fit to the working responses. */
function newtonTarget(
  { kernel, labels, penalty, offsets, hasIntercept }: LogisticProblem,
  scores: Float64Array,
): Logistic {
  const n = kernel.rows;
  const roots = new Float64Array(n);
  const wanted = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const score = scores[i] ?? 0;
    const p = 1 / (1 + Math.exp(-score));
    const root = Math.sqrt(Math.max(LEAST_WEIGHT, p * (1 - p)));
    roots[i] = root;
    // sqrt(W) times the working response, the offset taken off.
    wanted[i] = root * (score - (offsets?.[i] ?? 0)) + (Number(labels[i]) - p) / root;
  }
  // B = 1 + sqrt(W) K sqrt(W) / penalty; multipliers = sqrt(W) B^-1 (wanted - b sqrt(W) 1) / penalty, and their sum is 0.
  const b = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      // Roots first, so that both halves have the same bits.
      b[i * n + j] = ((roots[i] ?? 0) * (roots[j] ?? 0) * (kernel.values[i * n + j] ?? 0)) / penalty + Number(i === j);
    }
  }
  const sides = Float64Array.from({ length: 2 * n }, (_, i) => (i % 2 === 0 ? wanted : roots)[i >> 1] ?? 0);
  const solved = solvePositive({ rows: n, columns: n, values: b }, { rows: n, columns: 2, values: sides }).values;
  const along = (column: number): number =>
    roots.reduce((sum, root, i) => sum + root * (solved[2 * i + column] ?? 0), 0);
  const intercept = hasIntercept ? along(0) / along(1) : 0;
  const multipliers = roots.map(
    (root, i) => (root * ((solved[2 * i] ?? 0) - intercept * (solved[2 * i + 1] ?? 0))) / penalty,
  );
  return { multipliers, intercept };
}

interface Reached {
  readonly state: Logistic;
  readonly scores: Float64Array;
  readonly loss: number;
}

/** The step towards the target, halved until the loss does not rise (but for rounding). */
function halvedUntilLower(problem: LogisticProblem, from: Logistic, to: Logistic, loss: number): Reached {
  for (let share = 1; ; share /= 2) {
    const state = {
      multipliers: from.multipliers.map((value, i) => value + share * ((to.multipliers[i] ?? 0) - value)),
      intercept: from.intercept + share * (to.intercept - from.intercept),
    };
    const scores = scoresOf(problem.kernel, state, problem.offsets);
    const reached = lossOf(problem, state, scores);
    if (reached <= loss + 1e-12 * Math.abs(loss) || share < 1e-6) return { state, scores, loss: reached };
  }
}

function scoresOf(
  kernel: DenseMatrix,
  { multipliers, intercept }: Logistic,
  offsets?: readonly number[],
): Float64Array {
  const n = kernel.rows;
  const scores = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = intercept + (offsets?.[i] ?? 0);
    for (let j = 0; j < n; j++) sum += (kernel.values[i * n + j] ?? 0) * (multipliers[j] ?? 0);
    scores[i] = sum;
  }
  return scores;
}

function lossOf(problem: LogisticProblem, { multipliers, intercept }: Logistic, scores: Float64Array): number {
  const { labels, penalty, offsets } = problem;
  let loss = 0;
  for (const [i, score] of scores.entries()) {
    const margin = labels[i] === true ? score : -score;
    loss += Math.max(0, -margin) + Math.log1p(Math.exp(-Math.abs(margin)));
    // |w|^2 is the sum of multipliers times w . x.
    loss += (penalty / 2) * (multipliers[i] ?? 0) * (score - intercept - (offsets?.[i] ?? 0));
  }
  return loss;
}

function check({ kernel, labels, penalty, hasIntercept }: LogisticProblem): void {
  const n = kernel.rows;
  const refuse = (expected: string, found: string): never => {
    throw new AssayError('data', `Logistic regression: expected ${expected}, found ${found}.`);
  };
  if (labels.length !== n || kernel.columns !== n) refuse(`a label for each of ${n} rows`, `${labels.length}`);
  if (!(penalty > 0)) refuse('a positive penalty', `${penalty}`);
  const right = labels.filter(Boolean).length;
  if (hasIntercept && (right === 0 || right === n)) refuse('rows of both labels', `${right} of ${n} of the first`);
}
