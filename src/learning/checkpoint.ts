/**
 * Several byte strings as one: a count, the lengths, then the bytes. For a trainer's and a recipe's state.
 * Counts and lengths are uint32, little-endian; where a length needs more (a whole model's moments), the count's highest bit is set
 * and each length takes two words, the lower first. Nothing is copied: strings go in as pieces and are read as parts.
 */
import { bytesAt, type ByteSource, joined, lengthOf, partOf, type Pieces, sourceOf } from '#base/bytes.ts';
import { AssayError } from '#base/errors.ts';

const WORD_BYTES = 4;
const WORD = 2 ** 32;
const WIDE = 2 ** 31;

/**
 * The byte strings as one, where their pieces lie.
 * @param isWide Whether lengths take two words; by default where one of them needs it.
 */
export function packPieces(parts: readonly Pieces[], isWide?: boolean): Pieces {
  const lengths = parts.map(lengthOf);
  return [headOf(lengths, isWide ?? lengths.some((length) => length >= WORD)), ...parts.flat()];
}

/**
 * The byte strings as one, copied.
 * @param into Memory to write to where it has the size of the result, such as that of an earlier one that nobody needs.
 */
export function packBytes(
  parts: readonly Uint8Array[],
  into?: Uint8Array<ArrayBuffer>,
  isWide?: boolean,
): Uint8Array<ArrayBuffer> {
  return joined(
    packPieces(
      parts.map((part) => [part]),
      isWide,
    ),
    into,
  );
}

function headOf(lengths: readonly number[], isWide: boolean): Uint8Array {
  const lengthWords = isWide ? 2 : 1;
  const head = new Uint8Array(WORD_BYTES * (1 + lengthWords * lengths.length));
  const words = new DataView(head.buffer);
  words.setUint32(0, isWide ? lengths.length + WIDE : lengths.length, true);
  lengths.forEach((length, i) => {
    const at = WORD_BYTES * (1 + lengthWords * i);
    words.setUint32(at, length % WORD, true);
    if (isWide) words.setUint32(at + WORD_BYTES, Math.floor(length / WORD), true);
  });
  return head;
}

/** The byte strings, as views. @throws AssayError where the lengths do not add up to the bytes. */
export function unpackBytes(packed: Uint8Array): readonly Uint8Array[] {
  return placesIn(sourceOf(packed)).map(({ start, length }) => packed.subarray(start, start + length));
}

/** The byte strings, none of them read yet. @throws AssayError as `unpackBytes`. */
export function unpackSource(packed: ByteSource): readonly ByteSource[] {
  return placesIn(packed).map(({ start, length }) => partOf(packed, start, length));
}

interface Place {
  readonly start: number;
  readonly length: number;
}

function placesIn(packed: ByteSource): readonly Place[] {
  const first = packed.length >= WORD_BYTES ? wordsOf(bytesAt(packed, 0, WORD_BYTES)).getUint32(0, true) : 0;
  const [count, lengthWords] = first >= WIDE ? [first - WIDE, 2] : [first, 1];
  let start = WORD_BYTES * (1 + lengthWords * count);
  if (packed.length < start) throw damaged(packed.length);
  const words = wordsOf(bytesAt(packed, WORD_BYTES, start - WORD_BYTES));
  const places = Array.from({ length: count }, (_, i): Place => {
    const at = WORD_BYTES * lengthWords * i;
    const length = words.getUint32(at, true) + (lengthWords === 2 ? WORD * words.getUint32(at + WORD_BYTES, true) : 0);
    const place = { start, length };
    start += length;
    return place;
  });
  if (start !== packed.length) throw damaged(packed.length);
  return places;
}

function wordsOf(bytes: Uint8Array<ArrayBuffer>): DataView {
  return new DataView(bytes.buffer);
}

function damaged(length: number): AssayError {
  return new AssayError(
    'store',
    `Checkpoint of ${length} bytes: expected parts that add up to it. It is damaged; delete the run to start it over.`,
  );
}
