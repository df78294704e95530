/**
 * The number formats of weight files: how many bytes a block of elements takes, and how it becomes float32.
 * F16 and BF16 decode exactly; encoding rounds to nearest, ties to even, as IEEE 754 and PyTorch do.
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
    for (let i = 0, at = 0; i < out.length; i++, at += 2) {
      out[i] = table[(bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)] ?? 0;
    }
  },
};

/** bfloat16: the upper half of a float32, little-endian. */
export const BF16: NumberFormat = {
  name: 'BF16',
  blockElements: 1,
  blockBytes: 2,
  decode(bytes, out) {
    const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
    for (let i = 0, at = 0; i < words.length; i++, at += 2) {
      words[i] = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 24);
    }
  },
};

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
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) bits[i] = halfBits(values[i] ?? 0);
  return bytesOf(bits);
}

function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(-14, floorLog2(size));
  const steps = roundHalfEven(size / 2 ** (exponent - 10)); // in [0, 2048]: a carry into the exponent adds up right
  return sign | (steps + (exponent + 14) * 1024);
}

/** floor(log2(x)) exactly, from the exponent bits of a double; -Infinity's stand-in -1023 for 0. */
function floorLog2(x: number): number {
  doubleScratch.setFloat64(0, x);
  return (doubleScratch.getUint16(0) >> 4) - 1023;
}
const doubleScratch = new DataView(new ArrayBuffer(8));

function roundHalfEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
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
