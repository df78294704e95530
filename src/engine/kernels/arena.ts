/**
 * One flat memory for parameters, gradients, moments and scratch, with the SIMD kernels that work on it.
 * Invariant: the memory has its final size from the start, so every view stays valid for the arena's life and can be
 * handed to a session as a feed or as a preallocated fetch without a copy. Regions are never freed: drop the arena.
 */
import { AssayError } from '#base/errors.ts';

import { instantiateKernels, type Kernels } from './kernels.ts';

/** Regions start on a cache line. */
const ALIGNMENT_BYTES = 64;
const PAGE_BYTES = 65_536;
/** One page below 4 GiB, so that the end of a region never wraps a 32-bit pointer. */
const MAX_PAGES = 65_535;
/** The capacity of the largest arena. */
export const MOST_ARENA_BYTES = MAX_PAGES * PAGE_BYTES;
const BYTES_PER_FLOAT = 4;

/** A run of float32 values in an arena. */
export interface Region {
  /** Byte offset in the arena's memory, a multiple of 64; what the kernels take. */
  readonly offset: number;
  /** The values, a plain view of the arena's memory. */
  readonly view: Float32Array<ArrayBuffer>;
}

/** A memory of fixed size, handed out region by region. */
export interface Arena {
  /** The whole memory. */
  readonly buffer: ArrayBuffer;
  /** The kernels, bound to this memory. */
  readonly kernels: Kernels;
  /**
   * A new region of zeros.
   * @param name What it holds, for the message when it does not fit.
   * @param length Number of float32 values.
   * @throws AssayError when the arena is too small.
   */
  float32(name: string, length: number): Region;
}

/** The bytes an arena needs for regions of these lengths (float32 counts). */
export function arenaBytes(lengths: Iterable<number>): number {
  let bytes = ALIGNMENT_BYTES;
  for (const length of lengths) bytes += regionBytes(length);
  return bytes;
}

/**
 * Creates an arena. The operating system commits pages when they are first written, so unused bytes cost address
 * space only.
 * @param bytes Its capacity, see `arenaBytes`; rounded up to 64 KiB.
 * @throws AssayError above 4 GiB - 64 KiB (32-bit pointers), or when the machine refuses.
 */
export function createArena(bytes: number): Arena {
  const pages = Math.max(1, Math.ceil(bytes / PAGE_BYTES));
  if (!Number.isFinite(bytes) || bytes < 0 || pages > MAX_PAGES) throw tooLarge(bytes);
  const { buffer, kernels } = allocate(pages, bytes);
  let next = ALIGNMENT_BYTES; // Offset 0 stays unused: no region is ever at the null pointer.
  const float32 = (name: string, length: number): Region => {
    if (!Number.isSafeInteger(length) || length < 0) {
      throw new AssayError('shape', `Arena region "${name}": expected a count of float32 values, found ${length}.`);
    }
    const offset = next;
    if (offset + regionBytes(length) > buffer.byteLength) throw full(name, length, buffer.byteLength - offset);
    next = offset + regionBytes(length);
    return { offset, view: new Float32Array(buffer, offset, length) };
  };
  return { buffer, kernels, float32 };
}

function regionBytes(length: number): number {
  return Math.ceil((length * BYTES_PER_FLOAT) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}

function allocate(pages: number, bytes: number): ReturnType<typeof instantiateKernels> {
  try {
    return instantiateKernels(pages);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new AssayError(
      'run',
      `Arena: the machine refused ${mebibytes(bytes)} MiB. Train a smaller model or adapter.`,
      {
        cause,
      },
    );
  }
}

function tooLarge(bytes: number): AssayError {
  return new AssayError(
    'config',
    `Arena: expected at most ${mebibytes(MOST_ARENA_BYTES)} MiB (32-bit memory) of one parameter with its gradient and optimizer ` +
      `state, found ${mebibytes(bytes)} MiB. Leave the largest parameter out (an adapter), or use an optimizer with fewer buffers.`,
  );
}

function full(name: string, length: number, bytesLeft: number): AssayError {
  return new AssayError(
    'shape',
    `Arena: region "${name}" needs ${length * BYTES_PER_FLOAT} bytes, ${bytesLeft} are left. ` +
      'Create the arena with arenaBytes of every region.',
  );
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}
