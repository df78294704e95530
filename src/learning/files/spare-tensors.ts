/**
 * Tensors that files carry beside a model's weights and that say nothing new: saved frequencies and causal masks.
 * Invariant: none is ignored for its name; its content must be what is computed without it.
 */
import { AssayError } from '#base/errors.ts';
import { type RotaryPositions, turnedDim } from '#learning/models/config.ts';
import { ropeFrequencies } from '#learning/models/rotary-tables.ts';

import type { TensorSource } from './tensors/tensor-source.ts';
import { elementCount } from './tensors/tensor-source.ts';

/** What a stored format loses of a number: relative, and the smallest step. Frequencies were often saved in half precision. */
const ROUNDING: Readonly<Record<string, readonly [relative: number, step: number]>> = {
  F32: [1e-5, 0],
  F16: [2 ** -10, 2 ** -24],
  BF16: [2 ** -7, 0],
};

/** Whether a tensor holds the rotation's frequencies as they are computed, with or without the scaling for long contexts. */
export async function isFrequencies(
  source: TensorSource,
  name: string,
  positions: RotaryPositions,
  headDim: number,
): Promise<boolean> {
  const { theta, scaling } = positions;
  const turned = turnedDim(positions, headDim);
  const info = source.tensors.get(name);
  const [relative, step] = ROUNDING[info?.format ?? ''] ?? [];
  if (info?.shape.join() !== String(turned / 2) || relative === undefined || step === undefined) return false;
  const stored = await source.read(name);
  return [ropeFrequencies(theta, turned), ropeFrequencies(theta, turned, scaling)].some((expected) =>
    expected.every((value, i) => Math.abs((stored[i] ?? Number.NaN) - value) <= relative * value + step),
  );
}

/** Whether a tensor of shape [1, 1, T, T] is 1 up to the diagonal and 0 beyond, for at least `length` positions. */
export async function isCausalMask(source: TensorSource, name: string, length: number): Promise<boolean> {
  const info = source.tensors.get(name);
  const side = info?.shape.at(-1) ?? 0;
  if (info?.shape.join() !== [1, 1, side, side].join() || side < length) return false;
  const values = ONE_BYTE.has(info.format) ? await source.readBytes(name) : await source.read(name);
  return values.every((value, i) => value === (i % side <= Math.floor(i / side) ? 1 : 0));
}

const ONE_BYTE = new Set(['BOOL', 'U8', 'I8']);

/** Whether a tensor is the one number that GPT-2 puts in place of masked scores: so low that nothing is left of them. */
export async function isMaskedScore(source: TensorSource, name: string): Promise<boolean> {
  const info = source.tensors.get(name);
  if (info === undefined || elementCount(info.shape) !== 1) return false;
  const [value = 0] = await source.read(name);
  return value <= -1e4;
}

/** Whether a tensor is one known number, as far as its format keeps it. */
export async function isNumber(source: TensorSource, name: string, expected: number): Promise<boolean> {
  const info = source.tensors.get(name);
  const [relative, step] = ROUNDING[info?.format ?? ''] ?? [];
  if (info === undefined || elementCount(info.shape) !== 1 || relative === undefined || step === undefined)
    return false;
  const [value = Number.NaN] = await source.read(name);
  return Math.abs(value - expected) <= relative * Math.abs(expected) + step;
}

/** Whether two tensors hold the same numbers in the same shape. */
export async function isSame(source: TensorSource, one: string, other: string): Promise<boolean> {
  const [a, b] = [source.tensors.get(one), source.tensors.get(other)];
  if (a === undefined || b === undefined || a.shape.join() !== b.shape.join()) return false;
  if (a.format === b.format) return Buffer.compare(await source.readBytes(one), await source.readBytes(other)) === 0;
  const values = await source.read(other);
  return (await source.read(one)).every((value, i) => value === values[i]);
}

/** Refuses a tensor of a known name whose content is not what that name promises. */
export function unexpectedContent(source: TensorSource, name: string, expected: string): AssayError {
  const what = `expected tensor ${name.slice(0, 200)} to hold ${expected}, which is computed without it`;
  return new AssayError('file', `${source.path}: ${what}, found other numbers. What they change is not known.`);
}
