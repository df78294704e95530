/** The text of a table's bytes: UTF-8 or UTF-16, with or without a byte-order mark; anything else is refused by name. */
import { AssayError } from '#base/errors.ts';

/** What stands in a file's place where Git LFS did not fetch it. */
const LFS_POINTER = 'version https://git-lfs.github.com/spec/';
/** How many bytes at the start tell UTF-16 without a mark from UTF-8. */
const SAMPLE_BYTES = 256;

/**
 * Decodes a table.
 * @throws AssayError where the bytes are no text of a known encoding.
 */
export function decodedTable(bytes: Uint8Array, file: string): string {
  const text = decoded(bytes, file);
  if (!text.startsWith(LFS_POINTER)) return text;
  throw new AssayError(
    'data',
    `${file}: expected a table, found a pointer of Git LFS to one. Fetch it with: git lfs pull`,
  );
}

function decoded(bytes: Uint8Array, file: string): string {
  const encoding = encodingOf(bytes);
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    throw new AssayError(
      'data',
      `${file}: expected text in UTF-8 or UTF-16, found bytes that are none (another encoding, such as Latin-1, or no text). Save the table as UTF-8.`,
      { cause: error },
    );
  }
}

function encodingOf(bytes: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  // In UTF-16 every other byte of a header of Latin letters is 0; in UTF-8 none is.
  const sample = bytes.subarray(0, SAMPLE_BYTES);
  const zeros = [0, 0];
  sample.forEach((byte, i) => {
    if (byte === 0) zeros[i % 2] = (zeros[i % 2] ?? 0) + 1;
  });
  const [even = 0, odd = 0] = zeros;
  if (odd > sample.length / 4) return 'utf-16le';
  return even > sample.length / 4 ? 'utf-16be' : 'utf-8';
}
