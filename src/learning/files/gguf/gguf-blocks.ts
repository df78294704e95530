/**
 * The block formats of GGUF weights and how each becomes float32.
 * Every value equals the reference's float32 arithmetic to the bit: the products are exact in double precision, and
 * the one rounding happens on the store into `out`.
 * Source: `ggml-quants.c` of llama.cpp and `quants.py` of the gguf package.
 */
import type { NumberFormat } from '#learning/files/tensors/number-formats.ts';
import { BF16, F16, F32, halfTable } from '#learning/files/tensors/number-formats.ts';

/** Elements in a block of the plain formats, and in a super-block of the K formats. */
const BLOCK = 32;
const SUPER_BLOCK = 256;

/** x = d * q: half d, 32 signed bytes. */
const Q8_0: NumberFormat = {
  name: 'Q8_0',
  blockElements: BLOCK,
  blockBytes: 34,
  decode(bytes, out) {
    const half = halfTable();
    const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0, o = 0; o < out.length; at += 34, o += BLOCK) {
      const d = halfAt(half, bytes, at);
      for (let i = 0; i < BLOCK; i++) out[o + i] = d * (signed[at + 2 + i] ?? 0);
    }
  },
};

/** x = d * (q - 8): half d, 16 bytes whose low nibbles are elements 0..15 and high nibbles 16..31. */
const Q4_0: NumberFormat = {
  name: 'Q4_0',
  blockElements: BLOCK,
  blockBytes: 18,
  decode(bytes, out) {
    const half = halfTable();
    for (let at = 0, o = 0; o < out.length; at += 18, o += BLOCK) {
      const d = halfAt(half, bytes, at);
      for (let i = 0; i < 16; i++) {
        const q = bytes[at + 2 + i] ?? 0;
        out[o + i] = d * ((q & 15) - 8);
        out[o + 16 + i] = d * ((q >> 4) - 8);
      }
    }
  },
};

/** x = d * q + m: halves d and m, nibbles as in Q4_0. */
const Q4_1: NumberFormat = {
  name: 'Q4_1',
  blockElements: BLOCK,
  blockBytes: 20,
  decode(bytes, out) {
    const half = halfTable();
    for (let at = 0, o = 0; o < out.length; at += 20, o += BLOCK) {
      const d = halfAt(half, bytes, at);
      const m = halfAt(half, bytes, at + 2);
      for (let i = 0; i < 16; i++) {
        const q = bytes[at + 4 + i] ?? 0;
        out[o + i] = d * (q & 15) + m;
        out[o + 16 + i] = d * (q >> 4) + m;
      }
    }
  },
};

/** x = d * (q - 16): half d, 4 bytes of fifth bits (element i in bit i), nibbles as in Q4_0. */
const Q5_0: NumberFormat = {
  name: 'Q5_0',
  blockElements: BLOCK,
  blockBytes: 22,
  decode(bytes, out) {
    const half = halfTable();
    for (let at = 0, o = 0; o < out.length; at += 22, o += BLOCK) {
      const d = halfAt(half, bytes, at);
      const high = wordAt(bytes, at + 2);
      for (let i = 0; i < 16; i++) {
        const q = bytes[at + 6 + i] ?? 0;
        out[o + i] = d * (((q & 15) | (((high >>> i) & 1) << 4)) - 16);
        out[o + 16 + i] = d * (((q >> 4) | (((high >>> (i + 16)) & 1) << 4)) - 16);
      }
    }
  },
};

/** x = d * q + m: halves d and m, fifth bits and nibbles as in Q5_0. */
const Q5_1: NumberFormat = {
  name: 'Q5_1',
  blockElements: BLOCK,
  blockBytes: 24,
  decode(bytes, out) {
    const half = halfTable();
    for (let at = 0, o = 0; o < out.length; at += 24, o += BLOCK) {
      const d = halfAt(half, bytes, at);
      const m = halfAt(half, bytes, at + 2);
      const high = wordAt(bytes, at + 4);
      for (let i = 0; i < 16; i++) {
        const q = bytes[at + 8 + i] ?? 0;
        out[o + i] = d * ((q & 15) | (((high >>> i) & 1) << 4)) + m;
        out[o + 16 + i] = d * ((q >> 4) | (((high >>> (i + 16)) & 1) << 4)) + m;
      }
    }
  },
};

/** x = (d * scale) * q - (dmin * min): 8 groups of 32 with 6-bit scales and mins, nibbles for two groups in 32 bytes. */
const Q4_K: NumberFormat = {
  name: 'Q4_K',
  blockElements: SUPER_BLOCK,
  blockBytes: 144,
  decode(bytes, out) {
    const half = halfTable();
    for (let at = 0, o = 0; o < out.length; at += 144, o += SUPER_BLOCK) {
      const d = halfAt(half, bytes, at);
      const dMin = halfAt(half, bytes, at + 2);
      for (let group = 0; group < 8; group++) {
        const scale = d * groupScale(bytes, at + 4, group);
        const min = dMin * groupMin(bytes, at + 4, group);
        const from = at + 16 + (group >> 1) * 32;
        const shift = (group & 1) * 4;
        const to = o + group * 32;
        for (let i = 0; i < 32; i++) out[to + i] = scale * (((bytes[from + i] ?? 0) >> shift) & 15) - min;
      }
    }
  },
};

/** As Q4_K with a fifth bit: bit `group` of 32 bytes. */
const Q5_K: NumberFormat = {
  name: 'Q5_K',
  blockElements: SUPER_BLOCK,
  blockBytes: 176,
  decode(bytes, out) {
    const half = halfTable();
    for (let at = 0, o = 0; o < out.length; at += 176, o += SUPER_BLOCK) {
      const d = halfAt(half, bytes, at);
      const dMin = halfAt(half, bytes, at + 2);
      for (let group = 0; group < 8; group++) {
        const scale = d * groupScale(bytes, at + 4, group);
        const min = dMin * groupMin(bytes, at + 4, group);
        const from = at + 48 + (group >> 1) * 32;
        const shift = (group & 1) * 4;
        const to = o + group * 32;
        for (let i = 0; i < 32; i++) {
          const high = ((bytes[at + 16 + i] ?? 0) >> group) & 1;
          out[to + i] = scale * ((((bytes[from + i] ?? 0) >> shift) & 15) | (high << 4)) - min;
        }
      }
    }
  },
};

/** x = (d * scale) * (q - 32): 16 groups of 16 with signed byte scales; 4 low bits and 2 high bits stand apart. */
const Q6_K: NumberFormat = {
  name: 'Q6_K',
  blockElements: SUPER_BLOCK,
  blockBytes: 210,
  decode(bytes, out) {
    const half = halfTable();
    const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0, o = 0; o < out.length; at += 210, o += SUPER_BLOCK) {
      const d = halfAt(half, bytes, at + 208);
      for (let group = 0; group < 16; group++) {
        const scale = d * (signed[at + 192 + group] ?? 0);
        const half128 = group >> 3; // which 128 elements
        const row = (group >> 1) & 3; // which 32 of them
        const low = at + half128 * 64 + (row & 1) * 32 + (group & 1) * 16;
        const lowShift = (row >> 1) * 4;
        const high = at + 128 + half128 * 32 + (group & 1) * 16;
        const to = o + group * 16;
        for (let i = 0; i < 16; i++) {
          const q = (((bytes[low + i] ?? 0) >> lowShift) & 15) | ((((bytes[high + i] ?? 0) >> (row * 2)) & 3) << 4);
          out[to + i] = scale * (q - 32);
        }
      }
    }
  },
};

/** The formats Assay decodes, by their number in a GGUF file (`ggml_type`). */
export const GGUF_FORMATS: ReadonlyMap<number, NumberFormat> = new Map([
  [0, F32],
  [1, F16],
  [2, Q4_0],
  [3, Q4_1],
  [6, Q5_0],
  [7, Q5_1],
  [8, Q8_0],
  [12, Q4_K],
  [13, Q5_K],
  [14, Q6_K],
  [30, BF16],
]);

/** Names of formats that exist and are not decoded here, for error messages. */
export const OTHER_GGUF_FORMATS: ReadonlyMap<number, string> = new Map([
  [9, 'Q8_1'],
  [10, 'Q2_K'],
  [11, 'Q3_K'],
  [15, 'Q8_K'],
  [16, 'IQ2_XXS'],
  [17, 'IQ2_XS'],
  [18, 'IQ3_XXS'],
  [19, 'IQ1_S'],
  [20, 'IQ4_NL'],
  [21, 'IQ3_S'],
  [22, 'IQ2_S'],
  [23, 'IQ4_XS'],
  [24, 'I8'],
  [25, 'I16'],
  [26, 'I32'],
  [27, 'I64'],
  [28, 'F64'],
  [29, 'IQ1_M'],
  [34, 'TQ1_0'],
  [35, 'TQ2_0'],
  [39, 'MXFP4'],
]);

function halfAt(half: Float32Array, bytes: Uint8Array, at: number): number {
  return half[(bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)] ?? 0;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
}

/** The 6-bit scale of a group in the 12 packed bytes of Q4_K and Q5_K: groups 4..7 keep their upper 2 bits in 0..3. */
function groupScale(bytes: Uint8Array, at: number, group: number): number {
  if (group < 4) return (bytes[at + group] ?? 0) & 63;
  return ((bytes[at + 4 + group] ?? 0) & 15) | (((bytes[at + group - 4] ?? 0) >> 6) << 4);
}

/** The 6-bit minimum of a group, packed beside the scales. */
function groupMin(bytes: Uint8Array, at: number, group: number): number {
  if (group < 4) return (bytes[at + 4 + group] ?? 0) & 63;
  return ((bytes[at + 4 + group] ?? 0) >> 4) | (((bytes[at + group] ?? 0) >> 6) << 4);
}
