/**
 * Byte strings that need not be in memory as one: written from pieces where they lie, read part by part.
 * For states of whole models, of which a machine may not hold two, and of which neither a hash nor a file takes 2 GiB at once.
 */
import { createHash } from 'node:crypto';

/** A byte string in pieces, which are views of memory that may go on to change: use them before it does. */
export type Pieces = readonly Uint8Array[];

/** Bytes that are read part by part, wherever they lie. */
export interface ByteSource {
  readonly length: number;
  /** Fills `target` with the bytes from `offset` on. @throws RangeError beyond the end. */
  read(offset: number, target: Uint8Array): void;
}

/** At most so many bytes are hashed, written or read at once. */
const MOST_AT_ONCE = 2 ** 26;

/** A byte string as pieces, whichever way it is given. */
export function piecesOf(bytes: Uint8Array | Pieces): Pieces {
  return bytes instanceof Uint8Array ? [bytes] : bytes;
}

/** The number of bytes. */
export function lengthOf(pieces: Pieces): number {
  return pieces.reduce((length, piece) => length + piece.length, 0);
}

/** The bytes as one string. @param into Memory for it where it has the size, such as that of an earlier one that nobody needs. */
export function joined(pieces: Pieces, into?: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const length = lengthOf(pieces);
  const whole = into?.length === length ? into : new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}

/** The same bytes in slices that a hash or a file takes at once. */
export function* slicesOf(pieces: Pieces): Generator<Uint8Array> {
  for (const piece of pieces) {
    for (let start = 0; start < piece.length; start += MOST_AT_ONCE) yield piece.subarray(start, start + MOST_AT_ONCE);
  }
}

/** sha256 in hex, of any number of bytes. */
export function sha256Of(pieces: Pieces): string {
  const hash = createHash('sha256');
  for (const slice of slicesOf(pieces)) hash.update(slice);
  return hash.digest('hex');
}

/** Bytes in memory as a source. */
export function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    length: bytes.length,
    read(offset, target) {
      if (offset + target.length > bytes.length) throw beyond(offset + target.length, bytes.length);
      target.set(bytes.subarray(offset, offset + target.length));
    },
  };
}

/** A part of a source. */
export function partOf(source: ByteSource, start: number, length: number): ByteSource {
  if (start + length > source.length) throw beyond(start + length, source.length);
  return {
    length,
    read(offset, target) {
      if (offset + target.length > length) throw beyond(offset + target.length, length);
      source.read(start + offset, target);
    },
  };
}

/** Some bytes of a source, read. */
export function bytesAt(source: ByteSource, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  source.read(offset, bytes);
  return bytes;
}

function beyond(end: number, length: number): RangeError {
  return new RangeError(`Expected to read within ${length} bytes, asked up to ${end}.`);
}
