/**
 * The part of ONNX's protobuf format that a lowered graph needs, written by hand: field numbers are those of onnx.proto.
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */

/** Element types of onnx.TensorProto.DataType. */
export const ONNX_TYPE = { float32: 1, int32: 6, int64: 7 } as const;
export type OnnxType = keyof typeof ONNX_TYPE;

export type OnnxAttribute = number | readonly number[] | { readonly float: number } | string;

export interface OnnxNode {
  readonly operator: string;
  /** Operators outside the standard set name their domain. */
  readonly domain?: 'com.microsoft';
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

export interface OnnxValue {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly number[];
}

export interface OnnxInitializer extends OnnxValue {
  readonly values: OnnxArray | ExternalData;
}

export type OnnxArray = Float32Array | Int32Array | BigInt64Array;

/** Values that stay in a file, which the runtime maps into memory; little-endian, row-major. */
export interface ExternalData {
  /** Name of the file, relative to the folder the session is told. */
  readonly file: string;
  /** First byte. */
  readonly offset: number;
  readonly byteLength: number;
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxInitializer[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** The name of one more output, before the others: an empty sequence of float32 tensors. */
  readonly emptySequence?: string;
  /** Whether equal nodes are meant to run more than once. */
  readonly repeats: boolean;
}

const IR_VERSION = 10;
const OPSET_VERSION = 21;
const MICROSOFT_OPSET_VERSION = 1;
/** onnx.TensorProto.DataLocation. */
const EXTERNAL = 1;
const WIRE_VARINT = 0;
const WIRE_BYTES = 2;
const WIRE_FLOAT = 5;
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** A graph as the bytes of an onnx.ModelProto. */
export function encodeModel(graph: OnnxGraph): Uint8Array {
  return join([
    varintField(1, IR_VERSION),
    messageField(7, graphProto(graph)),
    messageField(8, [varintField(2, OPSET_VERSION)]),
    messageField(8, [textField(1, 'com.microsoft'), varintField(2, MICROSOFT_OPSET_VERSION)]),
  ]);
}

function graphProto(graph: OnnxGraph): readonly Uint8Array[] {
  const sequences = graph.emptySequence === undefined ? [] : [graph.emptySequence];
  const empty = sequences.map((name): OnnxNode => ({
    operator: 'SequenceEmpty',
    inputs: [],
    outputs: [name],
    attributes: { dtype: ONNX_TYPE.float32 },
  }));
  const nodes = [...graph.nodes, ...empty];
  return [
    ...nodes.map((node) => messageField(1, nodeProto(node))),
    textField(2, 'assay'),
    ...graph.initializers.map((initializer) => messageField(5, tensorProto(initializer))),
    ...graph.inputs.map((value) => messageField(11, valueInfoProto(value))),
    ...sequences.map((name) => messageField(12, sequenceInfoProto(name))),
    ...graph.outputs.map((value) => messageField(12, valueInfoProto(value))),
  ];
}

function nodeProto(node: OnnxNode): readonly Uint8Array[] {
  return [
    ...node.inputs.map((name) => textField(1, name)),
    ...node.outputs.map((name) => textField(2, name)),
    textField(4, node.operator),
    ...Object.entries(node.attributes).map(([name, value]) => messageField(5, attributeProto(name, value))),
    ...(node.domain === undefined ? [] : [textField(7, node.domain)]),
  ];
}

function attributeProto(name: string, value: OnnxAttribute): readonly Uint8Array[] {
  const named = textField(1, name);
  if (typeof value === 'number') return [named, varintField(3, value), varintField(20, ATTRIBUTE_TYPE.int)];
  if (typeof value === 'string') return [named, textField(4, value), varintField(20, ATTRIBUTE_TYPE.string)];
  if ('float' in value) return [named, floatField(2, value.float), varintField(20, ATTRIBUTE_TYPE.float)];
  return [named, ...value.map((item) => varintField(8, item)), varintField(20, ATTRIBUTE_TYPE.ints)];
}

function tensorProto({ name, type, shape, values }: OnnxInitializer): readonly Uint8Array[] {
  const data =
    'file' in values
      ? [...externalEntries(values), varintField(14, EXTERNAL)]
      : [bytesField(9, new Uint8Array(values.buffer, values.byteOffset, values.byteLength))];
  return [
    ...shape.map((length) => varintField(1, length)),
    varintField(2, ONNX_TYPE[type]),
    textField(8, name),
    ...data,
  ];
}

function externalEntries({ file, offset, byteLength }: ExternalData): readonly Uint8Array[] {
  const entries = { location: file, offset: String(offset), length: String(byteLength) };
  return Object.entries(entries).map(([key, value]) => messageField(13, [textField(1, key), textField(2, value)]));
}

function valueInfoProto({ name, type, shape }: OnnxValue): readonly Uint8Array[] {
  const dimensions = shape.map((length) => messageField(1, [varintField(1, length)]));
  const tensorType = [varintField(1, ONNX_TYPE[type]), messageField(2, dimensions)];
  return [textField(1, name), messageField(2, [messageField(1, tensorType)])];
}

/** TypeProto.Sequence of float32 tensors of any shape. */
function sequenceInfoProto(name: string): readonly Uint8Array[] {
  const element = messageField(1, [messageField(1, [varintField(1, ONNX_TYPE.float32)])]);
  return [textField(1, name), messageField(2, [messageField(4, [element])])];
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

function key(field: number, wire: number): Uint8Array {
  return varint(field * 8 + wire);
}

function varintField(field: number, value: number): Uint8Array {
  return join([key(field, WIRE_VARINT), varint(value)]);
}

function floatField(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return join([key(field, WIRE_FLOAT), bytes]);
}

function bytesField(field: number, bytes: Uint8Array): Uint8Array {
  return join([key(field, WIRE_BYTES), varint(bytes.length), bytes]);
}

function textField(field: number, text: string): Uint8Array {
  return bytesField(field, new TextEncoder().encode(text));
}

function messageField(field: number, parts: readonly Uint8Array[]): Uint8Array {
  return bytesField(field, join(parts));
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
