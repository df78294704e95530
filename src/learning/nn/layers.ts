/**
 * How a model's forward pass gets at its parameters: by name, and through `linear`, which an adapter may wrap.
 * Models are written once against this; full finetuning, frozen bases and LoRA only change the layers they are given.
 */
import { AssayError } from '#base/errors.ts';
import type { Rng } from '#base/rng.ts';
import { input } from '#engine/ops/sources.ts';
import { linear } from '#engine/ops/linear-algebra.ts';
import { type Shape, sizeOf, type Tensor } from '#engine/tensor.ts';

import { orthonormal } from './orthonormal.ts';

/** What a parameter is, which decides how an optimizer treats it (Muon takes matrices only). */
export type ParameterRole = 'matrix' | 'embedding' | 'head' | 'vector';

/**
 * How a parameter starts. For matrices of two axes: `identity`, ones where row and column are equal; `orthonormal`, the rows
 * (or the columns, where they are fewer) of a random orthonormal basis, uniform over all bases.
 */
export type Initial =
  | { readonly kind: 'normal'; readonly std: number }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'zeros' | 'ones' | 'identity' | 'orthonormal' };

export interface ParameterSpec {
  readonly name: string;
  readonly shape: Shape;
  readonly role: ParameterRole;
  readonly initial: Initial;
}

/** Fills a parameter's memory with its start; each parameter draws from a stream of its own name. @throws AssayError on a basis that is no matrix. */
export function fillInitial({ name, shape, initial }: ParameterSpec, memory: Float32Array, rng: Rng): void {
  switch (initial.kind) {
    case 'zeros':
    case 'ones':
      memory.fill(initial.kind === 'ones' ? 1 : 0);
      return;
    case 'constant':
      memory.fill(initial.value);
      return;
    case 'normal': {
      const own = rng.split(name);
      for (let i = 0; i < memory.length; i++) memory[i] = own.normal() * initial.std;
      return;
    }
    case 'identity': {
      const [, columns] = matrixShape({ name, shape });
      for (let i = 0; i < memory.length; i++) memory[i] = i % columns === Math.floor(i / columns) ? 1 : 0;
      return;
    }
    case 'orthonormal':
      memory.set(orthonormal(...matrixShape({ name, shape }), rng.split(name)));
      return;
    default:
      initial satisfies never;
  }
}

/** Every parameter as it starts, by name. */
export function drawnWeights(specs: readonly ParameterSpec[], rng: Rng): ReadonlyMap<string, Float32Array> {
  return new Map(
    specs.map((spec) => {
      const values = new Float32Array(sizeOf(spec.shape));
      fillInitial(spec, values, rng);
      return [spec.name, values];
    }),
  );
}

/**
 * The outputs and inputs of a matrix.
 * @throws AssayError when the shape has not two axes.
 */
export function matrixShape({
  name,
  shape,
}: Pick<ParameterSpec, 'name' | 'shape'>): readonly [dOut: number, dIn: number] {
  const [dOut, dIn] = shape;
  if (dOut === undefined || dIn === undefined || shape.length !== 2) {
    throw new AssayError(
      'shape',
      `Parameter "${name}": expected a matrix of 2 axes, found shape [${shape.join(', ')}]. ` +
        'Split it into matrices, or give it another role.',
    );
  }
  return [dOut, dIn];
}

export interface Layers {
  /** The parameter of a full name such as `model.norm.weight`. */
  parameter(name: string): Tensor;
  /** The linear layer of a module name such as `model.layers.0.mlp.up_proj`. @param x shape [N, dIn]. @returns [N, dOut]. */
  linear(module: string, x: Tensor): Tensor;
  /**
   * Where a model passes its residual stream, by the name of the place, for what records or changes it there (`sites.ts`).
   * @param x shape [N, D]. @returns what the model goes on with; x itself, without a node, unless something is asked for.
   */
  site(name: string, x: Tensor): Tensor;
  /** Whether what looks at a site needs all N positions there, as `sites.ts` does; else a model may leave out what nothing reads. */
  readonly wholeStream?: boolean;
}

/** Layers that feed every parameter under its own name. */
export function feedLayers(specs: readonly ParameterSpec[]): Layers {
  const tensors = new Map(specs.map(({ name, shape }) => [name, input(name, shape)]));
  const parameter = (name: string): Tensor => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new Error(`no parameter "${name}"`);
    return tensor;
  };
  return {
    parameter,
    linear: (module, x) => linear(x, parameter(`${module}.weight`), tensors.get(`${module}.bias`)),
    site: (_name, x) => x,
  };
}
