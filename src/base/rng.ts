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

/**
 * Philox4x32-10: four 32-bit words from a 128-bit counter and a 64-bit key; writes the result over `counter`. Worlds that are lived in
 * draw all the time, so nothing is allocated here, and the high words of products are taken in halves of 16 bits, which are integers.
 */
export function philox(counter: Uint32Array, key0: number, key1: number): void {
  let c0 = counter[0] ?? 0;
  let c1 = counter[1] ?? 0;
  let c2 = counter[2] ?? 0;
  let c3 = counter[3] ?? 0;
  let k0 = key0 | 0;
  let k1 = key1 | 0;
  for (let round = 0; round < ROUNDS; round++) {
    const hi0 = highWord(MULTIPLIER_0 >>> 16, MULTIPLIER_0 & 0xffff, c0);
    const hi1 = highWord(MULTIPLIER_1 >>> 16, MULTIPLIER_1 & 0xffff, c2);
    const lo0 = Math.imul(MULTIPLIER_0, c0);
    const lo1 = Math.imul(MULTIPLIER_1, c2);
    c0 = hi1 ^ c1 ^ k0;
    c1 = lo1;
    c2 = hi0 ^ c3 ^ k1;
    c3 = lo0;
    k0 = (k0 + WEYL_0) | 0;
    k1 = (k1 + WEYL_1) | 0;
  }
  counter[0] = c0;
  counter[1] = c1;
  counter[2] = c2;
  counter[3] = c3;
}

/** The high 32 bits of the unsigned 64-bit product of a word, in its two halves, and another. */
function highWord(aHigh: number, aLow: number, b: number): number {
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  // Sums of two halves' product and a half stay below 2^32.
  const middle = (Math.imul(aHigh, bLow) >>> 0) + (Math.imul(aLow, bLow) >>> 16);
  const cross = (Math.imul(aLow, bHigh) >>> 0) + (middle & 0xffff);
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (cross >>> 16)) | 0;
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
      words[0] = block % TWO_POW_32;
      words[1] = Math.floor(block / TWO_POW_32);
      words[2] = 0;
      words[3] = 0;
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
