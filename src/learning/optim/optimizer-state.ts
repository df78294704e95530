/**
 * An optimizer's state as bytes: the length of a JSON header (uint32, little-endian), the header, then every buffer's
 * float32 values (little-endian, as in the arena) in the header's order.
 * Invariant: decoding restores every bit; a state of other buffers is refused by name.
 */
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

/** The bytes of a state. */
export function encodeState(kind: string, stepCount: number, buffers: readonly NamedBuffer[]): Uint8Array<ArrayBuffer> {
  const header = new TextEncoder().encode(
    JSON.stringify({ format: FORMAT, kind, stepCount, buffers: buffers.map(labelOf) }),
  );
  const floats = buffers.reduce((sum, { view }) => sum + view.length, 0);
  const bytes = new Uint8Array(LENGTH_BYTES + header.length + floats * BYTES_PER_FLOAT);
  new DataView(bytes.buffer).setUint32(0, header.length, true);
  bytes.set(header, LENGTH_BYTES);
  let at = LENGTH_BYTES + header.length;
  for (const { view } of buffers) {
    bytes.set(bytesOf(view), at);
    at += view.byteLength;
  }
  return bytes;
}

/**
 * Writes a state into the buffers and returns its step count; on any error the buffers are untouched.
 * @throws AssayError when the bytes are no such state, or one of another kind or of other buffers.
 */
export function decodeState(bytes: Uint8Array, kind: string, buffers: readonly NamedBuffer[]): number {
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
    bytesOf(view).set(bytes.subarray(at, at + view.byteLength));
    at += view.byteLength;
  }
  return stepCount;
}

function headerOf(bytes: Uint8Array): { header: Record<string, Json>; start: number } {
  if (bytes.length < LENGTH_BYTES) throw mismatch('a header', `${bytes.length} bytes`);
  const start = LENGTH_BYTES + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (start > bytes.length) throw mismatch(`a header of ${start} bytes`, `${bytes.length} bytes`);
  const header = parse(new TextDecoder().decode(bytes.subarray(LENGTH_BYTES, start)));
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
