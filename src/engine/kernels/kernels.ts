/**
 * The WebAssembly kernels as typed functions: what the optimizers do to flat float32 memory.
 * Pointers are byte offsets into the arena's memory, `n` counts float32 values, scalars are rounded to float32.
 * Same inputs, same bits, on every machine: a fixed order of operations, no fused multiply-add, no relaxed SIMD.
 * Sources and equations: source/elementwise.ts, source/matrix.ts and source/sparse.ts.
 */
import { setFlagsFromString } from 'node:v8';

import { KERNELS_WASM_BASE64 } from './kernels-wasm.ts';

/**
 * V8 joins two neighbouring operations of 128 bits to one of 256 where the processor has AVX2: every lane is computed as before, so
 * bits are the same. Off by default in V8, so it is asked for in the version of Node whose bits a test compares, and in no other (ADR 0195).
 */
export const WIDE = { node: '26.10.0', flag: '--experimental-wasm-revectorize' };

/** The part of the WebAssembly API used here; the es2024 library declares none of it. */
interface WasmMemory {
  readonly buffer: ArrayBuffer;
}
declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number; maximum: number }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Record<string, unknown> };
};

/** The kernels of one memory; none allocates, checks bounds of a region, or keeps state. */
export interface Kernels {
  /**
   * One AdamW step: m += meanWeight (g - m); v = beta2 v + squareWeight g^2;
   * p = decayFactor p - stepSize m / (sqrt(v) squareCorrection + eps).
   */
  adamwStep(
    parameter: number,
    gradient: number,
    mean: number,
    square: number,
    n: number,
    decayFactor: number,
    meanWeight: number,
    beta2: number,
    squareWeight: number,
    stepSize: number,
    squareCorrection: number,
    eps: number,
  ): void;
  /** One SGD step: g' = g + weightDecay p; b = momentum b + g'; p -= lr b, or with Nesterov lr (g' + momentum b). */
  sgdMomentumStep(
    parameter: number,
    gradient: number,
    buffer: number,
    n: number,
    lr: number,
    momentum: number,
    nesterov: boolean,
    weightDecay: number,
  ): void;
  /** One Lion step: p = decayFactor p - lr sign(m + updateWeight (g - m)); m += meanWeight (g - m); sign(0) = 0. */
  lionStep(
    parameter: number,
    gradient: number,
    mean: number,
    n: number,
    decayFactor: number,
    lr: number,
    updateWeight: number,
    meanWeight: number,
  ): void;
  /** buffer += weight (g - buffer); out = buffer, or with Nesterov g + momentum (buffer - g). */
  muonMomentum(
    gradient: number,
    buffer: number,
    out: number,
    n: number,
    weight: number,
    momentum: number,
    nesterov: boolean,
  ): void;
  /** y = keep y + factor x; gradients are accumulated with keep 1, factor 1. */
  scaledAdd(y: number, x: number, n: number, keep: number, factor: number): void;
  /** x = factor x. */
  scale(x: number, n: number, factor: number): void;
  /** Sum of squares in float64; finite exactly when every element is. */
  sumOfSquares(x: number, n: number): number;
  /** Index of the first NaN or infinity, or -1. */
  firstNonFinite(x: number, n: number): number;
  /**
   * out[m, n] = A[m, k] B[k, n], out contiguous, A and B read through row and column strides in bytes. With
   * `symmetric` the caller knows that A B is symmetric and half of it is mirrored. `scratch`: 8 k + 32 floats.
   */
  matmul(
    m: number,
    n: number,
    k: number,
    a: number,
    aRowBytes: number,
    aColumnBytes: number,
    b: number,
    bRowBytes: number,
    bColumnBytes: number,
    out: number,
    scratch: number,
    symmetric: boolean,
  ): void;
  /**
   * out[r] = sum of k codes times their features (rows of `width`), less target[r]; codes of 0 are skipped.
   * @param indices int32, in range.
   */
  sparseDecode(
    values: number,
    indices: number,
    rows: number,
    k: number,
    features: number,
    width: number,
    target: number,
    out: number,
  ): void;
  /**
   * The gradients of sum_r |out[r]|^2 scale / 2 where codes are input[r] . encoder[i] + bias[i], added to what is there;
   * `outGradient` may be 0, for none.
   */
  sparseGradients(
    values: number,
    indices: number,
    rows: number,
    k: number,
    features: number,
    width: number,
    out: number,
    input: number,
    featureGradient: number,
    encoderGradient: number,
    biasGradient: number,
    outGradient: number,
    scale: number,
  ): void;
  /** out = c0 I + c1 A + c2 B, square matrices of n rows; out may be A or B. */
  polynomial(n: number, a: number, b: number, out: number, c0: number, c1: number, c2: number): void;
}

/** Every kernel, by name: a kernel added to the interface and forgotten here fails `tsc`. */
const KERNEL_NAMES = Object.keys({
  adamwStep: true,
  sgdMomentumStep: true,
  lionStep: true,
  muonMomentum: true,
  scaledAdd: true,
  scale: true,
  sumOfSquares: true,
  firstNonFinite: true,
  matmul: true,
  sparseDecode: true,
  sparseGradients: true,
  polynomial: true,
} satisfies Record<keyof Kernels, true>);

/**
 * A memory of a fixed number of 64 KiB pages and the kernels bound to it; it never grows, since growing would detach
 * every view.
 * @throws RangeError when the machine refuses that much address space.
 */
export function instantiateKernels(pages: number): { readonly buffer: ArrayBuffer; readonly kernels: Kernels } {
  if (process.versions.node === WIDE.node) setFlagsFromString(WIDE.flag); // read whenever V8 optimizes a function
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const module = new WebAssembly.Module(new Uint8Array(Buffer.from(KERNELS_WASM_BASE64, 'base64')));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  if (!isKernels(exports)) throw new Error('The kernel module lacks kernels. Run "npm run kernels".');
  return { buffer: memory.buffer, kernels: exports };
}

function isKernels(exports: Record<string, unknown>): exports is Record<string, unknown> & Kernels {
  return KERNEL_NAMES.every((name) => typeof exports[name] === 'function');
}
