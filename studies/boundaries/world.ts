/**
 * Two cues of a label among noise, one strong and one weak, and what is left to a classifier where the strong one is gone. The weak
 * cue is linear (weak times the label's sign) or even: clusters at (strong, +-weak) for one label and at (-strong, 0) for the
 * other, so that only a bent boundary uses it. @see Vasudeva et al. 2025, arXiv:2505.24022 (three Gaussian clusters)
 */
import {
  constant,
  input,
  linear,
  matmul,
  mul,
  negate,
  type ParameterSpec,
  relu,
  reshape,
  type Rng,
  softplus,
  type Tensor,
} from 'assay/learn';

export const WEAK_CUES = ['linear', 'even'] as const;

export interface Cues {
  readonly weakCue: (typeof WEAK_CUES)[number];
  /** Half the distance of the two labels along the first input, and the size of the weak cue along the second. */
  readonly strong: number;
  readonly weak: number;
  /** Standard deviation of the normal noise in every input. */
  readonly noise: number;
  readonly dimensions: number;
}

/** Rows [count, dimensions], with their labels as +1 and -1. */
export interface Rows {
  readonly x: Float32Array;
  readonly y: Float32Array;
}

/** Draws rows; `strong` 0 takes the strong cue away. */
export function rowsOf({ weakCue, strong, weak, noise, dimensions }: Cues, count: number, rng: Rng): Rows {
  const y = Float32Array.from({ length: count }, () => (rng.below(2) === 1 ? 1 : -1));
  const x = new Float32Array(count * dimensions);
  y.forEach((label, row) => {
    for (let i = 0; i < dimensions; i++) x[row * dimensions + i] = noise * rng.normal();
    const side = rng.below(2) === 1 ? weak : -weak;
    const second = weakCue === 'linear' ? weak * label : label === 1 ? side : 0;
    x[row * dimensions] = (x[row * dimensions] ?? 0) + strong * label;
    x[row * dimensions + 1] = (x[row * dimensions + 1] ?? 0) + second;
  });
  return { x, y };
}

/** The rows in the basis of an orthogonal matrix [dimensions, dimensions]: each x becomes R x. */
export function rotated({ x, y }: Rows, basis: Float32Array, dimensions: number): Rows {
  const turned = new Float32Array(x.length);
  for (let at = 0; at < x.length; at += dimensions) {
    for (let i = 0; i < dimensions; i++) {
      let value = 0;
      for (let j = 0; j < dimensions; j++) value += (basis[i * dimensions + j] ?? 0) * (x[at + j] ?? 0);
      turned[at + i] = value;
    }
  }
  return { x: turned, y };
}

/**
 * A linear classifier (width 0, from zero), or a layer of ReLU units whose output weights are fixed at 1 / width and -1 / width in turn.
 * Without biases, so that a network is a linear function plus an even one: relu(z) = z / 2 + |z| / 2.
 */
export function classifier(width: number, dimensions: number, start: number) {
  const hidden: ParameterSpec = {
    name: 'hidden',
    shape: [Math.max(1, width), dimensions],
    role: 'matrix',
    initial: width === 0 ? { kind: 'zeros' } : { kind: 'normal', std: start },
  };
  const signs = Float32Array.from({ length: width }, (_, unit) => (unit % 2 === 0 ? 1 : -1) / width);
  /** @param x shape [count, dimensions]. @returns scores, shape [count]; the label is the sign. */
  const score = (x: Tensor): Tensor => {
    const z = linear(x, input(hidden.name, hidden.shape));
    const out = width === 0 ? z : matmul(relu(z), constant(signs, [width, 1]));
    return reshape(out, [x.shape[0] ?? 0]);
  };
  return { hidden, score };
}

/** -log of the probability of the label, a row, in nats. @param scores, labels shape [count]; labels are +1 and -1. */
export function logisticLosses(scores: Tensor, labels: Tensor): Tensor {
  return softplus(negate(mul(scores, labels)));
}

/** The share of rows whose score has the sign of the label. */
export function signedRightly(scores: Float32Array, labels: Float32Array): number {
  return labels.filter((label, row) => Math.sign(scores[row] ?? 0) === label).length / labels.length;
}

/** How often a row of label +1 scores above one of label -1, over all such pairs; 1/2 is chance. @see Mann & Whitney 1947 */
export function rankedRightly(scores: Float32Array, labels: Float32Array): number {
  const order = Array.from(labels, (label, row) => ({ label, score: scores[row] ?? 0 }));
  let [below, pairs] = [0, 0];
  for (const { label } of order.toSorted((a, b) => a.score - b.score)) {
    if (label === 1) pairs += below;
    else below++;
  }
  return pairs / (below * (labels.length - below));
}

/** The even part's share of the squared scores; without biases the rest is exactly linear. @param mirrored Scores of the rows -x. */
export function evenShare(scores: Float32Array, mirrored: Float32Array): number {
  const square = (values: Float32Array): number => values.reduce((sum, value) => sum + value ** 2, 0);
  return square(scores.map((score, row) => (score + (mirrored[row] ?? 0)) / 2)) / square(scores);
}
