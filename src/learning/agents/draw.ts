/** Choosing among actions by their probabilities. */

/**
 * The first action whose cumulative probability exceeds a uniform number.
 * @param probabilities shape [..., actions]. @param row Which of its rows. @param uniform In [0, 1).
 */
export function drawnAction(probabilities: Float32Array, row: number, actions: number, uniform: number): number {
  const start = row * actions;
  let total = 0;
  for (let a = 0; a < actions; a++) total += probabilities[start + a] ?? 0;
  let left = uniform * total;
  for (let a = 0; a < actions; a++) {
    left -= probabilities[start + a] ?? 0;
    if (left < 0) return a;
  }
  return actions - 1;
}

/** The action of the highest probability; the first among equals. */
export function likeliestAction(probabilities: Float32Array, row: number, actions: number): number {
  const start = row * actions;
  let best = 0;
  for (let a = 1; a < actions; a++) {
    if ((probabilities[start + a] ?? 0) > (probabilities[start + best] ?? 0)) best = a;
  }
  return best;
}
