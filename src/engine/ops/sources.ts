/** Where values enter a graph: feeds, by which a loss can be differentiated, and constants, which no gradient reaches. */
import { apply, shapeError, sizeOf, type DType, type Shape, type Tensor } from '#engine/tensor.ts';

/** A value fed at every run under this name, of a static shape; two inputs of one program may not share a name. */
export function input(name: string, shape: Shape, dtype: DType = 'float32'): Tensor {
  if (shape.some((length) => !Number.isInteger(length) || length < 1)) {
    throw shapeError(`input "${name}" has shape [${shape.join(', ')}]`, 'positive whole lengths');
  }
  return apply('input', [], { name }, shape, dtype);
}

/** A fixed array stored in the program, shape `shape`; meant for small things such as masks and rotary tables. */
export function constant(values: Float32Array | Int32Array, shape: Shape): Tensor {
  if (values.length !== sizeOf(shape)) {
    throw shapeError(`constant of ${values.length} values for shape [${shape.join(', ')}]`, `${sizeOf(shape)} values`);
  }
  return apply('constant', [], { values }, shape, values instanceof Int32Array ? 'int32' : 'float32');
}

/** A float32 constant of shape []. */
export function scalar(value: number): Tensor {
  return constant(Float32Array.of(value), []);
}
