/**
 * What is computed once more on the way back instead of being kept: wide activations that cost little beside the products around them.
 * A remade node is the same operation on the same numbers, so no bit changes.
 */
import { axisLength, type Node, type PrimitiveName, sizeOf, type Tensor } from '#engine/tensor.ts';

/** What a gradient reads in the place of a tensor: the tensor, or one that is computed again. */
export type Remaker = (tensor: Tensor) => Tensor;

/** Operations without matrix products of their own, and attention, whose products are small beside those of wide layers. */
const CHEAP: ReadonlySet<PrimitiveName> = new Set(['swiglu', 'rmsNorm', 'layerNorm', 'attention']);
/** Operations that only move numbers: remade where what they move is. */
const MOVES: ReadonlySet<PrimitiveName> = new Set(['reshape', 'transpose']);
/** Tensors of at least so many values are remade, in models whose norms are at least so wide: narrower ones have memory to spare. */
const [LEAST_VALUES, LEAST_WIDTH] = [2 ** 18, 512];
/**
 * Attention costs keys / (6 width) of the products of a forward pass: it is remade where there are at most width / 8 keys, for a
 * fiftieth.
 */
const WIDTHS_A_KEY = 8;

/**
 * Remakes tensors of a graph, each once, where the graph is wide.
 * @param graph All nodes, in any order.
 */
export function remaker(graph: readonly Node[]): Remaker {
  const width = graph.reduce((most, node) => Math.max(most, normWidth(node)), 0);
  if (width < LEAST_WIDTH) return (tensor) => tensor;
  const known = new Map<Node, Node>();
  const remade = (tensor: Tensor): Tensor => {
    const { node } = tensor;
    if (!isRemade(node, width)) return tensor;
    const again = known.get(node) ?? { ...withInputs(node, node.inputs.map(remade)), isRemade: true };
    known.set(node, again);
    return { ...tensor, node: again };
  };
  return remade;
}

/** The node on other inputs of the same shapes. */
export function withInputs(node: Node, inputs: readonly Tensor[]): Node {
  // Sound, but beyond tsc: as many inputs as the node has.
  return { ...node, inputs } as Node;
}

function normWidth({ kind, inputs: [x] }: Node): number {
  return (kind === 'rmsNorm' || kind === 'layerNorm') && x !== undefined ? axisLength(x, -1) : 0;
}

function isRemade(node: Node, width: number): boolean {
  const { kind, inputs, outputs } = node;
  if (MOVES.has(kind)) return inputs.every((moved) => isRemade(moved.node, width));
  if (node.kind === 'attention' && WIDTHS_A_KEY * axisLength(node.inputs[1], -2) > width) return false;
  return CHEAP.has(kind) && outputs.some(({ shape }) => sizeOf(shape) >= LEAST_VALUES);
}
