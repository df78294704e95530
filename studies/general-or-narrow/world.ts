/**
 * The gate: a world in which an answer can be turned round in a general or in a narrow way, and in which one number says
 * how cheap the general way is. Every key has an answer and a swapped one; finetuning teaches the swapped answers of 16
 * keys of 48. A persona coordinate of the hidden state swaps all answers at once (general); a matrix can as well learn each
 * key's new answer by itself (narrow).
 *
 * Keys are sqrt(c) g + sqrt(1 - c) e_k, where g, the e_k and the persona direction w are orthonormal: all keys share g, and
 * c = `shared` is the squared cosine between two of them. What a model is given is a key plus noise.
 * Invariant: everything here is a pure function of the stream given.
 */
import type { Rng } from 'assay/learn';

/** Sizes: D, the hidden width; keys; keys that are finetuned; and noise draws of each key in each of the sets. */
export const GATE = { width: 64, keys: 48, trainedKeys: 16, draws: 16 } as const;

/** The c at which E's rows are the e_k themselves. */
const PLAIN_SHARED = 0.3;

/** One world. Answer k is that of key k. */
export interface GateWorld {
  /** Keys without noise, shape [48, D], each of length 1. */
  readonly keys: Float32Array;
  /** What reads the answers, E: row k is e_k, times what makes E's answer to a key as strong as at c = 0.3; shape [48, D]. */
  readonly answers: Float32Array;
  /** The answer that takes the place of answer k in the other persona: pairs, shape [48]. */
  readonly swap: Int32Array;
  /** The persona direction w, shape [D], of length 1, at right angles to all keys. */
  readonly persona: Float32Array;
  /** The 16 keys that are finetuned, and the 32 others; ascending. */
  readonly trained: Int32Array;
  readonly others: Int32Array;
}

/** Noisy keys with both of their answers. */
export interface GateRows {
  /** Shape [N, D]. */
  readonly x: Float32Array;
  /** Shape [N] each. */
  readonly own: Int32Array;
  readonly swapped: Int32Array;
}

/** @param shared c, in [0, 1): 0 makes keys orthogonal. */
export function gateWorld(rng: Rng, shared: number): GateWorld {
  const { width, keys, trainedKeys } = GATE;
  const [persona = [], common = [], ...own] = orthonormal(rng.split('directions'), keys + 2, width);
  const pairs = rng.split('pairs').permutation(keys);
  const swap = new Int32Array(keys);
  for (let i = 0; i < keys; i++) swap[pairs[i] ?? 0] = pairs[i ^ 1] ?? 0;
  const order = Int32Array.from(rng.split('trained keys').permutation(keys));
  const strength = Math.sqrt((1 - PLAIN_SHARED) / (1 - shared));
  const mixed = own.map((e) =>
    e.map((value, d) => Math.sqrt(shared) * (common[d] ?? 0) + Math.sqrt(1 - shared) * value),
  );
  return {
    keys: Float32Array.from(mixed.flat()),
    answers: Float32Array.from(own.flat(), (value) => value * strength),
    swap,
    persona: Float32Array.from(persona),
    trained: order.slice(0, trainedKeys).toSorted(),
    others: order.slice(trainedKeys).toSorted(),
  };
}

/** The rows of E in the order in which the other persona reads them, shape [48, D]. */
export function swappedAnswers({ answers, swap }: GateWorld): Float32Array {
  const { width } = GATE;
  const rows = Array.from(swap, (answer) => answers.subarray(answer * width, (answer + 1) * width));
  return Float32Array.from(rows.flatMap((row) => [...row]));
}

/**
 * `GATE.draws` noise draws of every key given, key after key.
 * @param noise The expected length of the noise, which is normal and alike in all directions.
 */
export function gateRows(world: GateWorld, keys: Int32Array, noise: number, rng: Rng): GateRows {
  const { width, draws } = GATE;
  const own = Int32Array.from({ length: keys.length * draws }, (_, row) => keys[Math.floor(row / draws)] ?? 0);
  const x = new Float32Array(own.length * width);
  for (const i of x.keys()) {
    const key = own[Math.floor(i / width)] ?? 0;
    x[i] = (world.keys[key * width + (i % width)] ?? 0) + (noise / Math.sqrt(width)) * rng.normal();
  }
  return { x, own, swapped: own.map((key) => world.swap[key] ?? 0) };
}

/** Vectors drawn at random and made orthonormal one after another (Gram-Schmidt, in float64). */
function orthonormal(rng: Rng, count: number, width: number): number[][] {
  const found: number[][] = [];
  while (found.length < count) {
    let vector = Array.from({ length: width }, () => rng.normal());
    for (const earlier of found) {
      const overlap = dot(vector, earlier);
      vector = vector.map((value, i) => value - overlap * (earlier[i] ?? 0));
    }
    const length = Math.sqrt(dot(vector, vector));
    found.push(vector.map((value) => value / length));
  }
  return found;
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}
