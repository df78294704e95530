/**
 * A graph as one ONNX graph: nodes in computing order, equal nodes once, names that follow from the order alone
 * (so that the same graph gives the same bytes).
 */
import { AssayError } from '#base/errors.ts';
import { LOWERING, type Emitter } from '#engine/onnx/lowering-rows.ts';
import type { OnnxArray, OnnxGraph, OnnxInitializer, OnnxNode, OnnxValue } from '#engine/onnx/proto.ts';
import { topologicalOrder } from '#engine/order.ts';
import {
  describe,
  firstOutput,
  type Node,
  type NodeOf,
  type PrimitiveName,
  type Shape,
  type Tensor,
} from '#engine/tensor.ts';

/** Choices between ways to compute the same. */
export interface LoweringOptions {
  /**
   * Products x W^T of 2 to so many rows are computed as (W x^T)^T: W is read as it lies, where otherwise it is copied into blocks
   * at every run, which few rows do not repay (ADR 0179). Last bits are others. Default 0: none.
   */
  readonly fewRows?: number;
}

/** Lowers the graph of the named outputs. @throws ShapeError if different inputs, or an input and an output, share a name. */
export function lower(outputs: Readonly<Record<string, Tensor>>, { fewRows = 0 }: LoweringOptions = {}): OnnxGraph {
  const named = Object.entries(outputs);
  const order = topologicalOrder(named.map(([, tensor]) => tensor));
  const writer = createWriter(wantedNames(named), takenNames(named, order), fewRows);
  for (const node of order) writer.add(node);
  for (const [name, tensor] of named) writer.output(name, tensor);
  return writer.graph;
}

/** A lowered graph as text, one node a line: what golden tests compare. */
export function printGraph(graph: OnnxGraph): string {
  const values = (list: readonly OnnxValue[]): string =>
    list.map(({ name, type, shape }) => `${name}: ${type}[${shape.join(',')}]`).join(', ');
  const lines = graph.nodes.map((node) => {
    const attributes = Object.entries(node.attributes).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
    const list = attributes.length === 0 ? '' : `{${attributes.join(' ')}}`;
    return `  ${node.outputs.join(', ')} = ${node.operator}${list}(${node.inputs.join(', ')})`;
  });
  return [`(${values(graph.inputs)}) ->`, ...lines, `  return ${values(graph.outputs)}`].join('\n');
}

/** The name a node's output should be given at once, so that it needs no copy at the end. */
type Wanted = (node: Node, output: number) => string | undefined;

function wantedNames(named: readonly (readonly [string, Tensor])[]): Wanted {
  return (node, output) => named.find(([, tensor]) => tensor.node === node && tensor.output === output)?.[0];
}

/** The names the user gave, which nothing else may get. */
function takenNames(named: readonly (readonly [string, Tensor])[], order: readonly Node[]): ReadonlySet<string> {
  const taken = new Set(named.map(([name]) => name));
  for (const { kind, attributes } of order) {
    if (kind !== 'input') continue;
    if (named.some(([name]) => name === attributes.name)) {
      throw new AssayError(
        'shape',
        `ShapeError: an input and an output are both named "${attributes.name}". Expected names of outputs that no input has.`,
      );
    }
    taken.add(attributes.name);
  }
  return taken;
}

interface Writer {
  add(node: Node): void;
  output(name: string, tensor: Tensor): void;
  readonly graph: OnnxGraph;
}

function createWriter(wanted: Wanted, taken: ReadonlySet<string>, fewRows: number): Writer {
  const inputs = new Map<string, OnnxValue>();
  const results: OnnxValue[] = [];
  /** Output names of each node, and of the first node equal to it. */
  const namesOf = new Map<Node, readonly [string, ...string[]]>();
  const known = new Map<string, readonly [string, ...string[]]>();
  const sink = createSink(taken);
  const emit: Emitter = { ...sink.emitter, fewRows, of: (tensor) => nameOf(namesOf, tensor) };

  const define = (node: Node): readonly [string, ...string[]] => {
    if (node.kind === 'input') return [defineInput(inputs, node)];
    if (node.kind === 'constant') {
      const { shape, dtype } = firstOutput(node);
      return [sink.initializer(dtype, node.attributes.values, shape)];
    }
    const fresh = (output: number): string => wanted(node, output) ?? emit.fresh();
    const names: [string, ...string[]] = [fresh(0), ...node.outputs.slice(1).map((_, i) => fresh(i + 1))];
    lowerNode(node, emit, names);
    return names;
  };
  return {
    add: (node) => {
      const key = keyOf(node, emit);
      const names = (key === undefined ? undefined : known.get(key)) ?? define(node);
      if (key !== undefined) known.set(key, names);
      namesOf.set(node, names);
    },
    output: (name, tensor) => {
      if (emit.of(tensor) !== name) emit.node('Identity', [emit.of(tensor)], {}, name);
      results.push({ name, type: tensor.dtype, shape: tensor.shape });
    },
    get graph() {
      const repeats = [...namesOf.keys()].some(({ isRemade }) => isRemade);
      return {
        nodes: sink.nodes,
        initializers: sink.initializers,
        inputs: [...inputs.values()],
        outputs: results,
        repeats,
      };
    },
  };
}

interface Sink {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxInitializer[];
  readonly emitter: Omit<Emitter, 'of' | 'fewRows'>;
  initializer(type: OnnxInitializer['type'], values: OnnxArray, shape: Shape): string;
}

/** Collects ONNX nodes and initializers; equal initializers are kept once. */
function createSink(taken: ReadonlySet<string>): Sink {
  const nodes: OnnxNode[] = [];
  const initializers: OnnxInitializer[] = [];
  const constants = new Map<string, string>();
  const nextName = (prefix: string): (() => string) => {
    let count = 0;
    const next = (): string => {
      const name = `${prefix}${count++}`;
      return taken.has(name) ? next() : name;
    };
    return next;
  };
  const fresh = nextName('t');
  const freshConstant = nextName('c');
  const initializer: Sink['initializer'] = (type, values, shape) => {
    const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    const key = `${type}[${shape.join(',')}]:${bytes.toString('base64')}`;
    const name = constants.get(key) ?? freshConstant();
    if (!constants.has(key)) initializers.push({ name, type, shape, values });
    constants.set(key, name);
    return name;
  };
  const nodeAll: Emitter['nodeAll'] = (qualified, operands, attributes, outputs) => {
    const operator = qualified.replace('com.microsoft.', '');
    const domain = operator === qualified ? {} : { domain: 'com.microsoft' as const };
    nodes.push({ operator, ...domain, inputs: operands, outputs, attributes });
  };
  const emitter: Sink['emitter'] = {
    fresh,
    ints: (values, type = 'int64') => {
      const array = type === 'int64' ? BigInt64Array.from(values, BigInt) : Int32Array.from(values);
      return initializer(type, array, [values.length]);
    },
    floats: (values, shape) => initializer('float32', values, shape),
    node: (operator, operands, attributes = {}, output = fresh()) => {
      nodeAll(operator, operands, attributes, [output]);
      return output;
    },
    nodeAll,
  };
  return { nodes, initializers, emitter, initializer };
}

function lowerNode<P extends PrimitiveName>(
  node: NodeOf<P>,
  emit: Emitter,
  names: readonly [string, ...string[]],
): void {
  LOWERING[node.kind](node, emit, names);
}

function nameOf(namesOf: ReadonlyMap<Node, readonly string[]>, tensor: Tensor): string {
  const name = namesOf.get(tensor.node)?.[tensor.output];
  if (name === undefined) throw new Error(`${describe(tensor)} was read before it was lowered`);
  return name;
}

/** Nodes with the same key compute the same values. Sources are told apart by themselves. */
function keyOf(node: Node, emit: Emitter): string | undefined {
  if (node.kind === 'input' || node.kind === 'constant') return undefined;
  const shape = node.outputs[0]?.shape ?? [];
  return `${node.isRemade === true ? 'remade ' : ''}${node.kind}${JSON.stringify(node.attributes)}[${shape.join(',')}](${node.inputs.map(emit.of).join(',')})`;
}

function defineInput(inputs: Map<string, OnnxValue>, node: NodeOf<'input'>): string {
  const { name } = node.attributes;
  const { shape, dtype } = firstOutput(node);
  const other = inputs.get(name);
  if (other !== undefined && (other.type !== dtype || other.shape.join() !== shape.join())) {
    throw new AssayError(
      'shape',
      `ShapeError: two inputs named "${name}", [${other.shape.join(', ')}] and [${shape.join(', ')}]. Expected one shape a name.`,
    );
  }
  inputs.set(name, { name, type: dtype, shape });
  return name;
}
