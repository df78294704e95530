/**
 * An optimizer's state as bytes: the length of a JSON header (uint32, little-endian), the header, then every buffer's
 * float32 values (little-endian, as in the arena) in the header's order.
 * Invariant: decoding restores every bit; a state of other buffers is refused by name.
 */
import { bytesAt, type ByteSource, type Pieces } from '#base/bytes.ts';
import { AssayError, messageOf } from '#base/errors.ts';
import { isJsonObject, type Json } from '#base/json.ts';

const FORMAT = 'assay-optimizer-1';
const LENGTH_BYTES = 4;
const BYTES_PER_FLOAT = 4;

/** A buffer by name, such as "mlp.up buffer 0". */
export interface NamedBuffer {
  readonly name: string;
  readonly view: Float32Array<ArrayBuffer>;
}

/** The bytes of a state: its head, and the buffers where they lie. */
export function encodeState(kind: string, stepCount: number, buffers: readonly NamedBuffer[]): Pieces {
  const header = new TextEncoder().encode(
    JSON.stringify({ format: FORMAT, kind, stepCount, buffers: buffers.map(labelOf) }),
  );
  const length = new Uint8Array(LENGTH_BYTES);
  new DataView(length.buffer).setUint32(0, header.length, true);
  return [length, header, ...buffers.map(({ view }) => bytesOf(view))];
}

/**
 * Writes a state into the buffers and returns its step count; on any error the buffers are untouched.
 * @throws AssayError when the bytes are no such state, or one of another kind or of other buffers.
 */
export function decodeState(bytes: ByteSource, kind: string, buffers: readonly NamedBuffer[]): number {
  const { header, start } = headerOf(bytes);
  if (header['kind'] !== kind) throw mismatch(`optimizer "${kind}"`, JSON.stringify(header['kind']));
  const labels = Array.isArray(header['buffers']) ? header['buffers'] : [];
  const expected = buffers.map(labelOf);
  for (let i = 0; i < Math.max(labels.length, expected.length); i++) {
    if (labels[i] !== expected[i])
      throw mismatch(JSON.stringify(expected[i] ?? 'no further buffer'), JSON.stringify(labels[i] ?? 'no buffer'));
  }
  const floats = buffers.reduce((sum, { view }) => sum + view.length, 0);
  const end = start + floats * BYTES_PER_FLOAT;
  if (bytes.length !== end) throw mismatch(`${end} bytes`, `${bytes.length}`);
  const { stepCount } = header;
  if (typeof stepCount !== 'number') throw mismatch('a step count', JSON.stringify(stepCount));
  let at = start;
  for (const { view } of buffers) {
    bytes.read(at, bytesOf(view));
    at += view.byteLength;
  }
  return stepCount;
}

function headerOf(bytes: ByteSource): { header: Record<string, Json>; start: number } {
  if (bytes.length < LENGTH_BYTES) throw mismatch('a header', `${bytes.length} bytes`);
  const length = new DataView(bytesAt(bytes, 0, LENGTH_BYTES).buffer).getUint32(0, true);
  const start = LENGTH_BYTES + length;
  if (start > bytes.length) throw mismatch(`a header of ${start} bytes`, `${bytes.length} bytes`);
  const header = parse(new TextDecoder().decode(bytesAt(bytes, LENGTH_BYTES, length)));
  if (!isJsonObject(header) || header['format'] !== FORMAT) throw mismatch(`format "${FORMAT}"`, 'another one');
  return { header, start };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw mismatch('a JSON header', messageOf(cause));
  }
}

/** A buffer's name and length, such as "mlp.up buffer 0 [36864]". */
function labelOf({ name, view }: NamedBuffer): string {
  return `${name} [${view.length}]`;
}

function bytesOf(view: Float32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function mismatch(expected: string, found: string): AssayError {
  return new AssayError(
    'file',
    `Optimizer state: expected ${expected}, found ${found}. ` +
      'Restore with the configuration and the parameters it was saved from.',
  );
}
