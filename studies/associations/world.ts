/**
 * An associative memory: K classes of probability p_k ~ k^-exponent, each with a key e_k and a value u_k of K dimensions, and
 * one trainable matrix W that recalls: logits_kj = u_j . W e_k. The loss is the expected cross-entropy, sum_k p_k loss_k: nothing
 * is sampled. @see arXiv:2509.26030
 */
import {
  constant,
  crossEntropy,
  drawnWeights,
  input,
  matmul,
  type Memory,
  type ParameterSpec,
  type Rng,
  weightedSum,
} from 'assay/learn';

/**
 * How keys and values stand to the basis of W's entries: the unit vectors themselves (one-hot); a random orthonormal basis;
 * `turned`, every unit vector turned by the world's angle; `gaussian`, normal vectors of expected length 1, which overlap.
 */
export const EMBEDDINGS = ['orthonormal', 'identity', 'turned', 'gaussian'] as const;

/** A memory's world. */
export interface Associations {
  readonly classes: number;
  readonly exponent: number;
  readonly embeddings: (typeof EMBEDDINGS)[number];
  /** Degrees from the unit vectors, of `turned` embeddings alone. */
  readonly angle: number;
}

/** The trained matrix, what is fixed, the classes' probabilities, and the losses [K] with their expectation []. */
export function associativeMemory({ classes, exponent, embeddings }: Omit<Associations, 'angle'>) {
  const shape = [classes, classes];
  const memory: ParameterSpec = { name: 'memory', shape, role: 'matrix', initial: { kind: 'zeros' } };
  const initial: ParameterSpec['initial'] =
    embeddings === 'gaussian'
      ? { kind: 'normal', std: classes ** -0.5 }
      : { kind: embeddings === 'turned' ? 'orthonormal' : embeddings };
  const side = (name: string): ParameterSpec => ({ name, shape, role: 'embedding', initial });
  const weights = Array.from({ length: classes }, (_, k) => (k + 1) ** -exponent);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const probabilities = Float32Array.from(weights, (weight) => weight / sum);
  const recalled = matmul(input('keys', shape), input('memory', shape), { transposeB: true });
  const labels = constant(Int32Array.from(weights.keys()), [classes]);
  const losses = crossEntropy(matmul(recalled, input('values', shape), { transposeB: true }), labels);
  const total = weightedSum(losses, constant(probabilities, [classes]));
  return { memory, fixed: [side('keys'), side('values')], probabilities, losses, total };
}

/** Keys and values of a block, rows of shape [K, K]. */
export function drawnEmbeddings(
  fixed: readonly ParameterSpec[],
  { classes, embeddings, angle }: Associations,
  rng: Rng,
): Memory {
  const drawn = drawnWeights(fixed, rng);
  if (embeddings !== 'turned') return drawn;
  return new Map(Array.from(drawn, ([name, basis]) => [name, turnedBasis(basis, classes, angle)]));
}

/**
 * E = cos(a) I + sin(a) J with J = Q^T J0 Q a random complex structure (J^T = -J, J^2 = -I): a rotation that turns every vector by
 * exactly the angle a, so e_k . E e_k = cos(a) for every class and all of them stay orthonormal. Angle 0 is one-hot; at 90 degrees
 * E = J, whose entries are dense, as those of a random basis are.
 * @param basis Q, orthonormal rows of shape [n, n]. @param size n, even.
 */
export function turnedBasis(basis: Float32Array, size: number, angle: number): Float32Array {
  const [cos, sin] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
  const turned = new Float64Array(size * size);
  // J = sum over pairs (q, r) of rows: r q^T - q r^T.
  for (let pair = 0; pair + 1 < size; pair += 2) {
    for (let i = 0; i < size; i++) {
      const [qi, ri] = [basis[pair * size + i] ?? 0, basis[(pair + 1) * size + i] ?? 0];
      for (let j = 0; j < size; j++) {
        const [qj, rj] = [basis[pair * size + j] ?? 0, basis[(pair + 1) * size + j] ?? 0];
        turned[i * size + j] = (turned[i * size + j] ?? 0) + sin * (ri * qj - qi * rj);
      }
    }
  }
  for (let i = 0; i < size; i++) turned[i * size + i] = (turned[i * size + i] ?? 0) + cos;
  return Float32Array.from(turned);
}
