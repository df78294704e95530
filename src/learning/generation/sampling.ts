/**
 * From logits to the next token. Randomness is one uniform draw, so that a token depends on nothing but logits and draw.
 * Plain loops: a vocabulary is walked for every token, and iterators cost as much as the model does.
 */

/** How a token is chosen. */
export interface TokenChoice {
  /** Divides the logits; 0 takes the most probable token, whatever `topP`. */
  readonly temperature: number;
  /** Only the most probable tokens that together reach this probability; 1 keeps all. @see Holtzman et al. 2020, arXiv:1904.09751. */
  readonly topP: number;
  /** Only the so many most probable tokens, and what is as probable as the last of them; 0 or absent keeps all. Before `topP`, as in transformers. */
  readonly topK?: number;
}

/**
 * The next token's id; -1 where a logit is not a number, or all are -Infinity.
 * @param logits shape [V]. @param draw Asked for a number in [0, 1), once, unless the temperature is 0.
 */
export function chooseToken(
  logits: Float32Array,
  { temperature, topP, topK = 0 }: TokenChoice,
  draw: () => number,
): number {
  const best = mostProbable(logits);
  if (temperature === 0 || best === -1) return best;
  const largest = logits[best] ?? 0;
  const weights = new Float64Array(logits.length);
  for (let id = 0; id < weights.length; id++) weights[id] = Math.exp(((logits[id] ?? 0) - largest) / temperature);
  if (topK > 0 && topK < weights.length) keepLargest(weights, topK);
  if (topP >= 1) return drawn(weights, undefined, sumOf(weights) * draw());
  const { order, mass } = nucleus(weights, topP);
  return drawn(weights, order, mass * draw());
}

/** The first of the largest logits; -1 where one is not a number. */
function mostProbable(logits: Float32Array): number {
  let [best, largest] = [-1, -Infinity];
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id] ?? Number.NaN;
    if (Number.isNaN(logit)) return -1;
    if (logit <= largest) continue;
    best = id;
    largest = logit;
  }
  return best;
}

/** Sets what is smaller than the `count`-th largest to 0. */
function keepLargest(weights: Float64Array, count: number): void {
  const least = kthLargest(weights, count);
  for (let id = 0; id < weights.length; id++) if ((weights[id] ?? 0) < least) weights[id] = 0;
}

/** The `k`-th largest value, by a heap of the largest so far, the least of them on top: a full sort takes as long as half a model. */
function kthLargest(values: Float64Array, k: number): number {
  const heap = values.slice(0, k).sort(); // Ascending order is a heap.
  const at = (place: number): number => heap[place] ?? Infinity;
  for (let id = k; id < values.length; id++) {
    const value = values[id] ?? 0;
    if (value <= at(0)) continue;
    let place = 0;
    for (;;) {
      const child = at(2 * place + 2) < at(2 * place + 1) ? 2 * place + 2 : 2 * place + 1;
      if (at(child) >= value) break;
      heap[place] = at(child);
      place = child;
    }
    heap[place] = value;
  }
  return at(0);
}

/** The fewest tokens, most probable first (equal ones by id), whose probabilities reach `topP`; at least one. */
function nucleus(weights: Float64Array, topP: number): { readonly order: readonly number[]; readonly mass: number } {
  const total = sumOf(weights);
  // All tokens below this weight together hold less than 1 - topP: none of them can be in the nucleus.
  const least = ((1 - topP) * total) / weights.length;
  const candidates: number[] = [];
  for (let id = 0; id < weights.length; id++) if ((weights[id] ?? 0) >= least) candidates.push(id);
  candidates.sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0) || a - b);
  let [mass, count] = [0, 0];
  while (count === 0 || (mass < topP * total && count < candidates.length))
    mass += weights[candidates[count++] ?? 0] ?? 0;
  return { order: candidates.slice(0, count), mass };
}

/** The token at which the running sum passes `target`; tokens in the given order, or by id. */
function drawn(weights: Float64Array, order: readonly number[] | undefined, target: number): number {
  const count = order?.length ?? weights.length;
  let [sum, last] = [0, -1];
  for (let i = 0; i < count; i++) {
    const id = order?.[i] ?? i;
    const weight = weights[id] ?? 0;
    if (weight === 0) continue;
    sum += weight;
    last = id;
    if (sum > target) return id;
  }
  return last; // Rounding left the sum at the target.
}

function sumOf(weights: Float64Array): number {
  let sum = 0;
  for (let id = 0; id < weights.length; id++) sum += weights[id] ?? 0;
  return sum;
}
