/**
 * A model's weights in one file of float32, as the engine wants them, for processes to share: programs map the frozen
 * ones, so a machine holds them once however many workers it runs, and trainers read the others from it.
 * Layout: tensors in the order of the parameters, row-major, little-endian, each at a multiple of 64 bytes; where each
 * stands follows from the model alone, so the file needs no header.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

import { AssayError } from '#base/errors.ts';
import type { ExternalData } from '#engine/onnx/proto.ts';
import type { FrozenInputs } from '#engine/session.ts';
import { sizeOf } from '#engine/tensor.ts';
import type { ParameterSpec } from '#learning/nn/layers.ts';
import type { Weights } from '#learning/weights.ts';

import { bytesOf } from './number-formats.ts';

const ALIGNMENT_BYTES = 64;

/** Writes the file, one tensor at a time. @throws AssayError where a tensor has not the size of its parameter. */
export async function writeWeights(
  path: string,
  specs: readonly ParameterSpec[],
  valuesOf: (name: string) => Promise<Float32Array>,
): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (const [name, { offset, byteLength }] of placesIn(path, specs)) {
      const values = await valuesOf(name);
      if (values.byteLength !== byteLength) {
        const expected = `${byteLength / 4} values of ${name}`;
        throw new AssayError('shape', `${path}: expected ${expected}, found ${values.length}.`);
      }
      const bytes = bytesOf(values);
      for (let done = 0; done < byteLength;) {
        const { bytesWritten } = await file.write(bytes, done, byteLength - done, offset + done);
        done += bytesWritten;
      }
    }
  } finally {
    await file.close();
  }
}

/** The weights of a file that `writeWeights` wrote for the same parameters; each `get` reads its tensor anew. */
export function fileWeights(path: string, specs: readonly ParameterSpec[]): Weights {
  const places = placesIn(path, specs);
  return {
    has: (name) => places.has(name),
    get: (name) => {
      const place = places.get(name);
      if (place === undefined) return undefined;
      const values = new Float32Array(place.byteLength / Float32Array.BYTES_PER_ELEMENT);
      readAt(path, place, values);
      return values;
    },
    fill: (name, target) => {
      const place = places.get(name);
      if (place?.byteLength !== target.byteLength) {
        throw new AssayError('shape', `${path}: expected ${target.length} values of ${name}, found another number.`);
      }
      readAt(path, place, target);
    },
  };
}

/** The same weights as inputs of programs that map them. */
export function frozenInputs(path: string, specs: readonly ParameterSpec[]): FrozenInputs {
  return { folder: dirname(path), inputs: placesIn(path, specs) };
}

function placesIn(path: string, specs: readonly ParameterSpec[]): ReadonlyMap<string, ExternalData> {
  let end = 0;
  return new Map(
    specs.map(({ name, shape }) => {
      const offset = Math.ceil(end / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
      const byteLength = sizeOf(shape) * Float32Array.BYTES_PER_ELEMENT;
      end = offset + byteLength;
      return [name, { file: basename(path), offset, byteLength }];
    }),
  );
}

function readAt(path: string, { offset, byteLength }: ExternalData, values: Float32Array): void {
  const bytes = bytesOf(values);
  const file = openSync(path, 'r');
  try {
    for (let done = 0; done < byteLength;) {
      const read = readSync(file, bytes, done, byteLength - done, offset + done);
      if (read === 0) throw new AssayError('file', `${path} is shorter than its weights. Delete it and run again.`);
      done += read;
    }
  } finally {
    closeSync(file);
  }
}
