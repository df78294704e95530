/** How each primitive is said in ONNX: one row a primitive, emitting nodes that define the primitive's outputs. */
import { ONNX_TYPE, type OnnxAttribute } from '#engine/onnx/proto.ts';
import { axisLength, sizeOf, type NodeOf, type PrimitiveName, type Shape, type Tensor } from '#engine/tensor.ts';

/** What a row writes with: names in, names out. */
export interface Emitter {
  /** The name of a tensor that was lowered before. */
  of(tensor: Tensor): string;
  /** An initializer, shared between equal ones. */
  ints(values: readonly number[], type?: 'int32' | 'int64'): string;
  floats(values: Float32Array, shape: Shape): string;
  /** Adds a node with one output and returns its name, `output` where given. */
  node(operator: string, inputs: readonly string[], attributes?: Attributes, output?: string): string;
  /** A name nothing else has. */
  fresh(): string;
  /** Adds a node with the given output names. */
  nodeAll(operator: string, inputs: readonly string[], attributes: Attributes, outputs: readonly string[]): void;
  /** As `LoweringOptions` say. */
  readonly fewRows: number;
}

type Attributes = Readonly<Record<string, OnnxAttribute>>;

/** Writes the nodes of one primitive; `outputs` are the names its outputs must get. */
export type LoweringTable = {
  readonly [P in PrimitiveName]: (node: NodeOf<P>, emit: Emitter, outputs: readonly [string, ...string[]]) => void;
};

/** Up to this many rows a one-hot product beats ScatterElements (and, unlike ScatterND, both are right on repeats). */
const ONE_HOT_ROWS = 512;

/** From so many values on, 4 MiB, a table of zeros is made in each run. */
const LARGE_TABLE = 2 ** 20;

/** The element type of ONNX's conditions, which exist only inside a row. */
const ONNX_BOOLEAN = 9;

export const LOWERING: LoweringTable = {
  input: () => {},
  constant: () => {},
  add: (node, emit, [y]) => void emit.node('Add', node.inputs.map(emit.of), {}, y),
  sub: (node, emit, [y]) => void emit.node('Sub', node.inputs.map(emit.of), {}, y),
  mul: (node, emit, [y]) => void emit.node('Mul', node.inputs.map(emit.of), {}, y),
  div: (node, emit, [y]) => void emit.node('Div', node.inputs.map(emit.of), {}, y),
  exp: (node, emit, [y]) => void emit.node('Exp', node.inputs.map(emit.of), {}, y),
  log: (node, emit, [y]) => void emit.node('Log', node.inputs.map(emit.of), {}, y),
  sqrt: (node, emit, [y]) => void emit.node('Sqrt', node.inputs.map(emit.of), {}, y),
  erf: (node, emit, [y]) => void emit.node('Erf', node.inputs.map(emit.of), {}, y),
  tanh: (node, emit, [y]) => void emit.node('Tanh', node.inputs.map(emit.of), {}, y),
  sigmoid: (node, emit, [y]) => void emit.node('Sigmoid', node.inputs.map(emit.of), {}, y),
  gelu: (node, emit, [y]) => void emit.node('Gelu', node.inputs.map(emit.of), {}, y),
  relu: (node, emit, [y]) => void emit.node('Relu', node.inputs.map(emit.of), {}, y),
  step: ({ inputs: [x] }, emit, [y]) => void emit.node('Sign', [emit.node('Relu', [emit.of(x)])], {}, y),
  softplus: (node, emit, [y]) => void emit.node('Softplus', node.inputs.map(emit.of), {}, y),
  abs: (node, emit, [y]) => void emit.node('Abs', node.inputs.map(emit.of), {}, y),
  sign: (node, emit, [y]) => void emit.node('Sign', node.inputs.map(emit.of), {}, y),
  power: ({ inputs: [x], attributes: { exponent } }, emit, [y]) =>
    void emit.node('Pow', [emit.of(x), emit.floats(Float32Array.of(exponent), [])], {}, y),
  detach: (node, emit, [y]) => void emit.node('Identity', node.inputs.map(emit.of), {}, y),
  toFloat: (node, emit, [y]) => void emit.node('Cast', node.inputs.map(emit.of), { to: ONNX_TYPE.float32 }, y),
  greater: (node, emit, [y]) => compare('Greater', node.inputs, emit, y),
  greaterOrEqual: (node, emit, [y]) => compare('GreaterOrEqual', node.inputs, emit, y),
  equal: (node, emit, [y]) => compare('Equal', node.inputs, emit, y),
  where: ({ inputs: [condition, a, b] }, emit, [y]) => {
    const holds = emit.node('Cast', [emit.of(condition)], { to: ONNX_BOOLEAN });
    emit.node('Where', [holds, emit.of(a), emit.of(b)], {}, y);
  },
  maximum: (node, emit, [y]) => void emit.node('Max', node.inputs.map(emit.of), {}, y),
  minimum: (node, emit, [y]) => void emit.node('Min', node.inputs.map(emit.of), {}, y),

  swiglu: ({ inputs: [gate, up] }, emit, [y]) => {
    const silu = emit.node('com.microsoft.QuickGelu', [emit.of(gate)], { alpha: { float: 1 } });
    emit.node('Mul', [silu, emit.of(up)], {}, y);
  },

  matmul: ({ inputs: [a, b], attributes }, emit, [y]) => {
    const isFlat = a.shape.length === 2 && b.shape.length === 2;
    const { transposeA, transposeB, alpha } = attributes;
    const isWeightFirst = isFlat && !transposeA && transposeB && hasFewRows(a, emit);
    if (isWeightFirst) weightFirst(emit, emit.of(a), emit.of(b), alpha, y);
    else product(emit, [emit.of(a), emit.of(b)], attributes, isFlat, y);
  },
  linear: ({ inputs }, emit, [y]) => {
    const [x, weight, bias] = inputs;
    if (hasFewRows(x, emit)) emit.node('Add', [weightFirst(emit, emit.of(x), emit.of(weight)), emit.of(bias)], {}, y);
    else emit.node('Gemm', inputs.map(emit.of), { transB: 1 }, y);
  },

  reshape: ({ inputs: [x], outputs }, emit, [y]) =>
    void emit.node('Reshape', [emit.of(x), emit.ints(outputs[0]?.shape ?? [])], {}, y),
  transpose: ({ inputs: [x], attributes }, emit, [y]) =>
    void emit.node('Transpose', [emit.of(x)], { perm: attributes.permutation }, y),
  slice: ({ inputs: [x], attributes: { axis, start, end } }, emit, [y]) =>
    void emit.node('Slice', [emit.of(x), emit.ints([start]), emit.ints([end]), emit.ints([axis])], {}, y),
  concat: ({ inputs, attributes: { axis } }, emit, [y]) => void emit.node('Concat', inputs.map(emit.of), { axis }, y),
  broadcast: ({ inputs: [x], outputs }, emit, [y]) =>
    void emit.node('Expand', [emit.of(x), emit.ints(outputs[0]?.shape ?? [])], {}, y),
  sum: ({ inputs: [x], attributes: { axes, keep } }, emit, [y]) =>
    void emit.node('ReduceSum', [emit.of(x), emit.ints(axes)], { keepdims: Number(keep) }, y),
  mean: ({ inputs: [x] }, emit, [y]) => void emit.node('ReduceMean', [emit.of(x), emit.ints([-1])], { keepdims: 1 }, y),
  reduceMax: ({ inputs: [x], attributes: { axes } }, emit, [y]) =>
    void emit.node('ReduceMax', [emit.of(x), emit.ints(axes)], { keepdims: 1 }, y),
  cumulativeSum: ({ inputs: [x], attributes: { axis, reverse } }, emit, [y]) =>
    void emit.node('CumSum', [emit.of(x), emit.ints([axis])], { reverse: Number(reverse) }, y),

  gather: ({ inputs: [table, indices] }, emit, [y]) =>
    void emit.node('Gather', [emit.of(table), emit.of(indices)], { axis: 0 }, y),
  scatterRows: (node, emit, [y]) => scatterRows(node, emit, y),
  moveRows: ({ inputs: [x, from] }, emit, [y]) => void emit.node('Gather', [emit.of(x), emit.of(from)], { axis: 0 }, y),
  pick: ({ inputs: [x, indices], outputs }, emit, [y]) => {
    const picked = emit.node('GatherElements', [emit.of(x), asColumn(indices, emit)], { axis: 1 });
    emit.node('Reshape', [picked, emit.ints(outputs[0]?.shape ?? [])], {}, y);
  },
  scatterPicked: ({ inputs: [base, indices, values] }, emit, [y]) => {
    const operands = [emit.of(base), asColumn(indices, emit), asColumn(values, emit)];
    emit.node('ScatterElements', operands, { axis: 1, reduction: 'add' }, y);
  },
  takeAlong: (node, emit, [y]) => void emit.node('GatherElements', node.inputs.map(emit.of), { axis: -1 }, y),
  scatterAlong: ({ inputs: [values, indices], outputs }, emit, [y]) => {
    const zeros = emit.node('Expand', [emit.floats(Float32Array.of(0), []), emit.ints(outputs[0]?.shape ?? [])]);
    emit.node('ScatterElements', [zeros, emit.of(indices), emit.of(values)], { axis: -1, reduction: 'add' }, y);
  },
  topK: ({ inputs: [x], attributes: { k } }, emit, [y, indices = '']) => {
    const wide = emit.fresh();
    emit.nodeAll('TopK', [emit.of(x), emit.ints([k])], { axis: -1, largest: 1, sorted: 1 }, [y, wide]);
    emit.node('Cast', [wide], { to: ONNX_TYPE.int32 }, indices);
  },

  softmax: ({ inputs: [x] }, emit, [y]) => void emit.node('Softmax', [emit.of(x)], { axis: -1 }, y),
  layerNorm: ({ inputs, attributes: { epsilon } }, emit, outputs) =>
    emit.nodeAll('LayerNormalization', inputs.map(emit.of), { axis: -1, epsilon: { float: epsilon } }, outputs),
  rmsNorm: ({ inputs, attributes: { epsilon } }, emit, [y, inverseRms = '']) => {
    const attributes = { axis: -1, epsilon: { float: epsilon } };
    emit.nodeAll('SimplifiedLayerNormalization', inputs.map(emit.of), attributes, [y, inverseRms]);
  },
  rotary: ({ inputs: [x, cos, sin], attributes: { isInterleaved } }, emit, [y]) => {
    const operands = [emit.of(x), emit.ints([0]), emit.of(cos), emit.of(sin)];
    emit.node('com.microsoft.RotaryEmbedding', operands, { interleaved: isInterleaved ? 1 : 0 }, y);
  },
  attention: ({ inputs: [q, k, v, mask], attributes: { scale } }, emit, [o, probabilities = '']) => {
    const options = { transposeA: false, transposeB: true, alpha: scale };
    const scores = product(emit, [emit.of(q), emit.of(k)], options, false);
    const masked = emit.node('Add', [scores, emit.of(mask)]);
    emit.node('Softmax', [masked], { axis: -1 }, probabilities);
    emit.node('MatMul', [probabilities, emit.of(v)], {}, o);
  },
  // -log p[l] = zmax - z[l] - log pmax: exact where p[l] underflows
  crossEntropy: ({ inputs: [logits, labels], outputs }, emit, [loss, probabilities = '']) => {
    const z = emit.of(logits);
    const rows = emit.ints(outputs[0]?.shape ?? []);
    const labelled = emit.node('GatherElements', [z, asColumn(labels, emit)], { axis: 1 });
    const largest = emit.node('ReduceMax', [z, emit.ints([1])], { keepdims: 1 });
    // Last of those that read the logits, so that it may write over them.
    emit.node('Softmax', [z], { axis: -1 }, probabilities);
    const logLargest = emit.node('Log', [emit.node('ReduceMax', [probabilities, emit.ints([1])], { keepdims: 1 })]);
    const column = emit.node('Sub', [emit.node('Sub', [largest, labelled]), logLargest]);
    emit.node('Reshape', [column, rows], {}, loss);
  },
};

/** A comparison, whose truth values become 0 and 1 in float32. */
function compare(operator: string, inputs: readonly Tensor[], emit: Emitter, y: string): void {
  emit.node('Cast', [emit.node(operator, inputs.map(emit.of))], { to: ONNX_TYPE.float32 }, y);
}

/** A matrix product by the operator that reads transposed operands in place: Gemm in two axes, FusedMatMul in more. */
function product(
  emit: Emitter,
  operands: readonly string[],
  { transposeA, transposeB, alpha }: NodeOf<'matmul'>['attributes'],
  isFlat: boolean,
  output?: string,
): string {
  const [transA, transB] = [Number(transposeA), Number(transposeB)];
  if (isFlat) return emit.node('Gemm', operands, { transA, transB, alpha: { float: alpha } }, output);
  if (!transposeA && !transposeB && alpha === 1) return emit.node('MatMul', operands, {}, output);
  return emit.node('com.microsoft.FusedMatMul', operands, { transA, transB, alpha: { float: alpha } }, output);
}

function hasFewRows(x: Tensor, { fewRows }: Emitter): boolean {
  const rows = axisLength(x, 0);
  return rows > 1 && rows <= fewRows;
}

/** x W^T as (W x^T)^T; by FusedMatMul, since the runtime makes Gemm and a transposition the other product again. */
function weightFirst(emit: Emitter, x: string, weight: string, alpha = 1, output?: string): string {
  const turned = product(emit, [weight, x], { transposeA: false, transposeB: true, alpha }, false);
  return emit.node('Transpose', [turned], { perm: [1, 0] }, output);
}

function scatterRows({ inputs: [rows, indices], outputs }: NodeOf<'scatterRows'>, emit: Emitter, y: string): void {
  const shape = outputs[0]?.shape ?? [];
  const [tableRows = 0] = shape;
  if (tableRows <= ONE_HOT_ROWS) {
    const hot = emit.node('OneHot', [
      emit.of(indices),
      emit.ints([tableRows], 'int32'),
      emit.floats(Float32Array.of(0, 1), [2]),
    ]);
    emit.node('Gemm', [hot, emit.of(rows)], { transA: 1 }, y);
    return;
  }
  const zero = sizeOf(shape) < LARGE_TABLE ? emit.floats(Float32Array.of(0), []) : zeroOfRun(indices, emit);
  const zeros = emit.node('Expand', [zero, emit.ints(shape)]);
  const spread = emit.node('Expand', [asColumn(indices, emit), emit.ints(rows.shape)]);
  emit.node('ScatterElements', [zeros, spread, emit.of(rows)], { axis: 0, reduction: 'add' }, y);
}

/** A zero that is computed in each run: zeros of constants would be folded into one constant of the whole shape, which is kept. */
function zeroOfRun(indices: Tensor, emit: Emitter): string {
  const first = emit.node('Gather', [emit.of(indices), emit.ints([0])]);
  return emit.node('Cast', [emit.node('Sub', [first, first])], { to: ONNX_TYPE.float32 });
}

function asColumn(x: Tensor, emit: Emitter): string {
  if (x.shape.length === 2 && axisLength(x, 1) === 1) return emit.of(x);
  return emit.node('Reshape', [emit.of(x), emit.ints([sizeOf(x.shape), 1])]);
}
