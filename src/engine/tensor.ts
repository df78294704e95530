/**
 * The symbolic graph: immutable nodes, built by the functions in `ops/`. A graph is nothing but the nodes that
 * can be reached from a tensor, so there is no graph object and no global state. Shapes are static.
 */
import { AssayError } from '#base/errors.ts';

export type Shape = readonly number[];
export type DType = 'float32' | 'int32';

/** The inputs and the attributes of a primitive. */
interface Primitive<Inputs extends readonly Tensor[], Attributes = object> {
  readonly inputs: Inputs;
  readonly attributes: Attributes;
}

type Nullary = readonly [];
type Unary = readonly [x: Tensor];
type Binary = readonly [a: Tensor, b: Tensor];

/**
 * The primitives. Every one needs a row in `gradients.ts` and in `onnx/lower.ts`; a missing row is a type error.
 */
export interface Primitives {
  input: Primitive<Nullary, { readonly name: string }>;
  constant: Primitive<Nullary, { readonly values: Float32Array | Int32Array }>;
  add: Primitive<Binary>;
  sub: Primitive<Binary>;
  mul: Primitive<Binary>;
  div: Primitive<Binary>;
  exp: Primitive<Unary>;
  log: Primitive<Unary>;
  sqrt: Primitive<Unary>;
  erf: Primitive<Unary>;
  tanh: Primitive<Unary>;
  sigmoid: Primitive<Unary>;
  gelu: Primitive<Unary>;
  relu: Primitive<Unary>;
  /** 1 where the input is > 0, else 0; its gradient is zero. */
  step: Primitive<Unary>;
  softplus: Primitive<Unary>;
  abs: Primitive<Unary>;
  /** -1, 0 or 1; its gradient is zero. */
  sign: Primitive<Unary>;
  power: Primitive<Unary, { readonly exponent: number }>;
  /** The input; no gradient passes. */
  detach: Primitive<Unary>;
  /** int32 as float32; no gradient passes. */
  toFloat: Primitive<Unary>;
  /** Comparisons are 1 where they hold, else 0, as float32; no gradient passes. */
  greater: Primitive<Binary>;
  greaterOrEqual: Primitive<Binary>;
  equal: Primitive<Binary>;
  /** a where the condition is not 0, else b. */
  where: Primitive<readonly [condition: Tensor, a: Tensor, b: Tensor]>;
  maximum: Primitive<Binary>;
  minimum: Primitive<Binary>;
  swiglu: Primitive<readonly [gate: Tensor, up: Tensor]>;
  matmul: Primitive<Binary, { readonly transposeA: boolean; readonly transposeB: boolean; readonly alpha: number }>;
  linear: Primitive<readonly [x: Tensor, weight: Tensor, bias: Tensor]>;
  reshape: Primitive<Unary>;
  transpose: Primitive<Unary, { readonly permutation: readonly number[] }>;
  slice: Primitive<Unary, { readonly axis: number; readonly start: number; readonly end: number }>;
  concat: Primitive<readonly Tensor[], { readonly axis: number }>;
  broadcast: Primitive<Unary>;
  /** The sum over axes, which stay with length 1 where `keep`. */
  sum: Primitive<Unary, { readonly axes: readonly number[]; readonly keep: boolean }>;
  /** The mean over the last axis, which stays with length 1. */
  mean: Primitive<Unary>;
  /** The largest over axes, which stay with length 1. */
  reduceMax: Primitive<Unary, { readonly axes: readonly number[] }>;
  /** Running sums along an axis, from its end where `reverse`. */
  cumulativeSum: Primitive<Unary, { readonly axis: number; readonly reverse: boolean }>;
  gather: Primitive<readonly [table: Tensor, indices: Tensor]>;
  scatterRows: Primitive<readonly [rows: Tensor, indices: Tensor]>;
  moveRows: Primitive<readonly [x: Tensor, from: Tensor, back: Tensor]>;
  pick: Primitive<readonly [x: Tensor, indices: Tensor]>;
  scatterPicked: Primitive<readonly [base: Tensor, indices: Tensor, values: Tensor]>;
  takeAlong: Primitive<readonly [x: Tensor, indices: Tensor]>;
  scatterAlong: Primitive<readonly [values: Tensor, indices: Tensor]>;
  /** The k largest along the last axis, largest first; output 1 holds their indices. */
  topK: Primitive<Unary, { readonly k: number }>;
  softmax: Primitive<Unary>;
  layerNorm: Primitive<readonly [x: Tensor, scale: Tensor, bias: Tensor], { readonly epsilon: number }>;
  rmsNorm: Primitive<readonly [x: Tensor, scale: Tensor], { readonly epsilon: number }>;
  rotary: Primitive<readonly [x: Tensor, cos: Tensor, sin: Tensor], { readonly isInterleaved: boolean }>;
  attention: Primitive<readonly [q: Tensor, k: Tensor, v: Tensor, mask: Tensor], { readonly scale: number }>;
  crossEntropy: Primitive<readonly [logits: Tensor, labels: Tensor]>;
}

export type PrimitiveName = keyof Primitives;

/** What a node yields at one of its outputs. */
export interface OutputType {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** One application of a primitive; for a union of primitives, the union of their nodes. */
export type NodeOf<P extends PrimitiveName> = {
  [K in P]: {
    readonly kind: K;
    readonly inputs: Primitives[K]['inputs'];
    readonly attributes: Primitives[K]['attributes'];
    readonly outputs: readonly OutputType[];
    /** A node that stands for another one, computed once more so that what it yields need not be kept (`remade.ts`). */
    readonly isRemade?: true;
  };
}[P];

export type Node = NodeOf<PrimitiveName>;

/** One output of a node. */
export interface Tensor {
  readonly node: Node;
  /** Which output of the node. */
  readonly output: number;
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Applies a primitive and returns its outputs; for the functions in `ops/`, which check shapes first. */
export function applyAll<P extends PrimitiveName>(
  kind: P,
  inputs: Primitives[P]['inputs'],
  attributes: Primitives[P]['attributes'],
  outputs: readonly OutputType[],
): readonly Tensor[] {
  // Sound, but beyond tsc: the node of one unknown primitive is one of the nodes of all primitives.
  const node = { kind, inputs, attributes, outputs } as Node;
  return outputs.map(({ shape, dtype }, output) => ({ node, output, shape, dtype }));
}

/** Applies a primitive with one output. */
export function apply<P extends PrimitiveName>(
  kind: P,
  inputs: Primitives[P]['inputs'],
  attributes: Primitives[P]['attributes'],
  shape: Shape,
  dtype: DType = 'float32',
): Tensor {
  return firstOf(applyAll(kind, inputs, attributes, [{ shape, dtype }]));
}

/** The first of a node's outputs. */
export function firstOf(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors;
  if (first === undefined) throw new Error('expected a node with at least one output');
  return first;
}

/** Output 0 of a node. */
export function firstOutput(node: Node): Tensor {
  return siblingOf({ node, output: 0, shape: [], dtype: 'float32' }, 0);
}

/** Another output of the node that made this tensor (an attention's probabilities, a norm's 1/std). */
export function siblingOf(tensor: Tensor, output: number): Tensor {
  const type = tensor.node.outputs[output];
  if (type === undefined) throw new Error(`${tensor.node.kind} has no output ${output}`);
  return { node: tensor.node, output, shape: type.shape, dtype: type.dtype };
}

/** The number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** Axes counted from the start, in order. @throws ShapeError where one does not exist or is named twice. */
export function axesOf(operation: string, tensor: Tensor, axes: readonly number[]): readonly number[] {
  const rank = tensor.shape.length;
  const fromStart = axes.map((axis) => (axis < 0 ? axis + rank : axis)).toSorted((a, b) => a - b);
  if (fromStart.some((axis, i) => !Number.isInteger(axis) || axis < 0 || axis >= rank || axis === fromStart[i - 1])) {
    throw shapeError(`${operation}: axes (${axes.join(', ')}) of ${describe(tensor)}`, 'axes that exist, each once');
  }
  return fromStart;
}

/** Every axis, in order. */
export function allAxes(tensor: Tensor): readonly number[] {
  return tensor.shape.map((_, axis) => axis);
}

/** @throws ShapeError where a tensor has another element type. */
export function checkType(operation: string, dtype: DType, tensors: readonly Tensor[]): void {
  const other = tensors.find((tensor) => tensor.dtype !== dtype);
  if (other === undefined) return;
  const remedy = dtype === 'float32' ? 'float32 (`toFloat` converts integers)' : dtype;
  throw shapeError(`${operation}: ${describe(other)} is ${other.dtype}`, remedy);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}

/** The length of an axis; negative axes count from the end. */
export function axisLength(tensor: Tensor, axis: number): number {
  const length = tensor.shape.at(axis);
  if (length === undefined) throw shapeError(`axis ${axis} of ${describe(tensor)}`, 'an axis that exists');
  return length;
}

/** The shape two operands broadcast to, aligned at the last axis as in NumPy. */
export function broadcastShape(operation: string, a: Tensor, b: Tensor): Shape {
  const rank = Math.max(a.shape.length, b.shape.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a.shape[axis - rank + a.shape.length] ?? 1;
    const right = b.shape[axis - rank + b.shape.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw shapeError(`${operation}: ${describe(a)} and ${describe(b)}`, 'axes that are equal or 1');
    }
    return Math.max(left, right);
  });
}

/** An error that names the operation and the shapes found, and says what was expected. */
export function shapeError(found: string, expected: string): AssayError {
  return new AssayError('shape', `ShapeError: ${found}. Expected ${expected}.`);
}

/** A tensor as an error message shows it: `tokens [8, 64]`. */
export function describe(tensor: Tensor): string {
  const name = tensor.node.kind === 'input' ? tensor.node.attributes.name : tensor.node.kind;
  return `${name} [${tensor.shape.join(', ')}]`;
}
