/**
 * The number formats of weight files: how many bytes a block of elements takes, and how it becomes float32.
 * F16 and BF16 decode exactly; the machine is taken to be little-endian, as the files are.
 * Encoding rounds to nearest, ties to even, as IEEE 754 and PyTorch do.
 */

/** A storage format: `blockElements` numbers stand in `blockBytes` bytes (1 element for plain formats). */
export interface NumberFormat {
  readonly name: string;
  readonly blockElements: number;
  readonly blockBytes: number;
  /**
   * Decodes whole blocks from the start of `bytes` into `out`.
   * @param out As many elements as the blocks hold.
   */
  decode(bytes: Uint8Array, out: Float32Array): void;
}

/** IEEE 754 single precision, little-endian. */
export const F32: NumberFormat = {
  name: 'F32',
  blockElements: 1,
  blockBytes: 4,
  decode(bytes, out) {
    bytesOf(out).set(bytes.subarray(0, out.byteLength));
  },
};

/** IEEE 754 half precision, little-endian. */
export const F16: NumberFormat = {
  name: 'F16',
  blockElements: 1,
  blockBytes: 2,
  decode(bytes, out) {
    const table = halfTable();
    const halves = halvesIn(bytes);
    for (let i = 0; i < out.length; i++) out[i] = table[halves[i] ?? 0] ?? 0;
  },
};

/** bfloat16: the upper half of a float32, little-endian. */
export const BF16: NumberFormat = {
  name: 'BF16',
  blockElements: 1,
  blockBytes: 2,
  decode(bytes, out) {
    const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
    const halves = halvesIn(bytes);
    for (let i = 0; i < words.length; i++) words[i] = (halves[i] ?? 0) << 16;
  },
};

/** The 16-bit words of bytes; copied only when they start at an odd place. */
function halvesIn(bytes: Uint8Array): Uint16Array {
  const even = bytes.byteOffset % 2 === 0 ? bytes : Uint8Array.from(bytes);
  return new Uint16Array(even.buffer, even.byteOffset, even.byteLength >> 1);
}

/** The value of every half-precision bit pattern: 65536 floats, built on first use and kept. */
export function halfTable(): Float32Array {
  builtHalfTable ??= Float32Array.from({ length: 1 << 16 }, (_, bits) => halfValue(bits));
  return builtHalfTable;
}
let builtHalfTable: Float32Array | undefined;

/** The value of one half-precision bit pattern. */
function halfValue(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Half-precision bits nearest to each value, little-endian; beyond 65504 (+ half a step) they are infinite. */
export function encodeF16(values: Float32Array): Uint8Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) bits[i] = halfBits(words[i] ?? 0);
  return bytesOf(bits);
}

/** From the bits of a float32; exponents are biased by 127 there and by 15 here. */
function halfBits(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const exponent = ((word >>> 23) & 0xff) - 112;
  const fraction = word & 0x7fffff;
  if (exponent === 143) return sign | (fraction === 0 ? 0x7c00 : 0x7e00);
  if (exponent > 30) return sign | 0x7c00;
  if (exponent < -10) return sign;
  const isSubnormal = exponent <= 0;
  const digits = isSubnormal ? fraction | 0x800000 : fraction | (exponent << 23);
  const dropped = isSubnormal ? 14 - exponent : 13; // binary digits there is no room for
  const kept = digits >>> dropped;
  const rest = digits & ((1 << dropped) - 1);
  const halfway = 1 << (dropped - 1);
  const roundsUp = rest > halfway || (rest === halfway && (kept & 1) === 1);
  return sign | (roundsUp ? kept + 1 : kept); // a carry runs into the exponent, which is right
}

/** bfloat16 bits nearest to each value, little-endian; NaN stays NaN. */
export function encodeBF16(values: Float32Array): Uint8Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? 0;
    const isNaN = (word & 0x7fffffff) > 0x7f800000;
    bits[i] = isNaN ? 0x7fc0 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return bytesOf(bits);
}

/** The bytes of a typed array, without a copy. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
