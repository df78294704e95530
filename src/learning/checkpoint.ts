/** Several byte strings as one: a count, the lengths (uint32, little-endian), then the bytes. For a trainer's and a recipe's state. */
import { AssayError } from '#base/errors.ts';

const WORD_BYTES = 4;

/** @param into Memory to write to where it has the size of the result, such as that of an earlier one that nobody needs. */
export function packBytes(parts: readonly Uint8Array[], into?: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const start = WORD_BYTES * (1 + parts.length);
  const size = parts.reduce((length, part) => length + part.length, start);
  const packed = into?.length === size ? into : new Uint8Array(size);
  const words = new DataView(packed.buffer);
  words.setUint32(0, parts.length, true);
  let offset = start;
  parts.forEach((part, i) => {
    words.setUint32(WORD_BYTES * (i + 1), part.length, true);
    packed.set(part, offset);
    offset += part.length;
  });
  return packed;
}

/** @throws AssayError where the lengths do not add up to the bytes. */
export function unpackBytes(packed: Uint8Array): readonly Uint8Array[] {
  const words = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const count = packed.length >= WORD_BYTES ? words.getUint32(0, true) : 0;
  if (packed.length < WORD_BYTES * (1 + count)) throw damaged(packed.length);
  const lengths = Array.from({ length: count }, (_, i) => words.getUint32(WORD_BYTES * (i + 1), true));
  let offset = WORD_BYTES * (1 + count);
  const parts = lengths.map((length) => {
    const part = packed.subarray(offset, offset + length);
    offset += length;
    return part;
  });
  if (offset !== packed.length) throw damaged(packed.length);
  return parts;
}

function damaged(length: number): AssayError {
  return new AssayError(
    'store',
    `Checkpoint of ${length} bytes: expected parts that add up to it. It is damaged; delete the run to start it over.`,
  );
}
