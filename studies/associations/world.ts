/**
 * An associative memory: K classes of probability p_k ~ k^-exponent, each with a key e_k and a value u_k, orthonormal in a
 * random basis or one-hot, and one trainable matrix W that recalls: logits_kj = u_j . W e_k. The loss is the expected
 * cross-entropy, sum_k p_k loss_k: nothing is sampled. @see arXiv:2509.26030
 */
import { constant, crossEntropy, input, matmul, type ParameterSpec, weightedSum } from 'assay/learn';

/** How keys and values stand to the basis of W's entries. */
export const EMBEDDINGS = ['orthonormal', 'identity'] as const;

/** The trained matrix, what is fixed, the classes' probabilities, and the losses [K] with their expectation []. */
export function associativeMemory(classes: number, exponent: number, embeddings: (typeof EMBEDDINGS)[number]) {
  const shape = [classes, classes];
  const memory: ParameterSpec = { name: 'memory', shape, role: 'matrix', initial: { kind: 'zeros' } };
  const side = (name: string): ParameterSpec => ({ name, shape, role: 'embedding', initial: { kind: embeddings } });
  const weights = Array.from({ length: classes }, (_, k) => (k + 1) ** -exponent);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const probabilities = Float32Array.from(weights, (weight) => weight / sum);
  const recalled = matmul(input('keys', shape), input('memory', shape), { transposeB: true });
  const labels = constant(Int32Array.from(weights.keys()), [classes]);
  const losses = crossEntropy(matmul(recalled, input('values', shape), { transposeB: true }), labels);
  const total = weightedSum(losses, constant(probabilities, [classes]));
  return { memory, fixed: [side('keys'), side('values')], probabilities, losses, total };
}
