/**
 * Several byte strings as one: a count, the lengths, then the bytes. For a trainer's and a recipe's state.
 * Counts and lengths are uint32, little-endian; where a length needs more (a whole model's moments), the count's highest bit is set
 * and each length takes two words, the lower first.
 */
import { AssayError } from '#base/errors.ts';

const WORD_BYTES = 4;
const WORD = 2 ** 32;
const WIDE = 2 ** 31;

/**
 * @param into Memory to write to where it has the size of the result, such as that of an earlier one that nobody needs.
 * @param isWide Whether lengths take two words; by default where one of them needs it.
 */
export function packBytes(
  parts: readonly Uint8Array[],
  into?: Uint8Array<ArrayBuffer>,
  isWide = parts.some(({ length }) => length >= WORD),
): Uint8Array<ArrayBuffer> {
  const lengthWords = isWide ? 2 : 1;
  const start = WORD_BYTES * (1 + lengthWords * parts.length);
  const size = parts.reduce((length, part) => length + part.length, start);
  const packed = into?.length === size ? into : new Uint8Array(size);
  const words = new DataView(packed.buffer);
  words.setUint32(0, isWide ? parts.length + WIDE : parts.length, true);
  let offset = start;
  parts.forEach((part, i) => {
    const at = WORD_BYTES * (1 + lengthWords * i);
    words.setUint32(at, part.length % WORD, true);
    if (isWide) words.setUint32(at + WORD_BYTES, Math.floor(part.length / WORD), true);
    packed.set(part, offset);
    offset += part.length;
  });
  return packed;
}

/** @throws AssayError where the lengths do not add up to the bytes. */
export function unpackBytes(packed: Uint8Array): readonly Uint8Array[] {
  const words = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const first = packed.length >= WORD_BYTES ? words.getUint32(0, true) : 0;
  const [count, lengthWords] = first >= WIDE ? [first - WIDE, 2] : [first, 1];
  const start = WORD_BYTES * (1 + lengthWords * count);
  if (packed.length < start) throw damaged(packed.length);
  const lengths = Array.from({ length: count }, (_, i) => {
    const at = WORD_BYTES * (1 + lengthWords * i);
    return words.getUint32(at, true) + (lengthWords === 2 ? WORD * words.getUint32(at + WORD_BYTES, true) : 0);
  });
  let offset = start;
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
