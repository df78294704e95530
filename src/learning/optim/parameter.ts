/**
 * Trained parameters as handles: where a parameter and its gradient live, not the numbers themselves, so that an
 * optimizer on a device can take the same handles.
 * Invariant: a handle is plain data; `offset` and `gradientOffset` name regions of `length` float32 values.
 */
import { AssayError } from '#base/errors.ts';
import type { Arena, Region } from '#engine/kernels/arena.ts';

/** A parameter before it has a place. */
export type ParameterSpec = MatrixSpec | OtherSpec;

/** A hidden weight matrix, the kind Muon orthogonalizes. */
export interface MatrixSpec {
  readonly name: string;
  /** [rows, columns], row-major. */
  readonly shape: readonly number[];
  readonly role: 'matrix';
  /** Which axis counts the layer's outputs: 0 for torch's [out, in], 1 for [in, out] as in y = x W. */
  readonly outputAxis: 0 | 1;
}

/** Token embeddings, the output head, or gains and biases: never orthogonalized. */
export interface OtherSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: 'embedding' | 'head' | 'vector';
}

/** Where a parameter and its gradient live in an arena. */
export type ParameterHandle = ParameterSpec & {
  /** Byte offset of the values. */
  readonly offset: number;
  /** Byte offset of the gradient. */
  readonly gradientOffset: number;
  /** Number of values: the product of the shape. */
  readonly length: number;
};

/** A placed parameter with the views that sessions take as feeds and fetches. */
export interface Parameter {
  readonly handle: ParameterHandle;
  readonly values: Float32Array<ArrayBuffer>;
  readonly gradient: Float32Array<ArrayBuffer>;
}

/** The number of values of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The lengths of the regions that `placeParameters` takes from an arena, for `arenaBytes`. */
export function parameterLengths(specs: readonly ParameterSpec[]): readonly number[] {
  return [...specs, ...specs].map(({ shape }) => elementCount(shape));
}

/**
 * Gives every parameter and its gradient a place, all values first, then all gradients, zero-filled.
 * @throws AssayError on two parameters of one name, a matrix that is not two-dimensional, or an arena too small.
 */
export function placeParameters(specs: readonly ParameterSpec[], arena: Arena): readonly Parameter[] {
  const names = new Set<string>();
  for (const spec of specs) {
    if (names.has(spec.name)) throw new AssayError('config', `Parameter "${spec.name}": the name is taken twice.`);
    names.add(spec.name);
    if (spec.role === 'matrix' && spec.shape.length !== 2) {
      throw new AssayError(
        'shape',
        `Parameter "${spec.name}": expected a matrix of 2 axes, found shape [${spec.shape.join(', ')}]. ` +
          'Split it into matrices, or give it another role.',
      );
    }
  }
  const values = specs.map(({ name, shape }) => arena.float32(name, elementCount(shape)));
  const gradients = specs.map(({ name, shape }) => arena.float32(`${name} gradient`, elementCount(shape)));
  return specs.map((spec, i) => parameterAt(spec, regionAt(values, i), regionAt(gradients, i)));
}

function parameterAt(spec: ParameterSpec, values: Region, gradient: Region): Parameter {
  const place = { offset: values.offset, gradientOffset: gradient.offset, length: values.view.length };
  return { handle: { ...spec, ...place }, values: values.view, gradient: gradient.view };
}

function regionAt(regions: readonly Region[], index: number): Region {
  const region = regions[index];
  if (region === undefined) throw new RangeError(`Expected a region at ${index} of ${regions.length}.`);
  return region;
}
