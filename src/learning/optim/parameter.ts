/**
 * Trained parameters as handles: where a parameter and its gradient live, not the numbers themselves, so that an
 * optimizer on a device can take the same handles.
 * Invariant: a handle is plain data; `offset` and `gradientOffset` name regions of `length` float32 values.
 */
import { AssayError } from '#base/errors.ts';
import type { Arena, Region } from '#engine/kernels/arena.ts';
import { sizeOf } from '#engine/tensor.ts';
import { matrixShape, type ParameterSpec } from '#learning/nn/layers.ts';

/** What an optimizer needs to know of a parameter; matrices have shape [dOut, dIn]. */
export type Trained = Pick<ParameterSpec, 'name' | 'shape' | 'role'>;

/** Where a parameter and its gradient live in an arena. */
export interface ParameterHandle extends Trained {
  /** Byte offset of the values. */
  readonly offset: number;
  /** Byte offset of the gradient. */
  readonly gradientOffset: number;
  /** Number of values: the product of the shape. */
  readonly length: number;
}

/** A placed parameter with the views that sessions take as feeds and fetches. */
export interface Parameter {
  /** Where all of it lies. */
  readonly arena: Arena;
  readonly handle: ParameterHandle;
  readonly values: Float32Array<ArrayBuffer>;
  readonly gradient: Float32Array<ArrayBuffer>;
}

/** The lengths of the regions that `placeParameters` takes from an arena, for `arenaBytes`. */
export function parameterLengths(specs: readonly Trained[]): readonly number[] {
  return [...specs, ...specs].map(({ shape }) => sizeOf(shape));
}

/**
 * Gives every parameter and its gradient a place, all values first, then all gradients, zero-filled.
 * @throws AssayError on two parameters of one name, a matrix that is not two-dimensional, or an arena too small.
 */
export function placeParameters(specs: readonly Trained[], arena: Arena): readonly Parameter[] {
  const names = new Set<string>();
  for (const spec of specs) {
    if (names.has(spec.name)) throw new AssayError('config', `Parameter "${spec.name}": the name is taken twice.`);
    names.add(spec.name);
    if (spec.role === 'matrix') matrixShape(spec);
  }
  const values = specs.map(({ name, shape }) => arena.float32(name, sizeOf(shape)));
  const gradients = specs.map(({ name, shape }) => arena.float32(`${name} gradient`, sizeOf(shape)));
  return specs.map((spec, i) => parameterAt(spec, arena, regionAt(values, i), regionAt(gradients, i)));
}

function parameterAt(spec: Trained, arena: Arena, values: Region, gradient: Region): Parameter {
  const place = { offset: values.offset, gradientOffset: gradient.offset, length: values.view.length };
  return { arena, handle: { ...spec, ...place }, values: values.view, gradient: gradient.view };
}

function regionAt(regions: readonly Region[], index: number): Region {
  const region = regions[index];
  if (region === undefined) throw new RangeError(`Expected a region at ${index} of ${regions.length}.`);
  return region;
}
