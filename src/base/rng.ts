/**
 * Counter-based random numbers: the n-th draw of a stream is a pure function of (key, n), so a stream is
 * resumed by its counter and streams with different names never share draws.
 * Generator: Philox4x32-10, Salmon et al. 2011, doi:10.1145/2063384.2063405.
 */
import { AssayError } from '#base/errors.ts';
import { sha256 } from '#base/json.ts';

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;
const TWO_POW_32 = 4294967296;

/** One stream of random numbers. */
export interface Rng {
  /** An independent stream, determined by this stream's key and the name alone (not by draws made so far). */
  split(name: string): Rng;
  /** Uniform integer in [0, 2^32). */
  uint32(): number;
  /** Uniform in [0, 1), 32 bits. */
  uniform(): number;
  /** Uniform integer in [0, bound), without modulo bias. */
  below(bound: number): number;
  /** Standard normal (Box-Muller; two draws each). */
  normal(): number;
  /** A Fisher-Yates permutation of 0..n-1. */
  permutation(n: number): Uint32Array;
}

/**
 * The stream of a seed and a name, such as `rngOf(3, 'init')`.
 * @throws AssayError on a number that is no exact whole number: from 2^53 on neighbouring seeds would be one stream.
 */
export function rngOf(seed: number | string, name = 'root'): Rng {
  if (typeof seed === 'number' && !Number.isSafeInteger(seed)) {
    throw new AssayError('data', `Expected a seed that is an exact whole number (below 2^53), found ${seed}.`);
  }
  return streamOf(`${seed}/${name}`);
}

/** Philox4x32-10: four 32-bit words from a 128-bit counter and a 64-bit key; writes the result over `counter`. */
export function philox(counter: Uint32Array, key0: number, key1: number): void {
  let [c0, c1, c2, c3] = [counter[0] ?? 0, counter[1] ?? 0, counter[2] ?? 0, counter[3] ?? 0];
  let [k0, k1] = [key0, key1];
  for (let round = 0; round < ROUNDS; round++) {
    const hi0 = highWord(MULTIPLIER_0, c0);
    const lo0 = Math.imul(MULTIPLIER_0, c0);
    const hi1 = highWord(MULTIPLIER_1, c2);
    const lo1 = Math.imul(MULTIPLIER_1, c2);
    [c0, c1, c2, c3] = [hi1 ^ c1 ^ k0, lo1, hi0 ^ c3 ^ k1, lo0];
    k0 = (k0 + WEYL_0) | 0;
    k1 = (k1 + WEYL_1) | 0;
  }
  counter.set([c0, c1, c2, c3]);
}

/** The high 32 bits of the unsigned 64-bit product of two 32-bit words. */
function highWord(a: number, b: number): number {
  const [aHigh, aLow, bHigh, bLow] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff];
  const low = Math.imul(aLow, bLow) >>> 0;
  const middle = aHigh * bLow + (low >>> 16);
  const cross = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(cross / 65536)) | 0;
}

function streamOf(path: string): Rng {
  const digest = sha256(path);
  const key0 = Number.parseInt(digest.slice(0, 8), 16);
  const key1 = Number.parseInt(digest.slice(8, 16), 16);
  const words = new Uint32Array(4);
  let drawn = 0;

  const uint32 = (): number => {
    const lane = drawn & 3;
    if (lane === 0) {
      const block = drawn / 4;
      words.set([block % TWO_POW_32, Math.floor(block / TWO_POW_32), 0, 0]);
      philox(words, key0, key1);
    }
    drawn++;
    return words[lane] ?? 0;
  };
  const uniform = (): number => uint32() / TWO_POW_32;
  const below = (bound: number): number => {
    const limit = TWO_POW_32 - (TWO_POW_32 % bound);
    let word = uint32();
    while (word >= limit) word = uint32();
    return word % bound;
  };
  const normal = (): number => {
    const radius = Math.sqrt(-2 * Math.log((uint32() + 1) / TWO_POW_32));
    return radius * Math.cos(2 * Math.PI * uniform());
  };
  const permutation = (n: number): Uint32Array => {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = below(i + 1);
      [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
    }
    return order;
  };
  return { split: (name) => streamOf(`${path}/${name}`), uint32, uniform, below, normal, permutation };
}
